// Owns the small text beside the pointer: lane, state, duration, what the flags say, and where a wait stands in the source
// once that is known.
import { chainText } from '../../extension/messages/await-text.ts';
import type { ExplanationStack } from '../../extension/messages/queries.ts';
import { formatDuration, formatQuantity } from '../../extension/trace/format.ts';
import { appearanceOf } from '../layout/appearance.ts';
import type { Hit } from '../layout/hit.ts';
import { flagWords, spanWord } from '../layout/span-labels.ts';
import { element } from './element.ts';

/** Beside the pointer, so that it does not hide what is pointed at. */
const offsetCssPx = 14;
/** Chains of a select or join that are shown beside the pointer. */
const mostChains = 3;

export class Tooltip {
  readonly root = element('div', { class: 'tooltip', 'aria-hidden': 'true', hidden: true });

  /** `chains`: where the task awaits; empty while that is not known. */
  show(hit: Hit, chains: readonly ExplanationStack[], xCssPx: number, yCssPx: number): void {
    const { span, lane } = hit;
    const word = span === null ? `mostly ${appearanceOf(hit.state).word}` : spanWord(lane, span, hit.names);
    const state = span === null ? '' : appearanceOf(span.state).word;
    const lines = [
      element('strong', {}, lane.label),
      element(
        'div',
        {},
        span === null
          ? word
          : `${word === state ? word : `${word}, ${state}`} · ${formatDuration(span.toNs - span.fromNs)}`,
      ),
      ...chainLines(chains),
      element('div', { class: 'muted' }, `at ${formatDuration(span?.fromNs ?? hit.atNs)}`),
      ...hit.marks.map((name) => element('div', {}, `mark: ${name}`)),
      ...flagWords(span?.flags ?? 0).map((text) => element('div', { class: 'muted' }, text)),
    ];
    this.root.replaceChildren(...lines);
    this.root.hidden = false;
    const { innerWidth, innerHeight } = window;
    const { offsetWidth, offsetHeight } = this.root;
    const left =
      xCssPx + offsetCssPx + offsetWidth > innerWidth
        ? xCssPx - offsetCssPx - offsetWidth
        : xCssPx + offsetCssPx;
    const top =
      yCssPx + offsetCssPx + offsetHeight > innerHeight
        ? yCssPx - offsetCssPx - offsetHeight
        : yCssPx + offsetCssPx;
    this.root.style.left = `${Math.max(0, left)}px`;
    this.root.style.top = `${Math.max(0, top)}px`;
  }

  hide(): void {
    this.root.hidden = true;
  }
}

function chainLines(chains: readonly ExplanationStack[]): HTMLElement[] {
  const more = chains.length - mostChains;
  const lines = chains
    .slice(0, mostChains)
    .map(({ frames }) => element('div', { class: 'awaits' }, chainText(frames)));
  if (more > 0)
    lines.push(element('div', { class: 'muted' }, `and at ${formatQuantity(more, 'place')} more`));
  return lines;
}
