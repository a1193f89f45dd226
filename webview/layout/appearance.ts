// Owns how each state and marker is called and which theme colour and texture it has.
// Names colours only; what they are in the reader's theme is the renderer's business.
import {
  type LaneKind,
  laneKind,
  type MarkerKind,
  markerKind,
  type SpanState,
  spanState,
} from '../../extension/messages/lanes.ts';

/** Colours of the reader's theme, by the name of their custom property without the prefix `--vscode-`. */
export const themeColours = {
  background: 'editor-background',
  foreground: 'editor-foreground',
  muted: 'descriptionForeground',
  green: 'charts-green',
  blue: 'charts-blue',
  yellow: 'charts-yellow',
  orange: 'charts-orange',
  purple: 'charts-purple',
  red: 'charts-red',
  lines: 'charts-lines',
  focus: 'focusBorder',
  contrast: 'contrastBorder',
} as const;
export type ThemeColour = keyof typeof themeColours;

/**
 * How a bar is filled, beside its colour, so that no state is told by colour alone:
 * solid: full height, full colour. tall: full height, paler. rail: pale body on a strong bottom line.
 * hatch: slanted lines. hollow: pale with a strong line on top and bottom.
 */
export const fillStyle = { none: 0, solid: 1, tall: 2, rail: 3, hatch: 4, hollow: 5 } as const;
export type FillStyle = (typeof fillStyle)[keyof typeof fillStyle];

/** Texture laid over the body in high contrast, on a grid of 8 × 8 px. */
export const texture = {
  none: 0,
  dots: 1,
  slantUp: 2,
  slantDown: 3,
  vertical: 4,
  cross: 5,
  horizontal: 6,
} as const;
export type Texture = (typeof texture)[keyof typeof texture];

export interface StateAppearance {
  /** The state as a word or two, for the label column, the legend and the reader of a screen. */
  readonly word: string;
  /** A sentence for the legend. */
  readonly meaning: string;
  readonly colour: ThemeColour;
  readonly fill: FillStyle;
  readonly texture: Texture;
}

export const stateAppearance: Readonly<Record<SpanState, StateAppearance>> = {
  [spanState.none]: {
    word: 'not there',
    meaning: 'The task does not exist here: not yet spawned, or over.',
    colour: 'muted',
    fill: fillStyle.none,
    texture: texture.none,
  },
  [spanState.running]: {
    word: 'running',
    meaning: 'A worker is inside its poll.',
    colour: 'green',
    fill: fillStyle.solid,
    texture: texture.none,
  },
  [spanState.scheduled]: {
    word: 'scheduled',
    meaning: 'Woken, queued, not yet polled.',
    colour: 'yellow',
    fill: fillStyle.tall,
    texture: texture.slantUp,
  },
  [spanState.idleSource]: {
    word: 'waits: source',
    meaning: 'Waits for a socket or another source of readiness.',
    colour: 'blue',
    fill: fillStyle.rail,
    texture: texture.none,
  },
  [spanState.idleTimer]: {
    word: 'waits: timer',
    meaning: 'Waits for a deadline.',
    colour: 'purple',
    fill: fillStyle.rail,
    texture: texture.dots,
  },
  [spanState.idleJob]: {
    word: 'waits: job',
    meaning: 'Waits for a job of the blocking pool or a submission to the kernel.',
    colour: 'orange',
    fill: fillStyle.rail,
    texture: texture.vertical,
  },
  [spanState.idleTask]: {
    word: 'waits: task',
    meaning: 'Waits for another task.',
    colour: 'green',
    fill: fillStyle.rail,
    texture: texture.cross,
  },
  [spanState.idleResource]: {
    word: 'waits: resource',
    meaning: 'Waits for a lock, a channel or another shared thing.',
    colour: 'red',
    fill: fillStyle.rail,
    texture: texture.slantDown,
  },
  [spanState.idleUnknown]: {
    word: 'waits: unknown',
    meaning: 'Waits; the trace does not say for what.',
    colour: 'muted',
    fill: fillStyle.rail,
    texture: texture.none,
  },
  [spanState.gap]: {
    word: 'gap',
    meaning: 'Events were lost here: what happened is not known.',
    colour: 'muted',
    fill: fillStyle.hatch,
    texture: texture.none,
  },
  [spanState.parked]: {
    word: 'parked',
    meaning: 'The thread sleeps in the readiness wait of the operating system.',
    colour: 'blue',
    fill: fillStyle.hollow,
    texture: texture.none,
  },
  [spanState.turn]: {
    word: 'turn',
    meaning: 'The reactor has the events of one wait and hands them out.',
    colour: 'blue',
    fill: fillStyle.solid,
    texture: texture.none,
  },
  [spanState.parkedOnLock]: {
    word: 'parked on lock',
    meaning: 'The worker sleeps while another thread has the reactor.',
    colour: 'muted',
    fill: fillStyle.hollow,
    texture: texture.none,
  },
  [spanState.job]: {
    word: 'job',
    meaning: 'A thread of the blocking pool runs a job.',
    colour: 'orange',
    fill: fillStyle.solid,
    texture: texture.none,
  },
  [spanState.queued]: {
    word: 'queued',
    meaning: 'Jobs wait for a thread of the pool.',
    colour: 'yellow',
    fill: fillStyle.tall,
    texture: texture.slantUp,
  },
  [spanState.inFlight]: {
    word: 'in flight',
    meaning: 'The kernel works on submissions to an io_uring; no thread of the program blocks.',
    colour: 'orange',
    fill: fillStyle.hollow,
    texture: texture.horizontal,
  },
  [spanState.section]: {
    word: 'span',
    meaning: 'A span that the program itself opened, below the lane of its task.',
    colour: 'purple',
    fill: fillStyle.hollow,
    texture: texture.none,
  },
};

