// Owns a trace that is drawn by hand rather than recorded: every state, marker, band and certainty occurs in it, which
// no short real run has. For looking at the view; what the engine makes of a real stream is tested elsewhere.
import {
  laneKind,
  markerKind,
  type SourceSite,
  spanFlag,
  spanState,
} from '../../../extension/messages/lanes.ts';
import type {
  Arrow,
  ArrowsQuery,
  ExplainQuery,
  Explanation,
  LaneHeader,
  ViewportAnswer,
  ViewportQuery,
} from '../../../extension/messages/queries.ts';
import { coverageStates, stateAppearance } from '../../../webview/layout/appearance.ts';

export interface DrawnSpan {
  fromNs: number;
  toNs: number;
  state: number;
  flags: number;
  ref: number;
}

export interface DrawnLane {
  kind: LaneHeader['kind'];
  label: string;
  id: number;
  spans: DrawnSpan[];
  markers: { atNs: number; kind: number; ref: number }[];
}

export interface DrawnTrace {
  readonly lanes: DrawnLane[];
  readonly endNs: number;
  readonly arrows: Arrow[];
  readonly stops: ViewportAnswer['stops'];
  readonly gaps: ViewportAnswer['gaps'];
  readonly provisionalFromNs: number;
}

/** A small generator (mulberry32): the same picture on every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const waits = [
  spanState.idleSource,
  spanState.idleSource,
  spanState.idleSource,
  spanState.idleTimer,
  spanState.idleJob,
  spanState.idleTask,
  spanState.idleResource,
  spanState.idleUnknown,
] as const;

const ms = 1e6;

/** One thread that is worker and reactor by turns, a pool of two, and as many tasks as wanted. */
export function drawTrace(taskCount: number, rounds: number): DrawnTrace {
  const next = random(7);
  const lane = (kind: LaneHeader['kind'], label: string, id: number): DrawnLane => ({
    kind,
    label,
    id,
    spans: [],
    markers: [],
  });
  const reactor = lane(laneKind.reactor, 'reactor 1', 1);
  const worker = lane(laneKind.worker, 'worker 1 (main)', 1);
  const queue = lane(laneKind.poolQueue, 'pool queue', 1);
  const threads = [
    lane(laneKind.poolThread, 'pool thread 1', 2),
    lane(laneKind.poolThread, 'pool thread 2', 3),
  ];
  const tasks = Array.from({ length: taskCount }, (_, i) =>
    lane(laneKind.task, i === 0 ? 'root' : `client ${i}`, i + 1),
  );
  const firstTask = 2 + 1 + threads.length;
  const arrows: Arrow[] = [];
  // What is due when: the simulation of a run queue and a reactor that sleeps until the next wait ends.
  const due = tasks.map((task, index) => ({ task, index, atNs: index * 0.04 * ms, round: 0, waitState: 0 }));
  let nowNs = 0;
  let turn = 0;
  let jobsUntilNs = [0, 0];
  while (due.length > 0) {
    due.sort((a, b) => a.atNs - b.atNs);
    const first = due[0];
    if (first === undefined) break;
    if (first.atNs > nowNs) {
      reactor.spans.push({ fromNs: nowNs, toNs: first.atNs, state: spanState.parked, flags: 0, ref: turn });
      nowNs = first.atNs;
    }
    const turnFromNs = nowNs;
    const wokenAtNs = nowNs + 0.01 * ms;
    const batch = due.filter((each) => each.atNs <= nowNs).slice(0, 12);
    turn++;
    reactor.markers.push({ atNs: nowNs, kind: markerKind.readiness, ref: batch.length });
    nowNs += 0.02 * ms;
    for (const each of batch) {
      const { task } = each;
      const previous = task.spans[task.spans.length - 1];
      if (previous !== undefined) {
        const inferred = each.index % 7 === 3;
        task.spans.push({
          fromNs: previous.toNs,
          toNs: wokenAtNs,
          state: each.waitState,
          flags: inferred ? spanFlag.inferred : 0,
          ref: each.round,
        });
        task.markers.push({ atNs: wokenAtNs, kind: markerKind.wake, ref: each.round });
        arrows.push({
          fromLane: 0,
          fromNs: wokenAtNs - 0.005 * ms,
          toLane: firstTask + each.index,
          toNs: wokenAtNs,
          kind: 'turn',
          certainty: inferred ? 'inferred' : 'recorded',
        });
      }
      const startNs = nowNs;
      const lengthNs = each.index === 17 && each.round === 2 ? 24 * ms : (0.03 + next() * 0.25) * ms;
      if (startNs > wokenAtNs)
        task.spans.push({
          fromNs: wokenAtNs,
          toNs: startNs,
          state: spanState.scheduled,
          flags: 0,
          ref: each.round,
        });
      each.round++;
      const last = each.round > rounds;
      const flags =
        (last ? (each.index === 23 ? spanFlag.panicked : spanFlag.ready) : 0) |
        (each.index === 9 && each.round === 3 ? spanFlag.spurious : 0);
      task.spans.push({
        fromNs: startNs,
        toNs: startNs + lengthNs,
        state: spanState.running,
        flags,
        ref: each.round,
      });
      worker.spans.push({
        fromNs: startNs,
        toNs: startNs + lengthNs,
        state: spanState.running,
        flags,
        ref: task.id,
      });
      task.markers.push({
        atNs: startNs + lengthNs * 0.3,
        kind: each.round % 3 === 0 ? markerKind.wouldBlock : markerKind.read,
        ref: 64,
      });
      nowNs += lengthNs;
      each.waitState = waits[(each.index + each.round) % waits.length] ?? spanState.idleSource;
      each.atNs = nowNs + (3 + next() * 60) * ms;
      if (each.waitState === spanState.idleJob && !last) {
        const thread = (jobsUntilNs[0] ?? 0) <= (jobsUntilNs[1] ?? 0) ? 0 : 1;
        const fromNs = Math.max(nowNs + 0.1 * ms, jobsUntilNs[thread] ?? 0);
        const toNs = fromNs + (4 + next() * 12) * ms;
        if (fromNs > nowNs + 0.2 * ms)
          queue.spans.push({ fromNs: nowNs, toNs: fromNs, state: spanState.queued, flags: 0, ref: 1 });
        threads[thread]?.spans.push({ fromNs, toNs, state: spanState.job, flags: 0, ref: turn });
        jobsUntilNs = jobsUntilNs.map((until, i) => (i === thread ? toNs : until));
        each.atNs = toNs;
      }
      if (last) due.splice(due.indexOf(each), 1);
    }
    reactor.spans.push({ fromNs: turnFromNs, toNs: nowNs, state: spanState.turn, flags: 0, ref: turn });
  }
  mergeQueue(queue);
  return {
    lanes: [reactor, worker, queue, ...threads, ...tasks],
    endNs: nowNs,
    arrows,
    stops: [
      { fromNs: nowNs * 0.55, toNs: nowNs * 0.6, open: false, reason: 'breakpoint', task: '', lane: -1 },
    ],
    gaps: [{ fromNs: nowNs * 0.8, toNs: nowNs * 0.82, thread: 1, dropped: 42 }],
    provisionalFromNs: nowNs * 0.97,
  };
}

