// Where tasks await, as the page shows it: the sentence and the chains of a wait in the details, the same in one line beside
// the pointer, for chains that a poll told, that were found later, and that end in a macro or a library.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeHello, frameKind, visibility } from '../../../runtime-probe/protocol/typescript/index.ts';
import { awaitsTrace } from '../../support/awaits-trace.ts';
import { framesOf, recordingOf, testHello } from '../../support/text-trace.ts';
import { pageTests } from '../../support/webview-page/page-tests.ts';

const note = 'read from the futures’ own state';

const { open, settled, sent, rowTop, problems, shown } = pageTests({
  'awaits.wakeline': () => {
    const capabilities = [{ name: 'awaitSites', visibility: visibility.recorded, note }];
    const [, ...frames] = framesOf(awaitsTrace);
    const hello = encodeHello({ ...testHello, capabilities });
    return recordingOf([{ kind: frameKind.hello, payload: hello }, ...frames]);
  },
});

/** Clicks the wait of a task: all of them last at half of the session. */
async function explainWaitOf(label: string): Promise<string> {
  await pointAtWaitOf(label);
  await shown.page.mouse.down();
  await shown.page.mouse.up();
  await shown.page.locator('#details h2', { hasText: label }).waitFor();
  await settled();
  return (await shown.page.locator('#details .sentence').textContent()) ?? '';
}

async function pointAtWaitOf(label: string): Promise<void> {
  const box = await shown.page.locator('.picture').boundingBox();
  assert.ok(box !== null);
  await shown.page.mouse.move(box.x + box.width * 0.5, box.y + (await rowTop(label)) + 10);
  await settled();
}

const functionsAndLinks = (at: number) =>
  shown.page
    .locator('#details .stacks details')
    .nth(at)
    .locator('li')
    .evaluateAll((rows) => rows.map((row) => row.textContent?.trim() ?? ''));

test('a wait tells what is awaited and where, and its chain of awaits, innermost first', async () => {
  await open('recording=awaits.wakeline');
  assert.equal(
    await explainWaitOf('chain #1'),
    'Waited 7 ms for tokio::io::util::read_exact::ReadExact at read_frame (main.rs:7); code outside any poll on thread 1 woke the task; the task stood 100 µs in the queue.',
  );
  const { page } = shown;
  assert.equal(await page.locator('#details .chip.state').textContent(), 'waiting');
  assert.deepEqual(await functionsAndLinks(0), [
    'tokio::io::util::read_exact::ReadExact',
    'app::read_framemain.rs:7',
    'app::handlemain.rs:11',
  ]);
  assert.equal(await page.locator('#details .awaits-note').textContent(), `Awaits are recorded: ${note}.`);
  await page.locator('#details .stacks .link', { hasText: 'main.rs:11' }).click();
  const opened = await sent('openSite');
  assert.deepEqual(
    opened.map((each) => (each.type === 'openSite' ? [each.site.file, each.site.line] : [])),
    [['/project/src/main.rs', 11]],
  );
  assert.deepEqual(problems, []);
});

test('of a join each branch is told, the macro by its name, and that the chains were found later', async () => {
  await open('recording=awaits.wakeline');
  assert.match(
    await explainWaitOf('join #2'),
    /^Waiting for 2 futures at once: at read_frame \(main\.rs:7\) and at read_frame \(main\.rs:7\), for 8 ms so far/,
  );
  const titles = shown.page.locator('#details .stacks summary');
  assert.deepEqual(await titles.allTextContents(), [
    'Stack of awaits, 1 of 2 places, told later',
    'Stack of awaits, 2 of 2 places, told later',
  ]);
  assert.deepEqual((await functionsAndLinks(1)).slice(1), [
    'app::read_framemain.rs:7',
    'app::handlemain.rs:11',
    'app::bothjoin.rs:207 in join!',
  ]);
  assert.deepEqual(problems, []);
});

test('beside the pointer a wait has its chains from the task inwards, without lines of libraries', async () => {
  await open('recording=awaits.wakeline');
  const lines = shown.page.locator('.tooltip .awaits');
  await pointAtWaitOf('chain #1');
  await lines.filter({ hasText: 'handle main.rs:11 → read_frame main.rs:7 → ReadExact' }).waitFor();
  assert.equal(await lines.count(), 1);
  await pointAtWaitOf('join #2');
  await lines.filter({ hasText: 'both in join! → handle main.rs:11' }).waitFor();
  assert.deepEqual(await lines.allTextContents(), [
    'both in join! → read_frame main.rs:7 → ReadExact',
    'both in join! → handle main.rs:11 → read_frame main.rs:7 → ReadExact',
  ]);
  await pointAtWaitOf('lock #3');
  await lines.filter({ hasText: 'locked main.rs:20 → lock → Acquire' }).waitFor();
  // What was shown of one span is not shown of the next: a poll awaits nothing.
  const box = await shown.page.locator('.picture').boundingBox();
  assert.ok(box !== null);
  await shown.page.mouse.move(box.x + box.width * 0.15, box.y + (await rowTop('join #2')) + 10);
  await settled();
  await shown.page.locator('.tooltip', { hasText: 'poll 1' }).waitFor();
  assert.equal(await lines.count(), 0);
  assert.deepEqual(problems, []);
});
