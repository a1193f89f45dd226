// Owns the way from a source line to its spans: tasks spawned there, waits that began at an await there.
// Whether a site's file is the document asked for is decided by the caller.
import { type SourceSite, type SpanState, spanFlag, spanState } from '../../messages/lanes.ts';
import type { SiteQuery, SiteSpans } from '../../messages/queries.ts';
import type { Task } from '../model/entities.ts';
import { type LifeSink, LifeWalk } from '../model/life.ts';
import { positionOfPage } from '../model/model.ts';
import { waitsIn } from '../model/records.ts';
import { framesOf } from './await-chains.ts';
import { siteOf, taskLabel } from './names.ts';
import type { Summed } from './summaries.ts';

const waitLimit = 1000;
/** Lanes that one answer names: a viewer cannot highlight more. */
const laneLimit = 10_000;
/** Chains that one answer names. */
const chainLimit = 5;
/** Waits of one poll that are looked at for their chains. */
const waitsPerPoll = 64;

interface FoundWait {
  readonly task: Task;
  readonly epoch: number;
  readonly fromNs: number;
  readonly toNs: number;
  readonly open: boolean;
}

export function siteSpansOf(
  view: Summed,
  query: SiteQuery,
  matches: (site: SourceSite) => boolean,
): SiteSpans {
  const { model, sums } = view;
  sums.settle();
  const spawnedLanes: number[] = [];
  const found = new Map<string, FoundWait>();
  const sites = new Set<number>();
  let waitTotal = 0;
  for (const [id, known] of model.sites.entries()) {
    if (known.line !== query.line) continue;
    const site = siteOf(model, id);
    if (site === null || !matches(site)) continue;
    for (const lane of sums.sites.get(id)?.lanes ?? [])
      if (spawnedLanes.length < laneLimit) spawnedLanes.push(lane);
    const at = model.waitsBySite.get(id);
    if (at === undefined) continue;
    waitTotal += at.total;
    sites.add(id);
    at.each((taskIndex, epoch) => {
      const key = `${taskIndex} ${epoch}`;
      // One wait can have two sites of a line: its leaf's own, and that of a chain of awaits.
      if (found.has(key)) waitTotal--;
      const task = model.tasks[taskIndex];
      const wait = task === undefined ? undefined : waitAfter(view, task, epoch);
      if (task !== undefined && wait !== undefined) found.set(key, { task, epoch, ...wait });
    });
  }
  const waits = [...found.values()].sort((x, y) => x.fromNs - y.fromNs).slice(-waitLimit);
  return {
    spawnedLanes,
    waits: waits.map(({ task, fromNs, toNs }) => ({ lane: task.lane, fromNs, toNs })),
    waitTotal,
    waitingNow: waits.filter(({ open }) => open).map(({ task }) => taskLabel(model, task.id)),
    chains: chainsThrough(view, waits, sites),
  };
}

/** The chains of awaits of these waits that have one of the sites in them. */
function chainsThrough(
  { model }: Summed,
  waits: readonly FoundWait[],
  sites: ReadonlySet<number>,
): SiteSpans['chains'] {
  const counts = new Map<number, number>();
  for (const { task, epoch } of waits) {
    const stacks = waitsIn(model, model.slotOf(task, epoch), waitsPerPoll).map(({ stack }) => stack);
    for (const stack of new Set(stacks))
      if ((model.stacks.get(stack) ?? []).some((site) => sites.has(site)))
        counts.set(stack, (counts.get(stack) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, x], [, y]) => y - x)
    .slice(0, chainLimit)
    .map(([stack, count]) => ({ waits: count, frames: framesOf(model, stack) }));
}

/** The idle interval that the poll of that epoch began. */
function waitAfter(
  view: Summed,
  task: Task,
  epoch: number,
): { fromNs: number; toNs: number; open: boolean } | undefined {
  const { model, sums } = view;
  sums.preparePages(task, task.pages.length - 1);
  let found: { fromNs: number; toNs: number; open: boolean } | undefined;
  const sink: LifeSink = {
    interval(state: SpanState, fromNs: number, toNs: number, flags: number, before: number) {
      if (before > epoch) return true;
      if (before !== epoch || state < spanState.idleSource || state > spanState.idleUnknown) return false;
      found = { fromNs, toNs, open: (flags & spanFlag.open) !== 0 };
      return true;
    },
  };
  const position = positionOfPage(task, Math.floor(epoch / 16));
  new LifeWalk(model).walk(task, position, task.pages.length, sink);
  return found;
}
