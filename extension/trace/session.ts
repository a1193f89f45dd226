// Owns one session: frames in, answers out. The only door to the engine for the collector.
// Knows nothing of sockets, files or who asks.
import type { Hello } from '../../runtime-probe/protocol/typescript/index.ts';
import type { SourceSite } from '../messages/lanes.ts';
import type {
  Arrow,
  ArrowsQuery,
  ExplainQuery,
  Explanation,
  SiteQuery,
  SiteSpans,
  SiteSummary,
  Totals,
  ViewportAnswer,
  ViewportQuery,
} from '../messages/queries.ts';
import { arrowsOf } from './analysis/arrows.ts';
import { explain } from './analysis/explain.ts';
import { siteSpansOf } from './analysis/site-spans.ts';
import { siteSummaries } from './analysis/summaries.ts';
import { formatBytes, formatDuration } from './format.ts';
import { pageColumn } from './model/columns.ts';
import { Model } from './model/model.ts';
import { Sums } from './model/sums.ts';
import { LaneOrder } from './query/lane-order.ts';
import { answerViewport, type SessionView } from './query/viewport.ts';
import { StreamReader } from './wire/stream-reader.ts';

/** 1 GiB: some ten million polls with their wakes. */
const defaultMemoryBudgetBytes = 1024 ** 3;
/** Between two looks at the budget so much of the stream may come in, which becomes some 5 MiB of columns. */
const bytesPerBudgetCheck = 256 * 1024;

export class TraceSession {
  private readonly model = new Model();
  private readonly stream = new StreamReader(this.model);
  private readonly sums = new Sums(this.model);
  private readonly order = new LaneOrder(this.model);
  private readonly memoryBudgetBytes: number;
  private cutReason = '';
  private uncheckedBytes = 0;

  constructor(options: { readonly memoryBudgetBytes?: number } = {}) {
    this.memoryBudgetBytes = options.memoryBudgetBytes ?? defaultMemoryBudgetBytes;
  }

  /** One frame of the stream, hello first. Throws WireError on what no stream may hold; the model stays as it was. */
  pushFrame(kind: number, payload: Uint8Array): void {
    this.stream.pushFrame(kind, payload);
    this.sums.ripen();
    this.uncheckedBytes += payload.length;
    if (this.uncheckedBytes < bytesPerBudgetCheck || this.model.full) return;
    this.uncheckedBytes = 0;
    this.model.full = this.model.bytes > this.memoryBudgetBytes;
    this.cutReason = '';
  }

  /** The connection broke without an end frame. */
  markCut(reason: string): void {
    this.cutReason = reason === '' ? 'the connection broke' : reason;
  }

  get hello(): Hello | undefined {
    return this.stream.hello;
  }

  /** An end frame came. */
  get ended(): boolean {
    return this.stream.ended;
  }

  get endNs(): number {
    return this.model.endNs;
  }

  nsToTick(ns: number): number {
    return this.stream.clock.toTick(ns);
  }

  tickToNs(tick: number): number {
    return this.stream.clock.toNs(tick);
  }

  /** What was read of each thread: for reading the tails of rings. */
  threadPositions(): { thread: number; sequence: number; end: number }[] {
    return this.model.threads.map(({ id, sequence, end }) => ({ thread: id, sequence, end }));
  }

  dictionaryPosition(): { sequence: number; end: number } {
    return this.stream.dictionaryPosition();
  }

  totals(): Totals {
    this.sums.settle();
    const { model } = this;
    const { counts } = model;
    const { session } = this.sums;
    const sum = (column: number) => session.sums[column] as number;
    let poolLimit = 0;
    for (const runtime of model.runtimes.values()) poolLimit = Math.max(poolLimit, runtime.poolLimit);
    return {
      tasks: model.tasks.length + counts.tasksNotKept,
      tasksAlive: Math.max(0, session.alive + counts.aliveNotKept),
      polls: counts.polls,
      spuriousPolls: sum(pageColumn.spurious),
      wakes: counts.wakes,
      events: counts.events,
      dropped: counts.dropped,
      gaps: model.gaps.gaps.length,
      reactorParks: counts.reactorParks,
      readiness: counts.readiness,
      reads: counts.reads,
      readBytes: counts.readBytes,
      writes: counts.writes,
      writtenBytes: counts.writtenBytes,
      wouldBlocks: counts.wouldBlocks,
      jobs: model.jobs.size + counts.jobsNotKept,
      jobBytes: counts.jobBytes,
      poolThreadsPeak: Math.max(counts.poolThreadsPeak, counts.poolThreads),
      poolQueuePeak: counts.poolQueuePeak,
      poolLimit,
      timersSet: counts.timersSet,
      timersFired: counts.timersFired,
      debuggerStops: model.stops.length,
      waitsRecorded: sum(pageColumn.waitsRecorded),
      waitsInferred: sum(pageColumn.waitsInferred),
      waitsUnknown: sum(pageColumn.waitsUnknown),
    };
  }

  viewport(query: ViewportQuery): { answer: ViewportAnswer; binary: Uint8Array } {
    return answerViewport(this.view(), query);
  }

  /** Why the span at that instant lasted as it did; null where the lane shows nothing. */
  explain(query: ExplainQuery): Explanation | null {
    return explain(this.view(), query);
  }

  arrows(query: ArrowsQuery): Arrow[] {
    return arrowsOf(this.view(), query);
  }

  /** What the trace knows of the line; `matches` says whether a site's file is the document's. */
  siteSpans(query: SiteQuery, matches: (site: SourceSite) => boolean): SiteSpans {
    return siteSpansOf(this.view(), query, matches);
  }

  sites(): SiteSummary[] {
    return siteSummaries(this.view());
  }

  /** How much the program records, as it said last: a value of the wire's `detail`. */
  detail(): number {
    return this.model.detail;
  }

  /** The debugger holds the program now. */
  stopped(): boolean {
    return this.model.stops.at(-1)?.toNs === Number.POSITIVE_INFINITY;
  }

  /** What is wrong with what was read, in words and with what to do next; empty when nothing is. */
  get problem(): string {
    if (!this.model.full) return '';
    return (
      `This trace used up its memory budget of ${formatBytes(this.memoryBudgetBytes)} at ${formatDuration(this.model.endNs)}. ` +
      'What came after is counted in the totals, without spurious polls and waits, but not drawn. ' +
      'The recording is whole: open it with a larger budget to see the rest.'
    );
  }

  private view(): SessionView {
    this.model.applyInvalidation();
    this.model.layOutSections();
    const over = this.ended || this.cutReason !== '';
    return {
      model: this.model,
      sums: this.sums,
      order: this.order,
      endNs: this.model.endNs,
      provisionalFromNs: over ? this.model.endNs : this.lowestWatermark(),
    };
  }

  /** What lies at or above it may still change; the end where no thread that runs has stated a watermark. */
  private lowestWatermark(): number {
    let lowest = this.model.endNs;
    for (const thread of this.model.threads)
      if (!thread.stopped && thread.watermarkNs >= 0) lowest = Math.min(lowest, thread.watermarkNs);
    return lowest;
  }
}
