// A turn of the reactor ends with the thread's next park, and with the task that the thread was blocked on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { laneKind, spanState } from '../../../extension/messages/lanes.ts';
import { TraceSession } from '../../../extension/trace/session.ts';
import { framesOf, testSession } from '../../support/text-trace.ts';

const trace = (flavor: string) => `
hello
dict runtime id=1 flavor=${flavor} workers=1
dict thread id=1 runtime=1 role=main
dict task id=1 taskKind=root runtime=1
chunk thread=1
  10 taskSpawn task=1
  20 pollStart task=1 epoch=1
  30 pollEnd outcome=pending
  40 park parkKind=reactor
  50 unpark parkKind=reactor
  60 wakeFrom task=1 epoch=1 effect=scheduled causeKind=timer causeId=1 epochAfter=1
  70 pollStart task=1 epoch=2
  80 pollEnd outcome=ready
  81 taskEnd task=1 outcome=completed
  900 marker
end exit
`;

/** The end of the only turn on the reactor's lane. */
function turnEnd(flavor: string): number {
  const session = new TraceSession();
  for (const frame of framesOf(trace(flavor))) session.pushFrame(frame.kind, frame.payload);
  const whole = { session: testSession, fromNs: 0, toNs: 901, widthPx: 2000, firstLane: 0, laneCount: 9 };
  const { answer, binary } = session.viewport({ ...whole, filter: '' });
  const lane = answer.lanes.find(({ kind }) => kind === laneKind.reactor);
  assert.ok(lane);
  const view = new DataView(binary.buffer, binary.byteOffset);
  const { spanState: states, spanEndNs: ends } = answer.columns;
  for (let i = lane.first; i < lane.first + lane.count; i++)
    if (view.getUint8(states.offset + i) === spanState.turn)
      return view.getFloat64(ends.offset + i * 8, true);
  return assert.fail('there is no turn');
}

test('a turn ends with the root task that the thread was blocked on', () => {
  assert.equal(turnEnd('wakelineSingle'), 81);
});

test('a turn of Node’s loop does not: the loop goes on', () => {
  assert.equal(turnEnd('wakelineNode'), 900);
});
