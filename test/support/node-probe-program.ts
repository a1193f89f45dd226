// Owns building test programs against the built npm package, as a user's bundler would, and running them.
// The programs import the package by its source path, which gives them types; the build puts the package in its place.
import { execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const packageFolder = fileURLToPath(new URL('../../runtime-probe/node/', import.meta.url));

export interface ProgramResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

export class ProbePrograms {
  private readonly folder = mkdtempSync(join(tmpdir(), 'wakeline-programs-'));
  private packageBuilt = false;

  /**
   * Bundles a TypeScript program and what it starts besides, next to each other. Returns the path of the JavaScript
   * to run.
   */
  async build(source: URL, ...besides: readonly URL[]): Promise<string> {
    const packageOut = this.buildPackage();
    const entry = fileURLToPath(source);
    const outdir = join(this.folder, basename(entry, '.ts'));
    const wakeline = { path: join(packageOut, 'index.js') };
    await build({
      entryPoints: [entry, ...besides.map((url) => fileURLToPath(url))],
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      sourcemap: true,
      outdir,
      logLevel: 'warning',
      plugins: [
        {
          name: 'wakeline-package',
          setup: (hooks) =>
            hooks.onResolve({ filter: /^wakeline$|runtime-probe\/node\/src\/index\.ts$/ }, () => wakeline),
        },
      ],
    });
    writeFileSync(join(outdir, 'package.json'), '{"type":"module"}');
    return join(outdir, `${basename(entry, '.ts')}.js`);
  }

  /** A CommonJS program as it stands: no loader works in it, so that each of its promises is its own. */
  script(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** The path of the built script that is given to `node --require`. */
  register(): string {
    return join(this.buildPackage(), 'register.cjs');
  }

  private buildPackage(): string {
    const packageOut = join(this.folder, 'package');
    if (!this.packageBuilt) execFileSync(process.execPath, [join(packageFolder, 'build.mjs'), packageOut]);
    this.packageBuilt = true;
    return packageOut;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface RunOptions {
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** Which Node; this one by default. */
  readonly executable?: string;
}

/** Runs a built program to its end. One that does not end in time is killed, which its signal shows. */
export function runProgram(path: string, options: RunOptions = {}): Promise<ProgramResult> {
  return startProgram(path, options).result;
}

/** Starts a built program; `result` is there when it has ended. */
export function startProgram(path: string, options: RunOptions = {}) {
  const startMs = performance.now();
  const { WAKELINE: _address, WAKELINE_TOKEN: _token, ...inherited } = process.env;
  const spawnOptions: SpawnOptions = {
    env: { ...inherited, NODE_OPTIONS: '', ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    timeout: options.timeoutMs ?? 240_000,
    killSignal: 'SIGKILL',
  };
  const nodeArguments = options.nodeArguments ?? ['--enable-source-maps'];
  const child = spawn(
    options.executable ?? process.execPath,
    [...nodeArguments, path, ...(options.arguments ?? [])],
    spawnOptions,
  );
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr?.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  const result = new Promise<ProgramResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code, signal, stdout, stderr, durationMs: performance.now() - startMs }),
    );
  });
  return { child, result, stderr: () => stderr };
}
