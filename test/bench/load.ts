// `npm run bench -- load`: 50,000 tasks that yield as fast as the machine can for a minute, under a collector that reads,
// one that stalls, and none. Prints polls a second, what memory grew by, and whether written and dropped events add up.
// `--seconds=10` makes it shorter. One run of each: it is long, and what it asks is a yes or no.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { EventCounter } from '../support/event-counter.ts';
import { StreamReceiver, until } from '../support/stream-receiver.ts';

const { values: options } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const seconds = Number(options.seconds);
const tasks = 50_000;
const workers = 2;
/**
 * What the program cannot count itself is not recorded: samples of long polls, of which a busy machine makes some, and
 * where tasks await. The end waits for all that is left, however slowly it is read: what the program does not wait for
 * would be missing, and is no drop.
 */
const countable = {
  WAKELINE_LONG_POLL_MS: '0',
  WAKELINE_AWAIT_SITES: '0',
  WAKELINE_EXIT_MS: '120000',
};
const binary = join(process.cwd(), 'runtime-probe/rust/target/release/load-tokio');
const run = promisify(execFile);

interface Load {
  readonly polls: number;
  readonly residentKib: { readonly before: number; readonly early: number; readonly late: number };
}

async function load(environment: Readonly<Record<string, string>>): Promise<Load> {
  const { PATH = '' } = process.env;
  const args = ['--tasks', `${tasks}`, '--seconds', `${seconds}`, '--workers', `${workers}`];
  const { stdout } = await run(binary, args, {
    env: { PATH, ...environment },
    timeout: (seconds + 180) * 1000,
  });
  return JSON.parse(stdout) as Load;
}

function tell(variant: string, { polls, residentKib }: Load, counter?: EventCounter): void {
  const { before, early, late } = residentKib;
  const rows: [string, number, string][] = [
    ['polls', polls / seconds / 1e6, 'million/s'],
    ['memory before', before / 1024, 'MiB'],
    ['memory, first third', early / 1024, 'MiB'],
    ['memory growth, the rest', (late - early) / 1024, 'MiB'],
  ];
  if (counter !== undefined) {
    // As test/integration/tokio-probe/load.test.ts derives it.
    const made = 2 * tasks + (3 * polls - tasks) + (2 * workers + 1);
    const { events, dropped = 0, bytes } = counter;
    rows.push(
      ['events made', made, 'events'],
      ['events dropped', dropped, 'events'],
      ['events not accounted for', made - events - dropped, 'events'],
      ['bytes of a written event', bytes / events, 'B'],
    );
  }
  for (const [figure, value, unit] of rows)
    console.log(JSON.stringify({ bench: 'load', figure, variant, value, unit, min: value, runs: 1 }));
}

async function recorded(variant: string, during: (receiver: StreamReceiver) => Promise<void>): Promise<void> {
  const counter = new EventCounter();
  const receiver = await StreamReceiver.listen({ onFrame: (frame) => counter.take(frame) });
  try {
    const [result] = await Promise.all([load({ ...receiver.environment, ...countable }), during(receiver)]);
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close', 180_000);
    tell(variant, result, counter);
  } finally {
    await receiver.close();
  }
}

tell('no probe started', await load({}));
tell(
  'nobody listens',
  await load({ WAKELINE: 'unix:/nowhere/wakeline.sock', WAKELINE_TOKEN: '0'.repeat(32) }),
);
await recorded('a collector reads', async () => undefined);
await recorded('a collector stalls until shortly before the end', async (receiver) => {
  await until(() => receiver.connections.length > 0, 'the program to connect');
  receiver.setStalled(true);
  await new Promise((resolve) => setTimeout(resolve, seconds * 900));
  receiver.setStalled(false);
});
