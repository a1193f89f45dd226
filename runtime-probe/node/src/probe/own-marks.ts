// Owns what a program tells of itself: spans, markers and names of its tasks, in whichever way it is recorded.
// Knows nothing of rings or sockets. What is told wrongly is left out, for no program may fail by it.
import type { TaskInfo } from '../executor/observe.ts';
import type { Site } from '../executor/site.ts';
import type { Annotations } from './one-recording.ts';
import type { Recorder } from './recorder.ts';

export interface OwnMarksOptions {
  readonly recorder: Recorder;
  /** The task that runs now. */
  readonly current: () => TaskInfo | undefined;
  readonly isOn: () => boolean;
}

export class OwnMarks implements Annotations {
  private readonly options: OwnMarksOptions;
  private lastSpan = 0;
  private readonly open = new Set<number>();

  constructor(options: OwnMarksOptions) {
    this.options = options;
  }

  spanOpened(name: string, site: Site | undefined): number {
    const { recorder, current, isOn } = this.options;
    if (!isOn()) return 0;
    this.lastSpan++;
    this.open.add(this.lastSpan);
    recorder.spanOpened(this.lastSpan, current()?.task ?? 0, String(name), site);
    return this.lastSpan;
  }

  spanClosed(span: number): void {
    // One that began in another recording, or before a pause of this one, has no beginning here.
    if (this.open.delete(span) && this.options.isOn()) this.options.recorder.spanClosed(span);
  }

  marked(name: string, value: number): void {
    const { recorder, current, isOn } = this.options;
    if (isOn() && Number.isSafeInteger(value)) recorder.marked(String(name), current()?.task ?? 0, value);
  }

  taskNamed(name: string): void {
    const { recorder, current, isOn } = this.options;
    const task = current();
    if (isOn() && task !== undefined) recorder.taskNamed(task, String(name));
  }
}
