// Owns the legend of states and markers, the list of keys, and what a session's tier records: one pane over the timeline,
// closed by Escape.
import { spanState } from '../../extension/messages/lanes.ts';
import type { SessionSummary } from '../../extension/messages/queries.ts';
import {
  fillStyle,
  type MarkerAppearance,
  markerAppearance,
  markerShape,
  stateAppearance,
  texture,
} from '../layout/appearance.ts';
import { element, iconButton } from './element.ts';

const fillNames = Object.fromEntries(Object.entries(fillStyle).map(([name, value]) => [value, name]));
const shapeNames = Object.fromEntries(Object.entries(markerShape).map(([name, value]) => [value, name]));

const textureNames = Object.fromEntries(Object.entries(texture).map(([name, value]) => [value, name]));

const keys: readonly (readonly [string, string])[] = [
  ['↑ ↓', 'previous, next lane'],
  ['← →', 'previous, next span of the lane; without a selection: earlier, later'],
  ['A D, Shift+← →', 'earlier, later'],
  ['W S, + −', 'zoom in, out'],
  ['Home End', 'start, end of the trace'],
  ['PgUp PgDn', 'scroll the lanes'],
  ['0', 'show all of the trace'],
  ['F', 'follow the newest events'],
  ['Space', 'freeze the view, go on'],
  ['Enter', 'open the source line of the selected span'],
  ['C', 'show or hide the calls below the selected task'],
  ['/', 'filter tasks'],
  ['L', 'legend'],
  ['Esc', 'close, clear the selection'],
  ['Ctrl or ⌘ + wheel, pinch', 'zoom at the pointer'],
  ['Shift + wheel, drag', 'earlier, later'],
];

const titles = { legend: 'Legend', keys: 'Keys', tier: 'What this program’s tier records' } as const;

export class Popover {
  readonly root = element('div', { class: 'popover', role: 'dialog', tabindex: -1, hidden: true });
  private shown: keyof typeof titles | null = null;
  private returnTo: HTMLElement | null = null;

  /** `session` is the one whose tier is told. */
  toggle(which: keyof typeof titles, session?: SessionSummary): void {
    if (this.shown === which) {
      this.close();
      return;
    }
    if (this.shown === null && document.activeElement instanceof HTMLElement)
      this.returnTo = document.activeElement;
    this.shown = which;
    this.root.setAttribute('aria-label', titles[which]);
    this.root.replaceChildren(
      element(
        'div',
        { class: 'popover-head' },
        element('h2', {}, titles[which]),
        iconButton('close', 'Close', 'Esc', () => this.close()),
      ),
      which === 'legend' ? legend() : which === 'keys' ? keyList() : tierTable(session),
    );
    this.root.hidden = false;
    this.root.focus();
  }

  /** True when it was open. */
  close(): boolean {
    if (this.shown === null) return false;
    this.shown = null;
    this.root.hidden = true;
    this.returnTo?.focus();
    return true;
  }
}

function legend(): HTMLElement {
  const states = element('dl', { class: 'legend' });
  for (const [state, appearance] of Object.entries(stateAppearance)) {
    if (Number(state) === spanState.none) continue;
    const swatch = element('span', {
      class: 'swatch',
      'data-colour': appearance.colour,
      'data-fill': fillNames[appearance.fill] ?? 'none',
      'data-texture': textureNames[appearance.texture] ?? 'none',
    });
    states.append(
      element('div', {}, element('dt', {}, swatch, appearance.word), element('dd', {}, appearance.meaning)),
    );
  }
  const markers = element('ul', { class: 'legend-markers' });
  for (const appearance of Object.values(markerAppearance)) markers.append(markerEntry(appearance));
  const lines = element(
    'p',
    { class: 'muted' },
    'Arrows lead from what woke to what was woken: solid when recorded, dashed when inferred, dotted when not known. A dashed bottom line marks a wait whose cause is inferred. What may still change is dimmed. Seen from afar, the height of a bar tells the share of time.',
  );
  return element('div', {}, states, markers, lines);
}

function markerEntry(appearance: MarkerAppearance): HTMLElement {
  const mark = element('span', {
    class: 'mark',
    'data-colour': appearance.colour,
    'data-shape': shapeNames[appearance.shape] ?? 'bar',
  });
  return element('li', {}, mark, appearance.word);
}

function keyList(): HTMLElement {
  const list = element('dl', { class: 'keys' });
  for (const [key, meaning] of keys)
    list.append(element('div', {}, element('dt', {}, element('kbd', {}, key)), element('dd', {}, meaning)));
  return list;
}

const visibilityWords = { recorded: 'recorded', inferred: 'inferred', notRecorded: 'not recorded' } as const;

/** What is missing stands first: it is what a reader of the picture must know. */
const visibilityOrder = ['notRecorded', 'inferred', 'recorded'] as const;

function tierTable(session: SessionSummary | undefined): HTMLElement {
  const list = element('dl', { class: 'tier' });
  for (const visibility of visibilityOrder)
    for (const each of session?.capabilities ?? []) {
      if (each.visibility !== visibility) continue;
      const word = element(
        'span',
        { class: 'visibility', 'data-visibility': visibility },
        visibilityWords[visibility],
      );
      list.append(element('div', {}, element('dt', {}, each.name, word), element('dd', {}, each.note)));
    }
  const tier = session === undefined || session.tier === '' ? 'not known' : session.tier;
  return element(
    'div',
    {},
    element('p', {}, `Tier: ${tier}.`),
    element(
      'p',
      { class: 'muted' },
      'What is not recorded may have happened all the same: its absence in the picture means nothing.',
    ),
    list,
  );
}
