// `npm run sanitize -- loom|address|thread|miri`: the Rust tests under a checker of memory and threads.
// loom runs on stable; the others need a nightly toolchain, thread and miri a component of it. Says what is missing.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cargoFolder, must, run } from './steps.mjs';

const target = 'x86_64-unknown-linux-gnu';
/** The macros' tests start compilers, which would be given the sanitizer's settings. */
const workspace = ['--workspace', '--exclude=wakeline-macros', '--lib', '--tests'];

/** Full debug information and incremental builds of all tests take 3 GB; lines are all that a report needs. */
const smallBuild = { CARGO_INCREMENTAL: '0', CARGO_PROFILE_DEV_DEBUG: 'line-tables-only' };

/** Each checker: what it needs, and the cargo commands that it runs. Build folders of their own keep the other builds. */
const checkers = {
  /**
   * Every interleaving of two or three threads, up to three preemptions each, of the models beside the code: slots of
   * the ring (take, publish, seal, free), the holders of a waker, the state of a task (wake, poll, abort, shutdown).
   */
  loom: {
    flags: '--cfg loom',
    env: { LOOM_MAX_PREEMPTIONS: '3' },
    commands: [
      ['test', '--release', '--package=wakeline', '--package=wakeline-executor', '--lib', 'interleavings'],
    ],
  },
  /** Every test, but those of the reactor from below: the sanitizer takes the same functions of the C library. */
  address: {
    flags: '-Zsanitizer=address',
    toolchain: 'nightly',
    commands: [['test', `--target=${target}`, ...workspace, '--no-fail-fast']],
  },
  /**
   * The same for data races. The standard library must be built with it too: its mutexes are not seen otherwise, and
   * what they guard is reported as a race.
   */
  thread: {
    flags: '-Zsanitizer=thread',
    toolchain: 'nightly',
    component: 'rust-src',
    commands: [['test', '-Zbuild-std', `--target=${target}`, ...workspace, '--no-fail-fast']],
  },
  /** What runs without sockets, files and processes: the codec and the state of a task. */
  miri: {
    flags: '',
    toolchain: 'nightly',
    component: 'miri',
    commands: [
      ['miri', 'test', '--package=wakeline-wire', '--lib'],
      ['miri', 'test', '--package=wakeline-executor', '--lib', 'task::'],
    ],
  },
};

/** Whether a component of a toolchain is there; rustup answers from its own files. */
async function hasComponent(toolchain, component) {
  const { code, output } = await run(
    'rustup',
    ['component', 'list', '--installed', '--toolchain', toolchain],
    {
      quiet: true,
    },
  );
  return code === 0 && (component === undefined || output.includes(component));
}

const asked = process.argv.slice(2);
if (asked.length === 0 || asked.some((name) => !(name in checkers))) {
  console.error(`Say which: npm run sanitize -- ${Object.keys(checkers).join('|')}`);
  process.exit(2);
}
for (const name of asked) {
  const { flags, env = {}, toolchain, component, commands } = checkers[name];
  if (toolchain !== undefined && !(await hasComponent(toolchain, component))) {
    const add = component === undefined ? `toolchain install ${toolchain}` : `component add ${component}`;
    const where = component === undefined ? '' : ` --toolchain ${toolchain}`;
    console.error(`${name} was not run: it needs ${component ?? toolchain}. Run: rustup ${add}${where}`);
    process.exitCode = 1;
    continue;
  }
  for (const [verb, ...rest] of commands) {
    const args = [
      ...(toolchain === undefined ? [] : [`+${toolchain}`]),
      verb,
      ...rest,
      '--locked',
      '--quiet',
    ];
    const targetFolder = join(cargoFolder, 'target', name);
    const isFirst = !existsSync(targetFolder);
    if (isFirst) console.log(`${name}: the first run builds everything with its own settings`);
    await must('cargo', args, {
      cwd: cargoFolder,
      env: { ...process.env, ...smallBuild, ...env, RUSTFLAGS: flags, CARGO_TARGET_DIR: targetFolder },
    });
  }
}
