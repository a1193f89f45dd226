// Owns starting the real collector process for tests, as a bundle like the one that ships, in folders of its own.
// Must not know what is tested. Everything that it starts ends with `stop`.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type CollectorClient, connect } from '../../extension/collector/client.ts';

const entry = fileURLToPath(new URL('../../extension/collector/main.ts', import.meta.url));
let bundle: Promise<string> | undefined;

/** One bundle for each test process, made when the first collector is wanted. */
export function collectorBundle(): Promise<string> {
  bundle ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wakeline-bundle-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const outfile = join(folder, 'collector.cjs');
    await build({
      entryPoints: [entry],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile,
      logLevel: 'error',
    });
    return outfile;
  })();
  return bundle;
}

export class CollectorProcess {
  readonly token: string;
  readonly home: string;
  readonly recordings: string;
  endpoint = '';
  stdout = '';
  /** The log. */
  stderr = '';
  /** Exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
  private readonly child: ChildProcess;
  private readonly clients: CollectorClient[] = [];

  private constructor(bundlePath: string, home: string, token: string, options: readonly string[]) {
    this.home = home;
    this.token = token;
    this.recordings = join(home, 'recordings');
    const folders = ['--folder', join(home, 'socket'), '--recordings', this.recordings];
    this.child = spawn(process.execPath, [bundlePath, 'collect', ...folders, '--token-stdin', ...options], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '' },
    });
    this.child.stdin?.end(`${token}\n`);
    this.child.stdout?.on('data', (bytes: Buffer) => {
      this.stdout += bytes.toString();
    });
    this.child.stderr?.on('data', (bytes: Buffer) => {
      this.stderr += bytes.toString();
    });
    this.exited = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => resolve(code ?? String(signal)));
    });
  }

  /** Listens when this resolves. `former` was killed: this one has its folders and its token. */
  static async start(options: readonly string[] = [], former?: CollectorProcess): Promise<CollectorProcess> {
    const home = former?.home ?? mkdtempSync(join(tmpdir(), 'wakeline-test-'));
    mkdirSync(join(home, 'recordings'), { recursive: true });
    const token = former?.token ?? randomBytes(16).toString('hex');
    const collector = new CollectorProcess(await collectorBundle(), home, token, options);
    const early = collector.exited.then((code) => {
      if (collector.endpoint === '') rmSync(collector.home, { recursive: true, force: true });
      throw new Error(`the collector ended with ${code}: ${collector.stderr}`);
    });
    const greeted = eventually(
      'the greeting',
      () => collector.stdout.includes('\n'),
      () => collector.stderr,
    );
    await Promise.race([greeted, early]);
    // It ends some time, and then nobody waits for this any more.
    early.catch(() => {});
    const greeting = JSON.parse(collector.stdout) as { endpoint: string; pid: number };
    assert.equal(greeting.pid, collector.child.pid);
    collector.endpoint = greeting.endpoint;
    return collector;
  }

  async viewer(): Promise<CollectorClient> {
    const client = await connect(this.endpoint, this.token);
    this.clients.push(client);
    return client;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** As the system kills: nothing is put away, and its folders stay. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
    for (const client of this.clients) client.close();
  }

  recordingFiles(): string[] {
    return readdirSync(this.recordings)
      .sort()
      .map((name) => join(this.recordings, name));
  }

  /** Fails when the token stands anywhere in what the collector wrote: text or bytes. */
  assertTokenNowhere(): void {
    for (const text of [this.stdout, this.stderr])
      assert.ok(!text.includes(this.token), 'the log has the token');
    for (const path of this.recordingFiles()) {
      const bytes = readFileSync(path);
      assert.equal(bytes.includes(Buffer.from(this.token, 'hex')), false, `${path} has the token`);
      assert.equal(bytes.includes(this.token), false, `${path} has the token as text`);
    }
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.close();
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 60_000);
    await this.exited;
    clearTimeout(timer);
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Resolves once `condition` holds; says what was awaited, and `context`, when it does not within the time. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  context: () => string = () => '',
  timeoutMs = 120_000,
): Promise<void> {
  const startMs = performance.now();
  // What throws, as where a file is not whole yet, does not hold yet.
  let problem = '';
  const holds = async (): Promise<boolean> => {
    try {
      problem = '';
      return await condition();
    } catch (error) {
      problem = String(error);
      return false;
    }
  };
  while (!(await holds())) {
    if (performance.now() - startMs > timeoutMs)
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}. ${problem} ${context()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
