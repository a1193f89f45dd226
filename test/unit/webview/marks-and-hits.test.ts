// Tests what stands above the bars (markers, arrows, bands, words) and what is found under the pointer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  laneKind,
  markerKind,
  type SpanState,
  spanFlag,
  spanState,
} from '../../../extension/messages/lanes.ts';
import {
  appearanceOf,
  fillStyle,
  laneKindWord,
  markerAppearance,
  stateAppearance,
  stateCount,
  themeColours,
} from '../../../webview/layout/appearance.ts';
import { hitAt, insideOf, neighbourNs } from '../../../webview/layout/hit.ts';
import { layoutArrows, layoutBands, layoutMarkers } from '../../../webview/layout/marks.ts';
import { fittingText, flagWords, spanEdges, spanLabels } from '../../../webview/layout/span-labels.ts';
import { tickWording } from '../../../webview/layout/time-ticks.ts';
import { answerOf, type LaneText } from './answers.ts';

test('every state, marker and kind of lane has an appearance, and no two states look alike', () => {
  const looks = new Set<string>();
  for (const state of Object.values(spanState)) {
    const { word, colour, fill, texture } = stateAppearance[state];
    assert.ok(word.length > 0 && colour in themeColours);
    looks.add(`${colour} ${fill}`);
    assert.ok(state < stateCount);
    if (fill === fillStyle.rail) assert.ok(texture !== undefined);
  }
  // parked and queued words differ from scheduled by their lanes: queued looks like scheduled on purpose.
  assert.equal(looks.size, Object.values(spanState).length - 1);
  for (const kind of Object.values(markerKind)) assert.ok(markerAppearance[kind].word.length > 0);
  for (const kind of Object.values(laneKind)) assert.ok(laneKindWord[kind].length > 0);
});

test('states that are waits differ without their colour in high contrast', () => {
  const waits: SpanState[] = [
    spanState.idleTimer,
    spanState.idleJob,
    spanState.idleTask,
    spanState.idleResource,
    spanState.idleSource,
  ];
  assert.equal(new Set(waits.map((state) => stateAppearance[state].texture)).size, waits.length);
});

test('a state that this view does not know is drawn as unknown', () => {
  assert.equal(appearanceOf(200), stateAppearance[spanState.idleUnknown]);
});

function lane(text: LaneText) {
  const answer = answerOf({ lanes: [text] });
  const header = answer.head.lanes[0];
  assert.ok(header !== undefined);
  return { answer, header };
}

const view = { fromNs: 0, toNs: 1000 };

test('a poll is hit from three pixels away, a wait only inside', () => {
  const { answer, header } = lane({ lane: 1, exact: `${'s'.repeat(50)}r${'s'.repeat(49)}` });
  // 1000 ns on 200 px: a pixel is 5 ns, the poll stands from 500 to 510.
  const at = (ns: number) => hitAt(answer, header, view, 200, ns);
  assert.equal(at(505).state, spanState.running);
  assert.equal(at(490).state, spanState.running);
  assert.equal(at(490).atNs, 505, 'the instant lies in the span');
  assert.equal(at(520).state, spanState.running);
  assert.equal(at(470).state, spanState.idleSource);
  assert.equal(at(470).atNs, 470);
});

test('nothing is hit where the lane has no span', () => {
  const { answer, header } = lane({ lane: 1, exact: 'ss........' });
  const hit = hitAt(answer, header, { fromNs: 0, toNs: 100 }, 100, 60);
  assert.equal(hit.span, null);
  assert.equal(hit.state, spanState.none);
});

test('in coverage the dominant state is named, without a span', () => {
  const { answer, header } = lane({ lane: 1, coverage: 'sstt' });
  const hit = hitAt(answer, header, { fromNs: 0, toNs: 40 }, 40, 25);
  assert.equal(hit.span, null);
  assert.equal(hit.state, spanState.idleTimer);
});

test('the middle of a span stands for an instant outside of it', () => {
  const span = { fromNs: 10, toNs: 20, state: 1, flags: 0, ref: 0 };
  assert.equal(insideOf(span, 12), 12);
  assert.equal(insideOf(span, 20), 15);
});

test('the keyboard walks from span to span and stops at the ends', () => {
  const { answer, header } = lane({ lane: 1, exact: 'rrssssqq' });
  assert.equal(neighbourNs(answer, header, 5, 1), 40);
  assert.equal(neighbourNs(answer, header, 40, 1), 70);
  assert.equal(neighbourNs(answer, header, 70, 1), null);
  assert.equal(neighbourNs(answer, header, 5, -1), null);
  const coarse = lane({ lane: 1, coverage: 'sstt' });
  assert.equal(neighbourNs(coarse.answer, coarse.header, 5, 1), 25);
  assert.equal(neighbourNs(coarse.answer, coarse.header, 35, 1), null);
});

test('markers that fall together are one, with their count', () => {
  const answer = answerOf({
    lanes: [{ lane: 9, exact: 's'.repeat(100) }],
    markers: [
      { atNs: 100, place: 0, kind: markerKind.wake },
      { atNs: 101, place: 0, kind: markerKind.wake },
      { atNs: 101, place: 0, kind: markerKind.read },
      { atNs: 500, place: 0, kind: markerKind.wake },
      { atNs: 5000, place: 0, kind: markerKind.wake },
    ],
  });
  const marks = layoutMarkers(answer, (number) => (number === 9 ? 40 : undefined), view, 500);
  assert.deepEqual(
    marks.map((mark) => [mark.xCssPx, mark.yCssPx, mark.appearance.word, mark.count, mark.small]),
    [
      [50, 40, 'wake', 2, false],
      [50.5, 40, 'read', 1, false],
      [250, 40, 'wake', 1, false],
    ],
  );
  assert.deepEqual(
    layoutMarkers(answer, () => undefined, view, 500),
    [],
  );
});

