// Owns which sessions belong together and in which order they are listed: processes and threads of one program.
// Pure; knows neither how they are drawn nor where they come from.
import type { SessionSummary } from './queries.ts';

/** Sessions of one start of a program, the program itself first; a session without a family is a group of its own. */
export type SessionGroup = readonly [SessionSummary, ...SessionSummary[]];

/** What sessions of one group have in common. */
export function groupOf({ session, family }: SessionSummary): string {
  return family?.group ?? session;
}

/** Groups in the order in which their first session came; within one the program itself, then by their begin. */
export function sessionGroups(sessions: readonly SessionSummary[]): readonly SessionGroup[] {
  const groups = new Map<string, [SessionSummary, ...SessionSummary[]]>();
  for (const each of sessions) {
    const group = groups.get(groupOf(each));
    if (group === undefined) groups.set(groupOf(each), [each]);
    else group.push(each);
  }
  return [...groups.values()].map((group) => {
    // A child may greet before its parent: a greeting is held back for a moment.
    group.sort((a, b) => Number(isPart(a)) - Number(isPart(b)) || a.startedWallUs - b.startedWallUs);
    return group;
  });
}

/** Whether it is something that a program started, and not the program itself. */
function isPart({ family }: SessionSummary): boolean {
  return family !== undefined && family.part !== '';
}

/**
 * Which session to show when others came, undefined for the one that is shown: a program that was just started. What a
 * program starts stands beside it in the list, and takes its place only when what was shown of it is over.
 */
export function sessionToShow(
  shown: SessionSummary | undefined,
  arrived: readonly SessionSummary[],
): SessionSummary | undefined {
  return arrived.find(
    (each) =>
      shown === undefined || shown.state !== 'live' || groupOf(each) !== groupOf(shown) || !isPart(each),
  );
}
