// Owns what stands behind the page in place of the collector: the real engine on a recording, or a drawn trace.

import { laneKind, spanState } from '../../../extension/messages/lanes.ts';
import type {
  Arrow,
  ArrowsQuery,
  ExplainQuery,
  Explanation,
  SessionSummary,
  ViewportAnswer,
  ViewportQuery,
} from '../../../extension/messages/queries.ts';
import { TraceSession } from '../../../extension/trace/session.ts';
import {
  checkRecordingHead,
  type Frame,
  FrameSplitter,
  recordingHeadBytes,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { answerArrows, answerExplain, answerViewport, type DrawnTrace } from './drawn-trace.ts';

export interface PageHost {
  summary(): SessionSummary;
  viewport(query: ViewportQuery): { answer: ViewportAnswer; binary: ArrayBuffer };
  explain(query: ExplainQuery): Explanation | null;
  arrows(query: ArrowsQuery): Arrow[];
  /** Lets the trace go on to this share of its length, 0 … 1. */
  advance(share: number): void;
}

const visibilities = ['notRecorded', 'recorded', 'inferred', 'notRecorded'] as const;

/** The engine, fed from a recording's bytes. */
export class RecordedHost implements PageHost {
  private readonly engine = new TraceSession();
  private readonly frames: Frame[] = [];
  private fed = 0;

  constructor(recording: Uint8Array) {
    checkRecordingHead(recording);
    new FrameSplitter().push(recording.subarray(recordingHeadBytes), (frame) =>
      this.frames.push({ kind: frame.kind, payload: Uint8Array.from(frame.payload) }),
    );
  }

  advance(share: number): void {
    const target = Math.min(this.frames.length, Math.ceil(this.frames.length * share));
    for (; this.fed < target; this.fed++) {
      const frame = this.frames[this.fed];
      if (frame !== undefined) this.engine.pushFrame(frame.kind, frame.payload);
    }
  }

  summary(): SessionSummary {
    const { hello } = this.engine;
    return {
      session: hello?.session ?? '0'.repeat(32),
      program: hello?.program ?? '',
      language: hello?.language ?? '',
      tier: hello?.tier ?? '',
      pid: hello?.pid ?? 0,
      launch: '',
      state: this.engine.ended ? 'ended' : this.fed < this.frames.length ? 'live' : 'cut',
      workingFolder: hello?.workingFolder ?? '',
      sourceRoot: hello?.sourceRoot ?? '',
      startedWallUs: Number(hello?.anchorWallUs ?? 0n),
      endNs: this.engine.endNs,
      totals: this.engine.totals(),
      capabilities: (hello?.capabilities ?? []).map(({ name, visibility, note }) => ({
        name,
        visibility: visibilities[visibility] ?? 'notRecorded',
        note,
      })),
      recording: '',
      problem: '',
      stopped: this.engine.stopped(),
      detail: 'full',
    };
  }

  viewport(query: ViewportQuery): { answer: ViewportAnswer; binary: ArrayBuffer } {
    const { answer, binary } = this.engine.viewport(query);
    return { answer, binary: Uint8Array.from(binary).buffer };
  }

  explain(query: ExplainQuery): Explanation | null {
    return this.engine.explain(query);
  }

  arrows(query: ArrowsQuery): Arrow[] {
    return this.engine.arrows(query);
  }
}

/** A trace that is drawn by hand; figures that no picture shows are left at 0. */
export class DrawnHost implements PageHost {
  private readonly trace: DrawnTrace;
  private readonly index: number;
  private share = 1;

  constructor(trace: DrawnTrace, index: number) {
    this.trace = trace;
    this.index = index;
  }

  advance(share: number): void {
    this.share = share;
  }

  private get endNs(): number {
    return this.trace.endNs * this.share;
  }

  summary(): SessionSummary {
    const { lanes, arrows } = this.trace;
    const tasks = lanes.filter((lane) => lane.kind === laneKind.task);
    const countOf = (state: number) =>
      lanes.reduce(
        (sum, lane) =>
          lane.kind === laneKind.worker
            ? sum
            : sum + lane.spans.filter((span) => span.state === state).length,
        0,
      );
    const live = this.share < 1;
    return {
      session: String(this.index + 1)
        .repeat(32)
        .slice(0, 32),
      program: this.index === 0 ? '/project/target/debug/requests' : '/project/server.ts',
      language: this.index === 0 ? 'rust' : 'typescript',
      tier: 'executor',
      pid: 4242 + this.index,
      launch: '',
      state: live ? 'live' : 'ended',
      workingFolder: '/project',
      sourceRoot: '/project',
      startedWallUs: 1_700_000_000_000_000,
      endNs: this.endNs,
      totals: {
        tasks: tasks.length,
        tasksAlive: live ? tasks.length : 0,
        polls: countOf(spanState.running),
        spuriousPolls: 1,
        wakes: arrows.length,
        events: 0,
        dropped: 42,
        gaps: 1,
        reactorParks: countOf(spanState.parked),
        readiness: arrows.length,
        reads: 0,
        readBytes: 0,
        writes: 0,
        writtenBytes: 0,
        wouldBlocks: 12,
        jobs: countOf(spanState.job),
        jobBytes: 0,
        poolThreadsPeak: 2,
        poolQueuePeak: 5,
        poolLimit: 4,
        timersSet: 0,
        timersFired: 0,
        debuggerStops: 1,
        waitsRecorded: 0,
        waitsInferred: 0,
        waitsUnknown: 0,
      },
      capabilities: [
        {
          name: 'jobThreads',
          visibility: 'notRecorded',
          note: 'libuv runs jobs where JavaScript cannot look.',
        },
        { name: 'operations', visibility: 'recorded', note: '' },
      ],
      recording: '',
      problem: '',
      stopped: false,
      detail: 'full',
    };
  }

  viewport(query: ViewportQuery): { answer: ViewportAnswer; binary: ArrayBuffer } {
    return answerViewport(this.trace, query, this.endNs);
  }

  explain(query: ExplainQuery): Explanation | null {
    return answerExplain(this.trace, query);
  }

  arrows(query: ArrowsQuery): Arrow[] {
    return answerArrows(this.trace, query);
  }
}
