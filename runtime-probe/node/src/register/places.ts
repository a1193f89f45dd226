// Owns the places in the program's code at which promises are made: found from a stack, each the same object again.
// Knows nothing of hooks, of tasks or of how a place is predicted.
import { basename } from 'node:path';
import type { Site } from '../executor/site.ts';
import { toSource } from './source-maps.ts';

export const placeKind = {
  /** Nobody knows where: no JavaScript on the stack, or no capture was affordable. */
  unknown: 0,
  /** The beginning of an async function's call: its own promise is made there. */
  call: 1,
  /** Inside a function: an await, or a promise that Node's own code makes for it. */
  inside: 2,
  /** `new Promise`, `then`, `Promise.all` …: V8's functions, called from the site. */
  native: 3,
  /** A step of an async generator: which function it runs is known when that awaits. */
  step: 4,
} as const;
export type PlaceKind = (typeof placeKind)[keyof typeof placeKind];

export interface Place {
  /** From 0 (nowhere), in the order in which they were met. */
  readonly index: number;
  kind: PlaceKind;
  /** Which function it is in; 0 where that is not known. Two places of one function have the same. */
  readonly functionKey: number;
  /** Of a call: the function that called; 0 where that is not known. */
  readonly callerKey: number;
  /** Of a call: nothing that awaits called it, but a module's top level; or it is a module's top level. */
  readonly isOutermost: boolean;
  /** Whether it is in no function, or is a module's top level. */
  readonly isTopLevel: boolean;
  /** The name of the function that it is in; empty where it has none. */
  readonly functionName: string;
  /** Of the site and of the name in the dictionary; 0 until they were told. */
  siteId: number;
  nameId: number;
  /** Where in the source, as the user wrote it. */
  readonly site: Site | undefined;
}

export const nowhere: Place = {
  index: 0,
  kind: placeKind.unknown,
  functionKey: 0,
  callerKey: 0,
  isOutermost: false,
  isTopLevel: false,
  functionName: '',
  siteId: 0,
  nameId: 0,
  site: undefined,
};

/** A position in a file as one number: no file has lines of 2^20 columns and 2^33 lines. */
const columnsPerLine = 2 ** 20;
/** A program that makes code for ever (a REPL, templates) must not fill the memory with places of it. */
const placeLimit = 1 << 16;
/**
 * Each frame costs. An await needs the innermost, a call its caller too; where one of V8's own functions is innermost
 * (Promise.all calls then), or another hook of the program stands between, more of them are looked at.
 */
const depthOfAwait = 1;
const depthOfCall = 2;
const depthOfNative = 6;

/** Node's own functions that may stand between V8 and our hook, where the program has promise hooks too. */
const hookFiles: ReadonlySet<string> = new Set(['node:internal/promise_hooks', 'node:internal/async_hooks']);

let captured: readonly NodeJS.CallSite[] = [];

function takeCallSites(_error: Error, callSites: readonly NodeJS.CallSite[]): string {
  captured = callSites;
  return '';
}

/** The functions of V8's that run an async generator's code. */
const generatorSteps: ReadonlySet<string> = new Set(['next', 'return', 'throw']);

interface FunctionOfFile {
  readonly key: number;
  /** Nothing calls it but a module's evaluation: it begins where the file begins, and has no name. */
  readonly isTopLevel: boolean;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** What stands for a call of it where that makes no promise of its own. */
  started: Place | undefined;
  /** Where its calls make their promise, as far as is known: nothing in it stands before. */
  entry: number;
  /** Calls of it by the position that called. */
  calls: Map<string, Place>;
}

const topLevel = -1;

interface PlacesOfFile {
  readonly inside: Map<number, Place>;
  readonly natives: Map<number, Map<string, Place>>;
  /** By where the function begins; `topLevel` for the file's own code. */
  readonly functions: Map<number, FunctionOfFile>;
}

