// Owns what each type of Node's resources is to the trace. The types are Node's own names, as its hooks tell them.
import type { RecordedJob, RecordedSource } from '../probe/recorder.ts';

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
};

/** Requests that are done when the handle that they were made on becomes writable. */
export const writableRequests: ReadonlySet<string> = new Set([
  'TCPCONNECTWRAP',
  'PIPECONNECTWRAP',
  'WRITEWRAP',
  'SHUTDOWNWRAP',
  'UDPSENDWRAP',
]);

/** One parser for each connection: it takes over the reads of the connection's handle. */
export const parserType = 'HTTPINCOMINGMESSAGE';

interface JobOf {
  readonly kind: RecordedJob['kind'];
  readonly name: string;
}

/** Work that libuv's pool does. */
export const jobKinds: Readonly<Record<string, JobOf>> = {
  FSREQCALLBACK: { kind: 'fileOther', name: '' },
  FSREQPROMISE: { kind: 'fileOther', name: '' },
  GETADDRINFOREQWRAP: { kind: 'dns', name: 'getaddrinfo' },
  GETNAMEINFOREQWRAP: { kind: 'dns', name: 'getnameinfo' },
};

/** As above, but made for the synchronous calls too: those run at once and on no pool thread. */
export const cryptoJobs: Readonly<Record<string, JobOf>> = Object.fromEntries(
  [
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
  ].map((type) => [type, { kind: 'crypto', name: type.slice(0, -'REQUEST'.length).toLowerCase() }]),
);
