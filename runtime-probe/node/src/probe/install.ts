// Owns the one line by which a program that uses the executor is recorded: init().
// Knows nothing of how events are encoded or sent.
import { existsSync } from 'node:fs';
import { setObserver } from '../executor/observe.ts';
import { mapToSource } from '../executor/site.ts';
import { currentTask } from '../executor/task.ts';
import { nextDeadline } from '../executor/timer-queue.ts';
import { detail } from '../wire/index.ts';
import { type CollectorAddress, readEnvironment } from './environment.ts';
import { describeProgram } from './hello.ts';
import { takePlace } from './one-recording.ts';
import { ProgramRecording, type Recording } from './program-recording.ts';
import { Recorder } from './recorder.ts';
import { defaultRingBytes, layOutRing } from './ring-layout.ts';

export type { Recording } from './program-recording.ts';

export interface InitOptions {
  /** Memory for what was recorded and not yet sent, in bytes. What finds no room is counted, not waited for. */
  readonly ringBytes?: number;
}

let recording: Recording | undefined;

/**
 * The one line: records this program for Wakeline when it was started with WAKELINE and WAKELINE_TOKEN in its
 * environment, and does nothing otherwise. Calling it again gives the same recording.
 */
export function init(options: InitOptions = {}): Recording {
  recording ??= start(options);
  return recording;
}

function start(options: InitOptions): Recording {
  const ringBytes = options.ringBytes ?? defaultRingBytes;
  // Throws on a size that cannot be meant.
  layOutRing(ringBytes);
  let address: CollectorAddress | undefined;
  try {
    address = readEnvironment(process.env);
  } catch (error) {
    return off(error instanceof Error ? error.message : String(error));
  }
  if (address === undefined) return off('WAKELINE is not set');
  // Node sets it before it emits 'exit'. No thread can begin then, and nobody would hear of what it sends.
  if (Reflect.get(process, '_exiting') === true) {
    return off('the program is ending; call init() in its first lines to record it');
  }
  const { endpoint } = address;
  if (endpoint.kind === 'unix' && !existsSync(endpoint.path))
    return off(`there is no collector: ${endpoint.path} does not exist`);
  // Whoever writes init() wants the executor's own view, which says more than what Node tells of it.
  return takePlace(
    () =>
      new ProgramRecording({
        address,
        ringBytes,
        hello: (session, originNs, launch) => describeProgram(session, originNs, launch),
        makeRecorder: (recorderOptions) => new Recorder(recorderOptions),
        nextTimer: nextDeadline,
        current: () => currentTask()?.info,
        listen: (recorder) => setObserver(recorder),
        detail: detail.full,
        holdMs: 0,
        // The executor's own frames are told: its file may be the program's, where a bundler made one of both.
        toSource: mapToSource,
      }),
  );
}

function off(reason: string): Recording {
  return { state: 'off', reason, dropped: 0, stop: () => undefined };
}
