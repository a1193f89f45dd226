// Owns launch configurations beside the examples' own: the same programs, running long enough to be looked at.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { examplesFolder } from './parts.ts';

/** Rounds that keep the requests going for about a minute: a client's round takes up to 250 ms. */
const longRounds = '240';

/** A variable that a user has set, and its value. */
export const ownVariable = { name: 'E2E_OWN', value: 'kept as it was' } as const;

export const longTypeScript = {
  name: 'long requests (TypeScript)',
  type: 'node',
  request: 'launch',
  program: `${examplesFolder}/typescript/dist/requests.js`,
  args: ['--rounds', longRounds],
  runtimeArgs: ['--enable-source-maps'],
  outFiles: [`${examplesFolder}/typescript/dist/**/*.js`],
  env: { [ownVariable.name]: ownVariable.value },
  console: 'internalConsole',
  outputCapture: 'std',
} as const;

export const longRust = {
  name: 'long requests (Rust)',
  type: 'lldb-dap',
  request: 'launch',
  program: `${examplesFolder}/../rust/target/debug/requests`,
  args: ['--rounds', longRounds],
  cwd: examplesFolder,
  env: [`${ownVariable.name}=${ownVariable.value}`],
} as const;

/** The one-based number of the only line of an example's file that holds the text. */
export function lineOf(file: string, text: string): number {
  return lineOfText(path.join(examplesFolder, file), text);
}

/** The same of any file. */
export function lineOfText(file: string, text: string): number {
  const lines = readFileSync(file, 'utf8').split('\n');
  const found = lines.flatMap((line, index) => (line.includes(text) ? [index + 1] : []));
  const [line] = found;
  if (line === undefined || found.length > 1)
    throw new Error(`${found.length} lines of ${file} hold ${text}`);
  return line;
}

/** The environment of a running process, as the operating system tells it. */
export function environmentOf(pid: number): Map<string, string> {
  const entries = readFileSync(`/proc/${pid}/environ`, 'utf8')
    .split('\0')
    .filter((entry) => entry !== '');
  return new Map(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
