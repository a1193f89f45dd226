// Owns what is asked of the host and when: the viewport's queries, the explanation and the arrows of the selection.
// Keeps to one of each kind under way and never asks the same twice; knows nothing of the DOM.
import type {
  Arrow,
  ArrowsQuery,
  ExplainQuery,
  Explanation,
  ViewportQuery,
} from '../extension/messages/queries.ts';
import { orderOf, readAnswer } from './layout/answer.ts';
import type { AnswerStore } from './layout/answer-store.ts';
import { type PlanInput, planQueries, stillAnswers } from './layout/query-plan.ts';
import type { Selection } from './state/view-state.ts';
import type { HostLink } from './transport/host-link.ts';
import { NewestWins } from './transport/newest-wins.ts';

export interface AskingListener {
  /** Something came: paint. */
  readonly changed: () => void;
  /** The explanation of the selection came; null when there is nothing to explain there. */
  readonly explained: (explanation: Explanation | null) => void;
  /** The explanation of what the pointer rests on came. */
  readonly hovered: (explanation: Explanation) => void;
  /** What went wrong, in words; empty when it works again. */
  readonly problem: (message: string) => void;
}

/** What a slot was last asked for: the same is not asked again, whatever came back. */
interface Slot<Query> {
  readonly queue: NewestWins<Query>;
  lastKey: string;
}

export class Asking {
  /** Of the selected lane, in and near the view. */
  arrows: readonly Arrow[] = [];
  /** Of the selection; null when there is none or it is on the way. */
  explanation: Explanation | null = null;

  private readonly link: HostLink;
  private readonly store: AnswerStore;
  private readonly listener: AskingListener;
  private readonly pinned: Slot<ViewportQuery>;
  private readonly body: Slot<ViewportQuery>;
  private readonly explaining: Slot<ExplainQuery>;
  private readonly pointing: Slot<ArrowsQuery>;
  private readonly hovering: Slot<ExplainQuery>;

  constructor(link: HostLink, store: AnswerStore, listener: AskingListener) {
    this.link = link;
    this.store = store;
    this.listener = listener;
    const slot = <Query>(run: (query: Query) => Promise<void>): Slot<Query> => ({
      queue: new NewestWins((query: Query) => this.guarded(run(query))),
      lastKey: '',
    });
    this.pinned = slot((query) => this.viewport(query));
    this.body = slot((query) => this.viewport(query));
    this.explaining = slot((query) => this.explain(query));
    this.pointing = slot((query) => this.point(query));
    this.hovering = slot((query) => this.hover(query));
  }

  /** Whether all that was wanted has come. */
  get settled(): boolean {
    const slots = [this.pinned, this.body, this.explaining, this.pointing, this.hovering];
    return !slots.some((slot) => slot.queue.underWay);
  }

  /** Forgets what belongs to the session that was in view. */
  reset(): void {
    this.clearSelection();
    for (const slot of [this.pinned, this.body]) {
      slot.lastKey = '';
      slot.queue.drop();
    }
  }

  clearSelection(): void {
    this.arrows = [];
    this.explanation = null;
    for (const slot of [this.explaining, this.pointing]) {
      slot.lastKey = '';
      slot.queue.drop();
    }
  }

  /** Asks for the view's lanes unless the answers at hand show them. `locate`: lanes that must be found. */
  wantView(input: PlanInput, locate: readonly number[]): void {
    const plan = planQueries(input);
    const body = locate.length === 0 ? plan.body : { ...plan.body, locate };
    const answers = this.store.all();
    const known = (query: ViewportQuery) => answers.some((answer) => stillAnswers(answer, query, input));
    if (locate.length > 0 || !known(plan.body)) this.want(this.body, body, input.endNs);
    if (plan.pinned !== null && !known(plan.pinned)) this.want(this.pinned, plan.pinned, input.endNs);
  }

  /** `endNs` changes what the answer can be while the span is not over. */
  wantExplanation(session: string, selection: Selection, endNs: number): void {
    const { explanation } = this;
    const about = explanation?.lane === selection.lane && covers(explanation, selection.atNs);
    const final = about && !explanation.open;
    this.want(this.explaining, { session, ...selection }, final ? explanation.toNs : endNs);
  }

  /** For the text beside the pointer; the same span is asked once. */
  wantHover(query: ExplainQuery): void {
    this.want(this.hovering, query, 0);
  }

  /** The pointer is elsewhere: what is on the way is not wanted any more. */
  clearHover(): void {
    this.hovering.lastKey = '';
    this.hovering.queue.drop();
  }

  wantArrows(query: ArrowsQuery, endNs: number): void {
    this.want(this.pointing, query, endNs);
  }

  private want<Query>(slot: Slot<Query>, query: Query, endNs: number): void {
    const key = `${JSON.stringify(query)} ${endNs}`;
    if (key === slot.lastKey) return;
    slot.lastKey = key;
    slot.queue.want(query);
  }

  private async guarded(run: Promise<void>): Promise<void> {
    try {
      await run;
      this.listener.problem('');
    } catch (error) {
      this.listener.problem(error instanceof Error ? error.message : String(error));
    }
    this.listener.changed();
  }

  private async viewport(query: ViewportQuery): Promise<void> {
    const { result, binary } = await this.link.request('viewport', query);
    this.store.add(readAnswer(result, binary, orderOf(query)));
  }

  private async explain(query: ExplainQuery): Promise<void> {
    const { result } = await this.link.request('explain', query);
    // The selection may have moved on meanwhile.
    if (!this.explaining.lastKey.startsWith(JSON.stringify(query))) return;
    this.explanation = result;
    this.listener.explained(result);
  }

  private async hover(query: ExplainQuery): Promise<void> {
    const { result } = await this.link.request('explain', query);
    const isWanted = this.hovering.lastKey.startsWith(JSON.stringify(query));
    if (isWanted && result !== null) this.listener.hovered(result);
  }

  private async point(query: ArrowsQuery): Promise<void> {
    const { result } = await this.link.request('arrows', query);
    if (this.pointing.lastKey.startsWith(JSON.stringify(query))) this.arrows = result;
  }
}

function covers(explanation: Explanation, atNs: number): boolean {
  return atNs >= explanation.fromNs && atNs <= explanation.toNs;
}
