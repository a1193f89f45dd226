// A program that counts what a trace must say of it: awaits that went on, timers that fired, jobs that were done.
// Knows nothing of the probe.
import { pbkdf2, pbkdf2Sync } from 'node:crypto';
import { readFile } from 'node:fs';

const counters = { awaits: 0, timers: 0, cryptoJobs: 0 };

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) =>
    setTimeout(() => {
      counters.timers++;
      resolve();
    }, ms),
  );
}

async function inner(i: number): Promise<number> {
  await sleep(2);
  counters.awaits++;
  return i;
}

async function rejects(): Promise<void> {
  await sleep(1);
  counters.awaits++;
  throw new Error('as planned');
}

async function main(): Promise<void> {
  for (let i = 0; i < 10; i++) {
    await inner(i);
    counters.awaits++;
  }
  await 'what is there already';
  counters.awaits++;
  try {
    await rejects();
  } catch {
    counters.awaits++;
  }
}

await main();
counters.awaits++;

// Runs at once, on no pool thread.
pbkdf2Sync('secret', 'salt', 10, 32, 'sha256');
for (let i = 0; i < 6; i++)
  pbkdf2('secret', 'salt', 10, 32, 'sha256', () => {
    counters.cryptoJobs++;
    if (counters.cryptoJobs === 6)
      readFile(process.argv[1] ?? '', () => {
        if (process.argv[2] === 'throw') throw new Error('uncaught, as planned');
        console.log(JSON.stringify(counters));
        if (process.argv[2] === 'exit') process.exit(7);
      });
  });
