// Owns the bar on top: session, its state, follow, pause, zoom, filter, legend and help.
import { type Detail, details, type SessionSummary } from '../../extension/messages/queries.ts';
import { type SessionGroup, sessionGroups } from '../../extension/messages/session-groups.ts';
import { anchorMode, shownSession, type ViewState } from '../state/view-state.ts';
import { element, icon, iconButton, setAttribute, setText } from './element.ts';

export interface ToolbarActions {
  readonly choose: (session: string) => void;
  readonly follow: (on: boolean) => void;
  readonly pause: (on: boolean) => void;
  /** Recording in the program itself. */
  readonly record: (detail: Detail) => void;
  readonly zoom: (factor: number) => void;
  readonly fit: () => void;
  readonly filter: (text: string) => void;
  /** Whether calls inside packages and Node have rows of their own. */
  readonly allCalls: (on: boolean) => void;
  readonly legend: () => void;
  readonly help: () => void;
}

export class Toolbar {
  readonly root: HTMLElement;
  private readonly picker = element('select', { 'aria-label': 'Session', class: 'session-picker' });
  private readonly name = element('span', { class: 'session-name' });
  private readonly badge = element('span', { class: 'badge', role: 'status' });
  private readonly follow: HTMLButtonElement;
  private readonly pause: HTMLButtonElement;
  private readonly record: HTMLButtonElement;
  private readonly allCalls: HTMLButtonElement;
  private readonly filter = element('input', {
    type: 'search',
    placeholder: 'Filter tasks',
    'aria-label': 'Filter tasks by name',
    title: 'Filter tasks by name (/)',
    class: 'filter',
    spellcheck: 'false',
  });
  private readonly detail = element('select', {
    'aria-label': 'How much is recorded',
    class: 'detail-picker',
  });
  private pickerKey = '';
  private detailKey = '';
  /** What recording goes on with when it was off. */
  private lastDetail: Detail = 'full';

  constructor(actions: ToolbarActions) {
    this.follow = iconButton('follow', 'Follow the newest events', 'F', () =>
      actions.follow(this.follow.getAttribute('aria-pressed') !== 'true'),
    );
    this.pause = iconButton('pause', 'Freeze the view', 'Space', () =>
      actions.pause(this.pause.getAttribute('aria-pressed') !== 'true'),
    );
    this.record = iconButton('record', 'Record what the program does', '', () =>
      actions.record(this.record.getAttribute('aria-pressed') === 'true' ? 'off' : this.lastDetail),
    );
    this.allCalls = iconButton('calls', 'Show calls inside packages and Node too', '', () =>
      actions.allCalls(this.allCalls.getAttribute('aria-pressed') !== 'true'),
    );
    this.detail.addEventListener('change', () => {
      const wanted = details.find((each) => each === this.detail.value);
      if (wanted !== undefined) actions.record(wanted);
    });
    this.picker.addEventListener('change', () => actions.choose(this.picker.value));
    this.filter.addEventListener('input', () => actions.filter(this.filter.value));
    const group = (...children: HTMLElement[]) => element('div', { class: 'group' }, ...children);
    this.root = element(
      'header',
      { class: 'toolbar', role: 'toolbar', 'aria-label': 'Timeline' },
      element('div', { class: 'session' }, this.picker, this.name, this.badge),
      group(this.follow, this.pause, this.record, this.detail),
      group(
        iconButton('zoomOut', 'Zoom out', '−', () => actions.zoom(2)),
        iconButton('zoomIn', 'Zoom in', '+', () => actions.zoom(0.5)),
        iconButton('fit', 'Show all of the trace', '0', actions.fit),
      ),
      this.filter,
      group(
        this.allCalls,
        iconButton('legend', 'Legend', 'L', actions.legend),
        iconButton('help', 'Keys', '?', actions.help),
      ),
    );
  }

