// One hundred files of 1 MB, written "asynchronously" from one thread. A file has no readiness to wait for, so each
// write is a job of a pool of threads (Node has four) that make the blocking system calls; the rest wait in its queue.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Async, Coroutine, init, joinAll, poolLimit, run, spawn, writeFile } from 'wakeline';
import { Counted } from './counted.ts';

init();

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '1' } } });
const rounds = Number(values.rounds);
const fileCount = 100;
const contents = Buffer.alloc(1_000_000, 'wakeline ');
const counters = { jobs: 0, bytes: 0 };
const folder = mkdtempSync(join(tmpdir(), 'wakeline-files-'));

function* writer(index: number): Async<void> {
  for (let round = 0; round < rounds; round++) {
    yield* writeFile(join(folder, `${index}.bin`), contents);
    counters.jobs++;
    counters.bytes += contents.length;
  }
}

function* main(): Async<number[]> {
  const writers: Counted<void>[] = [];
  const handles = [];
  for (let index = 0; index < fileCount; index++) {
    const counted = new Counted(new Coroutine(writer(index)));
    writers.push(counted);
    handles.push(spawn(counted, { name: `writer ${index}` }));
  }
  yield* joinAll(handles);
  return writers.map(({ polls }) => polls);
}

try {
  const polls = await run(main(), { name: 'main' });
  console.log(
    JSON.stringify({ pid: process.pid, tasks: fileCount, polls, ...counters, poolThreads: poolLimit() }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
