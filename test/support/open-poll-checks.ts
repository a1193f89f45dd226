// Owns a check of a stream that needs no model: that polls open and close in step with what each chunk's head says.
import {
  decodeChunkHead,
  decodeEvents,
  decodeHello,
  EventPlan,
  eventKind,
  type Frame,
  frameKind,
  type Hello,
} from '../../runtime-probe/protocol/typescript/index.ts';

interface Thread {
  sequence: number;
  dropped: number;
  open: string[];
}

/**
 * Each place where a poll ends that did not begin, or where a chunk that follows the one before names other polls as
 * open than those that are. At a thread's first chunk and after a gap the head is right, whatever was open before. Empty for a right stream.
 */
export function openPollProblems(frames: readonly Frame[]): string[] {
  const problems: string[] = [];
  const threads = new Map<number, Thread>();
  let hello: Hello | undefined;
  for (const { kind, payload } of frames) {
    if (kind === frameKind.hello) hello = decodeHello(payload);
    if (kind !== frameKind.chunk || hello === undefined) continue;
    const head = decodeChunkHead(payload);
    const thread = threads.get(head.thread) ?? { sequence: 0, dropped: 0, open: [] };
    threads.set(head.thread, thread);
    const where = `thread ${head.thread}, slot ${head.sequence} from byte ${head.offset}`;
    const named = head.openPolls.map((poll) => `${poll.task} ${poll.epoch}`);
    const follows =
      thread.sequence > 0 && head.sequence <= thread.sequence + 1 && head.dropped === thread.dropped;
    if (follows && named.join() !== thread.open.join())
      problems.push(`${where}: open are ${thread.open.join()}, the head names ${named.join()}`);
    thread.open = named;
    const { eventsAt, firstTick } = head;
    const plan = new EventPlan(hello.shapes);
    decodeEvents(payload, eventsAt, payload.length, firstTick, plan, (event, _tick, values, end) => {
      if (event === eventKind.pollStart) thread.open.push(`${values[0]} ${values[1]}`);
      const ends = event === eventKind.pollEnd || event === eventKind.pollEndAt;
      if (ends && thread.open.pop() === undefined)
        problems.push(`${where}: a poll that is not open ends before byte ${end}`);
    });
    thread.sequence = head.sequence;
    thread.dropped = head.dropped;
  }
  return problems;
}
