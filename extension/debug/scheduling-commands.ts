// Owns the commands of scheduling breakpoints: which program and task are meant, and the talk with the debug session.
// What is written into the program is scheduling.ts's matter.
import * as vscode from 'vscode';
import type { BreakCondition } from '../messages/queries.ts';
import { answers, debuggeeEvent } from './adapter-messages.ts';
import {
  type Condition,
  evaluateArguments,
  isNodes,
  problemOf,
  sentCondition,
  stopFunction,
} from './scheduling.ts';

export interface TaskChoice {
  readonly task: number;
  readonly label: string;
}

export interface SchedulingTies {
  /** Tasks of the program that is shown, for the user to choose among. */
  tasks(): Promise<readonly TaskChoice[]>;
  /** The task of that program that is selected in the timeline; 0 when none is. */
  selectedTask(): number;
  /** Whether that program takes its conditions from the collector, as Node's do. */
  takesBreaks(): boolean;
  /** `value` is a task, or a time in ns. False when the program did not take it. */
  breakOn(on: BreakCondition, value: number): Promise<boolean>;
  log(message: string): void;
}

/** A pause, or a breakpoint, takes a debugger some ms; 15 s forgive a busy machine. */
const debuggerTimeoutMs = 15_000;
const defaultLongPollMs = 50;

export function registerScheduling(ties: SchedulingTies): vscode.Disposable {
  const stops = new Stops();
  const command = (name: string, condition: (task: unknown) => Promise<Condition | undefined>) =>
    vscode.commands.registerCommand(`wakeline.${name}`, async (task: unknown) => {
      try {
        await setCondition(ties, stops, () => condition(task));
      } catch (error) {
        const message = (error as Error).message;
        ties.log(`Scheduling breakpoint: ${message}`);
        void vscode.window.showErrorMessage(`Wakeline set no breakpoint: ${message}`);
      }
    });
  return vscode.Disposable.from(
    stops.register(),
    command('breakOnPoll', (task) => ofTask('poll', task, ties)),
    command('breakOnWake', (task) => ofTask('wake', task, ties)),
    command('breakOnLongPoll', askLongPoll),
    command('clearBreaks', async () => ({ on: 'nothing' })),
  );
}

async function ofTask(
  on: 'poll' | 'wake',
  given: unknown,
  ties: SchedulingTies,
): Promise<Condition | undefined> {
  if (typeof given === 'number' && Number.isSafeInteger(given) && given > 0) return { on, task: given };
  const tasks = await ties.tasks();
  if (tasks.length === 0) throw new Error('no task of a traced program is alive');
  // Whoever has selected a task means that one; nobody can be meant that has ended.
  const selected = tasks.find(({ task }) => task === ties.selectedTask());
  if (selected !== undefined) return { on, task: selected.task };
  const items = tasks.map(({ label, task }) => ({ label, description: `task ${task}`, task }));
  const title = on === 'poll' ? 'Break When This Task Is Next Polled' : 'Break When This Task Is Next Woken';
  const picked = await vscode.window.showQuickPick(items, { title, matchOnDescription: true });
  return picked === undefined ? undefined : { on, task: picked.task };
}

async function askLongPoll(): Promise<Condition | undefined> {
  const text = await vscode.window.showInputBox({
    title: 'Break at Next Poll Longer Than…',
    prompt:
      'Milliseconds. A native program stops at the end of the first poll that took longer, Node’s in it.',
    value: String(defaultLongPollMs),
    validateInput: (value) => (Number(value) > 0 ? '' : 'Give a number of milliseconds above 0.'),
  });
  return text === undefined ? undefined : { on: 'longPoll', ms: Number(text) };
}

async function setCondition(
  ties: SchedulingTies,
  stops: Stops,
  ask: () => Promise<Condition | undefined>,
): Promise<void> {
  const session = vscode.debug.activeDebugSession;
  if (session !== undefined && isNodes(session.type) && ties.takesBreaks()) return setInNode(ties, ask);
  if (session === undefined || evaluateArguments(session.type, { on: 'poll', task: 1 }) === undefined)
    throw new Error(
      'scheduling breakpoints need a program under a debugger, started from this window: a Node program that the timeline shows, or a native one by lldb-dap, CodeLLDB or cppdbg',
    );
  const condition = await ask();
  if (condition === undefined) return;
  const asked = evaluateArguments(session.type, condition);
  if (asked === undefined) return;
  if (condition.on === 'nothing') removeStopFunction();
  // A debugger writes into a program that stands only.
  const resume = stops.isStopped(session) ? undefined : await stops.pause(session);
  try {
    // Before the condition: it is met once, and where nobody stops then it is gone.
    if (condition.on !== 'nothing') await addStopFunction(stops, session);
    const problem = problemOf(await session.customRequest('evaluate', asked), condition.on);
    if (problem !== '') throw new Error(problem);
  } finally {
    await resume?.();
  }
}

