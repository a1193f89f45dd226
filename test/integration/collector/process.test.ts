// Owns the collector as a process: how it starts, what it prints, when it ends, what it leaves.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from '../../../extension/collector/client.ts';
import { CollectorProcess, collectorBundle, eventually } from '../../support/collector-process.ts';
import { endFrame, pollStream } from '../../support/poll-stream.ts';
import { StreamPeer } from '../../support/stream-peer.ts';

const session = '7'.repeat(32);

async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const child = spawn(process.execPath, [await collectorBundle(), ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new Run(child);
}

class Run {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  readonly exited: Promise<number | string>;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (bytes: Buffer) => {
      this.stdout += bytes.toString();
    });
    child.stderr?.on('data', (bytes: Buffer) => {
      this.stderr += bytes.toString();
    });
    this.exited = new Promise((resolve) => {
      child.on('close', (code, signal) => resolve(code ?? String(signal)));
    });
  }
}

test('it ends by itself when no program and no viewer has been there for the idle time, and not before', async () => {
  const collector = await CollectorProcess.start(['--idle-seconds', '2']);
  try {
    const peer = await StreamPeer.program(collector.endpoint, collector.token);
    await peer.sendFrames(pollStream({ session }, 1, 1));
    const ended = { at: 0 };
    void collector.exited.then(() => {
      ended.at = performance.now();
    });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.equal(ended.at, 0, 'it ended while a program was connected');
    // The idle time cannot begin before.
    const leftMs = performance.now();
    await peer.sendFrames([endFrame()]);
    peer.end();
    assert.equal(await collector.exited, 0);
    assert.ok(performance.now() - leftMs > 1900, 'it did not wait for its idle time');
    assert.match(collector.stderr, /no program and no viewer for 2 s/);
  } finally {
    await collector.stop();
  }
});

test('loopback TCP when asked', async () => {
  const collector = await CollectorProcess.start(['--tcp', '0']);
  try {
    assert.match(collector.endpoint, /^tcp:\/\/127\.0\.0\.1:\d+$/);
    const viewer = await collector.viewer();
    const peer = await StreamPeer.program(collector.endpoint, collector.token);
    await peer.sendFrames([...pollStream({ session }, 3, 10), endFrame()]);
    peer.end();
    await eventually('the polls', async () => {
      const found = (await viewer.request('sessions', {})).result[0];
      return found?.state === 'ended' && found.totals.polls === 30;
    });
    const refused = await StreamPeer.program(collector.endpoint, '0'.repeat(32));
    await eventually('the refusal', () => refused.reply?.status === 1);
  } finally {
    await collector.stop();
  }
});

test('by hand it makes its token, tells how to connect without showing it, and removes what it made', async () => {
  const home = mkdtempSync(join(tmpdir(), 'wakeline-hand-'));
  const folders = ['--folder', join(home, 's'), '--recordings', join(home, 'r'), '--name', 'hand'];
  const hand = await run(['collect', ...folders]);
  try {
    await eventually(
      'the greeting',
      () => hand.stdout.includes('\n'),
      () => hand.stderr,
    );
    const { endpoint, pid } = JSON.parse(hand.stdout) as { endpoint: string; pid: number };
    assert.equal(endpoint, `unix:${join(home, 's', 'hand.sock')}`);
    assert.equal(pid, hand.child.pid);
    const tokenFile = join(home, 's', 'hand.token');
    assert.equal(statSync(tokenFile).mode & 0o777, 0o600);
    const token = readFileSync(tokenFile, 'utf8').trim();
    assert.ok(hand.stderr.includes(`export WAKELINE='${endpoint}' WAKELINE_TOKEN="$(cat '${tokenFile}')"`));
    assert.ok(!(hand.stdout + hand.stderr).includes(token));
    const client = await connect(endpoint, token);
    const second = await run(['collect', ...folders], { WAKELINE_TOKEN: token });
    assert.equal(await second.exited, 1);
    assert.match(second.stderr, /another collector listens on .*hand\.sock; stop it or choose another name/);
    client.close();
    hand.child.kill('SIGTERM');
    assert.equal(await hand.exited, 0);
    assert.deepEqual(readdirSync(join(home, 's')), []);
  } finally {
    hand.child.kill('SIGKILL');
    await hand.exited;
    rmSync(home, { recursive: true });
  }
});