function mergeQueue(queue: DrawnLane): void {
  queue.spans.sort((a, b) => a.fromNs - b.fromNs);
  const merged: DrawnSpan[] = [];
  for (const span of queue.spans) {
    const before = merged[merged.length - 1];
    if (before !== undefined && span.fromNs <= before.toNs) before.toNs = Math.max(before.toNs, span.toNs);
    else merged.push(span);
  }
  queue.spans = merged;
}

/** More spans than this in view of one lane are answered as coverage. */
const mostExact = 400;

export function answerViewport(
  trace: DrawnTrace,
  query: ViewportQuery,
  endNs: number,
): { answer: ViewportAnswer; binary: ArrayBuffer } {
  const chosen = trace.lanes
    .map((lane, index) => ({ lane, index }))
    .filter(({ lane }) => lane.kind !== laneKind.task || lane.label.includes(query.filter.toLowerCase()));
  const shown = chosen.slice(query.firstLane, query.firstLane + query.laneCount);
  const spans: DrawnSpan[] = [];
  const pixels = { state: [] as number[], running: [] as number[], scheduled: [] as number[] };
  const markers: { atNs: number; lane: number; kind: number; ref: number }[] = [];
  const headers = shown.map(({ lane, index }, row): LaneHeader => {
    const visible = lane.spans.filter(
      (s) => s.toNs > query.fromNs && s.fromNs < query.toNs && s.fromNs < endNs,
    );
    for (const marker of lane.markers)
      if (marker.atNs >= query.fromNs && marker.atNs < Math.min(query.toNs, endNs))
        markers.push({ ...marker, lane: row });
    const life = {
      lane: index,
      kind: lane.kind,
      label: lane.label,
      id: lane.id,
      fromNs: lane.spans[0]?.fromNs ?? 0,
      toNs: Math.min(endNs, lane.spans[lane.spans.length - 1]?.toNs ?? endNs),
      spawnSite: lane.kind === laneKind.task ? site(12) : null,
      summary: `${lane.spans.filter((s) => s.state === spanState.running).length} polls`,
    };
    if (visible.length <= mostExact) {
      const first = spans.length;
      spans.push(...visible.map((s) => ({ ...s, toNs: Math.min(s.toNs, endNs) })));
      return { ...life, mode: 'exact', first, count: visible.length };
    }
    const first = pixels.state.length;
    paintCoverage(visible, lane.kind, query, pixels);
    return { ...life, mode: 'coverage', first, count: query.widthPx };
  });
  const kept = markers.length <= 3000 ? markers : [];
  const columns = new ColumnWriter();
  return {
    answer: {
      session: query.session,
      fromNs: query.fromNs,
      toNs: query.toNs,
      widthPx: query.widthPx,
      firstLane: query.firstLane,
      laneTotal: chosen.length,
      lanes: headers,
      ...(query.locate === undefined
        ? {}
        : {
            located: query.locate.map((lane) => ({
              lane,
              place: chosen.findIndex((each) => each.index === lane),
            })),
          }),
      endNs,
      provisionalFromNs: Math.min(endNs, trace.provisionalFromNs),
      stops: trace.stops,
      gaps: trace.gaps,
      names: {},
      markerTotal: markers.length,
      columns: {
        spanStartNs: columns.add(new Float64Array(spans.map((s) => s.fromNs))),
        spanEndNs: columns.add(new Float64Array(spans.map((s) => s.toNs))),
        spanRef: columns.add(new Float64Array(spans.map((s) => s.ref))),
        markerAtNs: columns.add(new Float64Array(kept.map((m) => m.atNs))),
        markerRef: columns.add(new Float64Array(kept.map((m) => m.ref))),
        markerLane: columns.add(new Uint16Array(kept.map((m) => m.lane))),
        spanState: columns.add(new Uint8Array(spans.map((s) => s.state))),
        spanFlags: columns.add(new Uint8Array(spans.map((s) => s.flags))),
        pixelState: columns.add(new Uint8Array(pixels.state)),
        pixelRunning: columns.add(new Uint8Array(pixels.running)),
        pixelScheduled: columns.add(new Uint8Array(pixels.scheduled)),
        markerKind: columns.add(new Uint8Array(kept.map((m) => m.kind))),
      },
    },
    binary: columns.take(),
  };
}

