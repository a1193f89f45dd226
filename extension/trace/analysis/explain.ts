// Owns the answer to "why did this take as long as it did", for a span of any lane: a sentence, then steps, then facts.
// Finds the span; what is said of tasks and of threads stands in explain-task.ts and explain-thread.ts.
import { laneKind, spanState } from '../../messages/lanes.ts';
import type { ExplainQuery, Explanation } from '../../messages/queries.ts';
import type { Task, Thread } from '../model/entities.ts';
import type { FrameRow } from '../model/frame-rows.ts';
import type { Pool } from '../model/pool.ts';
import type { Ring } from '../model/ring.ts';
import type { SectionRow } from '../model/sections.ts';
import { explainFrame } from './explain-frame.ts';
import { explainSection } from './explain-section.ts';
import { explainTask } from './explain-task.ts';
import {
  explainPool,
  explainPoolThread,
  explainReactor,
  explainRing,
  explainWorker,
} from './explain-thread.ts';
import { laneLabel, siteOf, stateNames } from './names.ts';
import { type Summed, taskFacts } from './summaries.ts';
import type { Told } from './told.ts';

/** Null when the lane does not exist or shows nothing at that instant. */
export function explain(view: Summed, query: ExplainQuery): Explanation | null {
  const lane = view.model.lanes[query.lane];
  if (lane === undefined || !Number.isFinite(query.atNs)) return null;
  let told: Told | null = null;
  let task: Task | undefined;
  if (lane.kind === laneKind.task) {
    task = lane.owner as Task;
    told = explainTask(view, task, query.atNs);
  } else if (lane.kind === laneKind.reactor) told = explainReactor(view, lane.owner as Thread, query.atNs);
  else if (lane.kind === laneKind.worker) told = explainWorker(view, lane.owner as Thread, query.atNs);
  else if (lane.kind === laneKind.poolThread)
    told = explainPoolThread(view, lane.owner as Thread, query.atNs);
  else if (lane.kind === laneKind.poolQueue) told = explainPool(view, lane.owner as Pool, query.atNs);
  else if (lane.kind === laneKind.ring) told = explainRing(view, lane.owner as Ring, query.atNs);
  else if (lane.kind === laneKind.section) told = explainSection(view, lane.owner as SectionRow, query.atNs);
  else if (lane.kind === laneKind.frame) told = explainFrame(view, lane.owner as FrameRow, query.atNs);
  if (told === null) return null;
  // What it waits for is a future whose name and place are known, so only its kind is not.
  const isAwaitKnown = told.state === spanState.idleUnknown && (told.stacks?.length ?? 0) > 0;
  return {
    lane: lane.lane,
    laneLabel: laneLabel(view.model, lane),
    stateName: isAwaitKnown ? 'waiting' : (stateNames[told.state] ?? 'unknown'),
    stacks: [],
    ...told,
    spawnSite: task === undefined ? null : siteOf(view.model, task.site),
    facts: task === undefined ? [] : taskFacts(view, task),
  };
}
