// Awaits an async function as often as it is told to, once it is told to begin, and says what that cost.
import { once } from 'node:events';
import { since, used } from './meter.ts';

const [warmUp = 0, awaits = 0] = process.argv.slice(2).map(Number);

async function step(i: number): Promise<number> {
  return i;
}

async function loop(count: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += await step(i);
  return sum;
}

console.log('ready');
await once(process.stdin, 'data');
process.stdin.destroy();
await loop(warmUp);
const before = used();
await loop(awaits);
console.log(JSON.stringify({ ...since(before), count: awaits }));
