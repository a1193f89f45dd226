// Owns programs from the public crate registry that nobody here wrote: fetched by cargo, copied, given the probe by one
// line, built, and their own tests run. Knows nothing of traces.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const probe = fileURLToPath(new URL('../../runtime-probe/rust/probe', import.meta.url));
const folder = fileURLToPath(new URL('../../test-results/world/', import.meta.url));

export interface RegistryProgram {
  readonly name: string;
  readonly version: string;
  /** Where `wakeline::init!();` goes: behind this text of this file. */
  readonly lines: readonly { readonly file: string; readonly after: string }[];
}

/** What a test of the program's own came to: `ok`, `FAILED` or `ignored`, by the names of its binary and of itself. */
export type Outcomes = ReadonlyMap<string, string>;

interface Entry {
  readonly name: string;
  readonly text: string;
}

export class RegistryCopy {
  readonly path: string;
  private readonly program: RegistryProgram;

  private constructor(program: RegistryProgram) {
    this.program = program;
    this.path = join(folder, `${program.name}-${program.version}`);
  }

  /** A fresh copy of what the registry has. */
  static async fetch(program: RegistryProgram): Promise<RegistryCopy> {
    const copy = new RegistryCopy(program);
    rmSync(copy.path, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    cpSync(await sourceOf(program), copy.path, { recursive: true });
    rmSync(join(copy.path, '.cargo-ok'), { force: true });
    // Not a member of the workspace above it.
    writeFileSync(join(copy.path, 'Cargo.toml'), `${copy.read('Cargo.toml')}\n[workspace]\n`);
    return copy;
  }

  /** Adds the dependency and the line, and lets cargo write the lock file. */
  async addProbe(): Promise<void> {
    const dependency = `[dependencies.wakeline]\npath = "${probe}"\nfeatures = ["tokio"]\n`;
    writeFileSync(join(this.path, 'Cargo.toml'), `${this.read('Cargo.toml')}\n${dependency}`);
    for (const { file, after } of this.program.lines) {
      const parts = this.read(file).split(after);
      if (parts.length !== 2)
        throw new Error(`${file} of ${this.program.name} has no single place '${after}'`);
      writeFileSync(join(this.path, file), parts.join(`${after}\n    wakeline::init!();`));
    }
    await this.cargo(['metadata', '--format-version', '1', '--quiet']);
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

  /** Runs the program's own tests, or that of this name, one after the other, as some need it. */
  async test(environment: Readonly<Record<string, string>> = {}, name?: string): Promise<Outcomes> {
    const args = ['test', '--locked', '--no-fail-fast', '--tests', '--', '--test-threads=1'];
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

  private read(file: string): string {
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
async function sourceOf({ name, version }: RegistryProgram): Promise<string> {
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
  const env = { ...process.env, CARGO_TARGET_DIR: targetFolder, ...environment };
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
