// Owns the capture of source positions: which line of the user's code spawned, awaited or made something.
// Must not know what the position is for, nor how one is predicted. Called only while an observer is installed.

import { findSourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import { MUST_LOOK, positionSeen, predictPosition } from './site-prediction.ts';

/** A position in the source as the user wrote it. The same position is always the same object. */
export interface Site {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Empty when the code is in no function. */
  readonly functionName: string;
}

/** A function or class that the user called. */
export type PublicFunction = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown);

// Mostly the first frame is the user's and a stack of one is the cheapest to take. Where a built-in stands between,
// as in items.map(sleep), the user's is one of the next.
const STACK_DEPTHS = [1, 6] as const;

// A position in a file as one number: no file has lines of 2^20 columns and 2^33 lines.
const COLUMNS_PER_LINE = 2 ** 20;

// By file as V8 names it, then by position in what runs. Bounded by the number of distinct positions in the code.
const knownSites = new Map<string, Map<number, Site>>();

// What was captured, by number. 0 is a stack on which no frame is the user's.
const sitesByNumber: Array<Site | undefined> = [undefined];
const numbersOfSites = new Map<Site | undefined, number>([[undefined, 0]]);

/**
 * The position that called `publicFunction`, which must be on the stack: that function and everything it called
 * are left out, so it works the same when this package was bundled into the program. Undefined when no frame is
 * the user's.
 */
export function captureSite(publicFunction: PublicFunction): Site | undefined {
  const predicted = predictPosition(publicFunction);
  if (predicted !== MUST_LOOK) return sitesByNumber[predicted];
  const site = lookAtStack(publicFunction);
  positionSeen(numberOf(site));
  return site;
}

function numberOf(site: Site | undefined): number {
  let number = numbersOfSites.get(site);
  if (number === undefined) {
    number = sitesByNumber.push(site) - 1;
    numbersOfSites.set(site, number);
  }
  return number;
}

function lookAtStack(publicFunction: PublicFunction): Site | undefined {
  for (const depth of STACK_DEPTHS) {
    for (const callSite of captureStack(publicFunction, depth)) {
      const site = toSite(callSite);
      if (site !== undefined) return site;
    }
  }
  return undefined;
}

let captured: readonly NodeJS.CallSite[] = [];

function takeCallSites(_error: Error, callSites: readonly NodeJS.CallSite[]): string {
  captured = callSites;
  return '';
}

/** The frames below `publicFunction`, which must be on the stack: innermost first, `depth` at most. */
export function captureStack(publicFunction: PublicFunction, depth: number): readonly NodeJS.CallSite[] {
  const previousPrepare = Error.prepareStackTrace;
  const previousLimit = Error.stackTraceLimit;
  Error.prepareStackTrace = takeCallSites;
  Error.stackTraceLimit = depth;
  const holder: { stack?: unknown } = {};
  Error.captureStackTrace(holder, publicFunction);
  // V8 formats a stack when it is first read, so the read must come before our formatter is taken away.
  const formatted = holder.stack;
  Error.prepareStackTrace = previousPrepare;
  Error.stackTraceLimit = previousLimit;
  return formatted === '' ? captured : [];
}

/** The position of a frame; undefined for one of Node's own. */
export function toSite(callSite: NodeJS.CallSite): Site | undefined {
  const rawFile = callSite.getFileName();
  const rawLine = callSite.getLineNumber();
  const rawColumn = callSite.getColumnNumber();
  if (!rawFile || rawLine === null || rawColumn === null || rawFile.startsWith('node:')) return undefined;
  let sitesOfFile = knownSites.get(rawFile);
  if (sitesOfFile === undefined) {
    sitesOfFile = new Map();
    knownSites.set(rawFile, sitesOfFile);
  }
  const position = rawLine * COLUMNS_PER_LINE + rawColumn;
  let site = sitesOfFile.get(position);
  if (site === undefined) {
    site = mapToSource(rawFile, rawLine, rawColumn, callSite.getFunctionName() ?? '');
    sitesOfFile.set(position, site);
  }
  return site;
}

/** The position in the source as the user wrote it; each time another object. */
export function mapToSource(rawFile: string, rawLine: number, rawColumn: number, functionName: string): Site {
  // Node knows a file's map only when source maps are on (--enable-source-maps, or a loader that turns them on).
  const map = findSourceMap(rawFile);
  const entry = map?.findEntry(rawLine - 1, rawColumn - 1);
  if (entry !== undefined && 'originalSource' in entry) {
    return {
      file: toPath(entry.originalSource),
      line: entry.originalLine + 1,
      column: entry.originalColumn + 1,
      functionName,
    };
  }
  return { file: toPath(rawFile), line: rawLine, column: rawColumn, functionName };
}

/** Loaders may name a module by URL and add a query to it; the viewer wants the plain path. */
function toPath(file: string): string {
  if (!file.startsWith('file:')) return file;
  const url = new URL(file);
  url.search = '';
  url.hash = '';
  return fileURLToPath(url);
}
