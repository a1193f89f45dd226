// Owns crates from the public registry that nobody here wrote: fetched by cargo, copied, edited, built, and their own
// tests run. Knows nothing of traces.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A crate of this project as a dependency in a manifest. */
export function ownCrate(folderName: 'probe' | 'executor', features: readonly string[] = []): string {
  const path = fileURLToPath(new URL(`../../runtime-probe/rust/${folderName}`, import.meta.url));
  return `path = "${path}"\nfeatures = ${JSON.stringify(features)}\n`;
}

const folder = fileURLToPath(new URL('../../test-results/world/', import.meta.url));

export interface RegistryCrate {
  readonly name: string;
  readonly version: string;
}

/** What a test of the program's own came to: `ok`, `FAILED` or `ignored`, by the names of its binary and of itself. */
export type Outcomes = ReadonlyMap<string, string>;

export interface TestRun {
  readonly targets?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly name?: string;
}

/**
 * The tests that end otherwise than before. Others' tests have time-outs of their own, which a busy machine exceeds: one
 * that differs is asked twice more, alone.
 */
export async function differences(
  copy: RegistryCopy,
  before: Outcomes,
  how: TestRun,
): Promise<readonly string[]> {
  const now = await copy.test(how);
  const differing: string[] = [];
  for (const test of new Set([...before.keys(), ...now.keys()])) {
    let outcome = now.get(test);
    const name = test.slice(test.indexOf(' ') + 1);
    for (let again = 0; again < 2 && outcome !== before.get(test); again++)
      outcome = (await copy.test({ ...how, name })).get(test);
    if (outcome !== before.get(test)) differing.push(`${test}: ${before.get(test)} before, ${outcome} now`);
  }
  return differing;
}

interface Entry {
  readonly name: string;
  readonly text: string;
}

export class RegistryCopy {
  readonly path: string;
  private readonly crate: RegistryCrate;

  private constructor(crate: RegistryCrate) {
    this.crate = crate;
    this.path = join(folder, `${crate.name}-${crate.version}`);
  }

  /** A fresh copy of what the registry has. */
  static async fetch(crate: RegistryCrate): Promise<RegistryCopy> {
    const copy = new RegistryCopy(crate);
    rmSync(copy.path, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    cpSync(await sourceOf(crate), copy.path, { recursive: true });
    rmSync(join(copy.path, '.cargo-ok'), { force: true });
    // Not a member of the workspace above it.
    writeFileSync(join(copy.path, 'Cargo.toml'), `${copy.read('Cargo.toml')}\n[workspace]\n`);
    return copy;
  }

  /** Adds to the manifest, and lets cargo write the lock file. */
  async addToManifest(text: string): Promise<void> {
    this.edit('Cargo.toml', (manifest) => `${manifest}\n${text}`);
    await this.cargo(['metadata', '--format-version', '1', '--quiet']);
  }

  /** Lets cargo choose the versions of dependencies anew. */
  forgetLockFile(): void {
    rmSync(join(this.path, 'Cargo.lock'), { force: true });
  }

  /** Changes a file; it is an error when nothing changes. */
  edit(file: string, change: (text: string) => string): void {
    const text = this.read(file);
    const changed = change(text);
    if (changed === text) throw new Error(`${file} of ${this.crate.name} has nothing to be changed`);
    writeFileSync(join(this.path, file), changed);
  }

  /** The packages of the lock file. What names a package says of its version only where it has several. */
  lockedPackages(): readonly Entry[] {
    return this.read('Cargo.lock')
      .split('[[package]]')
      .slice(1)
      .map((text) => ({ name: /name = "(.*)"/.exec(text)?.[1] ?? '', text: text.trim() }));
  }

  /** Builds the program; gives the path of this binary. */
  async build(binary: string): Promise<string> {
    await this.cargo(['build', '--locked', '--quiet', '--bin', binary]);
    return join(targetFolder, 'debug', binary);
  }

  /**
   * Runs the crate's own tests, or the binaries that `targets` names to cargo, or the test of this name, one after the
   * other, as some need it.
   */
  async test(how: TestRun = {}): Promise<Outcomes> {
    const { targets = ['--tests'], environment = {}, name } = how;
    const args = ['test', '--no-fail-fast', ...targets, '--', '--test-threads=1'];
    const only = name === undefined ? [] : ['--exact', name];
    const { output } = await this.cargo([...args, ...only], environment, true);
    const outcomes = new Map<string, string>();
    let binary = '';
    // What a test or its children print stands between its name and its outcome.
    const told = /Running (?:unittests )?(\S+) \(|^test (.*?) \.\.\. [\s\S]*?(ok|FAILED|ignored)(?:, .*)?$/gm;
    for (const [, running, name, outcome] of output.matchAll(told)) {
      if (running !== undefined) binary = running;
      else outcomes.set(`${binary} ${name}`, outcome ?? '');
    }
    return outcomes;
  }

  read(file: string): string {
    return readFileSync(join(this.path, file), 'utf8');
  }

  private cargo(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    mayFail = false,
  ) {
    return cargo(args, this.path, environment, mayFail);
  }
}

/** One for all of them: they share many of their dependencies, and before and after share all. */
const targetFolder = join(folder, 'target');

/** The unpacked source in cargo's own cache, where `cargo info` puts it. */
async function sourceOf({ name, version }: RegistryCrate): Promise<string> {
  await cargo(['info', '--quiet', `${name}@${version}`], folder, {}, false);
  const cache = join(process.env['CARGO_HOME'] ?? join(homedir(), '.cargo'), 'registry/src');
  const found = readdirSync(cache).map((registry) => join(cache, registry, `${name}-${version}`));
  const source = found.find((path) => {
    try {
      return readFileSync(join(path, 'Cargo.toml')).length > 0;
    } catch {
      return false;
    }
  });
  if (source === undefined) throw new Error(`cargo info left no source of ${name} ${version} below ${cache}`);
  return source;
}

function cargo(
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
  mayFail: boolean,
): Promise<{ output: string }> {
  // Without debug information and incremental parts the builds take a fifth of the disk.
  const small = { CARGO_PROFILE_DEV_DEBUG: '0', CARGO_PROFILE_TEST_DEBUG: '0', CARGO_INCREMENTAL: '0' };
  const env = { ...process.env, CARGO_TARGET_DIR: targetFolder, ...small, ...environment };
  return new Promise((resolve, reject) => {
    // Cargo names a test binary on one stream and the binary tells its tests on the other: both go into one, in order.
    const joined = ['-c', 'exec cargo "$@" 2>&1', 'cargo', ...args];
    execFile('sh', joined, { cwd, env, maxBuffer: 1 << 28, timeout: 900_000 }, (error, output) => {
      if (error !== null && !mayFail)
        reject(new Error(`cargo ${args.join(' ')} failed in ${cwd}: ${output.slice(-2_000)}`));
      else resolve({ output });
    });
  });
}
