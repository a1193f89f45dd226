// The npm package as it would be published: packed, installed into a project of its own, and used there as a user does.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { transformSync } from 'esbuild';
import { eventField, eventKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { type RunOptions, runProgram } from '../../support/node-probe-program.ts';
import type { readReference } from '../../support/reference-reader.ts';
import { modelOf, nodes, nodeTitle, ofKind, taskNames, textsOf } from '../../support/registered-program.ts';
import { StreamReceiver } from '../../support/stream-receiver.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'wakeline-package-'));

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

let packed: Packed;

function npm(args: readonly string[], cwd: string): string {
  return execFileSync('npm', [...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}

before(() => {
  const told = npm(['pack', '--json', '--pack-destination', project], join(root, 'runtime-probe/node'));
  // What the build prints comes first. npm 12 gives an object by name, those before it a list.
  const answer: unknown = JSON.parse(told.slice(told.search(/^[[{]/m)));
  packed = Object.values(answer as Record<string, Packed>)[0] as Packed;
  writeFileSync(join(project, 'package.json'), '{"private":true}');
  npm(['install', '--offline', '--no-audit', '--no-fund', join(project, packed.filename)], project);
});
after(() => rmSync(project, { recursive: true, force: true }));

/** Runs a program of the project with the package, recorded. */
async function recorded(name: string, text: string, options: RunOptions) {
  writeFileSync(join(project, name), text);
  const receiver = await StreamReceiver.listen();
  try {
    const result = await runProgram(join(project, name), {
      ...options,
      cwd: project,
      environment: { ...receiver.environment, ...options.environment },
    });
    assert.equal(result.code, 0, result.stderr);
    return { result, model: await modelOf(receiver), hello: receiver.hellos[0] };
  } finally {
    await receiver.close();
  }
}

const marked = `const work = async () => {
  nameTask('the main work');
  marker('begun', 42);
  await span('outer', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    span('inner', () => 1);
  });
  await span('rejected', () => Promise.reject(new Error('as planned'))).catch(() => undefined);
  const open = startSpan('open');
  open.end();
  open.end();
};
work();`;

function checkMarks(model: ReturnType<typeof readReference>): void {
  const texts = textsOf(model);
  const at = eventField.spanOpen;
  const opened = ofKind(model, eventKind.spanOpen).map(({ values }) => values);
  assert.deepEqual(
    opened.map((values) => texts.get(values[at.name] as number)),
    ['outer', 'inner', 'rejected', 'open'],
  );
  const closed = ofKind(model, eventKind.spanClose).map(({ values }) => values[0] as number);
  assert.deepEqual(
    closed.sort((a, b) => a - b),
    opened.map((values) => values[at.span]),
  );
  const files = new Set(
    model.dictionary.flatMap((r) => (r.record === 'site' ? [[r.id, texts.get(r.file)] as const] : [])),
  );
  const fileOf = new Map(files);
  for (const values of opened) assert.match(fileOf.get(values[at.site] as number) ?? '', /app\.[cm]js$/);
  const [marker] = ofKind(model, eventKind.marker);
  assert.equal(texts.get(marker?.values[eventField.marker.name] ?? 0), 'begun');
  assert.equal(marker?.values[eventField.marker.value], 42);
  assert.equal(taskNames(model).get(opened[0]?.[at.task] ?? 0), 'the main work');
}

test('it holds what a user needs and nothing else', () => {
  const paths = packed.files.map(({ path }) => path);
  const { dependencies, peerDependencies } = JSON.parse(
    readFileSync(join(project, 'node_modules/wakeline/package.json'), 'utf8'),
  ) as Record<string, unknown>;
  assert.deepEqual([dependencies, peerDependencies], [undefined, undefined]);
  const needed = 'LICENSE README.md package.json dist/index.js dist/register.cjs dist/register-probe.cjs';
  for (const path of needed.split(' ')) assert.ok(paths.includes(path), path);
  const odd = paths.filter(
    (path) => !/^(?:LICENSE|README\.md|package\.json|docs\/.*\.md|dist\/.*)$/.test(path),
  );
  assert.deepEqual(odd, []);
  assert.deepEqual(
    paths.filter((path) => path.startsWith('dist/') && /(?<!\.d)\.c?ts$/.test(path)),
    [],
    'no source',
  );
});

test('an old Node reads the entry alone, and says what it is too old for', () => {
  const entry = readFileSync(join(project, 'node_modules/wakeline/dist/register.cjs'), 'utf8');
  const [old, young] = ['es2015', 'esnext'].map((target) => transformSync(entry, { target }).code);
  assert.equal(old, young, 'nothing in it has to be put in older words');
  for (const [version, isMainThread, script, said] of [
    [
      '12.22.12',
      true,
      'app.js',
      /^wakeline\/register was tested on .* does nothing on Node 12\.22\.12; .*\n$/,
    ],
    ['12.22.12', false, 'app.js', /^$/],
    ['12.22.12', true, '/usr/lib/node_modules/npm/bin/npm-cli.js', /^$/],
  ] as const) {
    let stderr = '';
    const process = {
      env: { WAKELINE: 'unix:/nowhere' },
      versions: { node: version },
      argv: ['node', script],
      stderr: { write: (text: string) => (stderr += text) },
    };
    const require = (name: string) => {
      assert.equal(name, 'worker_threads');
      return { isMainThread };
    };
    runInNewContext(entry, { process, require, module: {} });
    assert.match(stderr, said);
  }
});

for (const executable of nodes)
  describe(`the installed package on ${nodeTitle(executable)}`, () => {
    const preload = ['--require', 'wakeline/register'];

    test('a CommonJS program, by --require, with its own spans, markers and names', async () => {
      const text = `const { marker, nameTask, span, startSpan } = require('wakeline');\n${marked}`;
      const { model, hello } = await recorded('app.cjs', text, { executable, nodeArguments: preload });
      assert.equal(hello?.tier, 'node-register');
      checkMarks(model);
    });

    test('an ES module, by NODE_OPTIONS, with its own spans, markers and names', async () => {
      const text = `import { marker, nameTask, span, startSpan } from 'wakeline';\n${marked}`;
      const environment = { NODE_OPTIONS: preload.join(' ') };
      const { model, hello } = await recorded('app.mjs', text, {
        executable,
        nodeArguments: [],
        environment,
      });
      assert.equal(hello?.tier, 'node-register');
      checkMarks(model);
    });

    test('the executor, by init(), with the same spans', async () => {
      const text = `import { init, marker, run, sleep, span } from 'wakeline';
        init();
        await run(function* main() {
          marker('inside', 7);
          span('counted', () => undefined);
          yield* sleep(1);
        });`;
      const { model, hello } = await recorded('executor.mjs', text, { executable, nodeArguments: [] });
      assert.equal(hello?.tier, 'wakeline-executor');
      const [opened] = ofKind(model, eventKind.spanOpen);
      assert.equal(taskNames(model).get(opened?.values[eventField.spanOpen.task] ?? 0), 'main');
      assert.equal(ofKind(model, eventKind.spanClose).length, 1);
      assert.equal(ofKind(model, eventKind.marker)[0]?.values[eventField.marker.value], 7);
    });

    test('without a recording spans give back what the work gave, and cost nothing else', async () => {
      writeFileSync(
        join(project, 'alone.mjs'),
        `import { marker, nameTask, span, startSpan } from 'wakeline';
        marker('nobody'); nameTask('nobody'); startSpan('nobody').end();
        console.log(span('nobody', () => 7), await span('nobody', async () => 8));`,
      );
      const { stdout } = await runProgram(join(project, 'alone.mjs'), { executable, nodeArguments: [] });
      assert.equal(stdout, '7 8\n');
    });
  });

test('a TypeScript program that uses it is checked against its types', () => {
  mkdirSync(join(project, 'typed'));
  writeFileSync(
    join(project, 'typed/app.mts'),
    `import 'wakeline/register';
    import { init, marker, nameTask, type OpenSpan, span, startSpan } from 'wakeline';
    import { sleep, spawn } from 'wakeline/executor';
    const recording: string = init().state;
    const n: number = span('counted', () => 7);
    const later: Promise<string> = span('later', async () => recording);
    const open: OpenSpan = startSpan('open');
    open.end();
    marker('n', n);
    nameTask('main');
    spawn(function* () { yield* sleep(1); });
    // @ts-expect-error A marker's value is a number.
    marker('wrong', 'text');
    export { later };`,
  );
  const options = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  };
  writeFileSync(
    join(project, 'typed/tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['app.mts'] }),
  );
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  assert.ok(existsSync(compiler));
  execFileSync(process.execPath, [compiler, '-p', join(project, 'typed')], { encoding: 'utf8' });
});