test('an arrow leaves and arrives at the edges that face each other', () => {
  const arrow = {
    fromLane: 1,
    fromNs: 100,
    toLane: 2,
    toNs: 200,
    kind: 'turn',
    certainty: 'inferred',
  } as const;
  const y = new Map([
    [1, 0],
    [2, 60],
  ]);
  const [shape] = layoutArrows([arrow], (number) => y.get(number), view, 1000, 0, 300);
  assert.deepEqual(shape, {
    fromXCssPx: 100,
    fromYCssPx: 17,
    toXCssPx: 200,
    toYCssPx: 63,
    certainty: 'inferred',
    kind: 'turn',
    fromOutside: false,
    toOutside: false,
  });
});

test('an arrow from a lane above comes a row and a half from there, at most from the edge; between lanes out of view is none', () => {
  const arrow = {
    fromLane: 1,
    fromNs: 100,
    toLane: 2,
    toNs: 200,
    kind: 'turn',
    certainty: 'recorded',
  } as const;
  const above = (number: number) => (number === 2 ? 60 : Number.NEGATIVE_INFINITY);
  const [shape] = layoutArrows([arrow], above, view, 1000, 2, 300);
  assert.equal(shape?.fromYCssPx, 40);
  const [cut] = layoutArrows([arrow], above, view, 1000, 50, 300);
  assert.equal(cut?.fromYCssPx, 50);
  assert.equal(shape?.fromOutside, true);
  assert.deepEqual(
    layoutArrows([arrow], () => Number.POSITIVE_INFINITY, view, 1000, 2, 300),
    [],
  );
});

test('stops, gaps and what may still change are bands over all lanes', () => {
  const bands = layoutBands(
    {
      stops: [
        { fromNs: 100, toNs: 300, open: false, reason: 'breakpoint', task: '', lane: -1 },
        { fromNs: 1000, toNs: 1000, open: true, reason: 'pause', task: 'client #1', lane: 3 },
      ],
      gaps: [{ fromNs: 400, toNs: 500, thread: 1, dropped: 3 }],
      provisionalFromNs: 900,
      endNs: 950,
    },
    view,
    1000,
  );
  assert.deepEqual(
    bands.map((band) => [band.kind, band.xCssPx, band.widthCssPx, band.label]),
    [
      ['provisional', 900, 50, ''],
      ['gap', 400, 100, '3 events lost'],
      ['stop', 100, 200, 'stopped: breakpoint · 200 ns'],
      // No time passes in the trace while the program stands.
      ['stop', 994, 6, 'stopped: pause in client #1 · now'],
    ],
  );
});

test('a wide span is named with its duration, a narrower one without, a thin one not at all', () => {
  assert.equal(fittingText('waits: source', 28.9e6, 200), 'waits: source · 28.9 ms');
  assert.equal(fittingText('waits: source', 28.9e6, 100), 'waits: source');
  assert.equal(fittingText('waits: source', 28.9e6, 50), '');
  const { answer, header } = lane({ lane: 1, exact: 'rrrrrrrrrrrrrrrrrrrrs' });
  assert.deepEqual(
    spanLabels(answer, header, { fromNs: 100, toNs: 210 }, 220).map((label) => [label.xCssPx, label.text]),
    [[0, 'poll 1 · 200 ns']],
  );
});

test('neighbours of one state are told apart by an edge when both are wide enough', () => {
  // The notation makes one span of a run of letters, so two states are made one after it is read.
  const { answer, header } = lane({ lane: 1, exact: 'jjjjjsssss' });
  const jobs = { ...answer, spanState: answer.spanState.map(() => spanState.job) };
  const edges = (widthCssPx: number) => spanEdges(jobs, header, { fromNs: 0, toNs: 100 }, widthCssPx);
  assert.deepEqual(edges(100), [50]);
  assert.deepEqual(edges(6), [], 'too narrow');
  assert.deepEqual(spanEdges(answer, header, { fromNs: 0, toNs: 100 }, 100), [], 'two states');
});

test('flags are told in words', () => {
  assert.deepEqual(flagWords(0), []);
  assert.deepEqual(flagWords(spanFlag.spurious | spanFlag.inferred), [
    'no wake came before this poll',
    'cause inferred',
  ]);
});

test('ticks are written in the unit of their step, deep in the trace from a base', () => {
  const near = tickWording({ fromNs: 0, toNs: 1e9 }, 0.2e9);
  assert.deepEqual([0, 0.2e9, 1e9].map(near.text), ['0', '0.2 s', '1.0 s']);
  assert.equal(tickWording({ fromNs: 0, toNs: 1e6 }, 200e3).text(200e3), '0.2 ms');
  assert.equal(tickWording({ fromNs: 0, toNs: 1e6 }, 50e3).text(50e3), '50 µs');
  const deep = tickWording({ fromNs: 12.3456789e9, toNs: 12.3456789e9 + 700 }, 100);
  assert.equal(deep.baseText, '12.345678 s +');
  assert.equal(deep.text(12.3456789e9 + 100), '+1.0 µs');
});
