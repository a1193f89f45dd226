// Owns the view's life: takes what the host, the pointer and the keys say into the state, asks for what is missing, and
// has a frame painted when something changed. The only part that knows all the others.
import { laneKind, type SourceSite } from '../extension/messages/lanes.ts';
import type { Explanation, LaneHeader } from '../extension/messages/queries.ts';
import { formatDuration } from '../extension/trace/format.ts';
import { Asking } from './asking.ts';
import { buildSkeleton, type Skeleton } from './dom.ts';
import { Hovering } from './hovering.ts';
import { attachGestures } from './input/gestures.ts';
import { attachKeys } from './input/keys.ts';
import { AnswerStore } from './layout/answer-store.ts';
import { nsOfPx, rowHeightCssPx } from './layout/geometry.ts';
import type { Hit } from './layout/hit.ts';
import {
  hitAtPoint,
  keyAnchor,
  laneAtHeight,
  type Scene,
  selectedTask,
  selectHit,
  selectInLane,
  selectNextLane,
  selectNextSpan,
  selectStopped,
  stateWord,
  whyNothing,
  withinLife,
} from './layout/picking.ts';
import { arrowInterval } from './layout/query-plan.ts';
import { layoutRows, pinnedCount, type RowLayout, scrollToShow } from './layout/rows.ts';
import { Picture, type PictureInput, type PictureSize } from './picture.ts';
import { readTheme, type Theme, watchTheme } from './render/theme.ts';
import { drawTimeAxis } from './render/time-axis.ts';
import {
  type Action,
  anchorMode,
  initialState,
  reduce,
  type Selection,
  savedState,
  shownSession,
  type ViewState,
} from './state/view-state.ts';
import { type Announcement, HostLink, type WebviewApi } from './transport/host-link.ts';
import { Details } from './ui/details.ts';
import { setAttribute, setText } from './ui/element.ts';
import { emptyState } from './ui/empty-state.ts';
import { LaneRows, rowId } from './ui/lane-rows.ts';
import { Popover } from './ui/legend.ts';
import { Toolbar } from './ui/toolbar.ts';
import { TotalsLine } from './ui/totals.ts';

/** The state is kept at most this often: VS Code writes it to disk. */
const saveEveryMs = 300;
const axisHeightCssPx = 24;
/** Lanes of arrows whose place is asked for at once; the contract allows 256. */
const mostLocated = 64;

export class App implements Scene {
  /** Together with the answers and the rows this is the scene that layout/picking.ts works on. */
  state: ViewState;
  private readonly link: HostLink;
  readonly store = new AnswerStore();
  private readonly asking: Asking;
  private readonly dom: Skeleton;
  private readonly picture: Picture;
  private readonly rowsView = new LaneRows();
  private readonly popover = new Popover();
  private readonly hovering = new Hovering((wait) => this.askHover(wait));
  private readonly totals = new TotalsLine(() => this.popover.toggle('tier', shownSession(this.state)));
  private readonly empty = emptyState((command) => this.link.send({ type: 'command', command }));
  private readonly details: Details;
  private readonly toolbar: Toolbar;
  private theme: Theme;
  rows: RowLayout = layoutRows(0, 0, 0, 0);
  private ticksNs: readonly number[] = [];
  private framePending = false;
  private savePending = false;
  /** A double click came before the explanation that says what to open. */
  private opensWhenExplained = false;
  /** A lane whose place was asked for: an answer without it ends the search. */
  private searched = -1;
  private toldSelection = ' 0';
  /** The debugger's stop that was shown when it came. */
  private stopSeen = '';

