// Owns the folder of recordings: names of new ones, which one is a session's, and which old ones go when the quota is
// passed. Must not know what a recording holds beyond its hello.
import { closeSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  checkRecordingHead,
  decodeHello,
  type Frame,
  FrameSplitter,
  frameKind,
  recordingHeadBytes,
} from '../../runtime-probe/protocol/typescript/index.ts';

/** A hello has some 4 KiB, most of it shapes; its texts are paths. */
const helloReadBytes = 64 * 1024;

/** `<date>-<program>-<first 8 digits of the session>`, safe as a file name whatever the program is called. */
export function recordingName(program: string, session: string, now: Date): string {
  const date = now.toISOString().slice(0, 19).replace('T', '_').replaceAll(':', '-');
  // The program's name comes from outside: nothing that a path, a shell or a hidden file is made of.
  const name = basename(program.replaceAll('\\', '/'))
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[.-]+/, '')
    .slice(0, 40);
  return `${date}-${name || 'program'}-${session.slice(0, 8)}`;
}

/** The recording of a session that was written last; undefined when there is none. Throws when the folder cannot be read. */
export function findRecording(folder: string, session: string): string | undefined {
  if (!/^[0-9a-f]{32}$/.test(session)) return undefined;
  // What `recordingName` gives, and the number that a second file of a session has.
  const ofSession = new RegExp(`-${session.slice(0, 8)}(?:-\\d+)?\\.wakeline$`);
  return recordingsOf(folder)
    .filter(({ path }) => ofSession.test(path))
    .sort((a, b) => b.changedMs - a.changedMs)
    .find(({ path }) => sessionOfRecording(path) === session)?.path;
}

/** What the first hello says; undefined when there is none. */
export function sessionOfRecording(path: string): string | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const bytes = Buffer.alloc(helloReadBytes);
    const start = bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0));
    checkRecordingHead(start.subarray(0, recordingHeadBytes));
    let first: Frame | undefined;
    new FrameSplitter().push(start.subarray(recordingHeadBytes), (frame) => {
      first ??= frame;
    });
    return first?.kind === frameKind.hello ? decodeHello(first.payload).session : undefined;
  } catch {
    // Not readable, or no recording: then it is nobody's.
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

export interface QuotaOutcome {
  readonly deleted: readonly string[];
  /** Bytes that recordings still take; above the quota when the ones in use alone are too large. */
  readonly totalBytes: number;
}

/** Deletes the oldest recordings until the rest fits; never one that is in use. */
export function enforceQuota(folder: string, quotaBytes: number, inUse: ReadonlySet<string>): QuotaOutcome {
  const files = recordingsOf(folder);
  let totalBytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const deleted: string[] = [];
  for (const file of files.sort((a, b) => a.changedMs - b.changedMs)) {
    if (totalBytes <= quotaBytes) break;
    if (inUse.has(file.path)) continue;
    rmSync(file.path, { force: true });
    totalBytes -= file.bytes;
    deleted.push(file.path);
  }
  return { deleted, totalBytes };
}

function recordingsOf(folder: string): { path: string; bytes: number; changedMs: number }[] {
  const found: { path: string; bytes: number; changedMs: number }[] = [];
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.wakeline')) continue;
    const path = join(folder, name);
    // A file may go between the listing and the look: another collector keeps its quota too.
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile()) found.push({ path, bytes: stat.size, changedMs: stat.mtimeMs });
  }
  return found;
}
