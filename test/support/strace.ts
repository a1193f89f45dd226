// Owns the outside witness of system calls: a program run under strace, and its calls thread by thread as values.
// Must not know what a trace says of them.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Names as strace writes them. */
export type CallName =
  | 'epoll_wait'
  | 'epoll_pwait'
  | 'read'
  | 'write'
  | 'recvfrom'
  | 'sendto'
  | 'recvmsg'
  | 'sendmsg'
  | 'recvmmsg'
  | 'sendmmsg'
  | 'readv'
  | 'writev'
  | 'sendfile'
  | 'splice'
  | 'connect'
  | 'shutdown'
  | 'accept4';

export interface SystemCall {
  readonly name: CallName;
  readonly descriptor: number;
  /** What the descriptor is, as `socket:[4711]` or a path. */
  readonly object: string;
  /** Of waits only: milliseconds, -1 for none; 0 for other calls. */
  readonly timeoutMs: number;
  /** What it returned; -1 with `error`. */
  readonly result: number;
  /** What it moved: the result, but of `recvmmsg` and `sendmmsg`, which give a number of messages, the sum of these. */
  readonly bytes: number;
  /** As `EAGAIN`; empty when there was none. */
  readonly error: string;
  /** Wall clock, ms since 1970. */
  readonly startMs: number;
  readonly endMs: number;
}

export interface Witnessed {
  readonly stdout: string;
  /** By the thread's id, each in its order. */
  readonly callsByThread: ReadonlyMap<number, readonly SystemCall[]>;
}

/** A traced program is several times slower; the examples take a second without. */
const timeoutMs = 60_000;

/** Runs a program to its end under strace. Rejects, saying what to do, when strace is missing or may not trace. */
export async function witness(
  command: readonly string[],
  calls: readonly CallName[],
  environment: Readonly<Record<string, string>>,
): Promise<Witnessed> {
  const folder = mkdtempSync(join(tmpdir(), 'wakeline-strace-'));
  try {
    const output = join(folder, 'calls');
    const stdout = await runTraced(
      [
        '-ff',
        '-ttt',
        '-T',
        '-y',
        '-o',
        output,
        '-e',
        `trace=${calls.join()}`,
        '-e',
        'signal=none',
        ...command,
      ],
      environment,
    );
    const files = readdirSync(folder).map((name) => {
      const thread = Number(name.slice(name.lastIndexOf('.') + 1));
      return [thread, parseCalls(readFileSync(join(folder, name), 'utf8'))] as const;
    });
    return { stdout, callsByThread: new Map(files) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runTraced(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('strace', [...args], {
      env: { PATH: process.env['PATH'] ?? '', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes: Buffer) => {
      stdout += bytes.toString();
    });
    child.stderr.on('data', (bytes: Buffer) => {
      stderr += bytes.toString();
    });
    child.on('error', (error) =>
      reject(
        new Error(
          `strace, the witness that the trace is compared with, cannot be started: ${error.message}. Install it: node tools/setup/system.mjs witness`,
        ),
      ),
    );
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout);
      else
        reject(
          new Error(
            `the program under strace ended with ${code ?? signal}: ${stderr}\nIf strace may not trace here, allow ptrace (in a container: --cap-add=SYS_PTRACE)`,
          ),
        );
    });
  });
}

/** `<start> <name>(<descriptor><<object>>, …) = <result> [<error> (…)] <<duration>>`, times in seconds. */
const line =
  /^(\d+\.\d+) (\w+)\((\d+)(?:<([^>]*)>)?, (.*)\)\s+= (-?\d+)(?:<[^>]*>)?(?: (E\w+) \([^)]*\))? <(\d+\.\d+)>$/;
/** The last arguments of a wait: `…, <most events>, <time-out>`, and of epoll_pwait a signal mask behind. */
const waitArguments = /, \d+, (-?\d+)(?:, (?:NULL|\[.*\]), \d+)?$/;

function bytesOfMessages(text: string): number {
  return [...text.matchAll(/\bmsg_len=(\d+)/g)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

/** Throws on a line that is neither a call nor the end of the thread: nothing may be left out unseen. */
function parseCalls(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  for (const each of text.split('\n')) {
    if (each === '' || /^\S+ \+\+\+ (?:exited|killed) /.test(each)) continue;
    // A thread that its process's end takes out of a call: the call has no result.
    if (/ (?:= \?|<unfinished \.\.\.>)\s*(?:<[^>]*>)?$/.test(each)) continue;
    const match = line.exec(each);
    if (match === null) throw new Error(`this line of strace is not understood: ${each}`);
    const [, start, name, descriptor, object, rest, result, error, duration] = match;
    const timeout = name?.startsWith('epoll') ? waitArguments.exec(rest ?? '')?.[1] : '0';
    if (timeout === undefined) throw new Error(`a wait of strace has no time-out: ${each}`);
    const startMs = Number(start) * 1000;
    calls.push({
      name: name as CallName,
      descriptor: Number(descriptor),
      object: object ?? '',
      timeoutMs: Number(timeout),
      result: Number(result),
      bytes: name?.endsWith('mmsg') === true ? bytesOfMessages(rest ?? '') : Number(result),
      error: error ?? '',
      startMs,
      endMs: startMs + Number(duration) * 1000,
    });
  }
  return calls;
}
