// Owns running the built Rust examples as a user would: the debug binaries of the cargo workspace.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const binaries = fileURLToPath(new URL('../../runtime-probe/rust/target/debug/', import.meta.url));

/** Path of an example's binary; `npm test` builds it before. */
export function rustExample(
  name: 'requests' | 'file-writes' | 'requests-tokio' | 'load-tokio' | 'long-polls-tokio',
): string {
  return `${binaries}${name}`;
}

/** Path of a program of the probe's own tests; `cargo test` builds it before. */
export function probeTestProgram(name: 'messages' | 'waiting_data'): string {
  return `${binaries}examples/${name}`;
}

/** Path of a program that is built with `--cfg tokio_unstable`; `npm test` builds it before. */
export function unstableExample(name: 'wakeline-example-hyper'): string {
  return fileURLToPath(new URL(`../../runtime-probe/rust/target/unstable/debug/${name}`, import.meta.url));
}

/** For a Rust program whose whole trace is judged: its end waits for the collector, on however busy a machine. */
export const allMustArrive: Readonly<Record<string, string>> = { WAKELINE_EXIT_MS: '60000' };

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, at most 300 s, with only these variables besides PATH and TMPDIR. */
export function runProgram(
  path: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const { PATH = '', TMPDIR } = process.env;
  const env = { PATH, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...allMustArrive, ...environment };
  return new Promise((resolve) => {
    const child = execFile(
      path,
      args,
      { env, timeout: 300_000, maxBuffer: 1 << 24 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
