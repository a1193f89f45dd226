// The hover says who waits at a line, how long the waits took, and which chains of awaits go through it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hoverText } from '../../../extension/server/hover-text.ts';
import { TraceSession } from '../../../extension/trace/session.ts';
import { awaitsTrace } from '../../support/awaits-trace.ts';
import { framesOf } from '../../support/text-trace.ts';

function textAt(trace: string, line: number): string | undefined {
  const session = new TraceSession();
  for (const { kind, payload } of framesOf(trace)) session.pushFrame(kind, payload);
  const file = '/project/src/main.rs';
  const facts = session.siteSpans({ session: '', file, line }, (site) => site.file === file);
  return hoverText(facts, { uri: `file://${file}`, line });
}

const link = (line: number) =>
  `[Show these waits in the timeline](command:wakeline.showLine?${encodeURIComponent(`["file:///project/src/main.rs",${line}]`)})`;

test('a line that two tasks wait at, one of them still, by several ways', () => {
  assert.equal(
    textAt(awaitsTrace, 7),
    [
      '**1 task waits here now** (`join #2`) · 2 waits, 15 ms in all, the longest 8 ms',
      '```text\nhandle main.rs:11 → read_frame main.rs:7 → ReadExact\nboth in join! → read_frame main.rs:7 → ReadExact\nboth in join! → handle main.rs:11 → read_frame main.rs:7 → ReadExact\n```',
      link(7),
    ].join('\n\n'),
  );
});

test('a line of a function that awaits another one has the waits inside of it', () => {
  assert.match(textAt(awaitsTrace, 11) ?? '', /^\*\*1 task waits here now\*\* \(`join #2`\) · 2 waits, /);
});

test('a line at which nobody waits any more, and one of which the trace knows nothing', () => {
  assert.match(textAt(awaitsTrace, 20) ?? '', /^1 wait, 7\.7 ms\n/);
  assert.equal(textAt(awaitsTrace, 99), undefined);
});

test('names of the program cannot end the text that they stand in', () => {
  const hostile = awaitsTrace
    .replace('text="join"', 'text="jo`in"')
    .replace('text="app::both"', 'text="``` x"');
  const text = textAt(hostile, 7) ?? '';
  assert.ok(text.includes('(`jo in #2`)'), text);
  assert.equal(text.split('```').length, 3);
});
