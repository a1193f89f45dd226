// Owns what a request must look like before anybody acts on it: each method's parameters, checked field by field.
// Says what is wrong in words that name the field. Knows nothing of sessions, files or sockets.
import {
  type ArrowsQuery,
  breakConditions,
  type DebuggedPart,
  type DebuggerEvent,
  details,
  type ExplainQuery,
  type Method,
  type Requests,
  type SiteQuery,
  type ViewportQuery,
} from './queries.ts';
import type { ViewerRequest } from './viewer-frames.ts';

/** A request that cannot be answered as it is. */
export class GuardError extends Error {
  override readonly name = 'GuardError';
}

/** The most pixels and lanes that one viewport may ask for: 8192 px is wider than any screen in use. */
export const viewportLimits = {
  widthPx: 8192,
  laneCount: 4096,
  filterChars: 1024,
  locate: 256,
  expanded: 256,
} as const;

/** Longest path that Linux takes, in bytes; used for characters. */
const pathChars = 4096;

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new GuardError(`${what} must be an object, not ${describe(value)}`);
  return value as Fields;
}

/** Short, so that a hostile value cannot fill a log. */
function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function finite(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new GuardError(`${name} must be a finite number, not ${describe(value)}`);
  return value;
}

function whole(fields: Fields, name: string, least: number, most: number): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    throw new GuardError(`${name} must be a whole number from ${least} to ${most}, not ${describe(value)}`);
  return value;
}

function text(fields: Fields, name: string, mostChars: number): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new GuardError(`${name} must be a string, not ${describe(value)}`);
  if (value.length > mostChars)
    throw new GuardError(`${name} has ${value.length} characters; at most ${mostChars} are allowed`);
  return value;
}

function oneOf<T extends string>(fields: Fields, name: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === fields[name]);
  if (found === undefined)
    throw new GuardError(`${name} must be one of ${allowed.join(', ')}, not ${describe(fields[name])}`);
  return found;
}

function path(fields: Fields, name: string): string {
  const value = text(fields, name, pathChars);
  if (!/^(\/|[A-Za-z]:[\\/])/.test(value) || value.includes('\0'))
    throw new GuardError(`${name} must be an absolute path, not ${describe(value)}`);
  return value;
}

function addressOf(fields: Fields): string {
  const value = text(fields, 'address', pathChars);
  if (!/^(unix:|tcp:\/\/)/.test(value) || value.includes('\0'))
    throw new GuardError(`address must be unix:<path> or tcp://<host>:<port>, not ${describe(value)}`);
  return value;
}

/** A wrong one is not repeated: what is said may end up in a log. */
function tokenOf(fields: Fields): string {
  const value = fields['token'];
  if (typeof value !== 'string' || !/^[0-9a-fA-F]{32}$/.test(value))
    throw new GuardError('token must be 32 hexadecimal digits');
  return value;
}

function sessionOf(fields: Fields): string {
  const value = fields['session'];
  if (typeof value !== 'string' || !/^[0-9a-f]{32}$/.test(value))
    throw new GuardError(`session must be 32 hexadecimal digits, not ${describe(value)}`);
  return value;
}

function interval(fields: Fields): { fromNs: number; toNs: number } {
  const fromNs = finite(fields, 'fromNs');
  const toNs = finite(fields, 'toNs');
  if (toNs < fromNs) throw new GuardError(`toNs (${toNs}) lies before fromNs (${fromNs})`);
  return { fromNs, toNs };
}

function viewport(fields: Fields): ViewportQuery {
  const { fromNs, toNs } = interval(fields);
  if (toNs === fromNs) throw new GuardError(`a viewport from ${fromNs} to ${toNs} ns is empty`);
  return {
    session: sessionOf(fields),
    fromNs,
    toNs,
    widthPx: whole(fields, 'widthPx', 1, viewportLimits.widthPx),
    firstLane: whole(fields, 'firstLane', 0, Number.MAX_SAFE_INTEGER),
    laneCount: whole(fields, 'laneCount', 0, viewportLimits.laneCount),
    filter: text(fields, 'filter', viewportLimits.filterChars),
    ...(fields['expanded'] === undefined
      ? {}
      : { expanded: wholeList(fields, 'expanded', viewportLimits.expanded) }),
    ...(fields['allCalls'] === undefined ? {} : { allCalls: fields['allCalls'] === true }),
    ...(fields['locate'] === undefined ? {} : { locate: wholeList(fields, 'locate', viewportLimits.locate) }),
  };
}