function paintCoverage(
  spans: readonly DrawnSpan[],
  kind: LaneHeader['kind'],
  query: ViewportQuery,
  pixels: { state: number[]; running: number[]; scheduled: number[] },
): void {
  const pitch = (query.toNs - query.fromNs) / query.widthPx;
  const { busy, queued } = coverageStates[kind];
  for (let x = 0; x < query.widthPx; x++) {
    const fromNs = query.fromNs + x * pitch;
    const parts = new Map<number, number>();
    for (const s of spans) {
      const part = Math.min(s.toNs, fromNs + pitch) - Math.max(s.fromNs, fromNs);
      if (part > 0) parts.set(s.state, (parts.get(s.state) ?? 0) + part);
    }
    const dominant = [...parts].sort((a, b) => b[1] - a[1])[0];
    pixels.state.push(dominant?.[0] ?? 0);
    pixels.running.push(Math.round(((parts.get(busy) ?? 0) / pitch) * 255));
    pixels.scheduled.push(Math.round(((parts.get(queued) ?? 0) / pitch) * 255));
  }
}

class ColumnWriter {
  private readonly parts: Uint8Array[] = [];
  private bytes = 0;

  add(column: Float64Array | Uint16Array | Uint8Array): { offset: number; length: number } {
    const offset = Math.ceil(this.bytes / 8) * 8;
    this.parts.push(
      new Uint8Array(offset - this.bytes),
      new Uint8Array(column.buffer, column.byteOffset, column.byteLength),
    );
    this.bytes = offset + column.byteLength;
    return { offset, length: column.length };
  }

