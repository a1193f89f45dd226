// Owns what the collector process is told: arguments, environment, standard input, and what holds without them.
// Must not start anything. The token never comes by argument, because every user of the machine can read those.
import { randomBytes } from 'node:crypto';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { CollectorSettings } from './collector.ts';
import { SettingsError } from './endpoint.ts';

export const usage = `Usage:
  collect [options]   listen for programs and viewers
  dump <recording>    print what a recording holds

Options of collect:
  --folder <path>        private folder of the socket
  --name <name>          the socket is <folder>/<name>.sock
  --recordings <path>    where recordings are kept
  --tcp <port>           listen on 127.0.0.1 instead; 0 takes any free port
  --idle-seconds <n>     end after that long without programs and viewers; 0 never.
                         60 when a token is given, else 0
  --quota-mib <n>        delete the oldest recordings beyond that (2048)
  --memory-mib <n>       memory of each session's engine (1024)
  --token-stdin          read the token from the first line of standard input

The token, 32 hexadecimal digits, is taken from WAKELINE_TOKEN or from standard input.
Without one the collector makes one and keeps it beside the socket, in a file that only you can read.
`;

const mib = 1024 * 1024;

export interface CollectCommand {
  readonly command: 'collect';
  readonly settings: Omit<CollectorSettings, 'token' | 'idleTimeoutMs'>;
  /** Undefined: 60 s with a token that was given, never without. */
  readonly idleTimeoutMs: number | undefined;
  readonly tokenFromStdin: boolean;
}

export interface DumpCommand {
  readonly command: 'dump';
  readonly recording: string;
}

export type Command = CollectCommand | DumpCommand | { readonly command: 'help' };

/** Throws SettingsError that says what is wrong with the arguments. */
export function parseCommand(argv: readonly string[], environment: NodeJS.ProcessEnv): Command {
  const [command, ...rest] = argv;
  if (command === undefined || command === 'help' || command === '--help' || command === '-h')
    return { command: 'help' };
  if (command === 'dump') return parseDump(rest);
  if (command === 'collect') return parseCollect(rest, environment);
  throw new SettingsError(`there is no command ${JSON.stringify(command)}.\n${usage}`);
}

function parseDump(rest: readonly string[]): DumpCommand {
  const recording = rest[0];
  if (recording === undefined || rest.length > 1)
    throw new SettingsError(`dump takes the path of one recording.\n${usage}`);
  return { command: 'dump', recording: resolve(recording) };
}

const collectOptions = {
  folder: { type: 'string' },
  name: { type: 'string' },
  recordings: { type: 'string' },
  tcp: { type: 'string' },
  'idle-seconds': { type: 'string' },
  'quota-mib': { type: 'string' },
  'memory-mib': { type: 'string' },
  'token-stdin': { type: 'boolean' },
} as const;

function parseCollect(rest: readonly string[], environment: NodeJS.ProcessEnv): CollectCommand {
  const values = collectArguments(rest);
  const name = values.name ?? `collector-${process.pid}`;
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name))
    throw new SettingsError(`--name takes letters, digits, '.', '_' and '-', not ${JSON.stringify(name)}`);
  const idleSeconds = optionalNumber(values['idle-seconds'], '--idle-seconds', 0, 86_400);
  return {
    command: 'collect',
    settings: {
      folder: resolve(values.folder ?? defaultFolder(environment)),
      name,
      recordingsFolder: resolve(values.recordings ?? defaultRecordings(environment)),
      tcpPort: optionalNumber(values.tcp, '--tcp', 0, 65_535),
      quotaBytes: (optionalNumber(values['quota-mib'], '--quota-mib', 1, 1e6) ?? 2048) * mib,
      memoryBudgetBytes: (optionalNumber(values['memory-mib'], '--memory-mib', 16, 1e6) ?? 1024) * mib,
    },
    idleTimeoutMs: idleSeconds === undefined ? undefined : idleSeconds * 1000,
    tokenFromStdin: values['token-stdin'] ?? false,
  };
}

function collectArguments(rest: readonly string[]) {
  try {
    return parseArgs({ args: [...rest], options: collectOptions, strict: true }).values;
  } catch (error) {
    throw new SettingsError(`${(error as Error).message}\n${usage}`);
  }
}

function optionalNumber(
  text: string | undefined,
  option: string,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most)
    throw new SettingsError(
      `${option} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`,
    );
  return value;
}

/** The user's runtime folder where there is one: it is private, in memory, and short enough for a socket's path. */
function defaultFolder(environment: NodeJS.ProcessEnv): string {
  const runtime = environment['XDG_RUNTIME_DIR'];
  return runtime ? join(runtime, 'wakeline') : join(tmpdir(), `wakeline-${process.getuid?.() ?? 'user'}`);
}

function defaultRecordings(environment: NodeJS.ProcessEnv): string {
  return join(environment['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'wakeline', 'recordings');
}

/** Throws SettingsError; the wrong token is not repeated in the message. */
export function checkToken(token: string): string {
  const trimmed = token.trim().toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(trimmed))
    throw new SettingsError(
      'a token is 32 hexadecimal digits; WAKELINE_TOKEN or standard input holds another text',
    );
  return trimmed;
}

export function makeToken(): string {
  return randomBytes(16).toString('hex');
}
