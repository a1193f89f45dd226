// Owns to which group of processes and threads this session belongs, and that what it starts learns of it.
// Knows nothing of recording.
//
//   WAKELINE_FAMILY = <group>.<session of the process that set it; empty where it is not recorded>.<its process id>
//
// Only a process's main thread sets it: a worker thread may share its environment with others, and what it starts is
// a child of the process all the same.
import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { isMainThread, threadId } from 'node:worker_threads';
import type { Family } from '../wire/index.ts';

const variable = 'WAKELINE_FAMILY';
const form = /^([0-9a-f]{32})\.([0-9a-f]{32})?\.(\d+)$/;

/** What a process was told by the one that started it. Two bundles of this package may ask in one process. */
const key = Symbol.for('wakeline.family');
const place = globalThis as unknown as Record<symbol, Origin | undefined>;

interface Origin {
  readonly group: string;
  readonly parent: string;
}

/** What is asked of a process; the real one but in tests. */
export interface Kin {
  readonly pid: number;
  readonly threadId: number;
  readonly isMainThread: boolean;
  /** Cluster's number of this process; undefined where it is none of a cluster's workers. */
  readonly clusterWorker: number | undefined;
  readonly isForked: boolean;
}

function thisProcess(): Kin {
  return {
    pid: process.pid,
    threadId,
    isMainThread,
    clusterWorker: isMainThread ? cluster.worker?.id : undefined,
    isForked: process.channel !== undefined,
  };
}

/** The family of a session that begins in this process or thread. What this process starts from now on is told of it. */
export function joinFamily(session: string): Family {
  const family = familyOf(process.env[variable], thisProcess(), place[key]);
  if (isMainThread) tell(family, session);
  return family;
}

/** This process is not recorded, but what it starts may be: that is one group. */
export function leaveOut(): void {
  tell(familyOf(process.env[variable], thisProcess(), place[key]), '');
}

/** Whether this is a thread of a process that left itself out. */
export function isLeftOut(text: string | undefined, { pid, isMainThread }: Kin = thisProcess()): boolean {
  const [, , session, teller] = form.exec(text ?? '') ?? [];
  return !isMainThread && teller === String(pid) && (session ?? '') === '';
}

/** `before`: what this process was told at first, where it is not its first session. */
export function familyOf(text: string | undefined, kin: Kin, before: Origin | undefined): Family {
  if (before !== undefined) return { ...before, part: partOf(kin, before.parent !== '') };
  const [, group = randomBytes(16).toString('hex'), parent = '', teller] = form.exec(text ?? '') ?? [];
  return { group, parent, part: partOf(kin, parent !== '' && teller !== undefined) };
}

function partOf(kin: Kin, isChild: boolean): string {
  if (!kin.isMainThread) return `worker thread ${kin.threadId}`;
  if (kin.clusterWorker !== undefined) return `cluster worker ${kin.clusterWorker}`;
  if (kin.isForked && isChild) return 'forked process';
  return isChild ? 'child process' : '';
}

function tell({ group, parent }: Family, session: string): void {
  const value: Origin = { group, parent };
  // Not enumerable: a program that walks its globals need not see it.
  Object.defineProperty(globalThis, key, { value, configurable: true });
  process.env[variable] = `${group}.${session}.${process.pid}`;
}