  take(): ArrayBuffer {
    const all = new Uint8Array(this.bytes);
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all.buffer;
  }
}

function site(line: number): SourceSite {
  return { file: '/project/src/main.rs', line, column: 5, functionName: 'main' };
}

export function answerArrows(trace: DrawnTrace, query: ArrowsQuery): Arrow[] {
  return trace.arrows.filter(
    (arrow) =>
      (arrow.toLane === query.lane || arrow.fromLane === query.lane) &&
      arrow.toNs >= query.fromNs &&
      arrow.fromNs <= query.toNs,
  );
}

export function answerExplain(trace: DrawnTrace, query: ExplainQuery): Explanation | null {
  const lane = trace.lanes[query.lane];
  const span = lane?.spans.find((each) => query.atNs >= each.fromNs && query.atNs < each.toNs);
  if (lane === undefined || span === undefined) return null;
  const inferred = (span.flags & spanFlag.inferred) !== 0;
  const state = span.state as keyof typeof stateAppearance;
  const step = (
    atNs: number,
    kind: 'wait' | 'park' | 'readiness' | 'wake' | 'queue' | 'poll',
    text: string,
  ) => ({
    atNs,
    kind,
    text,
    certainty: inferred && kind === 'readiness' ? ('inferred' as const) : ('recorded' as const),
    rule: inferred && kind === 'readiness' ? 'operation after wake' : '',
    site: kind === 'wait' ? site(42) : null,
    lane: kind === 'park' || kind === 'readiness' ? 0 : query.lane,
  });
  return {
    lane: query.lane,
    laneLabel: lane.label,
    state: span.state,
    stateName: stateAppearance[state].word,
    fromNs: span.fromNs,
    toNs: span.toNs,
    open: false,
    sentence:
      'Waited for 127.0.0.1:4040 (fd 14) to become readable; the reactor was parked for most of it. The kernel reported it ready, the turn woke the task, it stood 0.08 ms in the queue behind task 12, then read 64 bytes.',
    certainty: inferred ? 'inferred' : 'recorded',
    site: site(42),
    spawnSite: site(12),
    steps: [
      step(span.fromNs, 'wait', 'poll 3 ended pending; it stored a waker for fd 14'),
      step(span.fromNs + 2e5, 'park', 'the reactor parked for at most 80 ms'),
      step(span.toNs - 1e5, 'readiness', 'readable: 127.0.0.1:4040 (fd 14)'),
      step(span.toNs, 'wake', 'turn 37 woke this task'),
      step(span.toNs + 1e4, 'queue', 'behind client 12 for 80 µs'),
      step(span.toNs + 9e4, 'poll', 'poll 4 read 64 bytes'),
    ],
    stacks:
      span.state === spanState.running
        ? [
            {
              title: 'after 20 ms',
              frames: [
                { ...site(0), file: '/usr/lib/libc.so.6', functionName: 'memcpy' },
                { ...site(88), functionName: 'client::parse' },
                { ...site(31), functionName: 'client::handle::{async_fn#0}' },
              ],
            },
          ]
        : [],
    facts: [
      { label: 'lifetime', value: '213 ms' },
      { label: 'running', value: '1.2 ms' },
      { label: 'scheduled', value: '0.4 ms' },
      { label: 'waiting for sources', value: '180 ms' },
      { label: 'waiting for timers', value: '31 ms' },
    ],
  };
}
