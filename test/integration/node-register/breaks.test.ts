// Scheduling breakpoints of an unchanged Node program under a real debugger: it stops in the task that was meant, in the
// program's own line, once. Each condition is set while the program runs, and what it is about happens until it is met.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { type BreakOn, breakOn } from '../../../runtime-probe/protocol/typescript/index.ts';
import { type CallFrame, DebuggedProgram } from '../../support/debugged-program.ts';
import { InspectedThread } from '../../support/inspected-thread.ts';
import { InspectorClient } from '../../support/inspector-client.ts';
import { ProbePrograms, startProgram } from '../../support/node-probe-program.ts';
import { readReference } from '../../support/reference-reader.ts';
import { nodes, nodeTitle, taskNames } from '../../support/registered-program.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const programs = new ProbePrograms();
after(() => programs.remove());

/** Requests that wait again and again for a timer's callback, which is the main task's, and a poll without end. */
const waiting = `const http = require('node:http');
const { existsSync } = require('node:fs');
const [, , flag] = process.argv;
const sleepers = new Set();
function waker() {
  for (const resolve of sleepers) {
    sleepers.delete(resolve);
    resolve();
  }
  setTimeout(waker, 2);
}
setTimeout(waker, 2);
const woken = () => new Promise((resolve) => sleepers.add(resolve));
async function serve() {
  for (;;) {
    await woken();
    globalThis.served = (globalThis.served ?? 0) + 1;
  }
}
const signalled = new Promise((resolve) => process.once('SIGWINCH', resolve));
async function third() {
  await signalled;
  globalThis.third = true;
}
const server = http.createServer((request) => void (request.url === '/third' ? third() : serve())).listen(0, '127.0.0.1', () => {
  http.get({ port: server.address().port, host: '127.0.0.1', path: '/first' });
  http.get({ port: server.address().port, host: '127.0.0.1', path: '/second' });
  http.get({ port: server.address().port, host: '127.0.0.1', path: '/third' });
});
function spin() {
  let sum = 0;
  while (!existsSync(flag)) for (let i = 0; i < 1e5; i++) sum = Math.sqrt(sum + i);
}
process.once('SIGUSR2', () => setTimeout(spin, 1));
`;
const resolveLine = 8;
/** Where the continuation of its await begins: the await itself or the line behind it. */
const continued = /^serve:1[67]$/;

/** The same in a worker thread. */
const inThread = (path: string): string =>
  `const { Worker } = require('node:worker_threads');\nnew Worker(${JSON.stringify(path)});\n`;

async function debugged(
  executable: string,
  check: (program: DebuggedProgram, flag: string) => Promise<void>,
): Promise<void> {
  const path = programs.script('waiting.cjs', waiting);
  const flag = `${path}.${nodes.indexOf(executable)}.seen`;
  const nodeArguments = ['--require', programs.register()];
  const how = { executable, nodeArguments, arguments: [flag] };
  await DebuggedProgram.run(path, how, (program) => check(program, flag));
}

/** A program whose worker thread is under the debugger, recorded. */
async function debuggedThread(
  executable: string,
  check: (receiver: StreamReceiver, thread: InspectedThread) => Promise<void>,
): Promise<void> {
  const path = programs.script('waiting.cjs', waiting);
  const receiver = await StreamReceiver.listen();
  const { child, stderr } = startProgram(programs.script('thread.cjs', inThread(path)), {
    executable,
    nodeArguments: ['--inspect-brk=127.0.0.1:0', '--require', programs.register()],
    environment: receiver.environment,
  });
  let client: InspectorClient | undefined;
  try {
    await until(() => InspectorClient.addressIn(stderr()) !== undefined, 'the inspector');
    client = await InspectorClient.connect(InspectorClient.addressIn(stderr()) as URL);
    await client.send('Debugger.enable');
    const start = client.event('Debugger.paused');
    await client.send('Runtime.runIfWaitingForDebugger');
    await start;
    const attached = InspectedThread.of(client, 'waiting.cjs');
    await client.send('Debugger.resume');
    const thread = await attached;
    await thread.send('Debugger.enable');
    // As the debugger of VS Code skips Node's own functions, and the probe's.
    await thread.send('Debugger.setBlackboxPatterns', { patterns: ['^node:', 'register'] });
    const threadStart = thread.nextStop();
    await thread.send('Runtime.runIfWaitingForDebugger');
    await threadStart;
    await thread.send('Debugger.resume');
    await check(receiver, thread);
  } finally {
    client?.close();
    child.kill('SIGKILL');
    await receiver.close();
  }
}

