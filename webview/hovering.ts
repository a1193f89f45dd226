// Owns what lies under the pointer: the span, the text beside it, and the chain of awaits that is asked for when the span is
// a wait. Knows nothing of clicks, and asks through whoever made it.
import { laneKind, spanState } from '../extension/messages/lanes.ts';
import type { ExplainQuery, Explanation } from '../extension/messages/queries.ts';
import type { Hit } from './layout/hit.ts';
import { Tooltip } from './ui/tooltip.ts';

/** Wants the explanation of a span, or, by null, none any more. */
export type HoverAsk = (query: Omit<ExplainQuery, 'session'> | null) => void;

export class Hovering {
  readonly tooltip = new Tooltip();
  hit: Hit | null = null;
  /** From the picture's left edge; null while the pointer is elsewhere. */
  xCssPx: number | null = null;

  private readonly ask: HoverAsk;
  private explanation: Explanation | null = null;
  private pageXCssPx = 0;
  private pageYCssPx = 0;

  constructor(ask: HoverAsk) {
    this.ask = ask;
  }

  /** The pointer moved over the picture, whose left edge is given. While something is dragged no text is shown. */
  point(hit: Hit | null, event: PointerEvent, leftCssPx: number): void {
    this.hit = hit;
    this.xCssPx = event.clientX - leftCssPx;
    this.pageXCssPx = event.clientX;
    this.pageYCssPx = event.clientY;
    if (hit === null || hit.state === 0 || event.buttons !== 0) {
      this.ask(null);
      this.tooltip.hide();
      return;
    }
    const wait = waitUnder(hit);
    if (!this.isExplained(hit)) {
      this.explanation = null;
      this.ask(wait);
    }
    this.show(hit);
  }

  away(): void {
    this.hit = null;
    this.xCssPx = null;
    this.explanation = null;
    this.ask(null);
    this.tooltip.hide();
  }

  /** What was asked for came; the pointer may be elsewhere by now. */
  explained(explanation: Explanation): void {
    this.explanation = explanation;
    if (this.hit !== null && this.isExplained(this.hit)) this.show(this.hit);
  }

  private show(hit: Hit): void {
    this.tooltip.show(hit, this.explanation?.stacks ?? [], this.pageXCssPx, this.pageYCssPx);
  }

  private isExplained(hit: Hit): boolean {
    const wait = waitUnder(hit);
    const { explanation } = this;
    return wait !== null && explanation?.lane === wait.lane && explanation.fromNs === wait.atNs;
  }
}

/** A wait is named by its beginning: its end moves while it is not over. */
function waitUnder({ lane, span }: Hit): { lane: number; atNs: number } | null {
  const isWait = span !== null && span.state >= spanState.idleSource && span.state <= spanState.idleUnknown;
  return isWait && lane.kind === laneKind.task ? { lane: lane.lane, atNs: span.fromNs } : null;
}
