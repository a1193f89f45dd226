// Owns which key does what. Knows the names of the actions, not what they do.

export interface KeyActions {
  readonly lane: (direction: 1 | -1) => void;
  /** To the neighbour span of the selected lane; false when nothing is selected. */
  readonly span: (direction: 1 | -1) => boolean;
  readonly pan: (share: number) => void;
  readonly zoom: (factor: number) => void;
  readonly page: (direction: 1 | -1) => void;
  readonly toStart: () => void;
  readonly toEnd: () => void;
  readonly fit: () => void;
  readonly toggleFollow: () => void;
  readonly togglePause: () => void;
  readonly openSource: () => void;
  readonly toggleFrames: () => void;
  readonly filter: () => void;
  readonly legend: () => void;
  readonly help: () => void;
  readonly escape: () => void;
}

const panShare = 0.15;
const zoomFactor = 0.7;

type Command = (actions: KeyActions, event: KeyboardEvent) => void;

const commands: Readonly<Record<string, Command>> = {
  ArrowUp: (a) => a.lane(-1),
  ArrowDown: (a) => a.lane(1),
  ArrowLeft: (a, e) => {
    if (e.shiftKey || !a.span(-1)) a.pan(-panShare);
  },
  ArrowRight: (a, e) => {
    if (e.shiftKey || !a.span(1)) a.pan(panShare);
  },
  PageUp: (a) => a.page(-1),
  PageDown: (a) => a.page(1),
  Home: (a) => a.toStart(),
  End: (a) => a.toEnd(),
  a: (a) => a.pan(-panShare),
  d: (a) => a.pan(panShare),
  w: (a) => a.zoom(zoomFactor),
  s: (a) => a.zoom(1 / zoomFactor),
  '+': (a) => a.zoom(zoomFactor),
  '=': (a) => a.zoom(zoomFactor),
  '-': (a) => a.zoom(1 / zoomFactor),
  '−': (a) => a.zoom(1 / zoomFactor),
  '0': (a) => a.fit(),
  f: (a) => a.toggleFollow(),
  ' ': (a) => a.togglePause(),
  Enter: (a) => a.openSource(),
  c: (a) => a.toggleFrames(),
  '/': (a) => a.filter(),
  l: (a) => a.legend(),
  '?': (a) => a.help(),
  Escape: (a) => a.escape(),
};

/** Elements that have their own use for keys; Escape leaves them. */
const takesKeys = 'input, select, textarea, [contenteditable]';

export function attachKeys(target: EventTarget, actions: KeyActions): void {
  target.addEventListener('keydown', (event) => {
    if (!(event instanceof KeyboardEvent) || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const inside = event.target instanceof Element ? event.target : null;
    if (inside?.closest(takesKeys) && key !== 'Escape') return;
    // A button is pressed by these.
    if (inside?.closest('button, a') && (key === 'Enter' || key === ' ')) return;
    const command = commands[key];
    if (command === undefined) return;
    event.preventDefault();
    command(actions, event);
  });
}
