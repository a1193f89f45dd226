// Owns the prediction of source positions inside generators, verified by looks now and then.
// Must not know stacks, nor what a position is used for: it deals in numbers of positions.
//
// A look at the stack costs 2 to 3 µs, a recorded wait without one 0.5. A generator that runs again asks for positions
// in the same order, so what was seen after the same beginnings is predicted. The key of a prediction is
//
//   the two positions before it, in the same coroutine   (to begin with: where the coroutine was made)
//   how often, and with what kind of values, the generator was resumed since the last of them
//   which function of the package asks
//
// What was never seen is looked at. Of what is predicted the first uses are checked, then one in 8, one in 64, and of
// what has held so for 4,608 uses one in 256.
// Where one key turned out to have several outcomes (a branch that nothing above tells) each use is looked at.
// Outside of generators nobody tells where the code begins, so there each position is looked at.

/** Power of two. 8,192 keys of 4 + 4 + 2 bytes; one for each await of a program, and some more for each branch. */
const TABLE_LENGTH = 1 << 13;
const PROBES = 4;

const FIRST_CHECKS = 8;
const OFTEN_UNTIL = 512;
const OFTEN_EVERY = 8;
const SELDOM_UNTIL = OFTEN_UNTIL + 4096;
const SELDOM_EVERY = 64;
const TRUSTED_EVERY = 256;
const AMBIGUOUS = 0xffff;

/**
 * Behind more resumptions than this a position is looked at, which then costs each of them 25 ns; so a loop whose awaits
 * seldom wait makes no more than that many keys.
 */
const MOST_STEPS = 100;

/** The answer of a prediction that is none. */
export const MUST_LOOK = -1;

/** Where one coroutine stands: its last positions, and what happened since. */
export class CodeThread {
  last: number;
  before = 0;
  /** Hash of the values with which the generator was resumed since `last`. */
  since = 0;
  steps = 0;
  /** Coroutines that were made since `last`. */
  made = 0;

  constructor(last: number) {
    this.last = last;
  }

  /** The generator goes on with a value. Its kind often tells which way a branch goes. */
  resumed(value: unknown): void {
    this.steps += 1;
    this.since = Math.imul(this.since, 31) + kindOf(value);
  }

  /** It goes on with an error. */
  resumedByError(): void {
    this.steps += 1;
    this.since = Math.imul(this.since, 31) + ERROR_KIND;
  }
}

const ERROR_KIND = 7;

function kindOf(value: unknown): number {
  if (value === undefined) return 1;
  if (value === true) return 2;
  if (value === false) return 3;
  if (value === null) return 4;
  return typeof value === 'symbol' ? 5 : 6;
}

/** The coroutine whose generator runs now. */
let running: CodeThread | undefined;
/** The position that was told last, wherever that was: a coroutine is made by who asked for it. */
let lastTold = 0;

const keys = new Int32Array(TABLE_LENGTH);
const found = new Int32Array(TABLE_LENGTH);
const uses = new Uint16Array(TABLE_LENGTH);

/** Where the answer of the look that was asked for belongs; −1: nowhere. */
let lookedAt = -1;
let lookedKey = 0;

/** For a coroutine that is in its midst: nobody knows where it comes from before it is looked at. */
export function lostThread(): CodeThread {
  const thread = new CodeThread(0);
  thread.steps = MOST_STEPS + 1;
  return thread;
}

/** For a coroutine that is about to begin. */
export function beginThread(): CodeThread {
  if (running === undefined) return new CodeThread(lastTold);
  running.made += 1;
  return new CodeThread(mix(lastTold, running.made));
}

/** The generator of this coroutine runs from here on; what was running before is to be given back. */
export function enterThread(thread: CodeThread | undefined): CodeThread | undefined {
  const outer = running;
  running = thread;
  return outer;
}

/** The number of the position that this function of the package was called from, or MUST_LOOK. */
export function predictPosition(publicFunction: object): number {
  const thread = running;
  lookedAt = -1;
  if (thread === undefined || thread.steps > MOST_STEPS) return MUST_LOOK;
  const key = mix(mix(thread.last, thread.before), thread.since + numberOf(publicFunction)) | 1;
  const slot = findSlot(key);
  lookedAt = slot;
  lookedKey = key;
  if (keys[slot] !== key) return MUST_LOOK;
  const use = uses[slot] ?? AMBIGUOUS;
  if (use === AMBIGUOUS) return MUST_LOOK;
  // What is trusted counts round and round.
  uses[slot] = use + 1 < SELDOM_UNTIL + TRUSTED_EVERY ? use + 1 : SELDOM_UNTIL;
  if (isChecked(use)) return MUST_LOOK;
  const position = found[slot] ?? 0;
  tell(thread, position);
  return position;
}

/** What the look found that was asked for. */
export function positionSeen(position: number): void {
  if (lookedAt >= 0) {
    if (keys[lookedAt] !== lookedKey) {
      keys[lookedAt] = lookedKey;
      found[lookedAt] = position;
      uses[lookedAt] = 0;
    } else if (found[lookedAt] !== position) uses[lookedAt] = AMBIGUOUS;
  }
  if (running === undefined) lastTold = position;
  else tell(running, position);
}

function tell(thread: CodeThread, position: number): void {
  thread.before = thread.last;
  thread.last = position;
  thread.since = 0;
  thread.steps = 0;
  thread.made = 0;
  lastTold = position;
}

/** Where the key is or belongs. Where all its places are taken the first gives way. */
function findSlot(key: number): number {
  const first = (key >>> 1) & (TABLE_LENGTH - 1);
  for (let probe = 0; probe < PROBES; probe += 1) {
    const at = (first + probe) & (TABLE_LENGTH - 1);
    const held = keys[at];
    if (held === key || held === 0) return at;
  }
  return first;
}

/** Whether the use with this number is checked. */
function isChecked(use: number): boolean {
  if (use < FIRST_CHECKS) return true;
  if (use < OFTEN_UNTIL) return use % OFTEN_EVERY === 0;
  if (use < SELDOM_UNTIL) return use % SELDOM_EVERY === 0;
  return use === SELDOM_UNTIL + TRUSTED_EVERY - 1;
}

function mix(a: number, b: number): number {
  let hash = Math.imul(a, 0x9e37_79b1) ^ Math.imul(b, 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
  return hash ^ (hash >>> 13);
}

const functionNumbers = new Map<object, number>();

function numberOf(publicFunction: object): number {
  let number = functionNumbers.get(publicFunction);
  if (number === undefined) {
    // Far from each other, for they are added to a hash.
    number = Math.imul(functionNumbers.size + 1, 0x1656_67b1);
    functionNumbers.set(publicFunction, number);
  }
  return number;
}
