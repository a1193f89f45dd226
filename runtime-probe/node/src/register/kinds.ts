// Owns what each type of Node's resources is to the trace. The types are Node's own names, as its hooks tell them.
import type { RecordedJob, RecordedSource } from '../probe/recorder.ts';
import { type ResourceRole, resourceRole } from './stamps.ts';

/** What the loop watches. Node calls back when it has read, accepted or heard something. */
export const handleKinds: Readonly<Record<string, RecordedSource['kind']>> = {
  TCPWRAP: 'tcpStream',
  TCPSERVERWRAP: 'tcpListener',
  // Node does not tell a pipe from a unix socket.
  PIPEWRAP: 'pipe',
  PIPESERVERWRAP: 'unixListener',
  TTYWRAP: 'unknown',
  UDPWRAP: 'udpSocket',
  MESSAGEPORT: 'messagePort',
  SIGNALWRAP: 'signal',
  PROCESSWRAP: 'child',
  // A watch of a file or folder: its descriptor is one for all of them.
  FSEVENTWRAP: 'unknown',
};

/** Handles from which Node reads before it calls back. */
export const streamTypes: ReadonlySet<string> = new Set(['TCPWRAP', 'PIPEWRAP', 'TTYWRAP']);

/** Handles from which Node takes a connection before it calls back. */
export const listenerTypes: ReadonlySet<string> = new Set(['TCPSERVERWRAP', 'PIPESERVERWRAP']);

/** Requests that are done when the handle that they were made on becomes writable. */
const writableRequests = [
  'TCPCONNECTWRAP',
  'PIPECONNECTWRAP',
  'WRITEWRAP',
  'SHUTDOWNWRAP',
  'UDPSENDWRAP',
] as const;

interface JobOf {
  readonly kind: RecordedJob['kind'];
  readonly name: string;
}

/** Work that libuv's pool does. What a file operation is its stack tells. */
const jobKinds: Readonly<Record<string, JobOf>> = {
  FSREQCALLBACK: { kind: 'fileOther', name: '' },
  FSREQPROMISE: { kind: 'fileOther', name: '' },
  FILEHANDLECLOSEREQ: { kind: 'fileOther', name: 'close' },
  GETADDRINFOREQWRAP: { kind: 'dns', name: 'getaddrinfo' },
  GETNAMEINFOREQWRAP: { kind: 'dns', name: 'getnameinfo' },
};

/** As above, but made for the synchronous calls too: those run at once and on no pool thread. */
const cryptoTypes = [
  'PBKDF2REQUEST',
  'SCRYPTREQUEST',
  'RANDOMBYTESREQUEST',
  'RANDOMPRIMEREQUEST',
  'CHECKPRIMEREQUEST',
  'HASHREQUEST',
  'KEYGENREQUEST',
  'KEYPAIRGENREQUEST',
  'KEYEXPORTREQUEST',
  'SIGNREQUEST',
  'VERIFYREQUEST',
  'CIPHERREQUEST',
  'DERIVEBITSREQUEST',
] as const;

export const jobsByType: ReadonlyMap<string, JobOf> = new Map([
  ...Object.entries(jobKinds),
  ...cryptoTypes.map((type): [string, JobOf] => [
    type,
    { kind: 'crypto', name: type.slice(0, -'REQUEST'.length).toLowerCase() },
  ]),
]);

/** One look-up for each resource that is made; a type that is missing is `other`. */
export const roleOfType: ReadonlyMap<string, ResourceRole> = new Map<string, ResourceRole>([
  ...Object.keys(handleKinds).map((type) => [type, resourceRole.handle] as const),
  ...writableRequests.map((type) => [type, resourceRole.request] as const),
  ...Object.keys(jobKinds).map((type) => [type, resourceRole.job] as const),
  ...cryptoTypes.map((type) => [type, resourceRole.cryptoJob] as const),
  // One for each connection: it takes over the reads of the connection's handle.
  ['HTTPINCOMINGMESSAGE', resourceRole.parser],
  ['Timeout', resourceRole.timer],
  // One for each stream that packs or unpacks: each piece that is handed to it is a job.
  ['ZLIB', resourceRole.packer],
  // It takes over the reads of the connection that it protects.
  ['TLSWRAP', resourceRole.tls],
  ['HTTP2SESSION', resourceRole.session],
  ['HTTP2STREAM', resourceRole.stream],
  ['QUERYWRAP', resourceRole.query],
]);

const typesByClass: ReadonlyMap<string, string> = new Map([
  ['TCP', 'TCPWRAP'],
  ['Pipe', 'PIPEWRAP'],
  ['TTY', 'TTYWRAP'],
  ['UDP', 'UDPWRAP'],
  ['Signal', 'SIGNALWRAP'],
  ['Process', 'PROCESSWRAP'],
  ['FSEvent', 'FSEVENTWRAP'],
  ['TLSWrap', 'TLSWRAP'],
  ['HTTPServerAsyncResource', 'HTTPINCOMINGMESSAGE'],
  ['HTTPClientAsyncResource', 'HTTPCLIENTREQUEST'],
  ['Timeout', 'Timeout'],
]);

/** The class of what http makes for a connection each time that it uses it again. */
const reusedHandle = 'ReusedHandle';

/** Whether it is a connection that this program has made itself: only a client uses one again. */
export function isReused(resource: object): boolean {
  return resource.constructor?.name === reusedHandle;
}

/** The type of a resource of which no hook has told; undefined for one that is not known by its class. */
export function typeOfUntold(resource: object): string | undefined {
  const name = resource.constructor?.name ?? '';
  if (name === 'Object' && 'callback' in resource && 'args' in resource) return 'TickObject';
  const { handle } = resource as { handle?: object | null };
  if (name === reusedHandle && handle != null) return typeOfUntold(handle);
  const type = typesByClass.get(name);
  const listens = typeof (resource as { onconnection?: unknown }).onconnection === 'function';
  return listens ? type?.replace(/WRAP$/, 'SERVERWRAP') : type;
}
