// `npm run sanitize -- loom|address|thread|miri`: the Rust tests under a checker of memory and threads.
// loom runs on stable; miri needs a component of a nightly toolchain. The sanitizers take nightly, or else the compiler
// that RUSTC names, or the default one; thread needs the standard library's sources beside it. Says what is missing.
import { existsSync, readdirSync } from 'node:fs';
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
    sanitizer: 'asan',
    flags: '-Zsanitizer=address',
    commands: [['test', `--target=${target}`, ...workspace, '--no-fail-fast']],
  },
  /**
   * The same for data races. The standard library must be built with it too: its mutexes are not seen otherwise, and
   * what they guard is reported as a race. Some tests fork while they have threads, which it would end them for.
   */
  thread: {
    sanitizer: 'tsan',
    flags: '-Zsanitizer=thread',
    env: { TSAN_OPTIONS: 'die_after_fork=0' },
    buildsLibrary: true,
    commands: [['test', '-Zbuild-std', `--target=${target}`, ...workspace, '--no-fail-fast']],
  },
  /** What runs without sockets, files and processes: the codec and the state of a task. */
  miri: {
    flags: '',
    component: 'miri',
    commands: [
      ['miri', 'test', '--package=wakeline-wire', '--lib'],
      ['miri', 'test', '--package=wakeline-executor', '--lib', 'task::'],
    ],
  },
};

/** What a command prints, or undefined where it fails or is not there. */
async function answer(command, ...args) {
  const { code, output } = await run(command, args, { quiet: true }).catch(() => ({ code: 1, output: '' }));
  return code === 0 ? output.trim() : undefined;
}

/** The sanitizer's run-time part beside a compiler. */
async function runtimeOf(compiler, sanitizer) {
  const folder = await answer(...compiler, '--print', 'target-libdir');
  const files = folder !== undefined && existsSync(folder) ? readdirSync(folder) : [];
  const found = files.find((file) => file.startsWith('librustc') && file.endsWith(`_rt.${sanitizer}.a`));
  return found === undefined ? undefined : join(folder, found);
}

/** How cargo is called for a sanitizer, or what is missing. */
async function settingsFor({ sanitizer, flags, buildsLibrary = false }) {
  const asked = process.env.RUSTC;
  const candidates = [
    { compiler: ['rustc', '+nightly'], args: ['+nightly'], env: {} },
    // What is not called nightly takes its options all the same where it is told that it bootstraps one.
    { compiler: [asked ?? 'rustc'], args: [], env: { RUSTC_BOOTSTRAP: '1' } },
  ];
  for (const { compiler, args, env } of asked === undefined ? candidates : candidates.slice(1)) {
    const sysroot = await answer(...compiler, '--print', 'sysroot');
    if (sysroot === undefined) continue;
    if (buildsLibrary && !existsSync(join(sysroot, 'lib/rustlib/src/rust/library/Cargo.lock'))) continue;
    if ((await runtimeOf(compiler, sanitizer)) !== undefined) return { args, env, flags };
    // A distribution's compiler may come without: that of the default toolchain does as well.
    const runtime = await runtimeOf(['rustup', 'run', 'stable', 'rustc'], sanitizer);
    if (runtime === undefined) continue;
    // Before the C library, which it needs.
    const linked = `-Zpre-link-arg=-Wl,--whole-archive,${runtime},--no-whole-archive`;
    return { args, env, flags: `${flags} -Zexternal-clangrt ${linked}` };
  }
  const sources = ' and the sources of its standard library beside it';
  return {
    missing: `it needs a compiler with the run-time part of ${sanitizer}${buildsLibrary ? sources : ''}. Run: rustup toolchain install nightly${
      buildsLibrary ? ' --component rust-src' : ''
    }, or name another compiler by RUSTC (Debian: rustc-web with rust-web-src)`,
  };
}

/** How cargo is called for miri, or what is missing. */
async function settingsForComponent({ flags, component }) {
  const installed = await answer('rustup', 'component', 'list', '--installed', '--toolchain', 'nightly');
  return installed?.includes(component)
    ? { args: ['+nightly'], env: {}, flags }
    : { missing: `it needs ${component}. Run: rustup component add ${component} --toolchain nightly` };
}

function settingsOf(checker) {
  if (checker.sanitizer !== undefined) return settingsFor(checker);
  if (checker.component !== undefined) return settingsForComponent(checker);
  return { args: [], env: {}, flags: checker.flags };
}

const asked = process.argv.slice(2);
if (asked.length === 0 || asked.some((name) => !(name in checkers))) {
  console.error(`Say which: npm run sanitize -- ${Object.keys(checkers).join('|')}`);
  process.exit(2);
}
for (const name of asked) {
  const checker = checkers[name];
  const { missing, args = [], env = {}, flags } = await settingsOf(checker);
  if (missing !== undefined) {
    console.error(`${name} was not run: ${missing}.`);
    process.exitCode = 1;
    continue;
  }
  const targetFolder = join(cargoFolder, 'target', name);
  if (!existsSync(targetFolder))
    console.log(`${name}: the first run builds everything with its own settings`);
  const all = { ...process.env, ...smallBuild, ...checker.env, ...env };
  for (const command of checker.commands)
    await must('cargo', [...args, ...command, '--locked', '--quiet'], {
      cwd: cargoFolder,
      env: { ...all, RUSTFLAGS: flags, CARGO_TARGET_DIR: targetFolder },
    });
}