export const stateCount = Math.max(...Object.values(spanState)) + 1;

export function isSpanState(value: number): value is SpanState {
  return value >= 0 && value < stateCount && Number.isInteger(value);
}

/** The appearance of a number from an answer; a state that this view does not know is drawn as unknown. */
export function appearanceOf(state: number): StateAppearance {
  return stateAppearance[isSpanState(state) ? state : spanState.idleUnknown];
}

/** What the `running` and the `scheduled` coverage of a lane mean: the busy state and the waiting one of its kind. */
export const coverageStates: Readonly<
  Record<LaneKind, { readonly busy: SpanState; readonly queued: SpanState }>
> = {
  [laneKind.reactor]: { busy: spanState.turn, queued: spanState.scheduled },
  [laneKind.worker]: { busy: spanState.running, queued: spanState.scheduled },
  // Nothing runs in a queue: that jobs wait is what its lane covers.
  [laneKind.poolQueue]: { busy: spanState.queued, queued: spanState.queued },
  [laneKind.poolThread]: { busy: spanState.job, queued: spanState.queued },
  [laneKind.task]: { busy: spanState.running, queued: spanState.scheduled },
  [laneKind.ring]: { busy: spanState.inFlight, queued: spanState.queued },
  [laneKind.frame]: { busy: spanState.running, queued: spanState.scheduled },
  [laneKind.section]: { busy: spanState.section, queued: spanState.queued },
};

export const laneKindWord: Readonly<Record<LaneKind, string>> = {
  [laneKind.reactor]: 'reactor',
  [laneKind.worker]: 'worker',
  [laneKind.poolQueue]: 'pool queue',
  [laneKind.poolThread]: 'pool thread',
  [laneKind.task]: 'task',
  [laneKind.frame]: 'frame',
  [laneKind.ring]: 'io_uring',
  [laneKind.section]: 'spans',
};

/** Shapes of markers: they differ without their colour too. */
export const markerShape = {
  triangleDown: 1,
  triangleUp: 2,
  diamond: 3,
  circle: 4,
  ring: 5,
  cross: 6,
  bar: 7,
  square: 8,
} as const;
export type MarkerShape = (typeof markerShape)[keyof typeof markerShape];

export interface MarkerAppearance {
  readonly word: string;
  readonly colour: ThemeColour;
  readonly shape: MarkerShape;
}

export const markerAppearance: Readonly<Record<MarkerKind, MarkerAppearance>> = {
  [markerKind.wake]: { word: 'wake', colour: 'yellow', shape: markerShape.triangleDown },
  [markerKind.readiness]: { word: 'readiness', colour: 'blue', shape: markerShape.diamond },
  [markerKind.read]: { word: 'read', colour: 'foreground', shape: markerShape.triangleUp },
  [markerKind.write]: { word: 'write', colour: 'foreground', shape: markerShape.square },
  [markerKind.wouldBlock]: { word: 'would block', colour: 'red', shape: markerShape.cross },
  [markerKind.timerFire]: { word: 'timer fires', colour: 'purple', shape: markerShape.diamond },
  [markerKind.jobSubmit]: { word: 'job submitted', colour: 'orange', shape: markerShape.triangleDown },
  [markerKind.user]: { word: 'mark', colour: 'foreground', shape: markerShape.bar },
  [markerKind.accept]: { word: 'accept', colour: 'blue', shape: markerShape.circle },
  [markerKind.connect]: { word: 'connect', colour: 'blue', shape: markerShape.ring },
  [markerKind.take]: { word: 'take from buffer', colour: 'muted', shape: markerShape.triangleUp },
  [markerKind.sample]: { word: 'long poll, stack', colour: 'red', shape: markerShape.circle },
};

export function isMarkerKind(value: number): value is MarkerKind {
  return value in markerAppearance;
}