/** The debugger of a Node program needs nothing of us: the program stops by itself, in its own line. */
async function setInNode(ties: SchedulingTies, ask: () => Promise<Condition | undefined>): Promise<void> {
  const condition = await ask();
  if (condition === undefined) return;
  const { on, value } = sentCondition(condition);
  if (!(await ties.breakOn(on, value)))
    throw new Error(
      'the program that the timeline shows does not take it: it has ended, or is a worker thread, which cannot be stopped in a long poll',
    );
}

function isStopFunction(each: vscode.Breakpoint): boolean {
  return each instanceof vscode.FunctionBreakpoint && each.functionName === stopFunction;
}

/** The breakpoint stays until all conditions are taken away: without a condition nobody comes to it. */
async function addStopFunction(stops: Stops, session: vscode.DebugSession): Promise<void> {
  if (vscode.debug.breakpoints.some((each) => isStopFunction(each) && each.enabled)) return;
  await stops.heard(session, 'the breakpoint was not taken by the debugger', setBreakpoints, async () => {
    vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint(stopFunction)]);
  });
}

function removeStopFunction(): void {
  vscode.debug.removeBreakpoints(vscode.debug.breakpoints.filter(isStopFunction));
}

const setBreakpoints = (message: unknown) => answers(message, 'setFunctionBreakpoints');
const stopped = (message: unknown) => debuggeeEvent(message)?.event === 'stop';

interface Waiter {
  readonly session: string;
  readonly isAwaited: (message: unknown) => boolean;
  readonly done: () => void;
}

/** Which debug sessions stand, by what their adapters say; and waiting for what they say. */
class Stops {
  private readonly stopped = new Set<string>();
  private readonly waiters = new Set<Waiter>();

  register(): vscode.Disposable {
    return vscode.Disposable.from(
      vscode.debug.registerDebugAdapterTrackerFactory('*', {
        createDebugAdapterTracker: (session) => ({
          onDidSendMessage: (message: unknown) => this.hear(session.id, message),
        }),
      }),
      vscode.debug.onDidTerminateDebugSession((session) => {
        this.stopped.delete(session.id);
      }),
    );
  }

  isStopped(session: vscode.DebugSession): boolean {
    return this.stopped.has(session.id);
  }

  /** Stops the program; gives how to let it go on. */
  async pause(session: vscode.DebugSession): Promise<() => Promise<void>> {
    const { threads } = (await session.customRequest('threads')) as { threads: readonly { id: number }[] };
    const threadId = threads[0]?.id;
    if (threadId === undefined) throw new Error('the program has no thread that could be stopped');
    await this.heard(session, 'the program did not stop', stopped, () =>
      session.customRequest('pause', { threadId }),
    );
    return async () => {
      await session.customRequest('continue', { threadId });
    };
  }

  /** Does what makes the adapter say something, and waits until it has said that. */
  async heard(
    session: vscode.DebugSession,
    problem: string,
    isAwaited: Waiter['isAwaited'],
    act: () => PromiseLike<unknown>,
  ): Promise<void> {
    let stopWaiting = () => {};
    const said = new Promise<void>((resolve, reject) => {
      const waiter = { session: session.id, isAwaited, done: resolve };
      const failed = () => reject(new Error(`${problem} within ${debuggerTimeoutMs / 1000} s`));
      const timer = setTimeout(failed, debuggerTimeoutMs);
      this.waiters.add(waiter);
      stopWaiting = () => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
      };
    });
    try {
      await Promise.all([act(), said]);
    } finally {
      stopWaiting();
    }
  }

  private hear(session: string, message: unknown): void {
    const event = debuggeeEvent(message);
    if (event?.event === 'stop') this.stopped.add(session);
    else if (event !== undefined) this.stopped.delete(session);
    for (const each of this.waiters) if (each.session === session && each.isAwaited(message)) each.done();
  }
}
