// Owns a recording as text: what was recorded, its totals, its lanes. For people at a terminal and for tests.
// Must not know sockets; it reads a recording the way `open` does.
import type { LaneHeader } from '../messages/queries.ts';
import { formatDuration } from '../trace/format.ts';
import type { CollectorSession } from './collector-session.ts';
import type { Log } from './log.ts';
import { idOfPath, replayRecording, trueRecordingPath } from './replay.ts';
import { RingSalvage } from './ring-salvage.ts';

/** Lanes asked for at a time. */
const lanesPerQuery = 1000;
/** A text has room for the whole recording whatever its size. */
const memoryBudgetBytes = 8 * 1024 * 1024 * 1024;

const kindNames = [
  '',
  'reactor',
  'worker',
  'pool queue',
  'pool thread',
  'task',
  'frame',
  'io_uring',
  'spans',
] as const;

/** Lines without the final newline. Throws RecordingError when the file is no recording. */
export async function dumpRecording(path: string, log: Log): Promise<string> {
  await new RingSalvage(memoryBudgetBytes, log).complete(await trueRecordingPath(path));
  const session = await replayRecording(path, memoryBudgetBytes, (id) => id ?? idOfPath(path));
  return [...describeSession(session), ...describeLanes(session)].join('\n');
}

function describeSession(session: CollectorSession): string[] {
  const summary = session.summary();
  return [
    `session ${summary.session}`,
    `program ${summary.program || '(not known)'}`,
    `tier ${summary.tier || '(not known)'} (${summary.language || 'language not known'})`,
    `length ${formatDuration(summary.endNs)}`,
    `problem ${summary.problem || 'none'}`,
    ...Object.entries(summary.totals).map(([name, value]) => `total ${name} ${value}`),
  ];
}

function describeLanes(session: CollectorSession): string[] {
  const lines: string[] = [];
  if (session.hello === undefined) return lines;
  for (let firstLane = 0; ; firstLane += lanesPerQuery) {
    const { answer } = session.engine.viewport({
      session: session.id,
      fromNs: 0,
      toNs: Math.max(1, session.engine.endNs),
      widthPx: 1,
      firstLane,
      laneCount: lanesPerQuery,
      filter: '',
    });
    lines.push(...answer.lanes.map(describeLane));
    if (firstLane + answer.lanes.length >= answer.laneTotal || answer.lanes.length === 0) return lines;
  }
}

function describeLane(lane: LaneHeader): string {
  const site = lane.spawnSite === null ? '' : ` at ${lane.spawnSite.file}:${lane.spawnSite.line}`;
  return `lane ${kindNames[lane.kind]} ${lane.id} ${lane.label}${site}: ${lane.summary}`;
}
