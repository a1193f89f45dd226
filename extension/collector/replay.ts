// Owns reading a recording into a session in bounded steps, so that other requests are served meanwhile.
// Must not know requests or live programs.
import { createHash } from 'node:crypto';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import {
  checkRecordingHead,
  FrameSplitter,
  recordingHead,
  recordingHeadBytes,
  WireError,
} from '../../runtime-probe/protocol/typescript/index.ts';
import { TraceSession } from '../trace/session.ts';
import { CollectorSession } from './collector-session.ts';

/** About 4 ms of engine work at 10 M events/s and 5 bytes per event. */
const sliceBytes = 256 * 1024;

/** A file that is no recording, or cannot be read. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
}

/** The id of a recording of which no hello survives, or whose session has another file open. */
export function idOfPath(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 32);
}

/** Where a recording stops being whole, and why. */
interface RecordingEnd {
  /** Head and frames that were read. */
  readonly wholeBytes: number;
  /** In words; empty when it was closed on purpose and is whole. */
  readonly problem: string;
  /** Behind the whole bytes stands what no recording may hold; nothing may be written behind that. */
  readonly damaged: boolean;
}

/**
 * Reads a recording as far as it is whole; `problem` of the session says where it is cut or damaged.
 * `chooseId` names the session once its hello is known (undefined when the file ends before it).
 * Throws RecordingError when the file is no recording at all.
 */
export async function replayRecording(
  path: string,
  memoryBudgetBytes: number,
  chooseId: (session: string | undefined) => string,
): Promise<CollectorSession> {
  const { engine, end } = await replay(path, memoryBudgetBytes);
  if (end.problem !== '' && engine.hello !== undefined) engine.markCut(end.problem);
  const session = new CollectorSession(chooseId(engine.hello?.session), 'opened', engine);
  session.recordingPath = path;
  session.streamProblem = end.problem;
  return session;
}

/**
 * The session of a recording that an earlier collector left, ready to be gone on with where the file is whole.
 * Throws RecordingError when nothing can be written behind it.
 */
export async function reviveRecording(path: string, memoryBudgetBytes: number): Promise<CollectorSession> {
  const { engine, end } = await replay(path, memoryBudgetBytes);
  if (end.damaged) throw new RecordingError(`${path}: ${end.problem}`);
  if (engine.hello === undefined) throw new RecordingError(`${path} holds no hello`);
  const session = new CollectorSession(engine.hello.session, engine.ended ? 'ended' : 'cut', engine);
  session.adoptRecording(path, end.wholeBytes);
  return session;
}

async function replay(
  path: string,
  memoryBudgetBytes: number,
): Promise<{ engine: TraceSession; end: RecordingEnd }> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw new RecordingError(`${path} cannot be opened: ${(error as Error).message}`);
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new RecordingError(`${path} is no regular file`);
    const engine = new TraceSession({ memoryBudgetBytes });
    return { engine, end: await readInto(engine, file, stat.size) };
  } catch (error) {
    if (error instanceof WireError) throw new RecordingError(`${path}: ${error.message}`);
    throw error;
  } finally {
    await file.close();
  }
}

/** The path that tells whether two names are one file. Throws RecordingError. */
export async function trueRecordingPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw new RecordingError(`${path} cannot be opened: ${(error as Error).message}`);
  }
}

async function readInto(engine: TraceSession, file: FileHandle, size: number): Promise<RecordingEnd> {
  const buffer = Buffer.alloc(sliceBytes);
  const headRead = await readFully(file, buffer.subarray(0, recordingHeadBytes), 0);
  const head = buffer.subarray(0, headRead);
  // A recording cut inside its head is still the beginning of one, as far as it goes.
  if (headRead < recordingHeadBytes && head.equals(recordingHead().subarray(0, headRead))) {
    const problem = `the recording is cut at byte ${headRead}, inside its head: nothing is left of it`;
    return { wholeBytes: 0, problem, damaged: false };
  }
  checkRecordingHead(head);
  const splitter = new FrameSplitter();
  const wholeBytes = (): number => recordingHeadBytes + splitter.consumedBytes;
  let position = recordingHeadBytes;
  for (;;) {
    const read = await readFully(file, buffer, position);
    if (read === 0) break;
    position += read;
    try {
      splitter.push(buffer.subarray(0, read), (frame) => engine.pushFrame(frame.kind, frame.payload));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const problem = `the recording is damaged before byte ${wholeBytes()} of ${size}: ${error.message}. What comes before is shown`;
      return { wholeBytes: wholeBytes(), problem, damaged: true };
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  let problem = '';
  if (splitter.unfinishedBytes > 0)
    problem = `the recording is cut at byte ${position}: the last frame, from byte ${wholeBytes()} on, is not whole and is left out. What comes before is shown`;
  else if (!engine.ended)
    problem = `the recording ends at byte ${position} without its end: the program was cut off or is still running. What it recorded until then is shown`;
  return { wholeBytes: wholeBytes(), problem, damaged: false };
}

/** As many bytes as there are; a read may give fewer than asked before the end of the file. */
async function readFully(file: FileHandle, target: Buffer, position: number): Promise<number> {
  let length = 0;
  while (length < target.length) {
    const { bytesRead } = await file.read(target, length, target.length - length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}