  constructor(root: HTMLElement, api: WebviewApi) {
    this.link = new HostLink(api, (message) => this.hear(message));
    this.state = initialState(this.link.saved());
    this.asking = new Asking(this.link, this.store, {
      changed: () => this.schedule(),
      explained: (explanation) => this.explained(explanation),
      hovered: (explanation) => this.hovering.explained(explanation),
      problem: (message) => this.totals.setMessage(message),
    });
    this.details = new Details({
      openSite: (site) => this.openSite(site),
      reveal: (lane, atNs) =>
        this.dispatch({ type: 'reveal', session: this.state.session, lane, fromNs: atNs, toNs: atNs }),
      close: () => this.dispatch({ type: 'clear' }),
    });
    this.toolbar = new Toolbar({
      choose: (session) => this.choose(session),
      follow: (on) => this.dispatch({ type: 'follow', on }),
      pause: (on) => this.dispatch({ type: 'pause', on }),
      record: (detail) => this.link.send({ type: 'control', session: this.state.session, detail }),
      zoom: (factor) => this.dispatch({ type: 'zoom', anchor: 0.5, factor }),
      fit: () => this.dispatch({ type: 'fit' }),
      filter: (filter) => this.dispatch({ type: 'filter', filter }),
      allCalls: (on) => this.dispatch({ type: 'allCalls', on }),
      legend: () => this.popover.toggle('legend'),
      help: () => this.popover.toggle('keys'),
    });
    this.dom = buildSkeleton(root, {
      toolbar: this.toolbar.root,
      rows: this.rowsView.root,
      details: this.details.root,
      foot: this.totals.root,
      empty: this.empty,
      floating: [this.popover.root, this.hovering.tooltip.root],
      resized: () => this.schedule(),
    });
    this.picture = new Picture(this.dom.timeline, this.dom.overlay);
    this.theme = readTheme(document.body);
    this.listen();
  }

  /** Tells the host that the view is there; it answers with the sessions. */
  start(): void {
    this.link.send({ type: 'ready' });
    this.schedule();
  }

  private listen(): void {
    window.addEventListener('message', (event) => this.link.receive(event.data));
    window.addEventListener('error', (event) => this.link.send({ type: 'problem', message: event.message }));
    watchTheme(document.body, () => {
      this.theme = readTheme(document.body);
      this.schedule();
    });
    new ResizeObserver(() => this.schedule()).observe(this.dom.scroller);
    this.dom.scroller.addEventListener('scroll', () => this.scrolled());
    this.listenToPointer();
    this.listenToKeys();
  }

  private listenToPointer(): void {
    const { picture, rows } = { picture: this.dom.picture, rows: this.rowsView.root };
    attachGestures(picture, {
      zoom: (anchor, factor) => this.dispatch({ type: 'zoom', anchor, factor }),
      pan: (share) => this.dispatch({ type: 'pan', share }),
      scrollBy: (delta) => {
        this.dom.scroller.scrollTop += delta;
      },
    });
    picture.addEventListener('pointermove', (event) => this.point(event));
    picture.addEventListener('pointerleave', () => this.pointAway());
    picture.addEventListener('click', (event) => this.click(event));
    picture.addEventListener('dblclick', () => this.openSelected());
    rows.addEventListener('click', (event) => this.clickRow(event));
  }

  private listenToKeys(): void {
    attachKeys(document, {
      lane: (direction) => this.selectLane(direction),
      span: (direction) => this.selectSpan(direction),
      pan: (share) => this.dispatch({ type: 'pan', share }),
      zoom: (factor) =>
        this.dispatch({ type: 'zoom', anchor: keyAnchor(this.state, this.pointerShare()), factor }),
      page: (direction) => {
        this.dom.scroller.scrollTop += direction * (this.dom.scroller.clientHeight - 3 * rowHeightCssPx);
      },
      toStart: () => this.dispatch({ type: 'toStart' }),
      toEnd: () => this.dispatch({ type: 'toEnd' }),
      fit: () => this.dispatch({ type: 'fit' }),
      toggleFollow: () => this.dispatch({ type: 'follow', on: this.state.anchor === anchorMode.free }),
      togglePause: () => this.dispatch({ type: 'pause', on: !this.state.paused }),
      openSource: () => this.openSelected(),
      toggleFrames: () => this.toggleSelectedFrames(),
      filter: () => this.toolbar.focusFilter(),
      legend: () => this.popover.toggle('legend'),
      help: () => this.popover.toggle('keys'),
      escape: () => this.escape(),
    });
  }

  private hear(message: Announcement): void {
    if (message.type === 'sessions')
      this.dispatch({ type: 'sessions', sessions: message.sessions, shown: message.shown });
    else if (message.type === 'highlight')
      this.dispatch({ type: 'highlight', session: message.session, highlight: message });
    else this.dispatch(message);
  }

  private dispatch(action: Action): void {
    const before = this.state;
    this.state = reduce(before, action);
    if (this.state === before) return;
    if (this.state.session !== before.session) {
      this.store.clear();
      this.asking.reset();
      this.pointAway();
    }
    if (this.state.selection !== before.selection) this.selectionChanged();
    if (this.state.revealLane !== before.revealLane) this.searched = -1;
    this.schedule();
  }

