// What the engine answers does not depend on when it is asked, how wide the answer is, or what damage was refused before:
// coverage equals brute force over exact spans, lives add up, questions in between change nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { laneKind, spanFlag, spanState } from '../../../extension/messages/lanes.ts';
import type { LaneHeader } from '../../../extension/messages/queries.ts';
import { coverageByte } from '../../../extension/trace/query/pixels.ts';
import type { TraceSession } from '../../../extension/trace/session.ts';
import { TickClock } from '../../../extension/trace/wire/ticks.ts';
import {
  type EventRecord,
  encodeChunk,
  encodeHello,
  type Frame,
  frameKind,
  type TimedEvent,
  WireError,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { interleave, randomTrace } from '../../support/random-trace.ts';
import { type ReferenceTask, readReference } from '../../support/reference-reader.ts';
import { testHello } from '../../support/text-trace.ts';
import { dumpTasks, type ReadSpan, sessionOf, spansOf, wholeView } from '../../unit/trace/engine-dump.ts';
import { longTrace } from './long-trace.ts';

/** Long enough that lives fill many pages of 16 polls. */
const longChoices = fc.array(fc.noBias(fc.nat(1_000_000)), { minLength: 150, maxLength: 600, size: 'max' });
const picks = fc.array(fc.nat(5), { minLength: 1 });
const fractions = fc.tuple(
  fc.double({ min: 0, max: 0.9, noNaN: true }),
  fc.double({ min: 0.05, max: 1, noNaN: true }),
);

/** Holds each lane's pixels against sums over the exact spans of the same lane. */
function checkCoverage(session: TraceSession, fromNs: number, toNs: number, widthPx: number): number {
  const exact = wholeView(session);
  const query = { session: '', fromNs, toNs, widthPx, firstLane: 0, laneCount: 64, filter: '' };
  const { answer, binary } = session.viewport(query);
  const pixelNs = (answer.toNs - answer.fromNs) / widthPx;
  let checked = 0;
  for (const lane of answer.lanes.filter((each) => each.mode === 'coverage')) {
    const header = exact.answer.lanes.find((each) => each.lane === lane.lane) as LaneHeader;
    const spans = spansOf(exact.answer, exact.binary, header);
    const column = (name: 'pixelRunning' | 'pixelScheduled' | 'pixelState', pixel: number) =>
      binary[answer.columns[name].offset + lane.first + pixel] as number;
    const running =
      lane.kind === laneKind.task || lane.kind === laneKind.worker ? spanState.running : spanState.turn;
    for (let pixel = 0; pixel < widthPx; pixel++) {
      const from = answer.fromNs + pixel * pixelNs;
      const to = answer.fromNs + (pixel + 1) * pixelNs;
      const covered = coveredByState(spans, from, to);
      const near = (actual: number, state: number) =>
        assert.ok(
          Math.abs(actual - coverageByte(covered.get(state) ?? 0, pixelNs)) <= 1,
          `${lane.label}, pixel ${pixel}: state ${state} covers ${covered.get(state)} of ${pixelNs} ns, drawn as ${actual}`,
        );
      near(column('pixelRunning', pixel), running);
      near(column('pixelScheduled', pixel), spanState.scheduled);
      const most = Math.max(0, ...covered.values());
      const dominant = column('pixelState', pixel);
      assert.ok(
        (covered.get(dominant) ?? 0) >= most - 1e-3,
        `${lane.label}, pixel ${pixel}: state ${dominant} is not dominant`,
      );
      checked++;
    }
  }
  return checked;
}

function coveredByState(spans: readonly ReadSpan[], fromNs: number, toNs: number): Map<number, number> {
  const covered = new Map<number, number>();
  for (const span of spans) {
    const ns = Math.min(span.toNs, toNs) - Math.max(span.fromNs, fromNs);
    if (ns > 0) covered.set(span.state, (covered.get(span.state) ?? 0) + ns);
  }
  return covered;
}

test('coverage equals brute force over exact spans, at any place and zoom', () => {
  let checked = 0;
  // How many pixels sixty traces give is chance as well: some have few lanes, and few of them in view.
  for (let round = 0; checked <= 1000 && round < 5; round++)
    fc.assert(
      fc.property(
        longChoices,
        picks,
        fc.boolean(),
        fractions,
        fc.integer({ min: 1, max: 40 }),
        (list, order, losses, [at, part], width) => {
          const session = sessionOf(interleave(longTrace(list, 2, losses), order));
          const fromNs = session.endNs * at;
          checked += checkCoverage(session, fromNs, fromNs + session.endNs * part, width);
        },
      ),
      { numRuns: 60 },
    );
  assert.ok(checked > 1000, `only ${checked} pixels were compared`);
});

test('spans of every lane never overlap; a task’s add up to its life', () => {
  fc.assert(
    fc.property(longChoices, picks, fc.boolean(), (list, order, losses) => {
      const session = sessionOf(interleave(longTrace(list, 3, losses), order));
      const { answer, binary } = wholeView(session);
      for (const lane of answer.lanes) {
        let at = lane.fromNs;
        for (const span of spansOf(answer, binary, lane)) {
          assert.ok(span.toNs >= span.fromNs, lane.label);
          if (lane.kind === laneKind.task) assert.equal(span.fromNs, at, lane.label);
          else assert.ok(span.fromNs >= at || at === lane.fromNs, lane.label);
          at = span.toNs;
        }
        if (lane.kind === laneKind.task) assert.equal(at, lane.toNs, lane.label);
      }
    }),
    { numRuns: 60 },
  );
});

test('long lives: what the reference reader says, in any order of chunks', () => {
  const dumpOf = (tasks: readonly ReferenceTask[]) =>
    tasks
      .flatMap((task) => [
        `task ${task.id} ${task.fromNs}..${task.toNs}${task.open ? ' open' : ''}`,
        ...task.spans.map((span) => `  ${span.fromNs}..${span.toNs} ${span.state}`),
        ...(task.spuriousEpochs.length > 0 ? [`  spurious ${task.spuriousEpochs.join(' ')}`] : []),
      ])
      .join('\n');
  fc.assert(
    fc.property(longChoices, picks, fc.boolean(), (list, order, losses) => {
      const frames = interleave(longTrace(list, 3, losses), order);
      const session = sessionOf(frames);
      const reference = readReference(frames);
      assert.equal(dumpTasks(session), dumpOf(reference.tasks));
      const causes = reference.tasks.flatMap((task) => task.causes.map((cause) => cause.certainty));
      const counted = (certainty: string) => causes.filter((each) => each === certainty).length;
      const { waitsRecorded, waitsInferred, waitsUnknown } = session.totals();
      assert.deepEqual(
        [waitsRecorded, waitsInferred, waitsUnknown],
        [counted('recorded'), counted('inferred'), counted('unknown')],
      );
    }),
    { numRuns: 100 },
  );
});

test('questions while frames come in change no later answer', () => {
  fc.assert(
    fc.property(longChoices, picks, fc.boolean(), (list, order, losses) => {
      const frames = interleave(longTrace(list, 3, losses), order);
      const asked = sessionOf([]);
      for (const frame of frames) {
        asked.pushFrame(frame.kind, frame.payload);
        asked.totals();
        const query = {
          session: '',
          fromNs: 0,
          toNs: asked.endNs,
          widthPx: 10,
          firstLane: 0,
          laneCount: 64,
          filter: '',
        };
        for (const lane of asked.viewport(query).answer.lanes)
          asked.explain({ session: '', lane: lane.lane, atNs: lane.fromNs });
      }
      const fresh = sessionOf(frames);
      assert.equal(dumpTasks(asked), dumpTasks(fresh));
      assert.deepEqual(asked.totals(), fresh.totals());
      assert.deepEqual(asked.sites(), fresh.sites());
    }),
    { numRuns: 40 },
  );
});

test('a damaged chunk is refused whole: the model stays as it was', () => {
  let refused = 0;
  fc.assert(
    fc.property(
      fc.array(fc.nat(1_000_000), { minLength: 40, maxLength: 200 }),
      fc.nat(),
      fc.nat(255),
      fc.boolean(),
      (list, place, byte, cut) => {
        const frames = interleave(randomTrace(list, 1, false), [0]);
        const last = frames.at(-1) as Frame;
        const session = sessionOf(frames.slice(0, -1));
        const before = [dumpTasks(session), session.totals(), session.threadPositions(), session.endNs];
        const payload = cut ? last.payload.slice(0, place % last.payload.length) : last.payload.slice();
        if (!cut) payload[place % payload.length] = byte;
        try {
          session.pushFrame(last.kind, payload);
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
          refused++;
          assert.deepEqual(
            [dumpTasks(session), session.totals(), session.threadPositions(), session.endNs],
            before,
          );
        }
      },
    ),
    { numRuns: 400 },
  );
  assert.ok(refused > 20, `only ${refused} damaged chunks were refused`);
});

/** A thread that parks, polls and runs jobs by turns. */
function threadFrames(steps: readonly number[]): Frame[] {
  const events: TimedEvent[] = [];
  let tick = 10;
  let epoch = 0;
  const add = (event: EventRecord, after: number) => {
    tick += after;
    events.push({ tick, event });
  };
  add({ record: 'taskSpawn', task: 1, parent: 0 }, 1);
  steps.forEach((step, i) => {
    const lasts = 1 + (step % 50);
    if (step % 3 === 0) {
      add({ record: 'park', parkKind: step % 2 === 0 ? 1 : 2, timeoutNs: 0, timer: 0 }, 1);
      add({ record: 'unpark', parkKind: step % 2 === 0 ? 1 : 2, events: 0 }, lasts);
    } else if (step % 3 === 1) {
      if (epoch > 0) add({ record: 'wake', task: 1, epoch, effect: 1 }, 1);
      add({ record: 'pollStart', task: 1, epoch: ++epoch }, 2);
      add({ record: 'pollEnd', outcome: 2 }, lasts);
    } else {
      add(
        { record: 'jobSubmit', job: i + 1, jobKind: 1, task: 0, site: 0, name: 0, queued: 1, runtime: 0 },
        1,
      );
      add({ record: 'jobStart', job: i + 1, queued: 0 }, lasts);
      add({ record: 'jobEnd', job: i + 1, outcome: 1, bytes: 0 }, lasts);
    }
  });
  const head = {
    thread: 1,
    sequence: 1,
    offset: 0,
    dropped: 0,
    firstTick: 10,
    lastTick: 0,
    openPolls: [],
    openFrames: [],
    openJob: 0,
  };
  return [
    { kind: frameKind.hello, payload: encodeHello(testHello) },
    { kind: frameKind.chunk, payload: encodeChunk(head, events) },
  ];
}

test('reactor, worker and pool lanes: spans in order, coverage of turns and polls equal to brute force', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(10_000), { minLength: 250, maxLength: 600 }),
      fractions,
      (steps, [at, part]) => {
        const session = sessionOf(threadFrames(steps));
        const exact = wholeView(session);
        const kinds = exact.answer.lanes.map((lane) => lane.kind);
        assert.deepEqual([...kinds].sort(), kinds, 'lanes stand in the order of their kinds');
        for (const lane of exact.answer.lanes) {
          let end = 0;
          for (const span of spansOf(exact.answer, exact.binary, lane)) {
            assert.ok(span.fromNs >= end, `${lane.label}: ${span.fromNs} is before ${end}`);
            end = span.toNs;
          }
        }
        const fromNs = session.endNs * at;
        const query = {
          session: '',
          fromNs,
          toNs: fromNs + session.endNs * part,
          widthPx: 16,
          firstLane: 0,
          laneCount: 8,
          filter: '',
        };
        const { answer, binary } = session.viewport(query);
        const pixelNs = (answer.toNs - answer.fromNs) / 16;
        for (const lane of answer.lanes.filter(
          (each) => each.mode === 'coverage' && each.kind !== laneKind.task,
        )) {
          const header = exact.answer.lanes.find((each) => each.lane === lane.lane) as LaneHeader;
          const spans = spansOf(exact.answer, exact.binary, header);
          const state = shownState(lane.kind);
          for (let pixel = 0; pixel < 16; pixel++) {
            const from = answer.fromNs + pixel * pixelNs;
            const covered = coveredByState(spans, from, from + pixelNs).get(state) ?? 0;
            const name = state === spanState.queued ? 'pixelScheduled' : 'pixelRunning';
            const drawn = binary[answer.columns[name].offset + lane.first + pixel] as number;
            assert.ok(
              Math.abs(drawn - coverageByte(covered, pixelNs)) <= 1,
              `${lane.label}, pixel ${pixel}: ${drawn}, ${covered} of ${pixelNs}`,
            );
          }
        }
      },
    ),
    { numRuns: 80 },
  );
});