function wholeList(fields: Fields, name: string, mostItems: number): readonly number[] {
  const value = fields[name];
  if (!Array.isArray(value) || value.length > mostItems)
    throw new GuardError(
      `${name} must be a list of at most ${mostItems} whole numbers, not ${describe(value)}`,
    );
  return value.map((_item, index) =>
    whole(value as unknown as Fields, String(index), 0, Number.MAX_SAFE_INTEGER),
  );
}

function explain(fields: Fields): ExplainQuery {
  return {
    session: sessionOf(fields),
    lane: whole(fields, 'lane', 0, Number.MAX_SAFE_INTEGER),
    atNs: finite(fields, 'atNs'),
  };
}

function arrows(fields: Fields): ArrowsQuery {
  const lane = whole(fields, 'lane', 0, Number.MAX_SAFE_INTEGER);
  return { session: sessionOf(fields), lane, ...interval(fields) };
}

function siteSpans(fields: Fields): SiteQuery {
  return {
    session: sessionOf(fields),
    file: path(fields, 'file'),
    line: whole(fields, 'line', 1, 2 ** 31),
  };
}

function debuggedPart(fields: Fields): DebuggedPart {
  const pid = whole(fields, 'pid', 1, Number.MAX_SAFE_INTEGER);
  if (fields['nodeThread'] === undefined) return { pid };
  return { pid, nodeThread: whole(fields, 'nodeThread', 0, Number.MAX_SAFE_INTEGER) };
}

function debuggerEvent(fields: Fields): DebuggerEvent {
  const launch = text(fields, 'launch', 256);
  if (launch === '') throw new GuardError('launch must name the debug session; it is empty');
  const monotonicNs = finite(fields, 'monotonicNs');
  if (monotonicNs < 0) throw new GuardError(`monotonicNs must not be negative, not ${monotonicNs}`);
  return {
    launch,
    ...(fields['part'] === undefined ? {} : { part: debuggedPart(fieldsOf(fields['part'], 'part')) }),
    event: oneOf(fields, 'event', ['stop', 'continue']),
    monotonicNs,
    reason: oneOf(fields, 'reason', ['unknown', 'breakpoint', 'step', 'pause', 'exception', 'entry']),
    osThread: whole(fields, 'osThread', 0, Number.MAX_SAFE_INTEGER),
  };
}

const nothing = (): Record<string, never> => ({});
const onlySession = (fields: Fields): { session: string } => ({ session: sessionOf(fields) });

const guards: { readonly [M in Method]: (fields: Fields) => Requests[M]['params'] } = {
  sessions: nothing,
  viewport,
  explain,
  arrows,
  siteSpans,
  sites: onlySession,
  debugger: debuggerEvent,
  open: (fields) => ({ path: path(fields, 'path') }),
  control: (fields) => ({
    session: sessionOf(fields),
    detail: oneOf(fields, 'detail', details),
  }),
  breakOn: (fields) => ({
    session: sessionOf(fields),
    on: oneOf(fields, 'on', breakConditions),
    value: whole(fields, 'value', 0, Number.MAX_SAFE_INTEGER),
  }),
  attach: (fields) => ({ address: addressOf(fields), token: tokenOf(fields) }),
  detach: onlySession,
  forget: onlySession,
  status: nothing,
  shutdown: nothing,
};

/** Whether the collector knows this method. */
export function isMethod(method: unknown): method is Method {
  return typeof method === 'string' && Object.hasOwn(guards, method);
}

/** The parameters of a method with exactly the fields that it knows. Throws GuardError. */
export function guardParams<M extends Method>(method: M, params: unknown): Requests[M]['params'] {
  return guards[method](fieldsOf(params, `the parameters of ${method}`));
}

/** The number of a request, so that even a wrong one can be answered; undefined when it has none. */
export function requestId(message: unknown): number | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const id = (message as Fields)['id'];
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id : undefined;
}

/** A whole request. Throws GuardError. */
export function guardRequest(message: unknown): ViewerRequest {
  const fields = fieldsOf(message, 'a request');
  const id = whole(fields, 'id', 0, Number.MAX_SAFE_INTEGER);
  const method = fields['method'];
  if (!isMethod(method))
    throw new GuardError(
      `no request is called ${describe(method)}; there are ${Object.keys(guards).join(', ')}`,
    );
  return { id, method, params: guardParams(method, fields['params']) };
}