  private selectionChanged(): void {
    this.asking.clearSelection();
    this.opensWhenExplained = false;
    if (this.state.selection === null) this.details.showHint();
  }

  private choose(session: string): void {
    this.dispatch({ type: 'choose', session });
    this.link.send({ type: 'showSession', session });
  }

  private schedule(): void {
    if (this.framePending) return;
    this.framePending = true;
    requestAnimationFrame(() => {
      this.framePending = false;
      this.frame();
    });
  }

  /** Layout, questions, paint: in that order, so that what is at hand is on the screen while answers are on the way. */
  private frame(): void {
    const session = shownSession(this.state);
    this.dom.root.classList.toggle('without-session', session === undefined);
    this.toolbar.update(this.state);
    this.totals.update(session);
    this.totals.setHighlight(this.state.highlight?.label ?? '');
    this.totals.setHidden(this.store.hiddenMarkers);
    const size = this.size();
    this.layOut(size);
    this.showStop();
    this.reveal(size);
    if (session !== undefined && size.widthCssPx > 0) this.ask(size);
    const axis = drawTimeAxis(this.dom.axis, this.state.interval, size.widthCssPx, axisHeightCssPx);
    this.ticksNs = axis.ticksNs;
    setText(this.dom.axisCorner, axis.baseText);
    this.picture.paint(this.pictureInput(size));
    this.updateRows();
    this.publish();
    this.save();
  }

  private showStop(): void {
    const { action, seen } = selectStopped(this, this.stopSeen);
    this.stopSeen = seen;
    if (action !== null) this.dispatch(action);
  }

  private size(): PictureSize {
    return {
      widthCssPx: this.dom.picture.clientWidth,
      heightCssPx: this.dom.scroller.clientHeight,
      devicePixelRatio: window.devicePixelRatio,
    };
  }

  private layOut(size: PictureSize): void {
    const pinned = pinnedCount(this.store.others, size.heightCssPx);
    this.rows = layoutRows(this.store.laneTotal, pinned, this.state.firstRow, size.heightCssPx);
    const { scroller, sizer, sticky } = this.dom;
    sticky.style.height = `${size.heightCssPx}px`;
    sizer.style.height = `${Math.max(size.heightCssPx, this.rows.contentHeightCssPx)}px`;
    if (this.store.newest === null) return;
    const scrollTop = this.state.firstRow * rowHeightCssPx;
    if (Math.abs(scroller.scrollTop - scrollTop) >= 1) scroller.scrollTop = scrollTop;
  }

  private scrolled(): void {
    // Before the first answer there is nothing to scroll: the position to come back to must not be lost.
    if (this.store.newest === null) return;
    this.dispatch({ type: 'scroll', firstRow: this.dom.scroller.scrollTop / rowHeightCssPx });
  }

  private reveal(size: PictureSize): void {
    const { revealLane } = this.state;
    if (revealLane < 0) return;
    const place = this.store.placeOf(revealLane);
    if (place === undefined) {
      const newest = this.store.newest;
      const located = newest?.head.located?.some((each) => each.lane === revealLane) ?? false;
      if (this.searched === revealLane && (located || this.asking.settled))
        this.dispatch({ type: 'revealed' });
      return;
    }
    const row = place - this.rows.pinned;
    const firstRow =
      row < 0
        ? this.state.firstRow
        : scrollToShow(row, this.state.firstRow, size.heightCssPx - this.rows.bodyTopCssPx);
    this.dispatch({ type: 'scroll', firstRow });
    this.dispatch({ type: 'revealed' });
    this.layOut(size);
    this.selectWithinLife(place);
  }

  /** Whoever asks to show a lane need not know when it lived: a lens asks for the whole session. */
  private selectWithinLife(place: number): void {
    const { selection } = this.state;
    const lane = this.store.laneAt(place);
    if (selection === null || lane?.lane !== selection.lane) return;
    const atNs = withinLife(lane, selection.atNs);
    if (atNs !== selection.atNs)
      this.dispatch({ type: 'select', selection: { lane: lane.lane, atNs }, reveal: false });
  }

