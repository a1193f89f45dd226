// Owns writing a stream's events in their short forms, where they have one. Knows nothing of what kinds mean.
import {
  ByteWriter,
  decodeChunkHead,
  decodeEvents,
  decodeHello,
  EventPlan,
  type Frame,
  frameKind,
  shapes,
  shortForms,
  writeChunkHead,
} from '../../runtime-probe/protocol/typescript/index.ts';

const shapeOf = new Map(shapes.map((shape) => [shape.kind, shape]));

/** The same stream with every event in its shortest form, and how many are shorter for it. */
export function shortened(frames: readonly Frame[]): { frames: Frame[]; count: number } {
  // Pieces of one slot count its bytes, which would be others.
  const cut = new Set<string>();
  for (const { kind, payload } of frames) {
    if (kind !== frameKind.chunk) continue;
    const { thread, sequence, offset } = decodeChunkHead(payload);
    if (offset > 0) cut.add(`${thread}/${sequence}`);
  }
  let plan = new EventPlan(shapeOf);
  let count = 0;
  const rewritten = frames.map((frame) => {
    if (frame.kind === frameKind.hello) plan = new EventPlan(decodeHello(frame.payload).shapes);
    if (frame.kind !== frameKind.chunk) return frame;
    const { payload } = frame;
    const head = decodeChunkHead(payload);
    if (cut.has(`${head.thread}/${head.sequence}`)) return frame;
    const writer = new ByteWriter();
    writeChunkHead(writer, head);
    let before = head.firstTick;
    decodeEvents(payload, head.eventsAt, payload.length, head.firstTick, plan, (kind, tick, fields) => {
      const known = shapeOf.get(kind)?.fields.length ?? 0;
      const form = shortForms.find(
        ({ of, from, value }) =>
          of === kind &&
          from.every((place, i) => fields[i] === (place < 0 ? value[i] : fields[from.indexOf(place)])),
      );
      if (form !== undefined) count++;
      writer.uint(form?.kind ?? kind).uint(tick - before);
      before = tick;
      for (let i = 0; i < known; i++) {
        const isWritten =
          form === undefined || (form.from[i] !== -1 && form.from.indexOf(form.from[i] ?? -1) === i);
        const isSigned = (plan.signed[kind] ?? 0) & (1 << i);
        if (isWritten) isSigned ? writer.sint(fields[i] ?? 0) : writer.uint(fields[i] ?? 0);
      }
    });
    return { kind: frame.kind, payload: writer.take() };
  });
  return { frames: rewritten, count };
}
