// The engine is held equal to the reference reader: on the golden traces and on random lawful traces with losses,
// in any order of chunks and any split of the bytes.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { laneKind, spanFlag, spanState } from '../../../extension/messages/lanes.ts';
import type { ViewportAnswer } from '../../../extension/messages/queries.ts';
import { TraceSession } from '../../../extension/trace/session.ts';
import { type Frame, FrameSplitter } from '../../../runtime-probe/protocol/typescript/index.ts';
import { interleave, randomTrace, streamOf } from '../../support/random-trace.ts';
import { type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { shortened } from '../../support/short-forms.ts';
import { framesOf, testSession } from '../../support/text-trace.ts';

const folder = fileURLToPath(new URL('../../golden/traces/', import.meta.url));

/** Of all golden traces together. */
let shortCount = 0;

for (const name of readdirSync(folder).filter(
  (each) => each.endsWith('.trace') && each !== 'every-kind.trace',
)) {
  test(`${name}: the engine sees what the reference reader sees`, () => {
    const frames = framesOf(readFileSync(`${folder}${name}`, 'utf8'));
    const model = comparable(readReference(frames));
    assert.deepEqual(engineModel(frames), model);
    const short = shortened(frames);
    shortCount += short.count;
    assert.deepEqual(engineModel(short.frames), model);
  });
}

test('the golden traces have events with a short form', () => {
  assert.ok(shortCount > 0);
});

const choices = fc.array(fc.nat(1_000_000), { minLength: 20, maxLength: 300 });
const picks = fc.array(fc.nat(5), { minLength: 1 });

test('random traces, with and without losses, in any order of chunks', () => {
  fc.assert(
    fc.property(choices, picks, fc.boolean(), (list, order, losses) => {
      const frames = interleave(randomTrace(list, 3, losses), order);
      assert.deepEqual(engineModel(frames), comparable(readReference(frames)));
    }),
    { numRuns: 300 },
  );
});

test('events in their short forms are to both readers what they are in full', () => {
  fc.assert(
    fc.property(choices, picks, fc.boolean(), (list, order, losses) => {
      const frames = interleave(randomTrace(list, 3, losses), order);
      const model = comparable(readReference(frames));
      const short = shortened(frames).frames;
      assert.deepEqual(engineModel(short), model);
      assert.deepEqual(comparable(readReference(short)), model);
    }),
  );
});

test('any split of the bytes gives the same model', () => {
  fc.assert(
    fc.property(choices, fc.array(fc.nat(400), { minLength: 1 }), (list, cuts) => {
      const frames = interleave(randomTrace(list, 2, true), [0, 1]);
      const bytes = streamOf(frames);
      const session = new TraceSession();
      const splitter = new FrameSplitter();
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const step = 1 + (cuts[i % cuts.length] ?? 0);
        splitter.push(bytes.subarray(at, at + step), (f) => session.pushFrame(f.kind, f.payload));
        at += step;
      }
      assert.deepEqual(modelOf(session), comparable(readReference(frames)));
    }),
  );
});

interface ComparableModel {
  readonly endNs: number;
  readonly gaps: string[];
  readonly tasks: { id: number; spans: string[]; spurious: number[] }[];
  readonly totals: Record<string, number>;
}

function comparable(model: ReferenceModel): ComparableModel {
  const certain = (certainty: string) =>
    model.tasks.reduce((sum, t) => sum + t.causes.filter((c) => c.certainty === certainty).length, 0);
  return {
    endNs: model.endNs,
    gaps: model.gaps.map((g) => `${g.thread} ${g.fromNs}..${g.toNs} ${g.dropped}`).sort(),
    tasks: model.tasks.map((task) => ({
      id: task.id,
      spans: task.spans.map((s) => `${s.fromNs}..${s.toNs} ${s.state}`),
      spurious: [...task.spuriousEpochs],
    })),
    totals: {
      tasks: model.tasks.length,
      tasksAlive: model.tasks.filter((t) => t.open).length,
      polls: model.tasks.reduce((sum, t) => sum + t.polls.length, 0),
      spuriousPolls: model.tasks.reduce((sum, t) => sum + t.spuriousEpochs.length, 0),
      wakes: model.wakes.length,
      gaps: model.gaps.length,
      dropped: model.gaps.reduce((sum, g) => sum + g.dropped, 0),
      waitsRecorded: certain('recorded'),
      waitsInferred: certain('inferred'),
      waitsUnknown: certain('unknown'),
    },
  };
}

function engineModel(frames: readonly Frame[]): ComparableModel {
  const session = new TraceSession();
  for (const frame of frames) session.pushFrame(frame.kind, frame.payload);
  return modelOf(session);
}

/** Everything through the queries that a viewer has: nothing of the engine's insides. */
function modelOf(session: TraceSession): ComparableModel {
  const whole = { session: testSession, fromNs: 0, toNs: session.endNs + 1, widthPx: 8192, filter: '' };
  const { answer, binary } = session.viewport({ ...whole, firstLane: 0, laneCount: 4096 });
  const totals = session.totals();
  const lanes = answer.lanes
    .map((lane, row) => ({ lane, row }))
    .filter(({ lane }) => lane.kind === laneKind.task)
    .sort((a, b) => a.lane.id - b.lane.id);
  return {
    endNs: session.endNs,
    gaps: answer.gaps.map((g) => `${g.thread} ${g.fromNs}..${g.toNs} ${g.dropped}`).sort(),
    tasks: lanes.map(({ lane }) => {
      assert.equal(lane.mode, 'exact', `lane ${lane.lane} of ${lane.count} spans is exact at this width`);
      return { id: lane.id, ...spansOf(answer, binary, lane.first, lane.count) };
    }),
    totals: Object.fromEntries(
      Object.keys(comparable(readReference([])).totals).map((key) => [
        key,
        totals[key as keyof typeof totals],
      ]),
    ),
  };
}

const stateNames = new Map<number, string>(Object.entries(spanState).map(([name, value]) => [value, name]));

function spansOf(answer: ViewportAnswer, binary: Uint8Array, first: number, count: number) {
  const { columns } = answer;
  const view = new DataView(binary.buffer, binary.byteOffset);
  const spans: string[] = [];
  const spurious: number[] = [];
  for (let i = first; i < first + count; i++) {
    const fromNs = view.getFloat64(columns.spanStartNs.offset + i * 8, true);
    const toNs = view.getFloat64(columns.spanEndNs.offset + i * 8, true);
    const state = view.getUint8(columns.spanState.offset + i);
    const flags = view.getUint8(columns.spanFlags.offset + i);
    if (toNs > fromNs) spans.push(`${fromNs}..${toNs} ${stateNames.get(state)}`);
    if (state === spanState.running && (flags & spanFlag.spurious) !== 0)
      spurious.push(view.getFloat64(columns.spanRef.offset + i * 8, true));
  }
  return { spans, spurious };
}