  private ask(size: PictureSize): void {
    const { state, asking } = this;
    const rowsInView = Math.ceil((size.heightCssPx - this.rows.bodyTopCssPx) / rowHeightCssPx);
    asking.wantView(
      {
        session: state.session,
        filter: state.filter,
        expanded: state.expanded,
        allCalls: state.allCalls,
        interval: state.interval,
        endNs: state.endNs,
        following: state.anchor !== anchorMode.free && shownSession(state)?.state === 'live',
        size: {
          widthDevicePx: Math.round(size.widthCssPx * size.devicePixelRatio),
          heightCssPx: size.heightCssPx,
        },
        rows: this.rows,
        rowsInView,
      },
      this.lanesToLocate(),
    );
    const { selection, interval } = state;
    if (selection === null) return;
    asking.wantExplanation(state.session, selection, state.endNs);
    asking.wantArrows(
      { session: state.session, lane: selection.lane, ...arrowInterval(interval) },
      state.endNs,
    );
  }

  private lanesToLocate(): number[] {
    const { revealLane } = this.state;
    if (revealLane >= 0 && this.store.placeOf(revealLane) === undefined && this.searched !== revealLane) {
      this.searched = revealLane;
      return [revealLane];
    }
    const ends = this.asking.arrows.flatMap((arrow) => [arrow.fromLane, arrow.toLane]);
    const unknown = new Set(ends.filter((lane) => lane >= 0 && this.store.placeOf(lane) === undefined));
    return [...unknown].slice(0, mostLocated);
  }

  private pictureInput(size: PictureSize): PictureInput {
    return {
      state: this.state,
      store: this.store,
      rows: this.rows,
      size,
      theme: this.theme,
      ticksNs: this.ticksNs,
      arrows: this.asking.arrows,
      explanation: this.asking.explanation,
      hover: this.hovering.hit,
      hoverXCssPx: this.hovering.xCssPx,
    };
  }

  /** Instant whose states the label column names: the pointer's, else the newest in view. */
  private labelNs(): number {
    const { interval, endNs } = this.state;
    const { xCssPx } = this.hovering;
    if (xCssPx !== null) return nsOfPx(interval, Math.max(1, this.dom.picture.clientWidth), xCssPx);
    return Math.min(interval.toNs, endNs);
  }

  private updateRows(): void {
    const atNs = this.labelNs();
    const { selection, highlight } = this.state;
    const marked = new Set(highlight?.lanes ?? []);
    for (const wait of highlight?.waits ?? []) marked.add(wait.lane);
    const contents = this.rows.slots.map((slot) => {
      const lane = this.store.laneAt(slot.place);
      return {
        slot,
        lane,
        stateWord: lane === undefined ? '' : stateWord(this, lane, atNs),
        selected: lane !== undefined && selection?.lane === lane.lane,
        highlighted: lane !== undefined && marked.has(lane.lane),
        hovered: lane !== undefined && this.hovering.hit?.lane.lane === lane.lane,
        expanded: lane !== undefined && this.state.expanded.includes(lane.lane),
      };
    });
    this.rowsView.update(contents, this.rows.bodyTopCssPx);
    setAttribute(this.dom.scroller, 'aria-rowcount', String(this.store.laneTotal));
    const active = selection === null ? '' : rowId(selection.lane);
    setAttribute(
      this.dom.scroller,
      'aria-activedescendant',
      document.getElementById(active) === null ? '' : active,
    );
  }

  /** Figures for tests and other onlookers. */
  private publish(): void {
    const { state, dom } = this;
    const { root } = dom;
    const [{ session }, task] = [state, selectedTask(this)];
    // The host's commands are about the task that is selected.
    if (this.toldSelection !== `${session} ${task}`) this.link.send({ type: 'selected', session, task });
    this.toldSelection = `${session} ${task}`;
    setAttribute(root, 'data-session', state.session);
    setAttribute(root, 'data-lanes', String(this.store.laneTotal));
    setAttribute(root, 'data-from-ns', String(Math.round(state.interval.fromNs)));
    setAttribute(root, 'data-to-ns', String(Math.round(state.interval.toNs)));
    setAttribute(root, 'data-follow', String(state.anchor !== anchorMode.free));
    setAttribute(root, 'data-settled', String(this.asking.settled && this.store.newest !== null));
  }

