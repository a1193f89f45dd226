// Which programs a debugger's event is about, and that a stop waits for the program that stands in it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concerns, EarlyStops } from '../../../extension/collector/debugged-parts.ts';
import type { DebuggedPart, DebuggerEvent } from '../../../extension/messages/queries.ts';
import type { Hello } from '../../../runtime-probe/protocol/typescript/index.ts';
import { testHello } from '../../support/text-trace.ts';

function program(pid: number, part?: string, launch = 'l'): Hello {
  const family = part === undefined ? {} : { family: { group: 'a', parent: '', part } };
  return { ...testHello, shapes: new Map(), launch, pid, ...family };
}

function told(event: 'stop' | 'continue', part?: DebuggedPart, launch = 'l'): DebuggerEvent {
  const about = part === undefined ? {} : { part };
  return { launch, ...about, event, monotonicNs: 1, reason: 'breakpoint', osThread: 0 };
}

const programs = {
  main: program(7, ''),
  'worker 2': program(7, 'worker thread 2'),
  'worker 12': program(7, 'worker thread 12'),
  fork: program(8, 'forked process'),
  "fork's worker 2": program(8, 'worker thread 2'),
  executor: program(9),
  other: program(7, '', 'another launch'),
};
type Name = keyof typeof programs;

for (const [what, part, expected] of [
  ['nobody knows', undefined, ['main', 'worker 2', 'worker 12', 'fork', "fork's worker 2", 'executor']],
  ['a main thread', { pid: 7, nodeThread: 0 }, ['main']],
  ['a worker thread', { pid: 7, nodeThread: 2 }, ['worker 2']],
  ['the same number in another process', { pid: 8, nodeThread: 2 }, ["fork's worker 2"]],
  ['a process', { pid: 7 }, ['main', 'worker 2', 'worker 12']],
  ['a program that does not say its thread', { pid: 9, nodeThread: 1 }, ['executor']],
  ['a process that is not recorded', { pid: 10, nodeThread: 0 }, []],
] as const)
  test(`an event is about ${what}`, () => {
    const names = Object.keys(programs) as Name[];
    assert.deepEqual(
      names.filter((name) => concerns(told('stop', part), programs[name])),
      expected,
    );
  });

test('a stop waits for the program that stands in it, and for no other', () => {
  const early = new EarlyStops();
  const stop = told('stop', { pid: 8, nodeThread: 0 });
  early.heard(stop, false);
  assert.equal(early.take(programs.main), undefined);
  assert.equal(early.take(programs["fork's worker 2"]), undefined);
  assert.equal(early.take(programs.fork), stop);
  assert.equal(early.take(programs.fork), undefined);
});

test('stops of several parts wait beside each other; each goes with its own continue', () => {
  const early = new EarlyStops();
  const [main, worker] = [told('stop', { pid: 7, nodeThread: 0 }), told('stop', { pid: 7, nodeThread: 2 })];
  early.heard(main, false);
  early.heard(worker, false);
  early.heard(told('continue', { pid: 8 }), true);
  early.heard(told('continue', { pid: 7, nodeThread: 0 }), false);
  assert.equal(early.take(programs.main), undefined);
  assert.equal(early.take(programs['worker 2']), worker);
  early.heard(main, false);
  early.heard(worker, false);
  early.heard(told('continue'), true);
  assert.equal(early.take(programs.main), undefined);
  assert.equal(early.take(programs['worker 2']), undefined);
});

test('a stop that a session heard, and one of no launch, wait for nobody', () => {
  const early = new EarlyStops();
  early.heard(told('stop'), true);
  early.heard(told('stop', undefined, ''), false);
  assert.equal(early.take(programs.main), undefined);
  assert.equal(early.take(program(7, '', '')), undefined);
});

test('of stops that wait for nobody the oldest is forgotten', () => {
  const early = new EarlyStops();
  for (let pid = 1; pid <= 17; pid++) early.heard(told('stop', { pid }), false);
  assert.equal(early.take(program(1)), undefined);
  assert.deepEqual(early.take(program(2))?.part, { pid: 2 });
  assert.deepEqual(early.take(program(17))?.part, { pid: 17 });
});
