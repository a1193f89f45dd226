// Owns what a test asks the collector about the debugger's stops of a session, and about the poll that one was in.
import type { DebuggerStop, Explanation } from '../../../extension/messages/queries.ts';
import { waitFor } from '../workbench/wait.ts';
import type { Workbench } from '../workbench/workbench.ts';
import { asViewer, collectorOf } from './collector.ts';

/** A loaded machine takes ten times the usual seconds. */
const timeoutMs = 120_000;

export async function stopsOf(workbench: Workbench, session: string): Promise<readonly DebuggerStop[]> {
  const query = { session, fromNs: 0, toNs: 1e12, widthPx: 1, firstLane: 0, laneCount: 0, filter: '' };
  const { result } = await asViewer(await collectorOf(workbench), (client) =>
    client.request('viewport', query),
  );
  return result.stops;
}

/** The stop that goes on, once it is one at a breakpoint: to set the condition the program was stopped too. */
export async function openStop(workbench: Workbench, session: string): Promise<DebuggerStop> {
  return waitFor('a stop at a breakpoint', timeoutMs, async () =>
    (await stopsOf(workbench, session)).find((each) => each.open && each.reason === 'breakpoint'),
  );
}

/** What the timeline says of what that lane does at an instant. */
export async function explanationAt(
  workbench: Workbench,
  at: { readonly session: string; readonly lane: number; readonly atNs: number },
): Promise<Explanation> {
  const { result } = await asViewer(await collectorOf(workbench), (client) => client.request('explain', at));
  if (result === null) throw new Error(`the trace holds nothing in lane ${at.lane} at ${at.atNs} ns`);
  return result;
}