function shownState(kind: number): number {
  if (kind === laneKind.reactor) return spanState.turn;
  if (kind === laneKind.worker) return spanState.running;
  if (kind === laneKind.ring) return spanState.inFlight;
  return kind === laneKind.poolQueue ? spanState.queued : spanState.job;
}

test('ticks become ns exactly, at any rate', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1000n, max: 100_000_000_000n }), fc.maxSafeNat(), (rate, raw) => {
      // The ns must be a safe number as well.
      const tick = Number((BigInt(raw) * rate) / 100_000_000_000n);
      const expected = (BigInt(tick) * 1_000_000_000n) / rate;
      fc.pre(expected <= BigInt(Number.MAX_SAFE_INTEGER));
      const clock = new TickClock(rate);
      assert.equal(clock.toNs(tick), Number(expected));
      const back = clock.toTick(Number(expected));
      assert.ok(
        back <= tick &&
          clock.toNs(back) >= Number(expected) - (rate < 1_000_000_000n ? Number(1_000_000_000n / rate) : 0),
      );
    }),
  );
});

test('an open task says so to the last', () => {
  fc.assert(
    fc.property(longChoices, (list) => {
      const session = sessionOf(interleave(longTrace(list, 1, false), [0]));
      const { answer, binary } = wholeView(session);
      const open = answer.lanes
        .filter((lane) => lane.kind === laneKind.task)
        .filter((lane) => spansOf(answer, binary, lane).some((span) => (span.flags & spanFlag.open) !== 0));
      assert.equal(open.length, session.totals().tasksAlive);
    }),
    { numRuns: 20 },
  );
});
