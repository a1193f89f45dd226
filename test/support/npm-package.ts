// Owns packages from the npm registry that nobody here wrote: fetched, unpacked, given what their tests need, and those
// tests run by Node's own runner. Knows nothing of traces.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../test-results/world/npm/', import.meta.url));

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** Those of its development dependencies that its tests load. */
  readonly needs: readonly string[];
  /** Which files of its folder `test` are tests. */
  readonly tests: RegExp;
}

/** What a test came to, by its file, its place and its name. */
export type TestOutcomes = ReadonlyMap<string, string>;

export interface TestRun {
  readonly environment?: Readonly<Record<string, string>>;
  /** Only these of its files, one after the other. */
  readonly files?: readonly string[];
  /** Which Node; this one by default. */
  readonly executable?: string;
}

/** Others' tests have time-outs of their own; a run of all that takes longer hangs. */
const timeoutMs = 900_000;

/** One line of JSON for each test; what tests print is left out. */
const reporter = `export default async function* (source) {
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { name, file, line, column, nesting, skip, todo } = data;
    const outcome = skip !== undefined ? 'skipped' : todo !== undefined ? 'todo' : type.slice(5);
    yield JSON.stringify({ name, file, line, column, nesting, outcome }) + '\\n';
  }
}
`;

interface Reported {
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly outcome: string;
}

export class NpmCopy {
  readonly path: string;
  private readonly what: NpmPackage;

  private constructor(what: NpmPackage) {
    this.what = what;
    this.path = join(folder, `${what.name.replace('/', '-')}-${what.version}`);
  }

  /** A fresh copy of what the registry has, with what it and its tests need. */
  static fetch(what: NpmPackage): NpmCopy {
    const copy = new NpmCopy(what);
    rmSync(copy.path, { recursive: true, force: true });
    mkdirSync(copy.path, { recursive: true });
    const [archive = ''] = npm(folder, ['pack', '--silent', `${what.name}@${what.version}`])
      .trim()
      .split('\n');
    execFileSync('tar', ['-xzf', join(folder, archive), '-C', copy.path, '--strip-components=1']);
    rmSync(join(folder, archive));
    copy.keepOnlyNeeds();
    npm(copy.path, [
      'install',
      '--ignore-scripts',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--silent',
    ]);
    return copy;
  }

  /** The paths of its test files. */
  testFiles(): readonly string[] {
    const found: string[] = [];
    const visit = (path: string): void => {
      for (const name of readdirSync(path).sort()) {
        const each = join(path, name);
        if (statSync(each).isDirectory()) visit(each);
        else if (this.what.tests.test(relative(this.path, each))) found.push(relative(this.path, each));
      }
    };
    visit(join(this.path, 'test'));
    return found;
  }

  /**
   * Runs its tests, two files at a time, or those of some files one after the other.
   * Fails where no test came to an end, which is no outcome of theirs.
   */
  async test({
    environment = {},
    files,
    executable = process.execPath,
  }: TestRun = {}): Promise<TestOutcomes> {
    const reporterPath = join(folder, 'reporter.mjs');
    writeFileSync(reporterPath, reporter);
    const concurrency = `--test-concurrency=${files === undefined ? 2 : 1}`;
    const args = ['--test', concurrency, `--test-reporter=${reporterPath}`, ...(files ?? this.testFiles())];
    // The runner of these tests tells its children that they are under it; the package's runner is none of them.
    const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, ...inherited } = process.env;
    const run = await runToEnd(executable, args, this.path, { ...inherited, ...environment });
    const outcomes = new Map<string, string>();
    for (const line of run.stdout.split('\n').filter((each) => each.startsWith('{'))) {
      const { name, file = '', line: at = 0, column = 0, outcome } = JSON.parse(line) as Reported;
      // Tests made in a loop stand at one place, and some of them have one name.
      const place = `${relative(this.path, file)}:${at}:${column} ${name}`;
      let key = place;
      for (let again = 2; outcomes.has(key); again++) key = `${place} (${again})`;
      outcomes.set(key, outcome);
    }
    if (outcomes.size === 0 || run.signal !== null)
      throw new Error(
        `the tests of ${this.what.name} did not end by themselves: ${outcomes.size} outcomes, ${run.signal ?? `exit code ${run.code}`}\n${run.stderr.slice(-2000)}`,
      );
    return outcomes;
  }

  read(file: string): string {
    return readFileSync(join(this.path, file), 'utf8');
  }

  private keepOnlyNeeds(): void {
    const manifest = JSON.parse(this.read('package.json')) as Record<string, Record<string, string>>;
    const { devDependencies = {}, dependencies = {}, ...rest } = manifest;
    const needs = this.what.needs.map((name) => {
      const version = devDependencies[name];
      if (version === undefined) throw new Error(`${this.what.name} does not depend on ${name}`);
      return [name, version];
    });
    const kept = { ...rest, dependencies: { ...dependencies, ...Object.fromEntries(needs) } };
    writeFileSync(join(this.path, 'package.json'), JSON.stringify(kept, undefined, 2));
  }
}

export interface Comparison {
  /** Tests that end otherwise with `environment`. */
  readonly different: readonly string[];
  /** Those that ended otherwise once, and not when asked again, with what each side came to. */
  readonly unsteady: readonly string[];
}

/** How often a test that differs is asked again, on both sides. */
const moreRounds = 3;

/**
 * Compares how the tests end without and with `environment`. Others' tests have time-outs of their own, which a busy
 * machine exceeds on either side: the files of a test that differs are asked again on both sides in turns, each alone.
 * It is different unless each of its later outcomes is one that it also has without `environment`.
 */
export async function compare(
  copy: NpmCopy,
  before: TestOutcomes,
  how: Required<Pick<TestRun, 'environment' | 'executable'>>,
): Promise<Comparison> {
  const { executable } = how;
  const now = await copy.test(how);
  const suspects = [...new Set([...before.keys(), ...now.keys()])].filter(
    (each) => before.get(each) !== now.get(each),
  );
  const files = [...new Set(suspects.map((each) => each.slice(0, each.indexOf(':'))))];
  const without = [before];
  const later: TestOutcomes[] = [];
  for (let round = 0; round < moreRounds && files.length > 0; round++) {
    without.push(await copy.test({ executable, files }));
    later.push(await copy.test({ ...how, files }));
  }
  const different: string[] = [];
  const unsteady: string[] = [];
  for (const each of suspects) {
    const usual = without.map((outcomes) => outcomes.get(each));
    const recorded = [now, ...later].map((outcomes) => outcomes.get(each));
    const isAsUsual = recorded.slice(1).every((outcome) => usual.includes(outcome));
    (isAsUsual ? unsteady : different).push(
      `${each}: ${usual.join(' ')} without, ${recorded.join(' ')} with`,
    );
  }
  return { different, unsteady };
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

function runToEnd(
  executable: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd, env, maxBuffer: 1 << 28, timeout: timeoutMs, killSignal: 'SIGKILL' } as const;
    const child = execFile(executable, args, options, (_error, stdout, stderr) =>
      resolve({ stdout, stderr, code: child.exitCode, signal: child.signalCode }),
    );
  });
}

function npm(cwd: string, args: readonly string[]): string {
  mkdirSync(cwd, { recursive: true });
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^npm_|^INIT_CWD$/.test(key)),
  );
  return execFileSync('npm', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
