// Owns reading where the collector is from the environment. Knows nothing of sockets or threads.
import { isAbsolute } from 'node:path';
import { detail } from '../wire/index.ts';
import type { Endpoint } from './writer/start.ts';

export interface CollectorAddress {
  readonly endpoint: Endpoint;
  /** 32 hexadecimal digits. */
  readonly token: string;
  /** Which debug session started the program; empty when none did. */
  readonly launch: string;
  /** One of the wire's `detail`, to begin with; undefined where the environment names none. */
  readonly detail: number | undefined;
}

/** Undefined when the environment names no collector. Throws on a value that cannot be meant. */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): CollectorAddress | undefined {
  const address = environment['WAKELINE'];
  if (address === undefined || address === '') return undefined;
  const token = environment['WAKELINE_TOKEN'] ?? '';
  if (!/^[0-9a-fA-F]{32}$/.test(token))
    throw new Error(
      'WAKELINE_TOKEN must be the 32 hexadecimal digits that belong to WAKELINE; start the program from Wakeline, or unset WAKELINE',
    );
  return {
    endpoint: readEndpoint(address),
    token: token.toLowerCase(),
    launch: environment['WAKELINE_LAUNCH'] ?? '',
    detail: readDetail(environment['WAKELINE_DETAIL'] ?? ''),
  };
}

/** How long an exit may wait for the last events, in ms; 300 unless the environment says otherwise. */
export function readExitMs(environment: Readonly<Record<string, string | undefined>>): number {
  const asked = environment['WAKELINE_EXIT_MS'] ?? '';
  return /^\d{1,9}$/.test(asked) ? Number(asked) : 300;
}

/** Whether what the threads of the pool do is asked for. */
export function readPoolThreads(environment: Readonly<Record<string, string | undefined>>): boolean {
  return environment['WAKELINE_POOL_THREADS'] === '1';
}

/** From how many milliseconds on a poll is looked at; 10 unless the environment says otherwise, 0 for never. */
export function readLongPollMs(environment: Readonly<Record<string, string | undefined>>): number {
  const asked = environment['WAKELINE_LONG_POLL_MS'] ?? '';
  return /^\d{1,9}$/.test(asked) ? Number(asked) : 10;
}

function readDetail(name: string): number | undefined {
  if (name === '') return undefined;
  const level = Object.hasOwn(detail, name) ? detail[name as keyof typeof detail] : undefined;
  if (level !== undefined) return level;
  throw new Error(
    `WAKELINE_DETAIL is ${JSON.stringify(name)}, which is none of ${Object.keys(detail).join(', ')}; unset it to record as usual`,
  );
}

function readEndpoint(address: string): Endpoint {
  if (address.startsWith('unix:')) {
    const path = address.slice('unix:'.length);
    if (isAbsolute(path)) return { kind: 'unix', path };
  }
  const tcp = /^tcp:\/\/(127\.0\.0\.1|\[::1\]|localhost):(\d{1,5})$/.exec(address);
  const port = Number(tcp?.[2]);
  if (tcp?.[1] !== undefined && port >= 1 && port <= 65535)
    return { kind: 'tcp', host: tcp[1] === '[::1]' ? '::1' : tcp[1], port };
  throw new Error(
    `WAKELINE is ${JSON.stringify(address)}, which is neither unix:<absolute path> nor tcp://127.0.0.1:<port>; unset it to run without a trace`,
  );
}
