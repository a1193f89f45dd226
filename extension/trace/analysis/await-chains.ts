// Owns what a chain of awaits is told as: where a task stood in its source while it waited, innermost await first.
// Knows nothing of what ended the wait.
import { awaitedName, placeText } from '../../messages/await-text.ts';
import type { SourceSite } from '../../messages/lanes.ts';
import type { ExplanationStack } from '../../messages/queries.ts';
import { formatCount, formatQuantity } from '../format.ts';
import type { Model } from '../model/model.ts';
import type { WaitRecord } from '../model/records.ts';
import { siteOf } from './names.ts';
import { listText } from './operations.ts';

/** Chains that are told: a select or join of more would fill the pane. */
const toldChains = 16;

/** The places of a stack, innermost first; none for 0. */
export function framesOf(model: Model, stack: number): SourceSite[] {
  const ids = stack === 0 ? [] : (model.stacks.get(stack) ?? []);
  return ids.map((id) => siteOf(model, id)).filter((site) => site !== null);
}

/** One chain for each place where futures of the task await. */
export function awaitChains(model: Model, waits: readonly WaitRecord[]): ExplanationStack[] {
  const found = new Map<number, { count: number; isLate: boolean }>();
  for (const { stack, count, isLate } of waits)
    if (stack !== 0) found.set(stack, { count: (found.get(stack)?.count ?? 0) + count, isLate });
  const chains = [...found]
    .slice(0, toldChains)
    .map(([stack, chain]) => ({ ...chain, frames: framesOf(model, stack) }))
    .filter(({ frames }) => frames.length > 0);
  return chains.map(({ count, isLate, frames }, i) => {
    const of = chains.length === 1 ? '' : `, ${formatCount(i + 1)} of ${formatCount(chains.length)} places`;
    const futures = count === 1 ? '' : `, of ${formatQuantity(count, 'future')}`;
    // Another thread than the task's told it, from what was kept when the poll ended.
    const late = isLate ? ', told later' : '';
    return { title: `of awaits${of}${futures}${late}`, frames };
  });
}

/** Places that a sentence names. */
const namedPlaces = 3;

/** What is waited for where only the awaits are known: the future at the chain's end, or how many are at which places. */
export function awaitedAt(model: Model, waits: readonly WaitRecord[]): string {
  const total = waits.reduce((sum, wait) => sum + (wait.stack === 0 ? 0 : wait.count), 0);
  const [only] = waits;
  if (waits.length === 1 && total === 1 && only !== undefined)
    return awaitedFuture(model, only) || 'something that was not recorded';
  const places = waits.flatMap((wait) => {
    const place = wait.stack === 0 ? '' : placeOfWait(model, wait).trim();
    return place === '' ? [] : [wait.count === 1 ? place : `${formatCount(wait.count)} ${place}`];
  });
  if (places.length === 0) return 'something that was not recorded';
  const named = places.slice(0, namedPlaces);
  const more = places.length - named.length;
  const list = more > 0 ? `${named.join(', ')} and ${formatCount(more)} more` : listText(named);
  return `${formatQuantity(total, 'future')} at once: ${list}`;
}

/** "tokio::time::sleep::Sleep": what is awaited at last, where a chain ends outside of the program's own code; else empty. */
function awaitedFuture(model: Model, wait: WaitRecord): string {
  return awaitedName(framesOf(model, wait.stack));
}

/** " at client (main.rs:12)"; empty where no chain tells it. */
export function placeOfWait(model: Model, wait: WaitRecord | undefined): string {
  if (wait === undefined || wait.stack === 0) return '';
  const chain = framesOf(model, wait.stack);
  const named = siteOf(model, wait.site);
  const same = (each: SourceSite) => each.line === named?.line && each.file === named.file;
  const site = chain.find((each) => each.line > 0 && same(each)) ?? chain.find((each) => each.line > 0);
  return site === undefined ? '' : ` at ${placeText(site)}`;
}
