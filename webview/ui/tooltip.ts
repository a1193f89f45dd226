// Owns the small text beside the pointer: lane, state, duration, what the flags say.
import { formatDuration } from '../../extension/trace/format.ts';
import { appearanceOf } from '../layout/appearance.ts';
import type { Hit } from '../layout/hit.ts';
import { flagWords, spanWord } from '../layout/span-labels.ts';
import { element } from './element.ts';

/** Beside the pointer, so that it does not hide what is pointed at. */
const offsetCssPx = 14;

export class Tooltip {
  readonly root = element('div', { class: 'tooltip', 'aria-hidden': 'true', hidden: true });

  show(hit: Hit, xCssPx: number, yCssPx: number): void {
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
