// The programs of the executor's documentation: each is type-checked, run, and its output held against the text under
// it. What the viewer would say of a recorded one is held against what the text claims that it says.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Frame } from '../../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms, runProgram } from '../../support/node-probe-program.ts';
import { readReference } from '../../support/reference-reader.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';
import { sessionOf, wholeView } from '../../unit/trace/engine-dump.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const programs = new ProbePrograms();
const folder = mkdtempSync(join(tmpdir(), 'wakeline-docs-'));
after(() => {
  programs.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Example {
  readonly title: string;
  readonly path: string;
  readonly recorded: boolean;
  readonly output: string;
  /** The sentences of the block behind the output, if there is one. */
  readonly why: readonly string[];
}

/** Each program of the page with what stands under it. A heading has at most one. */
function readExamples(page: string): Example[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((section, i) => {
      const blocks = [...section.matchAll(/^```(\w+)(?: (\w+))?\n([\s\S]*?)^```$/gm)];
      const [program, output, why] = blocks;
      const title = section.split('\n')[0] ?? '';
      assert.equal(program?.[1], 'ts', `${title} has a program`);
      assert.equal(output?.[1], 'text', `${title} says what its program prints`);
      const path = join(folder, `example-${i + 1}.ts`);
      writeFileSync(path, program?.[3] ?? '');
      return {
        title,
        path,
        recorded: program?.[2] === 'recorded',
        output: output?.[3] ?? '',
        why: why?.[1] === 'why' ? (why[3] ?? '').trimEnd().split('\n') : [],
      };
    });
}

const examples = readExamples(readFileSync(here('../../../runtime-probe/node/docs/executor.md'), 'utf8'));

test('the programs of the documentation are typed as they stand', () => {
  const root = here('../../../');
  const types = dirname(createRequire(import.meta.url).resolve('@types/node/package.json'));
  const config = {
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: {
      lib: ['ES2023'],
      types: [types],
      paths: { wakeline: [join(root, 'runtime-probe/node/src/index.ts')] },
    },
    include: ['./*.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(root, 'node_modules/.bin/tsc');
  const { stdout, status } = spawnSync(compiler, ['-p', folder], { encoding: 'utf8' });
  assert.equal(stdout, '');
  assert.equal(status, 0);
});

test('the page has as many programs as headings, and one that is recorded', () => {
  assert.equal(examples.length, 14);
  assert.equal(examples.filter((example) => example.recorded && example.why.length > 0).length, 1);
});

for (const example of examples) {
  test(`the program of "${example.title}" prints what the page says`, async () => {
    const path = await programs.build(pathToFileURL(example.path));
    if (!example.recorded) {
      const result = await runProgram(path, { timeoutMs: 240_000 });
      assert.equal(result.stderr, '');
      assert.equal(result.stdout, example.output);
      return;
    }
    const receiver = await StreamReceiver.listen();
    try {
      const result = await runProgram(path, { environment: receiver.environment, timeoutMs: 240_000 });
      assert.equal(result.stdout, example.output);
      await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
      const said = example.why.map((line) => explain(receiver.frames, line.split(':')[0] ?? ''));
      assert.deepEqual(said, example.why);
    } finally {
      await receiver.close();
    }
  });
}

/** "name: sentence" of the first wait of the task with this name, durations left out. */
function explain(frames: readonly Frame[], name: string): string {
  const session = sessionOf(frames);
  const lane = wholeView(session).answer.lanes.find((each) => each.label.includes(name));
  const model = readReference(frames);
  const text = model.dictionary.find((each) => each.record === 'text' && each.text === name);
  const named = model.dictionary.find((each) => each.record === 'task' && each.name === text?.id);
  const idle = model.tasks
    .find((task) => task.id === named?.id)
    ?.spans.find((span) => span.state.startsWith('idle'));
  assert.ok(lane && idle, `${name} waited`);
  const told = session.explain({ session: '', lane: lane.lane, atNs: idle.fromNs });
  return `${name}: ${told?.sentence ?? ''}`
    .replace(/\d+(\.\d+)? (ns|µs|ms|s)\b/g, '<time>')
    .replace(/ \(<time> late\)|; the reactor was parked <time> of it| behind .*(?=\.$)/g, '');
}
