// Other projects' own tests of futures, wakers, tasks and executors, with their executor or their spawn replaced by ours:
// they end as they did before, and so they do while they are recorded.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  differences,
  type Outcomes,
  ownCrate,
  RegistryCopy,
  type RegistryCrate,
} from '../support/registry-program.ts';
import { StreamReceiver } from '../support/stream-receiver.ts';

interface Suite {
  readonly crate: RegistryCrate;
  readonly what: string;
  /** Files of the folder `tests`. */
  readonly files: RegExp;
  readonly features: readonly string[];
  /** Added to the manifest. */
  readonly manifest: string;
  /** What changes in the manifest itself. */
  readonly change?: (manifest: string) => string;
  /** What changes in each file, and in which; where it is the crate's own source that is replaced, nothing. */
  readonly replace?: (text: string) => string;
  /** What becomes the crate's own source. */
  readonly source?: URL;
  /** The fewest tests that must pass before and after. */
  readonly atLeast: number;
}

/** Starts the recording when the test's binary is loaded. */
const recorded = `
#[used]
#[link_section = ".init_array"]
static WAKELINE: extern "C" fn() = {
    extern "C" fn start() {
        wakeline::init();
    }
    start
};
`;

const withExecutor = `[dev-dependencies.wakeline-executor]\n${ownCrate('executor')}
[dev-dependencies.wakeline]\n${ownCrate('probe')}`;

const suites: readonly Suite[] = [
  {
    crate: { name: 'tokio', version: '1.54.1' },
    what: "tasks spawned by wakeline's functions",
    files:
      /^(task_(abort|blocking|id|join_set|local|local_set|panic|yield_now)|rt_(basic|common|handle|threaded)|sync_(barrier|mpsc|mutex|notify|watch)|time_(interval|sleep|timeout)|join_handle_panic)\.rs$/,
    features: ['full', 'test-util'],
    manifest: `[dev-dependencies.wakeline]\n${ownCrate('probe', ['tokio'])}
[patch.crates-io]\ntokio = { path = "." }\n`,
    replace: (text) => {
      // In some files `task` is tokio_test's module, whose spawn is a hand-held poll.
      const ofTokio = /use tokio_test::(?:\*|(?:\{[^}]*\b)?task\b)/.test(text)
        ? 'tokio::(?:task::)?'
        : '(?:tokio::)?task::|tokio::';
      return text
        .replace(
          new RegExp(`(?<![\\w:])(?:${ofTokio})(spawn|spawn_local|spawn_blocking)(?=\\(|::<)`, 'g'),
          'wakeline::$1',
        )
        .replace(/^use tokio::task::(JoinSet|spawn_local);/gm, 'use wakeline::$1;');
    },
    atLeast: 200,
  },
  {
    crate: { name: 'futures', version: '0.3.31' },
    what: 'polled by our executor',
    files: /\.rs$/,
    features: ['thread-pool'],
    // Two crates of its own workspace that its tests need, and its published manifest leaves out.
    manifest: `${withExecutor}\n[dev-dependencies.futures-test]\nversion = "0.3"\n
[dev-dependencies.futures-executor]\nversion = "0.3"\nfeatures = ["thread-pool"]\n`,
    replace: (text) =>
      text
        .replace(/^(\s*)use futures::executor::block_on;/gm, '$1use wakeline_executor::block_on;')
        .replace(
          /use futures::executor::\{block_on, (\w+)\};/g,
          'use futures::executor::$1;\nuse wakeline_executor::block_on;',
        )
        .replace(/\bfutures::executor::block_on\(/g, 'wakeline_executor::block_on('),
    atLeast: 150,
  },
  {
    crate: { name: 'async-lock', version: '3.4.1' },
    what: 'polled by our executor',
    files: /^(barrier|mutex|rwlock|semaphore)\.rs$/,
    features: [],
    manifest: withExecutor,
    replace: (text) => text.replace(/\bfuture::block_on\(/g, 'wakeline_executor::block_on('),
    atLeast: 20,
  },
  {
    crate: { name: 'async-channel', version: '2.3.1' },
    what: 'polled by our executor',
    files: /\.rs$/,
    features: [],
    manifest: withExecutor,
    replace: (text) => text.replace(/\bfuture::block_on\(/g, 'wakeline_executor::block_on('),
    atLeast: 20,
  },
  {
    crate: { name: 'async-executor', version: '1.14.1' },
    what: 'whose executor is ours',
    files: /\.rs$/,
    features: [],
    manifest: `[dependencies.wakeline-executor]\n${ownCrate('executor')}
[dev-dependencies.wakeline]\n${ownCrate('probe')}`,
    // Criterion is for the benchmark only, and takes longer to build than all the rest.
    change: (text) => text.replace(/^\[dev-dependencies\.criterion\]\n(?:[^[\n].*\n)*/m, ''),
    source: new URL('shims/async-executor.rs', import.meta.url),
    atLeast: 14,
  },
];

for (const { crate, what, files, features, manifest, change, replace, source, atLeast } of suites)
  describe(`${crate.name} ${crate.version}, ${what}`, () => {
    let copy: RegistryCopy;
    let receiver: StreamReceiver;
    let testsBefore: Outcomes;
    const targets: string[] = [`--features=${features.join(',')}`];

    before(async () => {
      receiver = await StreamReceiver.listen();
      copy = await RegistryCopy.fetch(crate);
      // The lock file that some bring along names a tokio of the registry for whoever depends on tokio.
      copy.forgetLockFile();
      if (change !== undefined) copy.edit('Cargo.toml', change);
      await copy.addToManifest(manifest);
      const edited = readdirSync(join(copy.path, 'tests')).filter((file) => {
        const text = files.test(file) ? copy.read(`tests/${file}`) : '';
        return replace === undefined ? text !== '' : replace(text) !== text;
      });
      for (const file of edited) targets.push('--test', file.replace(/\.rs$/, ''));
      testsBefore = await copy.test({ targets });
      for (const file of edited)
        copy.edit(`tests/${file}`, (text) => `${replace?.(text) ?? text}${recorded}`);
      if (source !== undefined) copy.edit('src/lib.rs', () => readFileSync(source, 'utf8'));
    });
    after(() => receiver.close());

    test('ends as before, not recorded', async (context) => {
      const passed = [...testsBefore.values()].filter((outcome) => outcome === 'ok').length;
      assert.ok(passed >= atLeast, `${passed} tests passed before`);
      assert.deepEqual(await differences(copy, testsBefore, { targets }), []);
      context.diagnostic(`${passed} tests in ${targets.length / 2 - 0.5} binaries`);
    });

    test('ends as before while it is recorded', async () => {
      assert.deepEqual(
        await differences(copy, testsBefore, { targets, environment: receiver.environment }),
        [],
      );
      assert.ok(receiver.connections.length > 0, 'a recording came');
    });
  });
