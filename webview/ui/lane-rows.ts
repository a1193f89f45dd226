// Owns the column of labels and the rows behind the picture: one row of DOM for each lane in view, used again while
// scrolling; what a reader of a screen sees of the lanes.
import { laneKind } from '../../extension/messages/lanes.ts';
import type { LaneHeader } from '../../extension/messages/queries.ts';
import { formatQuantity } from '../../extension/trace/format.ts';
import { laneKindWord } from '../layout/appearance.ts';
import type { RowSlot } from '../layout/rows.ts';
import { element, setAttribute, setText } from './element.ts';

export interface RowContent {
  readonly slot: RowSlot;
  readonly lane: LaneHeader | undefined;
  /** What the lane does at the right edge of the view, in a word or two. */
  readonly stateWord: string;
  readonly selected: boolean;
  readonly highlighted: boolean;
  readonly hovered: boolean;
  /** Whether the calls below it are shown. */
  readonly expanded: boolean;
}

/** How far a call stands to the right of its caller, and how many levels of that are shown. */
const firstIndentCssPx = 24;
const indentCssPx = 8;
const deepestIndent = 8;

interface Row {
  readonly root: HTMLElement;
  readonly twisty: HTMLElement;
  readonly name: HTMLElement;
  readonly word: HTMLElement;
  readonly summary: HTMLElement;
}

export class LaneRows {
  readonly root = element('div', { class: 'rows', role: 'rowgroup' });
  private readonly pinned = element('div', { class: 'rows-pinned', role: 'presentation' });
  private readonly scrolled = element('div', { class: 'rows-scrolled', role: 'presentation' });
  private readonly pools = { pinned: [] as Row[], scrolled: [] as Row[] };

  constructor() {
    this.root.append(this.pinned, this.scrolled);
  }

  update(rows: readonly RowContent[], bodyTopCssPx: number): void {
    this.scrolled.style.top = `${bodyTopCssPx}px`;
    this.fill(
      this.pools.pinned,
      this.pinned,
      rows.filter((row) => row.slot.pinned),
      0,
    );
    this.fill(
      this.pools.scrolled,
      this.scrolled,
      rows.filter((row) => !row.slot.pinned),
      bodyTopCssPx,
    );
    this.root.classList.toggle('with-pinned', bodyTopCssPx > 0);
  }

  private fill(pool: Row[], parent: HTMLElement, rows: readonly RowContent[], topCssPx: number): void {
    while (pool.length < rows.length) pool.push(makeRow(parent));
    pool.forEach((row, index) => {
      const content = rows[index];
      row.root.hidden = content === undefined;
      if (content !== undefined) fillRow(row, content, topCssPx);
    });
  }
}

/** The id of a lane's row, for aria-activedescendant. */
export function rowId(lane: number): string {
  return `lane-${lane}`;
}

function makeRow(parent: HTMLElement): Row {
  // The keyboard has C for it, so it takes no place in the order of tabs.
  const twisty = element('button', { class: 'twisty', type: 'button', tabindex: '-1' });
  const name = element('span', { class: 'lane-name', role: 'rowheader' });
  const word = element('span', { class: 'lane-state', role: 'gridcell' });
  const summary = element('span', { class: 'visually-hidden', role: 'gridcell' });
  const label = element('div', { class: 'row-label', role: 'presentation' }, twisty, name, word);
  const root = element('div', { class: 'row', role: 'row' }, label, summary);
  parent.append(root);
  return { root, twisty, name, word, summary };
}

function indentOf(depth: number): string {
  return `${firstIndentCssPx + Math.min(depth, deepestIndent) * indentCssPx}px`;
}

function fillTwisty(twisty: HTMLElement, { lane, expanded }: RowContent): void {
  const calls = lane?.frames ?? 0;
  twisty.hidden = calls === 0;
  setAttribute(twisty, 'aria-label', `${expanded ? 'Hide' : 'Show'} ${formatQuantity(calls, 'async call')}`);
  if (calls === 0) return;
  setText(twisty, expanded ? '▾' : '▸');
  setAttribute(twisty, 'aria-expanded', String(expanded));
}

function fillRow(row: Row, content: RowContent, topCssPx: number): void {
  const { slot, lane } = content;
  row.root.style.transform = `translateY(${slot.yCssPx - topCssPx}px)`;
  setAttribute(row.root, 'aria-rowindex', String(slot.place + 1));
  setAttribute(row.root, 'aria-selected', String(content.selected));
  row.root.classList.toggle('selected', content.selected);
  row.root.classList.toggle('highlighted', content.highlighted);
  row.root.classList.toggle('hovered', content.hovered);
  fillTwisty(row.twisty, content);
  if (lane === undefined) {
    setText(row.name, '…');
    setText(row.word, '');
    setText(row.summary, '');
    row.root.removeAttribute('id');
    return;
  }
  setAttribute(row.root, 'id', rowId(lane.lane));
  setAttribute(row.root, 'data-kind', laneKindWord[lane.kind]);
  const below = lane.kind === laneKind.frame || (lane.kind === laneKind.section && lane.id !== 0);
  row.root.classList.toggle('below', below);
  row.root.classList.toggle('other', !below && lane.kind !== laneKind.task);
  row.name.style.paddingLeft = lane.depth === undefined ? '' : indentOf(lane.depth);
  setText(row.name, lane.label);
  setText(row.word, content.stateWord);
  setText(row.summary, lane.summary);
  row.root.title = lane.summary === '' ? lane.label : `${lane.label}\n${lane.summary}`;
}