test('what a killed collector left does not hinder the next', async () => {
  const home = mkdtempSync(join(tmpdir(), 'wakeline-killed-'));
  const folders = ['--folder', join(home, 's'), '--recordings', join(home, 'r')];
  const token = 'd'.repeat(32);
  const killed = await run(['collect', ...folders], { WAKELINE_TOKEN: token });
  try {
    await eventually(
      'the greeting',
      () => killed.stdout.includes('\n'),
      () => killed.stderr,
    );
    killed.child.kill('SIGKILL');
    await killed.exited;
    assert.equal(readdirSync(join(home, 's')).length, 1);
    const next = await run(['collect', ...folders], { WAKELINE_TOKEN: token });
    await eventually(
      'the greeting',
      () => next.stdout.includes('\n'),
      () => next.stderr,
    );
    assert.deepEqual(readdirSync(join(home, 's')), [`collector-${next.child.pid}.sock`]);
    next.child.kill('SIGINT');
    assert.equal(await next.exited, 0);
  } finally {
    killed.child.kill('SIGKILL');
    rmSync(home, { recursive: true });
  }
});

test('recordings beyond the quota go, the oldest first, and one that is live stops growing', async () => {
  const collector = await CollectorProcess.start(['--quota-mib', '1']);
  try {
    const old = join(collector.recordings, 'old.wakeline');
    writeFileSync(old, Buffer.alloc(900 * 1024));
    const viewer = await collector.viewer();
    const peer = await StreamPeer.program(collector.endpoint, collector.token);
    await peer.sendFrames(pollStream({ session }, 300, 400));
    const found = async () => (await viewer.request('sessions', {})).result[0];
    await eventually('the polls', async () => (await found())?.totals.polls === 120_000);
    await eventually(
      'the deletion',
      () => !existsSync(old),
      () => collector.stderr,
    );
    const recording = (await found())?.recording as string;
    await eventually('the stop', async () =>
      /reached the quota of 1 MiB/.test((await found())?.problem ?? ''),
    );
    assert.ok(existsSync(recording));
    const size = statSync(recording).size;
    await peer.sendFrames(pollStream({ session }, 300, 400).slice(2));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(statSync(recording).size, size);
  } finally {
    await collector.stop();
  }
});

test('forked with a channel it greets there too, and goes on when its parent is killed', async () => {
  const home = mkdtempSync(join(tmpdir(), 'wakeline-orphan-'));
  const token = 'c'.repeat(32);
  const parentSource = `
    const child = require('node:child_process').fork(process.argv[1], process.argv.slice(2), {
      detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, WAKELINE_TOKEN: '${token}' },
    });
    child.on('message', (greeting) => process.stdout.write(JSON.stringify(greeting) + '\\n'));`;
  const parent = spawn(
    process.execPath,
    [
      ...['-e', parentSource, await collectorBundle(), 'collect', '--idle-seconds', '2'],
      ...['--folder', join(home, 's'), '--recordings', join(home, 'r')],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const runOfParent = new Run(parent);
  let pid = 0;
  try {
    await eventually('the greeting', () => runOfParent.stdout.includes('\n'));
    const greeting = JSON.parse(runOfParent.stdout) as { endpoint: string; pid: number };
    pid = greeting.pid;
    const viewer = await connect(greeting.endpoint, token);
    parent.kill('SIGKILL');
    await runOfParent.exited;
    // Its log has no reader any more: a refusal is written there, and must not end it.
    const refused = await StreamPeer.program(greeting.endpoint, '0'.repeat(32));
    await eventually('the refusal', () => refused.reply?.status === 1);
    const peer = await StreamPeer.program(greeting.endpoint, token);
    await peer.sendFrames([...pollStream({ session }, 2, 10), endFrame()]);
    peer.end();
    await eventually(
      'the session',
      async () => (await viewer.request('sessions', {})).result[0]?.state === 'ended',
    );
    // Found again, as after a reload of the window.
    const again = await connect(greeting.endpoint, token);
    assert.equal((await again.request('sessions', {})).result[0]?.totals.polls, 20);
    again.close();
    viewer.close();
    await eventually('its end by idleness', () => !existsSync(`/proc/${pid}`));
    assert.deepEqual(readdirSync(join(home, 's')), []);
  } finally {
    if (pid !== 0 && existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
    parent.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  }
});

test('wrong arguments say what is right', async () => {
  const check = async (args: string[], message: RegExp, env: NodeJS.ProcessEnv = {}) => {
    const wrong = await run(args, env);
    assert.equal(await wrong.exited, 1);
    assert.match(wrong.stderr, message);
  };
  await check(['colect'], /there is no command "colect"/);
  await check(['collect', '--tcp', '70000'], /--tcp takes a whole number from 0 to 65535, not "70000"/);
  await check(['collect', '--name', '../x'], /--name takes letters/);
  await check(['collect', '--wat'], /Unknown option '--wat'/);
  await check(['collect'], /a token is 32 hexadecimal digits/, { WAKELINE_TOKEN: 'secret' });
  await check(['dump'], /dump takes the path of one recording/);
  await check(['dump', '/nowhere'], /\/nowhere cannot be opened/);
  const help = await run(['--help']);
  assert.equal(await help.exited, 0);
  assert.match(help.stdout, /Usage:/);
});
