// Tests that the engine gives lanes in the order that the view needs: others first and always, tasks filtered, any found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TraceSession } from '../../../extension/trace/session.ts';
import { readAnswer } from '../../../webview/layout/answer.ts';
import { AnswerStore } from '../../../webview/layout/answer-store.ts';
import { framesOf, testSession } from '../../support/text-trace.ts';

/** One thread that is reactor and worker, and tasks with the names that are given. */
function session(names: readonly string[]): TraceSession {
  const lines = [
    'hello capabilities=polls/1',
    'dict text id=1 text="main"',
    'dict runtime id=1 name=0 flavor=wakelineSingle workers=1 poolLimit=4',
    'dict thread id=1 osId=7 name=1 runtime=1 role=main',
  ];
  names.forEach((name, i) => {
    lines.push(`dict text id=${i + 10} text="${name}"`);
    lines.push(`dict task id=${i + 1} parent=0 site=0 name=${i + 10} taskKind=task runtime=1`);
  });
  lines.push('chunk thread=1', '  1 park parkKind=reactor', '  2 unpark parkKind=reactor events=0');
  names.forEach((_name, i) => {
    const at = 10 * (i + 1);
    lines.push(`  ${at} taskSpawn task=${i + 1}`, `  ${at + 1} pollStart task=${i + 1} epoch=1`);
    lines.push(`  ${at + 5} pollEnd outcome=pending`);
  });
  const made = new TraceSession();
  for (const frame of framesOf(lines.join('\n'))) made.pushFrame(frame.kind, frame.payload);
  return made;
}

function view(trace: TraceSession, filter: string, locate: readonly number[]): AnswerStore {
  const query = {
    session: testSession,
    fromNs: 0,
    toNs: 1000,
    widthPx: 100,
    firstLane: 0,
    laneCount: 50,
    filter,
    locate,
  };
  const { answer, binary } = trace.viewport(query);
  const store = new AnswerStore();
  store.add(readAnswer(answer, Uint8Array.from(binary).buffer, filter));
  return store;
}

test('a filter hides tasks and leaves the lanes of threads', () => {
  const trace = session(['client 1', 'server', 'Client 2']);
  const all = view(trace, '', []);
  const some = view(trace, 'client', []);
  assert.ok(all.others >= 2, 'reactor and worker');
  assert.equal(some.others, all.others);
  assert.equal(all.laneTotal - all.others, 3);
  assert.equal(some.laneTotal - some.others, 2);
});

test('any lane is found in the order, hidden ones are said to be hidden', () => {
  const trace = session(Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? `even ${i}` : `odd ${i}`)));
  const all = view(trace, '', []);
  const late = { lane: -1, place: -1 };
  for (let lane = 0; lane < 210; lane++) {
    const place = view(trace, '', [lane]).newest?.head.located?.[0]?.place ?? -1;
    if (place === all.others + 150) Object.assign(late, { lane, place });
  }
  assert.ok(late.lane > 0, 'task 151 was found beyond the 50 lanes that were asked for');
  const header = trace.viewport({
    session: testSession,
    fromNs: 0,
    toNs: 1000,
    widthPx: 1,
    firstLane: late.place,
    laneCount: 1,
    filter: '',
  }).answer.lanes[0];
  assert.equal(header?.lane, late.lane);
  assert.equal(view(trace, 'odd', [late.lane]).newest?.head.located?.[0]?.place, -1);
  assert.equal(view(trace, 'even', [late.lane]).newest?.head.located?.[0]?.place, all.others + 75);
  assert.equal(view(trace, '', [9999]).newest?.head.located?.[0]?.place, -1);
});