  update(state: ViewState): void {
    const session = shownSession(state);
    this.updatePicker(state);
    setText(this.name, session === undefined ? 'No session' : sessionTitle(session));
    this.name.title = session === undefined ? '' : `${session.program} · ${session.tier}`;
    const badge = badgeOf(session, state.paused);
    setText(this.badge, badge.text);
    setAttribute(this.badge, 'data-state', badge.kind);
    this.badge.hidden = session === undefined;
    this.badge.title = session?.problem ?? '';
    setAttribute(this.pause, 'aria-pressed', String(state.paused));
    const label = state.paused ? 'Go on with the newest events' : 'Freeze the view';
    if (this.pause.getAttribute('aria-label') !== label) {
      this.pause.setAttribute('aria-label', label);
      this.pause.title = `${label} (Space)`;
      this.pause.replaceChildren(icon(state.paused ? 'play' : 'pause'));
    }
    if (this.filter.value !== state.filter && document.activeElement !== this.filter)
      this.filter.value = state.filter;
    for (const button of this.root.querySelectorAll('button')) button.disabled = session === undefined;
    // What is over has no newest events to come.
    const live = session?.state === 'live';
    setAttribute(this.follow, 'aria-pressed', String(live && state.anchor !== anchorMode.free));
    this.follow.disabled = !live;
    this.pause.disabled = !live && !state.paused;
    const records = session?.detail !== 'off';
    setAttribute(this.record, 'aria-pressed', String(live && records));
    this.record.title = records ? 'Stop recording in the program' : 'Go on recording in the program';
    // A program that a debugger holds cannot hear it.
    this.record.disabled = !live || session.stopped;
    this.updateDetail(session);
    setAttribute(this.allCalls, 'aria-pressed', String(state.allCalls));
    // Only Node programs have such calls.
    this.allCalls.hidden = session !== undefined && session.language !== 'node';
  }

  focusFilter(): void {
    this.filter.focus();
    this.filter.select();
  }

  /** Leaves the filter; true when the focus was there. */
  leaveFilter(): boolean {
    if (document.activeElement !== this.filter) return false;
    this.filter.blur();
    return true;
  }

  private updateDetail(session: SessionSummary | undefined): void {
    const known = details.filter((each) => each !== 'native' || session?.tier === 'node-register');
    const key = known.join();
    if (key !== this.detailKey) {
      this.detailKey = key;
      this.detail.replaceChildren(
        ...known.map((value) => element('option', { value }, detailWords[value].label)),
      );
    }
    const now = session?.detail ?? 'full';
    if (now !== 'off') this.lastDetail = now;
    this.detail.value = now;
    this.detail.title = `Recorded: ${detailWords[now].title}`;
    this.detail.disabled = this.record.disabled;
    this.detail.hidden = session === undefined;
  }

  private updatePicker(state: ViewState): void {
    const several = state.sessions.length > 1;
    this.picker.hidden = !several;
    this.name.hidden = several;
    const key = state.sessions.map((each) => `${each.session} ${each.state} ${each.program}`).join();
    if (key !== this.pickerKey) {
      this.pickerKey = key;
      this.picker.replaceChildren(...sessionGroups(state.sessions).flatMap(optionsOf));
    }
    this.picker.value = state.session;
  }
}

/** Sessions of one program stand together, under its name. */
function optionsOf(group: SessionGroup): HTMLElement[] {
  const options = group.map((each) =>
    element('option', { value: each.session }, `${sessionTitle(each)} · ${stateWords[each.state]}`),
  );
  const [first, ...others] = group;
  if (others.length === 0) return options;
  return [element('optgroup', { label: programName(first) }, ...options)];
}

const detailWords = {
  off: { label: 'Off', title: 'nothing' },
  native: { label: 'Loop only', title: 'callbacks of the loop, timers, connections and jobs; no promises' },
  lean: { label: 'Lean', title: 'tasks, polls, wakes and waits, the reactor, timers and jobs' },
  full: { label: 'Full', title: 'everything that can be seen' },
} as const;

const stateWords = { live: 'live', ended: 'ended', cut: 'connection lost', opened: 'recording' } as const;

function badgeOf(session: SessionSummary | undefined, paused: boolean): { text: string; kind: string } {
  if (session === undefined) return { text: '', kind: 'none' };
  if (paused) return { text: 'frozen', kind: 'paused' };
  if (session.stopped) return { text: 'stopped by the debugger', kind: 'stopped' };
  if (session.state === 'live' && session.detail === 'off')
    return { text: 'live, not recorded', kind: 'paused' };
  return { text: stateWords[session.state], kind: session.state };
}

/** The program's file name and process, and what of its program it is: what tells sessions of one project apart. */
function sessionTitle(session: SessionSummary): string {
  const part = session.family?.part ?? '';
  return `${programName(session)} (${session.pid})${part === '' ? '' : `, ${part}`}`;
}

function programName({ program, language }: SessionSummary): string {
  const name = program.split(/[\\/]/).pop() ?? program;
  return name === '' ? language : name;
}
