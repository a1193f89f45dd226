// Owns the answers at hand: which is newest for a lane, which lanes stand where, and what may lie beneath a newer one.
// Pure bookkeeping; never more than a handful of answers, so that memory does not grow with what was looked at.
import { laneKind } from '../../extension/messages/lanes.ts';
import type { LaneHeader } from '../../extension/messages/queries.ts';
import type { TimelineAnswer } from './answer.ts';
import { leadingOthers } from './rows.ts';

/** Newest answers that are kept, beside the widest one. */
const recentAnswers = 4;

export class AnswerStore {
  private recent: TimelineAnswer[] = [];
  /** The widest interval seen: what is shown at once when the view zooms out. */
  private widest: TimelineAnswer | null = null;
  private leading = 0;

  /** An answer for another session or order of lanes makes all others worthless. */
  add(answer: TimelineAnswer): void {
    const last = this.newest;
    if (last !== null && (last.head.session !== answer.head.session || last.order !== answer.order))
      this.clear();
    this.recent.push(answer);
    if (this.recent.length > recentAnswers) this.recent.shift();
    const { fromNs, toNs } = answer.head;
    const widest = this.widest?.head;
    if (widest === undefined || toNs - fromNs >= widest.toNs - widest.fromNs) this.widest = answer;
    if (answer.head.firstLane === 0) this.leading = leadingOthers(answer.head.lanes);
  }

  clear(): void {
    this.recent = [];
    this.widest = null;
    this.leading = 0;
  }

  get newest(): TimelineAnswer | null {
    return this.recent[this.recent.length - 1] ?? null;
  }

  /** Lanes that the filter leaves, tasks and others. */
  get laneTotal(): number {
    return this.newest?.head.laneTotal ?? 0;
  }

  /** Lanes before the first task, as far as they were seen. */
  get others(): number {
    return this.leading;
  }

  /** All answers, what may lie beneath first. */
  all(): TimelineAnswer[] {
    const beneath = this.widest !== null && !this.recent.includes(this.widest) ? [this.widest] : [];
    return [...beneath, ...this.recent];
  }

  /**
   * The newest answer, and the newest of the others that shows lanes which it does not: the pinned ones.
   * Between them each lane in view is shown once, so markers are not drawn twice.
   */
  current(): TimelineAnswer[] {
    const { newest } = this;
    if (newest === null) return [];
    const beside = this.recent
      .slice(0, -1)
      .reverse()
      .find((answer) => !answer.head.lanes.some((lane) => newest.placeOfLane.has(lane.lane)));
    return beside === undefined ? [newest] : [newest, beside];
  }

  /** Markers in the newest answer's view that it does not hold, because there are too many. */
  get hiddenMarkers(): number {
    const { newest } = this;
    return newest === null ? 0 : Math.max(0, newest.head.markerTotal - newest.markerAtNs.length);
  }

  /** The lane at a place of the order, by the newest answer that covers it. */
  laneAt(place: number): LaneHeader | undefined {
    for (let i = this.recent.length - 1; i >= 0; i--) {
      const head = this.recent[i]?.head;
      const lane = head?.lanes[place - head.firstLane];
      if (lane !== undefined) return lane;
    }
    return this.widest?.head.lanes[place - (this.widest?.head.firstLane ?? 0)];
  }

  /** The lane of the task with that id, where an answer at hand shows it. */
  taskOf(id: number): LaneHeader | undefined {
    for (const { head } of this.all().reverse()) {
      const lane = head.lanes.find((each) => each.kind === laneKind.task && each.id === id);
      if (lane !== undefined) return lane;
    }
    return undefined;
  }

  /** Where a lane stands, by the newest answer that knows it. */
  placeOf(lane: number): number | undefined {
    for (const answer of this.all().reverse()) {
      const place = answer.placeOfLane.get(lane);
      if (place !== undefined) return answer.head.firstLane + place;
      const located = answer.head.located?.find((each) => each.lane === lane);
      if (located !== undefined && located.place >= 0) return located.place;
    }
    return undefined;
  }

  /** A lane with the answers that show it, what may lie beneath first. */
  showing(lane: number): { readonly answer: TimelineAnswer; readonly header: LaneHeader }[] {
    const out: { answer: TimelineAnswer; header: LaneHeader }[] = [];
    for (const answer of this.all()) {
      const place = answer.placeOfLane.get(lane);
      const header = place === undefined ? undefined : answer.head.lanes[place];
      if (header !== undefined) out.push({ answer, header });
    }
    return out;
  }

  /** The newest answer that shows a lane. */
  newestShowing(lane: number): { readonly answer: TimelineAnswer; readonly header: LaneHeader } | undefined {
    return this.showing(lane).pop();
  }
}
