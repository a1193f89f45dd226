// Owns the line of exact counts at the foot, what the tier does not record, and messages of the view itself.
import type { SessionSummary, Totals } from '../../extension/messages/queries.ts';
import { formatCount } from '../../extension/trace/format.ts';
import { element, setText } from './element.ts';

interface Shown {
  readonly name: keyof Totals;
  readonly word: string;
  readonly about: string;
}

const shown: readonly Shown[] = [
  { name: 'tasks', word: 'tasks', about: 'Tasks spawned' },
  { name: 'tasksAlive', word: 'alive', about: 'Tasks that have not ended' },
  { name: 'polls', word: 'polls', about: 'Calls of a task by a worker' },
  { name: 'wakes', word: 'wakes', about: 'Requests to poll a task again' },
  { name: 'spuriousPolls', word: 'spurious', about: 'Polls after the first that no wake precedes' },
  { name: 'reactorParks', word: 'parks', about: 'Times that a reactor slept in the readiness wait' },
  { name: 'readiness', word: 'readiness', about: 'Events that the operating system reported' },
  { name: 'wouldBlocks', word: 'would block', about: 'Operations that found nothing to do' },
  { name: 'jobs', word: 'jobs', about: 'Jobs of the blocking pool' },
  { name: 'debuggerStops', word: 'stops', about: 'Times that the debugger stopped the program' },
  { name: 'dropped', word: 'dropped', about: 'Events that were lost: the trace has gaps where they were' },
];

/** Counts that say nothing while they are 0; tests and readers of a screen find the others always. */
const quietAtZero: ReadonlySet<keyof Totals> = new Set(['spuriousPolls', 'wouldBlocks', 'debuggerStops']);

export class TotalsLine {
  readonly root: HTMLElement;
  private readonly counts = new Map<keyof Totals, HTMLElement>();
  private readonly highlight = element('span', { class: 'highlight-label' });
  private readonly hidden = element('span', { class: 'notes' });
  private readonly notes = element('span', { class: 'notes' });
  private readonly message = element('span', { class: 'message', role: 'alert' });

  constructor() {
    const list = element('dl', { class: 'totals', 'aria-label': 'Totals of the session' });
    for (const { name, word, about } of shown) {
      const count = element('dd', { 'data-total': name }, '0');
      this.counts.set(name, count);
      list.append(element('div', { class: 'total', title: about }, count, element('dt', {}, word)));
    }
    this.root = element(
      'footer',
      { class: 'foot' },
      list,
      this.highlight,
      this.hidden,
      this.notes,
      this.message,
    );
  }

  update(session: SessionSummary | undefined): void {
    for (const [name, count] of this.counts) {
      const value = session?.totals[name] ?? 0;
      setText(count, String(value));
      const entry = count.parentElement;
      if (entry === null) continue;
      entry.hidden = quietAtZero.has(name) && value === 0;
      entry.classList.toggle('bad', (name === 'dropped' || name === 'spuriousPolls') && value > 0);
    }
    const missing = session?.capabilities.filter((each) => each.visibility === 'notRecorded') ?? [];
    setText(
      this.notes,
      missing.length === 0 ? '' : `Not recorded by this tier: ${missing.map((each) => each.name).join(', ')}`,
    );
    this.notes.title = missing
      .map((each) => (each.note === '' ? each.name : `${each.name}: ${each.note}`))
      .join('\n');
    this.setProblem(session?.problem ?? '');
  }

  /** What the cursor's line has in the trace; empty when it has nothing. */
  setHighlight(label: string): void {
    setText(this.highlight, label);
  }

  /** How many markers are not drawn at this scale. */
  setHidden(count: number): void {
    setText(this.hidden, count === 0 ? '' : `${formatCount(count)} marks not drawn: zoom in`);
  }

  /** What went wrong in the view itself; empty when nothing did. */
  setMessage(text: string): void {
    this.own = text;
    this.showMessage();
  }

  private own = '';
  private problem = '';

  private setProblem(text: string): void {
    this.problem = text;
    this.showMessage();
  }

  private showMessage(): void {
    setText(this.message, this.own !== '' ? this.own : this.problem);
  }
}
