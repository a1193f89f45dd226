// What the engine says of where tasks await, in words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { framesOf } from '../../support/text-trace.ts';
import { sessionOf } from './engine-dump.ts';
import { laneOf } from './told.ts';

const awaits = `hello rate=1000000000
dict text id=1 text="src/main.rs"
dict text id=2 text="app::read_frame"
dict text id=3 text="app::handle"
dict text id=4 text="tokio::time::sleep::Sleep"
dict text id=5 text="app::other"
dict site id=1 file=1 line=12 column=0 function=2
dict site id=2 file=1 line=40 column=0 function=3
dict site id=3 file=0 line=0 column=0 function=4
dict site id=4 file=1 line=12 column=20
dict site id=5 file=1 line=50 column=0 function=5
dict stack id=1 sites=3,1,2
dict stack id=2 sites=3,5,2
chunk thread=1
  0 taskSpawn task=1
  100 pollStart task=1 epoch=1
  190 waitStart site=1 stack=1
  200 pollEnd outcome=pending
  1000 wake task=1 epoch=1 effect=scheduled
  1100 pollStart task=1 epoch=2
  1120 waitStart onKind=timer onId=7 site=4
  1130 waitStart onKind=timer onId=8 site=2
  1180 waitStart site=1 stack=1
  1190 waitStart site=5 stack=2
  1200 pollEnd outcome=pending
  2000 wake task=1 epoch=2 effect=scheduled
  2100 pollStart task=1 epoch=3
  2190 waitStart site=1 stack=1
  2195 waitStart site=5 stack=2
  2200 pollEnd outcome=pending
  3000 taskSpawn task=2
`;

test('a chain of awaits in the record of a poll’s end, or found later by another thread, is told like one before the end', () => {
  const chain = (text: string, ending = '') => {
    const session = sessionOf(framesOf(text));
    const told = (atNs: number) => {
      const explained = session.explain({ session: '', lane: laneOf(session, 'task 1'), atNs });
      const stacks = (explained?.stacks ?? []).map(({ title, frames }) => {
        assert.ok(title.endsWith(ending), title);
        return { title: title.slice(0, title.length - ending.length), frames };
      });
      return { sentence: explained?.sentence, site: explained?.site, stacks };
    };
    return [told(500), told(1500), told(2500)];
  };
  const expected = chain(awaits);
  const shown = awaits
    .replace('sites=3,1,2', 'sites=3,1,2 site=1')
    .replace('sites=3,5,2', 'sites=3,5,2 site=5');
  const inEnd = shown.replace(
    / {2}190 waitStart.*\n {2}200 pollEnd outcome=pending/,
    '  200 pollEndAt stack=1',
  );
  assert.ok(inEnd.includes('pollEndAt'));
  assert.deepEqual(chain(inEnd), expected);
  const lines = shown.split('\n');
  const later = lines.filter((line) => !/waitStart.*stack=/.test(line)).join('\n');
  const found = [1, 2, 2, 3, 3].map(
    (epoch, i) => `  ${2900 + i} waitFound task=1 epoch=${epoch} stack=${i === 0 ? 1 : 2 - (i % 2)}`,
  );
  // Whichever of the two threads is read first.
  const [head = '', events = ''] = later.split('chunk thread=1\n');
  const finder = `chunk thread=2\n${found.join('\n')}\n`;
  assert.deepEqual(chain(`${later}${finder}`, ', told later'), expected);
  assert.deepEqual(chain(`${head}${finder}chunk thread=1\n${events}`, ', told later'), expected);
});

test('a wait of which only the awaits are known tells where it was, and what was awaited', () => {
  const session = sessionOf(framesOf(awaits));
  const lane = laneOf(session, 'task 1');
  const told = session.explain({ session: '', lane, atNs: 500 });
  assert.match(
    told?.sentence ?? '',
    /^Waited 800 ns for tokio::time::sleep::Sleep at read_frame \(main\.rs:12\); /,
  );
  assert.equal(told?.site?.line, 12);
  assert.equal(told?.stateName, 'waiting');
  assert.deepEqual(
    told?.stacks.map((stack) => `${stack.title}: ${stack.frames.map((f) => `${f.functionName}:${f.line}`)}`),
    ['of awaits: tokio::time::sleep::Sleep:0,app::read_frame:12,app::handle:40'],
  );
});

