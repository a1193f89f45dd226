// Owns a program that runs under a debugger while it is recorded: its start, its conditions, where it stopped.
// Must not know what the program does.
import { pathToFileURL } from 'node:url';
import type { BreakOn } from '../../runtime-probe/protocol/typescript/index.ts';
import { InspectorClient } from './inspector-client.ts';
import { startProgram } from './node-probe-program.ts';
import { readReference } from './reference-reader.ts';
import { taskNames } from './registered-program.ts';
import { StreamReceiver, until } from './stream-receiver.ts';

export interface CallFrame {
  readonly functionName: string;
  readonly location: { readonly lineNumber: number; readonly scriptId: string };
}

interface How {
  readonly executable: string;
  readonly nodeArguments: readonly string[];
  readonly arguments: readonly string[];
  /** Files in which the debugger does not stop, beside Node's own, as regular expressions. */
  readonly skipped?: readonly string[];
}

export class DebuggedProgram {
  readonly receiver: StreamReceiver;
  private readonly client: InspectorClient;
  private readonly path: string;
  readonly child: ReturnType<typeof startProgram>['child'];

  private constructor(
    receiver: StreamReceiver,
    client: InspectorClient,
    path: string,
    child: ReturnType<typeof startProgram>['child'],
  ) {
    this.receiver = receiver;
    this.client = client;
    this.path = path;
    this.child = child;
  }

  /** Runs it, and ends it when it has been checked. */
  static async run(
    path: string,
    how: How,
    check: (program: DebuggedProgram) => Promise<void>,
  ): Promise<void> {
    const receiver = await StreamReceiver.listen();
    const { child, stderr } = startProgram(path, {
      executable: how.executable,
      arguments: [...how.arguments],
      nodeArguments: ['--inspect-brk=127.0.0.1:0', ...how.nodeArguments],
      environment: receiver.environment,
    });
    let client: InspectorClient | undefined;
    try {
      await until(() => InspectorClient.addressIn(stderr()) !== undefined, 'the inspector');
      client = await InspectorClient.connect(InspectorClient.addressIn(stderr()) as URL);
      await client.send('Debugger.enable');
      // As the debugger of VS Code skips Node's own functions.
      await client.send('Debugger.setBlackboxPatterns', { patterns: ['^node:', ...(how.skipped ?? [])] });
      const start = client.event('Debugger.paused');
      await client.send('Runtime.runIfWaitingForDebugger');
      await start;
      await client.send('Debugger.resume');
      await check(new DebuggedProgram(receiver, client, path, child));
    } finally {
      client?.close();
      child.kill('SIGKILL');
      await receiver.close();
    }
  }

  /** The id of the task of that name, once it is there. */
  async task(name: string): Promise<number> {
    const find = (): number | undefined => {
      if (this.receiver.frames.length === 0) return undefined;
      return [...taskNames(readReference(this.receiver.frames))].find(([, each]) => each.includes(name))?.[0];
    };
    await until(() => find() !== undefined, `the task ${name}`);
    return find() ?? 0;
  }

  /** Sets the condition and gives the program's own frames where it stopped, innermost first. */
  async stopAt(on: BreakOn, value: number, then?: () => void): Promise<string[]> {
    const paused = this.client.event('Debugger.paused');
    this.receiver.sendBreak(on, value);
    then?.();
    const { callFrames } = await paused;
    return (callFrames as readonly CallFrame[]).map(({ functionName, location }) => {
      const url = this.client.scripts.get(location.scriptId);
      const isOwn = url === pathToFileURL(this.path).href || url === this.path;
      return `${isOwn ? '' : 'other:'}${functionName}:${location.lineNumber + 1}`;
    });
  }

  async goOn(): Promise<void> {
    await this.client.send('Debugger.resume');
  }
}
