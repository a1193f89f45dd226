// Owns that an error which nobody caught, and a rejection which nobody handled, stand in the trace as markers.
// Knows nothing of promises. The event that is listened to changes nothing of what Node does with the error.
import type { Execution } from './execution.ts';
import type { NodeRecorder } from './node-recorder.ts';
import { errorName } from './rejections.ts';

const event = 'uncaughtExceptionMonitor';

export class Uncaught {
  private readonly recorder: NodeRecorder;
  private readonly execution: Execution;
  private on = false;

  constructor(recorder: NodeRecorder, execution: Execution) {
    this.recorder = recorder;
    this.execution = execution;
  }

  enable(): void {
    if (this.on) return;
    this.on = true;
    process.on(event, this.tell);
  }

  disable(): void {
    this.on = false;
    process.off(event, this.tell);
  }

  private readonly tell = (error: unknown, origin: string): void => {
    const what = origin === 'unhandledRejection' ? 'unhandled rejection' : 'uncaught exception';
    this.recorder.marked(`${what}: ${errorName(error)}`, this.execution.who()?.id ?? 0, 0);
  };
}