export class Places {
  private readonly files = new Map<string, PlacesOfFile>();
  /** By key. */
  private readonly functions: FunctionOfFile[] = [];
  private count = 0;
  /** False once the program made stacks unreadable for us (frozen intrinsics). */
  private readable = true;
  /** By index. */
  readonly all: Place[] = [nowhere];
  /** Stacks taken so far. */
  captures = 0;

  /** The place of what is being made now. `hook` is our function that V8 called: what is above it is not looked at. */
  capture(hook: (...args: never[]) => unknown, hasParent: boolean): Place {
    if (!this.readable) return nowhere;
    this.captures++;
    let stack = this.stackBelow(hook, hasParent ? depthOfAwait : depthOfCall);
    const innermost = stack[0]?.getFileName() ?? '';
    if (stack.length > 0 && (innermost === '' || hookFiles.has(innermost)))
      stack = this.stackBelow(hook, depthOfNative);
    let at = 0;
    while (hookFiles.has(stack[at]?.getFileName() ?? '')) at++;
    const top = stack[at];
    if (top === undefined) return nowhere;
    const file = top.getFileName();
    if (file) {
      if (!this.takes(file)) return nowhere;
      return this.placeInside(file, top, hasParent ? undefined : { below: stack[at + 1] });
    }
    for (const below of stack.slice(at + 1)) {
      const fileBelow = below.getFileName();
      if (!fileBelow) continue;
      if (!this.takes(fileBelow)) return nowhere;
      return this.placeOfNative(top.getFunctionName() ?? '', fileBelow, below, hasParent);
    }
    return nowhere;
  }

  /** Behind the limit nothing is kept of files that were not met before either. */
  private takes(file: string): boolean {
    return this.count < placeLimit || this.files.has(file);
  }

  private stackBelow(hook: (...args: never[]) => unknown, depth: number): readonly NodeJS.CallSite[] {
    const { prepareStackTrace, stackTraceLimit } = Error;
    captured = [];
    try {
      Error.prepareStackTrace = takeCallSites;
      Error.stackTraceLimit = depth;
      const holder: { stack?: unknown } = {};
      Error.captureStackTrace(holder, hook);
      // V8 formats a stack when it is first read, so the read must come before our formatter is taken away.
      void holder.stack;
    } catch {
      this.readable = false;
    } finally {
      try {
        Error.prepareStackTrace = prepareStackTrace;
        Error.stackTraceLimit = stackTraceLimit;
      } catch {
        this.readable = false;
      }
    }
    return captured;
  }

  /** `made` where the promise has no parent: with what stands below on the stack. */
  private placeInside(
    file: string,
    callSite: NodeJS.CallSite,
    made: { readonly below: NodeJS.CallSite | undefined } | undefined,
  ): Place {
    const places = this.placesOf(file);
    const position = positionOf(callSite.getLineNumber(), callSite.getColumnNumber());
    const owner = this.functionOf(places, file, callSite);
    // A promise without a parent whose place is the first of its function is that of the function's call: others of
    // this kind (of import(), of Node's own calls into C++) stand behind it.
    if (made !== undefined && !owner.isTopLevel && position <= owner.entry) {
      if (position < owner.entry) {
        for (const place of owner.calls.values()) place.kind = placeKind.inside;
        owner.calls = new Map();
        owner.entry = position;
      }
      return this.placeOfCall(file, callSite, owner, made.below);
    }
    let place = places.inside.get(position);
    if (place === undefined) {
      place = this.add(placeKind.inside, owner, undefined, file, callSite);
      places.inside.set(position, place);
    }
    return place;
  }

  /** A call's own promise is made where its function begins, whoever calls: the caller tells two calls apart. */
  private placeOfCall(
    file: string,
    callSite: NodeJS.CallSite,
    owner: FunctionOfFile,
    below: NodeJS.CallSite | undefined,
  ): Place {
    const callerFile = below?.isAsync() === true ? undefined : below?.getFileName();
    const key = callerFile ? `${callerFile}:${below?.getLineNumber()}:${below?.getColumnNumber()}` : '';
    let place = owner.calls.get(key);
    if (place === undefined) {
      const caller =
        callerFile && below !== undefined && this.takes(callerFile)
          ? this.functionOf(this.placesOf(callerFile), callerFile, below)
          : undefined;
      place = this.add(placeKind.call, owner, caller, file, callSite);
      owner.calls.set(key, place);
    }
    return place;
  }

