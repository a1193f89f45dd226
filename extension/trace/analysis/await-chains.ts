// Owns what a chain of awaits is told as: where a task stood in its source while it waited, innermost await first.
// Knows nothing of what ended the wait.
import type { SourceSite } from '../../messages/lanes.ts';
import type { ExplanationStack } from '../../messages/queries.ts';
import { formatCount } from '../format.ts';
import type { Model } from '../model/model.ts';
import type { WaitRecord } from '../model/records.ts';
import { siteOf } from './names.ts';

/** Chains that are told: a select or join of more would fill the pane. */
const toldChains = 16;

function framesOf(model: Model, wait: WaitRecord): SourceSite[] {
  const ids = wait.stack === 0 ? [] : (model.stacks.get(wait.stack) ?? []);
  return ids.map((id) => siteOf(model, id)).filter((site) => site !== null);
}

/** One chain for each wait that has one. */
export function awaitChains(model: Model, waits: readonly WaitRecord[]): ExplanationStack[] {
  const chains = waits
    .slice(0, toldChains)
    .map((wait) => framesOf(model, wait))
    .filter((frames) => frames.length > 0);
  return chains.map((frames, i) => ({
    title:
      chains.length === 1
        ? 'of awaits'
        : `of awaits, ${formatCount(i + 1)} of ${formatCount(chains.length)} that were waited for at once`,
    frames,
  }));
}

/** "tokio::time::sleep::Sleep": the future that is awaited, where a chain ends with one; else empty. */
export function awaitedFuture(model: Model, wait: WaitRecord): string {
  const [innermost] = framesOf(model, wait);
  return innermost === undefined || innermost.line > 0 ? '' : innermost.functionName;
}

/** " at client (main.rs:12)"; empty where no chain tells it. */
export function placeOfWait(model: Model, wait: WaitRecord | undefined): string {
  if (wait === undefined || wait.stack === 0) return '';
  const chain = framesOf(model, wait);
  const named = siteOf(model, wait.site);
  const same = (each: SourceSite) => each.line === named?.line && each.file === named.file;
  const site = chain.find((each) => each.line > 0 && same(each)) ?? chain.find((each) => each.line > 0);
  if (site === undefined) return '';
  const file = site.file.split(/[\\/]/).pop() ?? site.file;
  const name = site.functionName.split('::').pop() ?? '';
  return name === '' ? ` at ${file}:${site.line}` : ` at ${name} (${file}:${site.line})`;
}