/** The task of the thread's session. */
async function taskOfThread(receiver: StreamReceiver, name: string): Promise<number> {
  const find = (): number | undefined =>
    receiver.connections
      .filter(({ frames }) => frames.length > 0)
      .flatMap(({ frames }) => [...taskNames(readReference(frames))])
      .find(([, each]) => each.includes(name))?.[0];
  await until(() => find() !== undefined, `the task ${name}`);
  return find() ?? 0;
}

for (const executable of nodes)
  describe(`scheduling breakpoints, on ${nodeTitle(executable)}`, () => {
    test('the next poll, the next wake, a long poll: each stops once in the program’s own line', () =>
      debugged(executable, async (program, flag) => {
        const first = await program.task('/first');
        const polled = await program.stopAt(breakOn.poll, first);
        assert.match(polled[0] ?? '', continued, polled.join('\n'));
        await program.goOn();

        const woken = await program.stopAt(breakOn.wake, first);
        const own = woken.find((frame) => !frame.startsWith('other:'));
        assert.equal(own, `waker:${resolveLine}`, woken.join('\n'));
        await program.goOn();

        // Longer than a busy machine keeps another poll from its end.
        const long = await program.stopAt(breakOn.longPoll, 2e9, () => program.child.kill('SIGUSR2'));
        assert.ok(
          long.some((frame) => frame.startsWith('spin:')),
          long.join('\n'),
        );
        writeFileSync(flag, '');
        await program.goOn();

        // What was met is gone, and what is cleared is never met. The third request is polled at the signal only, so
        // that it cannot be met before it is cleared.
        program.receiver.sendBreak(breakOn.poll, await program.task('/third'));
        program.receiver.sendBreak(breakOn.clear, 0);
        const second = await program.task('/second');
        const last = await program.stopAt(breakOn.poll, second, () => program.child.kill('SIGWINCH'));
        assert.match(last[0] ?? '', continued, last.join('\n'));
      }));

    test('a worker thread stops by itself, in the program’s own line', () =>
      debuggedThread(executable, async (receiver, thread) => {
        const own = ({ frames }: { frames: readonly CallFrame[] }): string[] =>
          frames
            .filter(({ location }) => String(thread.scripts.get(location.scriptId)).endsWith('waiting.cjs'))
            .map(({ functionName, location }) => `${functionName}:${location.lineNumber + 1}`);
        const stopAt = async (on: BreakOn, task: number) => {
          const next = thread.nextStop();
          receiver.sendBreak(on, task);
          const stop = await next;
          return { first: stop.frames[0]?.functionName, own: own(stop), reason: stop.reason };
        };
        const first = await taskOfThread(receiver, '/first');
        const polled = await stopAt(breakOn.poll, first);
        assert.match(polled.own[0] ?? '', continued, JSON.stringify(polled));
        assert.equal(polled.first, 'serve', 'nothing stands above it');
        // js-debug goes on by itself from a thread's "Break on start".
        assert.equal(polled.reason, 'ambiguous');
        await thread.send('Debugger.resume');

        const woken = await stopAt(breakOn.wake, first);
        assert.equal(woken.own[0], `waker:${resolveLine}`, JSON.stringify(woken));
        await thread.send('Debugger.resume');

        // Met once: the next stop is in the other request.
        const second = await taskOfThread(receiver, '/second');
        const last = await stopAt(breakOn.poll, second);
        assert.match(last.own[0] ?? '', continued, JSON.stringify(last));
      }));
  });
