// Owns the executor's public names.
// Must not know a probe: one is installed through setObserver.

export { abortable, untilAborted } from './abort.ts';
export { fromPromise, toPromise } from './adapt.ts';
export { Barrier } from './barrier.ts';
export { type BroadcastReceiver, type BroadcastSender, broadcast, LaggedError } from './broadcast.ts';
export {
  CLOSED,
  channel,
  type Receiver,
  type Sender,
  type UnboundedSender,
  unboundedChannel,
} from './channel.ts';
export { type Child, type ChildOptions, type ExitStatus, startChild } from './child.ts';
export { clockNs } from './clock.ts';
export { join, joinAll, type Selected, select } from './combine.ts';
export { ComputeError, type ComputeOptions, compute, computePool, type ModuleWork } from './compute.ts';
export { type Async, Awaitable, awaiting, Coroutine, type IntoFuture } from './coroutine.ts';
export { readFile, writeFile } from './files.ts';
export { Mutex, type MutexGuard } from './mutex.ts';
export { Notify } from './notify.ts';
export {
  type AliveTask,
  type EndOutcome,
  type FrameInfo,
  type JobInfo,
  type Observer,
  type OperationInfo,
  type PollOutcome,
  type PoolState,
  READINESS,
  type ResourceInfo,
  type RuntimeInfo,
  type SourceInfo,
  setObserver,
  type TaskInfo,
  type ThreadInfo,
  type WaitTarget,
  type WakeCause,
  type WakeEffect,
} from './observe.ts';
export { ChannelClosedError, type OneshotReceiver, type OneshotSender, oneshot } from './oneshot.ts';
export {
  Context,
  dropFuture,
  type Future,
  PENDING,
  type Poll,
  type Ready,
  ready,
  type Waker,
} from './poll.ts';
export { type Job, poolJob } from './pool.ts';
export { poolLimit } from './pool-limit.ts';
export { type Deferred, deferred, rejected, resolved, type TaskPromise } from './promise.ts';
export { Runtime, run, type Spawnable, type SpawnOptions, spawn } from './runtime.ts';
export { type ReadGuard, RwLock, type WriteGuard } from './rw-lock.ts';
export { type Scope, scope } from './scope.ts';
export { Semaphore, type SemaphorePermit } from './semaphore.ts';
export { type Signals, signals } from './signal.ts';
export type { Site } from './site.ts';
export { Sleep, sleep, sleepUntil, TimeoutError, timeout } from './sleep.ts';
export { currentTaskId, JoinError, JoinHandle } from './task.ts';
export {
  connect,
  connectUnix,
  listen,
  listenUnix,
  type TcpAddress,
  type TcpListener,
} from './tcp-connect.ts';
export { TcpError } from './tcp-source.ts';
export type { TcpStream } from './tcp-stream.ts';
export { bindUdp, type Datagram, type UdpAddress, type UdpSocket } from './udp.ts';
export { type WatchReceiver, type WatchSender, watch } from './watch.ts';
export { WorkerPool, type WorkerPoolOptions } from './worker-pool.ts';
export { yieldNow } from './yield-now.ts';
