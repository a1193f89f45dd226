// Owns what a watchdog's looks at a long poll are told as: computing or blocked, and where in the program.
// Knows nothing of why the poll ran or of what it did by its records.
import type { SourceSite } from '../../messages/lanes.ts';
import type { ExplanationStack, ExplanationStep } from '../../messages/queries.ts';
import { formatCount, formatDuration } from '../format.ts';
import type { Model } from '../model/model.ts';
import type { PollSample } from '../model/poll-samples.ts';
import { siteOf } from './names.ts';
import { step } from './wake-chain.ts';

/** From this share of the time on the processor a poll computes; up to the other it was blocked. */
const computingShare = 0.7;
const blockedShare = 0.3;

export interface Looks {
  /** Begins with a space; empty where nobody looked. */
  readonly sentence: string;
  readonly steps: ExplanationStep[];
  readonly stacks: ExplanationStack[];
}

/** What was seen of the poll in that slot. */
export function looksAt(model: Model, slot: number, startNs: number, lane: number): Looks {
  const samples = model.samples.of(slot);
  const last = samples.at(-1);
  if (last === undefined) return { sentence: '', steps: [], stacks: [] };
  const steps: ExplanationStep[] = [];
  const stacks: ExplanationStack[] = [];
  const places: string[] = [];
  let waiting = 0;
  for (const sample of samples) {
    const frames = framesOf(model, sample);
    if (frames.length === 0) continue;
    const place = placeOf(frames);
    places.push(place.text);
    if (isSystems(frames[0])) waiting++;
    const title = `after ${formatDuration(sample.wallNs)}`;
    stacks.push({ title, frames });
    steps.push(
      step(
        'sample',
        startNs + sample.wallNs,
        `After ${formatDuration(sample.wallNs)} it was in ${place.text}`,
        lane,
        {
          site: place.site,
        },
      ),
    );
  }
  return { sentence: sentenceOf(last, places, 2 * waiting >= places.length), steps, stacks };
}

function framesOf(model: Model, sample: PollSample): SourceSite[] {
  const ids = sample.stack === 0 ? [] : (model.stacks.get(sample.stack) ?? []);
  return ids.map((id) => siteOf(model, id)).filter((site) => site !== null);
}

/**
 * " It used the processor for 181 ms of the 183 ms that were watched: computing in parse (main.rs:12)."
 * Little time on the processor is blocking only where the innermost code is the system's: the program's own code
 * does not wait, but may be kept from a processor that others use.
 */
function sentenceOf(last: PollSample, places: readonly string[], waits: boolean): string {
  const where = mostOf(places);
  if (last.watchedNs === 0) return where === '' ? '' : ` It was seen in ${where}.`;
  const share = last.cpuNs / last.watchedNs;
  const used = `It used the processor for ${formatDuration(last.cpuNs)} of the ${formatDuration(last.watchedNs)} that were watched`;
  const inWhere = where === '' ? '' : ` in ${where}`;
  if (share >= computingShare) return ` ${used}: computing${inWhere}.`;
  if (share > blockedShare || places.length === 0)
    return ` ${used}: the rest it was blocked or waited for a processor${inWhere}.`;
  return waits ? ` ${used}: blocked${inWhere}.` : ` ${used}: mostly waiting for a processor${inWhere}.`;
}

/** The place that most looks found; the earliest of several. With how many, where they differ. */
function mostOf(places: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const place of places) counts.set(place, (counts.get(place) ?? 0) + 1);
  let best = '';
  let most = 0;
  for (const [place, count] of counts)
    if (count > most) {
      best = place;
      most = count;
    }
  return most === places.length
    ? best
    : `${best} (${formatCount(most)} of ${formatCount(places.length)} looks)`;
}

/**
 * Where that is in the program's own words: the innermost frame of its own, and what it called there when that is
 * not its own: "std::thread::sleep ← handle (main.rs:40)".
 */
function placeOf(frames: readonly SourceSite[]): { text: string; site: SourceSite | null } {
  const own = frames.findIndex(isOwn);
  if (own < 0)
    return { text: nameOf(frames[0] as SourceSite), site: frames.find((each) => each.line > 0) ?? null };
  const site = frames[own] as SourceSite;
  const name = site.file.split(/[\\/]/).pop() ?? site.file;
  const at = `${nameOf(site)} (${name}:${site.line})`;
  return { text: own === 0 ? at : `${nameOf(frames[own - 1] as SourceSite)} ← ${at}`, site };
}

/** Not the standard library's, Node's, a dependency's or the system's. */
function isOwn(site: SourceSite): boolean {
  if (site.line === 0) return false;
  return !/^node:|\/node_modules\/|^\/rustc\/|\/rustlib\/src\/|\/registry\/src\/|\/\.cargo\/git\/checkouts\/|^\/usr\/|^library\//.test(
    site.file.replaceAll('\\', '/'),
  );
}

/** Where threads wait: in a library of the system, which has no lines here, or behind Node's own functions. */
function isSystems(site: SourceSite | undefined): boolean {
  if (site === undefined) return false;
  return (
    site.file.startsWith('node:') || (site.line === 0 && /^\/lib|^\/usr\/lib|^linux-vdso/.test(site.file))
  );
}

function nameOf(site: SourceSite): string {
  return site.functionName === '' ? `${site.file}:${site.line}` : site.functionName;
}
