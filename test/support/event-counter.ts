// Owns counting a stream that is too long to keep: its events by kind, and what its end says was dropped.
// Knows the wire and nothing of the model.
import {
  decodeChunkHead,
  decodeEnd,
  decodeEvents,
  decodeHello,
  EventPlan,
  type Frame,
  frameHeadBytes,
  frameKind,
} from '../../runtime-probe/protocol/typescript/index.ts';

export class EventCounter {
  /** All frames with their heads. */
  bytes = 0;
  events = 0;
  /** Of all threads, as the end frame has it; undefined before it. */
  dropped: number | undefined;
  private readonly kinds = new Map<number, number>();
  private plan: EventPlan | undefined;

  take({ kind, payload }: Frame): void {
    this.bytes += frameHeadBytes + payload.length;
    if (kind === frameKind.hello) this.plan = new EventPlan(decodeHello(payload).shapes);
    else if (kind === frameKind.end)
      this.dropped = decodeEnd(payload).threads.reduce((sum, thread) => sum + thread.dropped, 0);
    else if (kind === frameKind.chunk) this.takeChunk(payload);
  }

  ofKind(kind: number): number {
    return this.kinds.get(kind) ?? 0;
  }

  private takeChunk(payload: Uint8Array): void {
    if (this.plan === undefined) throw new Error('a chunk came before the hello');
    const { eventsAt, firstTick } = decodeChunkHead(payload);
    const counts = new Float64Array(128);
    decodeEvents(payload, eventsAt, payload.length, firstTick, this.plan, (kind) => {
      counts[kind] = (counts[kind] as number) + 1;
    });
    counts.forEach((count, kind) => {
      if (count === 0) return;
      this.events += count;
      this.kinds.set(kind, this.ofKind(kind) + count);
    });
  }
}
