// Scheduling breakpoints through lldb-dap, as the extension asks for them: the condition is written while the program
// stands, and the program stops in the poll, or in the wake, of the task that was meant.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Condition,
  evaluateArguments,
  isNodes,
  problemOf,
  sentCondition,
  stopFunction,
} from '../../../extension/debug/scheduling.ts';
import { eventually } from '../../support/collector-process.ts';
import { DapClient } from '../../support/dap-client.ts';
import { rustExample } from '../../support/rust-example.ts';

interface Frame {
  readonly id: number;
  readonly name: string;
}

class Debuggee {
  readonly adapter = new DapClient('lldb-dap-19');
  private thread = 0;

  async launch(program: string, environment: readonly string[]): Promise<void> {
    const { adapter } = this;
    await adapter.request('initialize', { adapterID: 'lldb-dap', linesStartAt1: true, pathFormat: 'path' });
    const launched = adapter.request('launch', {
      program,
      args: ['--rounds', '50'],
      env: environment,
      stopOnEntry: true,
    });
    await adapter.event('initialized');
    await adapter.request('setFunctionBreakpoints', { breakpoints: [{ name: stopFunction }] });
    await adapter.request('configurationDone');
    await launched;
  }

  /** The frames at the next stop, innermost first. */
  async stop(): Promise<readonly Frame[]> {
    const { threadId } = await this.adapter.event('stopped');
    this.thread = Number(threadId);
    const { stackFrames } = await this.adapter.request('stackTrace', {
      threadId: this.thread,
      startFrame: 0,
      levels: 30,
    });
    return stackFrames as readonly Frame[];
  }

  async set(condition: Condition): Promise<string> {
    const asked = evaluateArguments('lldb-dap', condition);
    assert.ok(asked !== undefined);
    return problemOf(await this.adapter.request('evaluate', asked), condition.on);
  }

  async goOn(): Promise<void> {
    await this.adapter.request('continue', { threadId: this.thread });
  }

  /** Any thread stands for all. */
  async pause(): Promise<void> {
    const { threads } = await this.adapter.request('threads');
    const [first] = threads as readonly { id: number }[];
    await this.adapter.request('pause', { threadId: first?.id });
  }

  /** What the variables of a frame are, as the debugger shows them. */
  async typesOf(frame: Frame): Promise<string> {
    const { scopes } = await this.adapter.request('scopes', { frameId: frame.id });
    const [locals] = scopes as readonly { variablesReference: number }[];
    const { variables } = await this.adapter.request('variables', {
      variablesReference: locals?.variablesReference ?? 0,
    });
    return (variables as readonly { type?: string }[]).map(({ type }) => type ?? '').join('\n');
  }

  async value(word: string, type = 'unsigned long long'): Promise<number> {
    const expression = `\`expression -l c -- *(${type} *)&${word}`;
    const { result } = await this.adapter.request('evaluate', { expression, context: 'repl' });
    return Number(/= (\d+)/.exec(String(result))?.[1]);
  }
}

test('lldb-dap: the program stops where the condition is met, in the task that was meant', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wakeline-scheduling-'));
  const debuggee = new Debuggee();
  try {
    const trace = join(folder, 'trace.wakeline');
    await debuggee.launch(rustExample('requests-tokio'), [`WAKELINE_FILE=${trace}`]);
    await debuggee.stop();
    // Before init nothing is recorded, and a condition would never be looked at.
    assert.match(await debuggee.set({ on: 'poll', task: 5 }), /is not recorded/);
    await debuggee.goOn();
    // It is recorded once there is something in its file.
    await eventually('a recording', async () => existsSync(trace) && statSync(trace).size > 1000);
    await debuggee.pause();
    await debuggee.stop();

    assert.equal(await debuggee.set({ on: 'poll', task: 5 }), '');
    await debuggee.goOn();
    const polled = await debuggee.stop();
    assert.match(polled[0]?.name ?? '', /^wakeline_breakpoint/);
    const wrapper = polled.find(({ name }) => /Traced.*poll/.test(name));
    assert.ok(wrapper !== undefined, polled.map(({ name }) => name).join('\n'));
    assert.match(await debuggee.typesOf(wrapper), /requests_tokio::client/);
    assert.equal(await debuggee.value('wakeline_break_on_poll'), 0, 'a condition is met once');

    assert.equal(await debuggee.set({ on: 'wake', task: 7 }), '');
    await debuggee.goOn();
    const woken = await debuggee.stop();
    assert.match(woken[0]?.name ?? '', /^wakeline_breakpoint/);
    assert.ok(
      woken.some(({ name }) => /Waker::wake/.test(name)),
      woken.map(({ name }) => name).join('\n'),
    );

    assert.equal(await debuggee.set({ on: 'longPoll', ms: 0.000_001 }), '');
    await debuggee.goOn();
    const long = await debuggee.stop();
    assert.match(long[0]?.name ?? '', /^wakeline_breakpoint/);
    assert.ok(
      long.some(({ name }) => /Traced.*poll/.test(name)),
      long.map(({ name }) => name).join('\n'),
    );
    // The third is being counted.
    assert.equal(await debuggee.value('wakeline_breaks'), 2);

    // What was set and not met is taken away, and the hooks look at nothing more.
    assert.equal(await debuggee.set({ on: 'poll', task: 1 << 30 }), '');
    assert.equal(await debuggee.set({ on: 'wake', task: 1 << 30 }), '');
    assert.equal(await debuggee.set({ on: 'nothing' }), '');
    assert.equal(await debuggee.value('wakeline_break_on_poll'), 0);
    assert.equal(await debuggee.value('wakeline_break_on_wake'), 0);
    assert.equal((await debuggee.value('wakeline_gate', 'unsigned int')) & 128, 0);
    await debuggee.adapter.request('disconnect', { terminateDebuggee: true });
  } finally {
    debuggee.adapter.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('each debugger is asked in its own language, and its answer is understood', () => {
  const asked = (type: string) => evaluateArguments(type, { on: 'longPoll', ms: 50 });
  assert.match(asked('lldb')?.expression ?? '', /^expression -l c -- .*longer_than_ns = 50000000,/);
  assert.match(asked('cppdbg')?.expression ?? '', /^-exec with language c -- print /);
  // Node's programs are not asked by their debugger: the collector tells them.
  assert.equal(asked('node'), undefined);
  assert.deepEqual(['node', 'pwa-node', 'lldb'].map(isNodes), [true, true, false]);
  assert.deepEqual(sentCondition({ on: 'wake', task: 7 }), { on: 'wake', value: 7 });
  assert.deepEqual(sentCondition({ on: 'longPoll', ms: 50 }), { on: 'longPoll', value: 50_000_000 });
  assert.deepEqual(sentCondition({ on: 'nothing' }), { on: 'clear', value: 0 });
  assert.equal(problemOf({ result: '(unsigned int) $0 = 387\n' }, 'longPoll'), '');
  assert.equal(problemOf({ result: '$1 = 387' }, 'longPoll'), '');
  // What gdb prints in a frame of Rust.
  const warned = '$1 = 387\nWarning: the current language does not match this frame.\n';
  assert.equal(problemOf({ result: warned }, 'poll'), '');
  assert.match(problemOf({ result: '$1 = 0' }, 'longPoll'), /not recorded/);
  assert.equal(problemOf({ result: '$1 = 3' }, 'nothing'), '');
  assert.match(
    problemOf({ result: 'error: use of undeclared identifier' }, 'longPoll'),
    /undeclared.*symbols/,
  );
  assert.match(problemOf(undefined, 'longPoll'), /could not write/);
});
