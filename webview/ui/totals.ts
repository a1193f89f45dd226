// Owns the line of exact counts at the foot, what the tier does not record, and messages of the view itself.
import type { SessionSummary, Totals } from '../../extension/messages/queries.ts';
import { formatCount } from '../../extension/trace/format.ts';
import { element, setText } from './element.ts';

interface Shown {
  readonly name: keyof Totals;
  readonly word: string;
  /** The word for exactly one, where it differs. */
  readonly one?: string;
  readonly about: string;
}

const shown: readonly Shown[] = [
  { name: 'tasks', word: 'tasks', one: 'task', about: 'Tasks spawned' },
  { name: 'tasksAlive', word: 'alive', about: 'Tasks that have not ended' },
  { name: 'polls', word: 'polls', one: 'poll', about: 'Calls of a task by a worker' },
  { name: 'wakes', word: 'wakes', one: 'wake', about: 'Requests to poll a task again' },
  { name: 'spuriousPolls', word: 'spurious', about: 'Polls after the first that no wake precedes' },
  {
    name: 'reactorParks',
    word: 'parks',
    one: 'park',
    about: 'Times that a reactor slept in the readiness wait',
  },
  { name: 'readiness', word: 'readiness', about: 'Events that the operating system reported' },
  { name: 'wouldBlocks', word: 'would block', about: 'Operations that found nothing to do' },
  { name: 'jobs', word: 'jobs', one: 'job', about: 'Jobs of the blocking pool' },
  { name: 'debuggerStops', word: 'stops', one: 'stop', about: 'Times that the debugger stopped the program' },
  { name: 'dropped', word: 'dropped', about: 'Events that were lost: the trace has gaps where they were' },
];

/** Counts that say nothing while they are 0; tests and readers of a screen find the others always. */
const quietAtZero: ReadonlySet<keyof Totals> = new Set(['spuriousPolls', 'wouldBlocks', 'debuggerStops']);

export class TotalsLine {
  readonly root: HTMLElement;
  private readonly counts: {
    readonly entry: Shown;
    readonly count: HTMLElement;
    readonly word: HTMLElement;
  }[] = [];
  private readonly highlight = element('span', { class: 'highlight-label' });
  private readonly hidden = element('span', { class: 'notes' });
  private readonly notes = element('button', { type: 'button', class: 'notes', hidden: true });
  private readonly message = element('span', { class: 'message', role: 'alert' });

  /** `tier` is called when the reader wants to know all that the tier records. */
  constructor(tier: () => void) {
    this.notes.addEventListener('click', tier);
    const list = element('dl', { class: 'totals', 'aria-label': 'Totals of the session' });
    for (const entry of shown) {
      const count = element('dd', { 'data-total': entry.name }, '0');
      const word = element('dt', {}, entry.word);
      this.counts.push({ entry, count, word });
      list.append(element('div', { class: 'total', title: entry.about }, count, word));
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
    for (const { entry, count, word } of this.counts) {
      const { name } = entry;
      const value = session?.totals[name] ?? 0;
      setText(count, String(value));
      setText(word, value === 1 ? (entry.one ?? entry.word) : entry.word);
      const { parentElement } = count;
      if (parentElement === null) continue;
      parentElement.hidden = quietAtZero.has(name) && value === 0;
      parentElement.classList.toggle('bad', (name === 'dropped' || name === 'spuriousPolls') && value > 0);
    }
    const missing = session?.capabilities.filter((each) => each.visibility === 'notRecorded') ?? [];
    const without =
      missing.length === 0
        ? 'all that can be is recorded'
        : `not recorded: ${missing.map((each) => inWords(each.name)).join(', ')}`;
    setText(this.notes, session === undefined ? '' : `Tier ${session.tier}, ${without}`);
    this.notes.hidden = session === undefined || session.capabilities.length === 0;
    this.notes.title = missing
      .map((each) => (each.note === '' ? inWords(each.name) : `${inWords(each.name)}: ${each.note}`))
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

/** The wire's name of a capability as a reader of sentences has it: `parkTimeouts` is "park timeouts". */
function inWords(capability: string): string {
  return capability.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