  private placeOfNative(name: string, file: string, callSite: NodeJS.CallSite, hasParent: boolean): Place {
    const { natives } = this.placesOf(file);
    const position = positionOf(callSite.getLineNumber(), callSite.getColumnNumber());
    let byName = natives.get(position);
    if (byName === undefined) {
      byName = new Map();
      natives.set(position, byName);
    }
    let place = byName.get(name);
    if (place === undefined) {
      const kind = !hasParent && generatorSteps.has(name) ? placeKind.step : placeKind.native;
      place = this.add(kind, undefined, undefined, file, callSite);
      byName.set(name, place);
    }
    return place;
  }

  /** What stands for a call of the function that the place is in: of an async generator's step, or of a module. */
  callAround(place: Place): Place | undefined {
    const owner = this.functions[place.functionKey - 1];
    if (owner === undefined) return undefined;
    if (owner.started === undefined && this.count < placeLimit) {
      const file = place.site?.file ?? owner.file;
      const functionName = owner.isTopLevel ? `top level of ${basename(file)}` : place.functionName;
      const site = owner.isTopLevel
        ? { file, line: 1, column: 1, functionName }
        : toSource(owner.file, owner.line, owner.column, functionName);
      const { key: functionKey, isTopLevel } = owner;
      const kind = placeKind.call;
      const isOutermost = isTopLevel;
      owner.started = this.keep({
        kind,
        functionKey,
        callerKey: 0,
        isOutermost,
        isTopLevel,
        functionName,
        site,
      });
    }
    return owner.started;
  }

  private add(
    kind: PlaceKind,
    owner: FunctionOfFile | undefined,
    caller: FunctionOfFile | undefined,
    file: string,
    callSite: NodeJS.CallSite,
  ): Place {
    if (this.count >= placeLimit) return nowhere;
    const functionName = callSite.getFunctionName() ?? '';
    return this.keep({
      kind,
      functionKey: owner?.key ?? 0,
      callerKey: caller?.key ?? 0,
      isOutermost: caller?.isTopLevel === true,
      isTopLevel: owner?.isTopLevel === true,
      functionName,
      site: toSource(file, callSite.getLineNumber() ?? 0, callSite.getColumnNumber() ?? 0, functionName),
    });
  }

  private keep(place: Omit<Place, 'index' | 'siteId' | 'nameId'>): Place {
    this.count++;
    const kept: Place = { index: this.count, ...place, siteId: 0, nameId: 0 };
    this.all.push(kept);
    return kept;
  }

  private placesOf(file: string): PlacesOfFile {
    let places = this.files.get(file);
    if (places === undefined) {
      places = { inside: new Map(), natives: new Map(), functions: new Map() };
      this.files.set(file, places);
    }
    return places;
  }

  private functionOf(places: PlacesOfFile, file: string, callSite: NodeJS.CallSite): FunctionOfFile {
    const line = callSite.getEnclosingLineNumber() ?? 0;
    const column = callSite.getEnclosingColumnNumber() ?? 0;
    // A function that the file begins with begins where the top level does.
    const isTopLevel = line === 1 && column === 1 && !callSite.getFunctionName();
    const begin = isTopLevel ? topLevel : positionOf(line, column);
    let owner = places.functions.get(begin);
    if (owner === undefined) {
      owner = {
        key: this.functions.length + 1,
        isTopLevel,
        file,
        line,
        column,
        started: undefined,
        entry: Number.POSITIVE_INFINITY,
        calls: new Map(),
      };
      this.functions.push(owner);
      places.functions.set(begin, owner);
    }
    return owner;
  }
}

function positionOf(line: number | null, column: number | null): number {
  return (line ?? 0) * columnsPerLine + (column ?? 0);
}
