// Owns finding programs of this user that listen for a collector (WAKELINE_LISTEN), by what their environment says.
// Linux shows a process's environment to its owner; elsewhere nothing is found and the user gives the address.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ListeningProgram {
  readonly pid: number;
  /** The command line, shortened. */
  readonly command: string;
  readonly address: string;
  readonly token: string;
}

const commandChars = 120;

/** One for each address: children have the environment of the program that listens, which is the oldest. */
export function listeningPrograms(procFolder = '/proc'): ListeningProgram[] {
  const byAddress = new Map<string, ListeningProgram>();
  for (const pid of pidsIn(procFolder)) {
    const program = programOf(procFolder, pid);
    if (program !== undefined && !byAddress.has(program.address)) byAddress.set(program.address, program);
  }
  return [...byAddress.values()];
}

function pidsIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    // No such folder: not Linux.
    return [];
  }
}

function programOf(folder: string, pid: number): ListeningProgram | undefined {
  try {
    const variables = readFileSync(join(folder, String(pid), 'environ'), 'utf8').split('\0');
    const variable = (name: string): string =>
      variables.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
    const address = variable('WAKELINE_LISTEN');
    const token = variable('WAKELINE_TOKEN');
    if (address === '' || addressProblem(address) !== '' || tokenProblem(token) !== '') return undefined;
    const words = readFileSync(join(folder, String(pid), 'cmdline'), 'utf8')
      .split('\0')
      .join(' ')
      .trim();
    return { pid, command: words.slice(0, commandChars), address, token };
  } catch {
    // Another user's, or gone meanwhile.
    return undefined;
  }
}

/** What is wrong with an address that a user gives; empty when nothing is. */
export function addressProblem(address: string): string {
  const tcp = /^tcp:\/\/(127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})\/?$/.exec(address);
  if (/^unix:./.test(address)) return '';
  if (tcp === null) return 'Give unix:<path> or tcp://127.0.0.1:<port>, as in the program’s WAKELINE_LISTEN.';
  const port = Number(tcp[2]);
  return port > 0 && port < 65_536
    ? ''
    : 'The port must be 1 to 65535: the one at which the program listens.';
}

/** What is wrong with a token that a user gives; empty when nothing is. */
export function tokenProblem(token: string): string {
  return /^[0-9a-fA-F]{32}$/.test(token)
    ? ''
    : 'The token is 32 hexadecimal digits: the program’s WAKELINE_TOKEN.';
}
