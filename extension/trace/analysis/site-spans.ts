// Owns the way from a source line to its spans: tasks spawned there, waits that began at an await there.
// Whether a site's file is the document asked for is decided by the caller.
import { type SourceSite, type SpanState, spanState } from '../../messages/lanes.ts';
import type { SiteQuery, SiteSpans } from '../../messages/queries.ts';
import type { Task } from '../model/entities.ts';
import { type LifeSink, LifeWalk } from '../model/life.ts';
import { positionOfPage } from '../model/model.ts';
import { siteOf } from './names.ts';
import type { Summed } from './summaries.ts';

const waitLimit = 1000;
/** Lanes that one answer names: a viewer cannot highlight more. */
const laneLimit = 10_000;

export function siteSpansOf(
  view: Summed,
  query: SiteQuery,
  matches: (site: SourceSite) => boolean,
): SiteSpans {
  const { model, sums } = view;
  sums.settle();
  const spawnedLanes: number[] = [];
  const waits: { lane: number; fromNs: number; toNs: number }[] = [];
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
    at.each((taskIndex, epoch) => {
      const task = model.tasks[taskIndex];
      const wait = task === undefined ? undefined : waitAfter(view, task, epoch);
      if (task !== undefined && wait !== undefined) waits.push({ lane: task.lane, ...wait });
    });
  }
  waits.sort((x, y) => x.fromNs - y.fromNs);
  return { spawnedLanes, waits: waits.slice(-waitLimit), waitTotal };
}

/** The idle interval that the poll of that epoch began. */
function waitAfter(view: Summed, task: Task, epoch: number): { fromNs: number; toNs: number } | undefined {
  const { model, sums } = view;
  sums.preparePages(task, task.pages.length - 1);
  let found: { fromNs: number; toNs: number } | undefined;
  const sink: LifeSink = {
    interval(state: SpanState, fromNs: number, toNs: number, _flags: number, before: number) {
      if (before > epoch) return true;
      if (before !== epoch || state < spanState.idleSource || state > spanState.idleUnknown) return false;
      found = { fromNs, toNs };
      return true;
    },
  };
  const position = positionOfPage(task, Math.floor(epoch / 16));
  new LifeWalk(model).walk(task, position, task.pages.length, sink);
  return found;
}
