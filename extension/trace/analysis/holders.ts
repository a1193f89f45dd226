// Owns who held, gave or took what a task waits for: the clause after the resource's name in a sentence, and its steps.
// A wake's giver is what its thread told just before the wake; no two threads' clocks are compared for it.
import { eventKind, resourceKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import type { ExplanationStep } from '../../messages/queries.ts';
import { formatDuration } from '../format.ts';
import { isHeld, type Thread } from '../model/entities.ts';
import type { Model } from '../model/model.ts';
import type { WakeRecord } from '../model/records.ts';
import { resourceName, taskName } from './names.ts';
import { listText } from './operations.ts';
import { laneOfThread, sentenceCase, step } from './wake-chain.ts';

/**
 * A release or acquire stands right before its wakes, which may be many; a frame's end or the like may stand between.
 * So many entries other than wakes are looked at.
 */
const nearEntries = 8;
/** Entries that are searched, for when the holder took what it gave back, and for a giver behind its other wakes. */
const searchedEntries = 20_000;
/** Holders of a semaphore that are named. */
const namedHolders = 3;

export interface Handing {
  /** ", held by task 2 for 3 ms"; empty when nothing is known. */
  readonly clause: string;
  readonly steps: readonly ExplanationStep[];
}

const nothing: Handing = { clause: '', steps: [] };

/** Who gave what the task waited for, as the thread that woke it told just before. */
export function handingBefore(model: Model, wake: WakeRecord, resource: number): Handing {
  const { thread } = wake;
  const index = giverOf(thread, wake.log, resource);
  if (index < 0) return nothing;
  const { log } = thread;
  const taker = log.kindOf(index) === eventKind.resourceAcquire;
  const task = log.valueOf(index);
  const who = task === 0 ? 'code outside any task' : taskName(model, task);
  const kind = model.resources.get(resource)?.resourceKind ?? resourceKind.unknown;
  const name = resourceName(model, resource);
  const lane = model.task(task)?.lane ?? laneOfThread(thread);
  const at = (ns: number, did: string) => step('operation', ns, `${sentenceCase(who)} ${did}`, lane);
  const ns = log.nsOf(index);
  if (!isHeld(kind)) {
    const [did, clause] = taker
      ? takenWords
      : (givenWords[kind] ?? givenWords[resourceKind.unknown] ?? takenWords);
    return { clause: `, ${clause.replace('*', who)}`, steps: [at(ns, `${did} ${name}`)] };
  }
  if (taker) return nothing;
  const what = kind === resourceKind.semaphore ? `a permit of ${name}` : name;
  const steps = [at(ns, `gave ${what} back`)];
  const took = takenBefore(thread, index, resource, task);
  if (took >= 0) steps.unshift(at(log.nsOf(took), `took ${what}`));
  const forText = took < 0 ? '' : ` for ${formatDuration(ns - log.nsOf(took))}`;
  const held = kind === resourceKind.semaphore ? `of which ${who} had a permit` : `held by ${who}`;
  return { clause: `, ${held}${forText}`, steps };
}

/** Who holds what the task still waits for; nothing where events were lost, which may have been a release. */
export function holdersNow(model: Model, resource: number): string {
  const kind = model.resources.get(resource)?.resourceKind ?? resourceKind.unknown;
  const holders = model.gaps.gaps.length > 0 || !isHeld(kind) ? [] : model.holdersOf(resource);
  if (holders.length === 0) return '';
  const names = holders
    .slice(0, namedHolders)
    .map((task) => (task === 0 ? 'code outside any task' : taskName(model, task)));
  const more = holders.length - names.length;
  return `, held by ${more > 0 ? `${names.join(', ')} and ${more} more` : listText(names)}`;
}

const takenWords = ['took a value of', 'of which * took a value'] as const;
const givenWords: Readonly<Record<number, readonly [string, string]>> = {
  [resourceKind.unknown]: ['gave', 'which * gave'],
  [resourceKind.notify]: ['notified', 'which * notified'],
  [resourceKind.channel]: ['sent to', 'to which * sent'],
  [resourceKind.oneshot]: ['sent to', 'to which * sent'],
  [resourceKind.watch]: ['sent to', 'to which * sent'],
  [resourceKind.broadcast]: ['sent to', 'to which * sent'],
  [resourceKind.barrier]: ['came to', 'to which * came'],
};

/** The acquire or release of the resource that made this wake; -1 when there is none near. */
function giverOf({ log }: Thread, wake: number, resource: number): number {
  let others = 0;
  for (let i = wake - 1; i >= 0 && i >= wake - searchedEntries && others < nearEntries; i--) {
    const kind = log.kindOf(i);
    if (kind === eventKind.wake) continue;
    if (changesHands(kind) && log.idOf(i) === resource) return i;
    others++;
  }
  return -1;
}

/** When that task had last taken what it gives back at `release`; -1 where that is too long ago. */
function takenBefore({ log }: Thread, release: number, resource: number, task: number): number {
  for (let i = release - 1; i >= 0 && i >= release - searchedEntries; i--)
    if (log.kindOf(i) === eventKind.resourceAcquire && log.idOf(i) === resource && log.valueOf(i) === task)
      return i;
  return -1;
}

function changesHands(kind: number): boolean {
  return kind === eventKind.resourceAcquire || kind === eventKind.resourceRelease;
}