  private save(): void {
    if (this.savePending || this.state.session === '') return;
    this.savePending = true;
    setTimeout(() => {
      this.savePending = false;
      this.link.save(savedState(this.state));
    }, saveEveryMs);
  }

  private hitOf(event: MouseEvent): Hit | null {
    const box = this.dom.picture.getBoundingClientRect();
    return hitAtPoint(this, event.clientX - box.left, event.clientY - box.top, box.width);
  }

  private point(event: PointerEvent): void {
    this.hovering.point(this.hitOf(event), event, this.dom.picture.getBoundingClientRect().left);
    this.picture.paintOverlay(this.pictureInput(this.size()));
    this.updateRows();
  }

  private pointAway(): void {
    this.hovering.away();
    this.schedule();
  }

  private askHover(wait: Selection | null): void {
    if (wait === null) this.asking.clearHover();
    else this.asking.wantHover({ session: this.state.session, ...wait });
  }

  private click(event: MouseEvent): void {
    const hit = this.hitOf(event);
    this.dom.scroller.focus({ preventScroll: true });
    if (hit !== null) this.dispatch(selectHit(this, hit));
  }

  private clickRow(event: MouseEvent): void {
    const lane = laneAtHeight(this, event.clientY - this.dom.sticky.getBoundingClientRect().top);
    if (lane === undefined) return;
    if (event.target instanceof Element && event.target.closest('.twisty') !== null) this.toggleFrames(lane);
    else this.dispatch(selectInLane(this, lane));
  }

  /** Shows or hides the calls below a task; of a row of calls those of its task. */
  private toggleFrames(lane: LaneHeader): void {
    const ofFrames = lane.kind === laneKind.frame;
    const task = ofFrames ? this.store.taskOf(lane.id) : lane;
    if (task === undefined || (task.frames ?? 0) === 0) return;
    const on = !this.state.expanded.includes(task.lane);
    this.dispatch({ type: 'expand', lane: task.lane, on });
    if (ofFrames) this.dispatch(selectInLane(this, task));
  }

  private toggleSelectedFrames(): void {
    const { selection } = this.state;
    const lane = selection === null ? undefined : this.store.newestShowing(selection.lane)?.header;
    if (lane !== undefined) this.toggleFrames(lane);
  }

  private selectLane(direction: 1 | -1): void {
    const action = selectNextLane(this, direction);
    if (action !== null) this.dispatch(action);
  }

  private selectSpan(direction: 1 | -1): boolean {
    const actions = selectNextSpan(this, direction);
    for (const action of actions ?? []) this.dispatch(action);
    return actions !== null;
  }

  private pointerShare(): number | null {
    const { xCssPx } = this.hovering;
    return xCssPx === null ? null : xCssPx / Math.max(1, this.dom.picture.clientWidth);
  }

  private explained(explanation: Explanation | null): void {
    if (explanation === null) {
      this.details.showText(whyNothing(this));
      return;
    }
    this.details.show(explanation, this.awaitsNote());
    if (this.opensWhenExplained) this.openSelected();
    const duration = formatDuration(explanation.toNs - explanation.fromNs);
    setText(
      this.dom.announcer,
      `${explanation.laneLabel}: ${explanation.stateName}, ${duration}. ${explanation.sentence}`,
    );
  }

  /** How the program knows where its tasks await; empty where it says nothing, or that it does not. */
  private awaitsNote(): string {
    const all = shownSession(this.state)?.capabilities ?? [];
    const known = all.find(({ name, visibility }) => name === 'awaitSites' && visibility !== 'notRecorded');
    return known === undefined || known.note === '' ? '' : `${known.visibility}: ${known.note}`;
  }

  /** Opens where the selected span stands in the source; once its explanation is there, if it is on the way. */
  private openSelected(): void {
    const { explanation } = this.asking;
    this.opensWhenExplained = explanation === null && this.state.selection !== null;
    const site = explanation?.site ?? explanation?.spawnSite ?? null;
    if (site !== null) this.openSite(site);
  }

  private openSite(site: SourceSite): void {
    this.link.send({ type: 'openSite', session: this.state.session, site });
  }

  private escape(): void {
    if (this.popover.close() || this.toolbar.leaveFilter()) return;
    if (this.state.selection === null && this.state.highlight === null && this.state.filter !== '')
      this.dispatch({ type: 'filter', filter: '' });
    else this.dispatch({ type: 'clear' });
  }
}