test('chains of awaits belong to the waits that were told before, by line; others are waits by themselves', () => {
  const session = sessionOf(framesOf(awaits));
  const lane = laneOf(session, 'task 1');
  const joined = session.explain({ session: '', lane, atNs: 1500 });
  assert.match(joined?.sentence ?? '', /^Waited 800 ns for 2 things at once \(timer 7 and timer 8\)/);
  assert.deepEqual(
    joined?.stacks.map((stack) => stack.frames.map((frame) => frame.line)),
    [
      [0, 12, 40],
      [0, 50, 40],
    ],
  );
  const unknown = session.explain({ session: '', lane, atNs: 2500 });
  assert.match(
    unknown?.sentence ?? '',
    /^Waiting for 2 futures at once: at read_frame \(main\.rs:12\) and at other \(main\.rs:50\), for/,
  );
  assert.deepEqual(
    unknown?.stacks.map((stack) => stack.title),
    ['of awaits, 1 of 2 places', 'of awaits, 2 of 2 places'],
  );
});

test('of futures that await in one place it is told how many there are', () => {
  const many = awaits
    .replace('  2190 waitStart site=1 stack=1', '  2190 waitStart onId=9 site=1 stack=1')
    .replace('  190 waitStart site=1 stack=1', '  190 waitStart onId=3 site=1 stack=1');
  const session = sessionOf(framesOf(many));
  const told = (atNs: number) => session.explain({ session: '', lane: laneOf(session, 'task 1'), atNs });
  assert.match(
    told(500)?.sentence ?? '',
    /^Waited 800 ns for 3 futures at once: 3 at read_frame \(main\.rs:12\); /,
  );
  assert.deepEqual(
    told(500)?.stacks.map((stack) => stack.title),
    ['of awaits, of 3 futures'],
  );
  assert.match(
    told(2500)?.sentence ?? '',
    /^Waiting for 10 futures at once: 9 at read_frame \(main\.rs:12\) and at other \(main\.rs:50\), for/,
  );
  // As many waits of a join as the chain has futures get it.
  const joined = awaits
    .replace('  1130 waitStart onKind=timer onId=8 site=2', '  1130 waitStart onKind=timer onId=8 site=4')
    .replace(
      '  1180 waitStart site=1 stack=1\n  1190 waitStart site=5 stack=2',
      '  1180 waitStart onId=2 site=1 stack=1',
    );
  const both = sessionOf(framesOf(joined)).explain({
    session: '',
    lane: laneOf(session, 'task 1'),
    atNs: 1500,
  });
  assert.match(both?.sentence ?? '', /^Waited 800 ns for 2 things at once \(timer 7 and timer 8\)/);
  assert.deepEqual(
    both?.stacks.map((stack) => stack.title),
    ['of awaits, of 2 futures'],
  );
});

test('a wait whose end names one thing tells of several futures which they were, and that a line is a macro’s', () => {
  const text = awaits
    .replace('  1120 waitStart onKind=timer onId=7 site=4\n  1130 waitStart onKind=timer onId=8 site=2\n', '')
    .replace(
      '  2000 wake task=1 epoch=2 effect=scheduled',
      '  2000 wakeFrom task=1 epoch=2 effect=scheduled causeKind=timer causeId=7 epochAfter=2',
    )
    .replace(
      'dict site id=5 file=1 line=50',
      'dict text id=6 text="/registry/src/tokio/src/macros/join.rs"\ndict site id=5 file=6 line=207',
    );
  const session = sessionOf(framesOf(text));
  const told = session.explain({ session: '', lane: laneOf(session, 'task 1'), atNs: 1500 });
  assert.match(
    told?.sentence ?? '',
    /^Waited 800 ns for timer 7 while it awaited 2 futures at once: at read_frame \(main\.rs:12\) and at other \(in join!\); /,
  );
});
