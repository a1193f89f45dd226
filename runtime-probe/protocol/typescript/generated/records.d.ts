export declare const wireVersion = 1;
/** Limits that hold on the wire. */
export declare const limits: {
    /** The longest frame payload a reader accepts, in bytes. */
    readonly frameBytes: 1048576;
    /** The size of one slot of the shared-memory rings, header included, in bytes. */
    readonly slotBytes: 8192;
    /** The size of a slot's header, in bytes. */
    readonly slotHeaderBytes: 64;
    /** The size of the header of a ring file, in bytes. */
    readonly ringHeaderBytes: 4096;
    /** The longest text on the wire, in bytes of UTF-8. */
    readonly textBytes: 65536;
    /** The most polls that a chunk can state as open at its start (polls nest only where a runtime is run inside a poll). */
    readonly openPolls: 16;
    /** The most frames that a chunk can state as entered at its start. */
    readonly openFrames: 256;
    /** The most items of a list field. */
    readonly listItems: 4096;
    /** The size of the connection token, in bytes (128 bits). */
    readonly tokenBytes: 16;
};
/** Codes of field types in the shapes of a hello. */
export declare const typeCode: {
    /** Unsigned LEB128, at most 2^53 - 1. */
    readonly uint: 1;
    /** Zigzag-coded signed LEB128, within ±(2^53 - 1). */
    readonly sint: 2;
    /** uint byte count, then UTF-8. */
    readonly text: 3;
    /** uint item count, then that many uint. */
    readonly list: 4;
    /** Unsigned LEB128 of up to 64 bits; used where 2^53 is too small. */
    readonly wide: 5;
};
/** Who opens a connection to the collector. */
export declare const role: {
    /** A traced program: a stream follows. */
    readonly program: 1;
    /** A Wakeline front end: requests follow. */
    readonly viewer: 2;
};
export type Role = (typeof role)[keyof typeof role];
/** What a frame of the stream holds. */
export declare const frameKind: {
    /** Who speaks, the clock, what is recorded, the shape of every record kind. First frame of every connection. */
    readonly hello: 1;
    /** Dictionary records, lossless. */
    readonly dictionary: 2;
    /** Events of one thread. */
    readonly chunk: 3;
    /** Up to which tick each thread has published everything. */
    readonly watermarks: 4;
    /** A later pair of ticks and wall time, used only to merge processes. */
    readonly anchor: 5;
    /** The program closed its stream on purpose; totals to check against. */
    readonly end: 6;
    /** Collector to program: recording on or off, detail, snapshot. */
    readonly control: 7;
};
export type FrameKind = (typeof frameKind)[keyof typeof frameKind];
/** Why a stream ended. */
export declare const endReason: {
    /** The program ended normally. */
    readonly exit: 1;
    /** Recording was switched off. */
    readonly detached: 2;
    /** This process is a fork's child and stops recording. */
    readonly fork: 3;
};
export type EndReason = (typeof endReason)[keyof typeof endReason];
/** How much a program records. */
export declare const detail: {
    /** Nothing. */
    readonly off: 1;
    /** Polls, wakes, waits, reactor, timers, jobs. */
    readonly lean: 2;
    /** Everything the tier can see. */
    readonly full: 3;
};
export type Detail = (typeof detail)[keyof typeof detail];
/** Whether a capability's records can appear in this stream. */
export declare const visibility: {
    /** Recorded; absence means that it did not happen. */
    readonly recorded: 1;
    /** Derived by the reader by a named rule. */
    readonly inferred: 2;
    /** The tier cannot see it; absence means nothing. */
    readonly notRecorded: 3;
};
export type Visibility = (typeof visibility)[keyof typeof visibility];
/** Which executor a runtime is. */
export declare const runtimeFlavor: {
    /** Not known. */
    readonly unknown: 0;
    /** wakeline-executor, one thread is worker and reactor by turns. */
    readonly wakelineSingle: 1;
    /** wakeline-executor, several workers. */
    readonly wakelineMulti: 2;
    /** Wakeline's TypeScript executor on Node's loop. */
    readonly wakelineNode: 3;
    /** tokio current_thread. */
    readonly tokioCurrentThread: 4;
    /** tokio multi_thread. */
    readonly tokioMultiThread: 5;
    /** Node's own promises and callbacks. */
    readonly node: 6;
    /** smol / async-executor. */
    readonly smol: 7;
    /** Another executor. */
    readonly other: 8;
};
export type RuntimeFlavor = (typeof runtimeFlavor)[keyof typeof runtimeFlavor];
/** What a thread does. */
export declare const threadRole: {
    /** Not known, or a thread that no runtime owns. */
    readonly unknown: 0;
    /** Runs polls of a runtime; may park in the reactor. */
    readonly worker: 1;
    /** Runs blocking jobs. */
    readonly pool: 2;
    /** The thread that runs block_on, or Node's main thread. */
    readonly main: 3;
    /** Not a thread of the program: records that the collector adds (debugger stops). */
    readonly collector: 4;
};
export type ThreadRole = (typeof threadRole)[keyof typeof threadRole];
/** How a task came to be. */
export declare const taskKind: {
    /** Spawned, may move between workers. */
    readonly task: 1;
    /** Spawned on one thread, never moves (non-Send). */
    readonly local: 2;
    /** The future given to block_on, or a root async context. */
    readonly root: 3;
    /** A blocking closure that its runtime counts as a task. */
    readonly blocking: 4;
};
export type TaskKind = (typeof taskKind)[keyof typeof taskKind];
/** What kind of thing is registered with the reactor. */
export declare const sourceKind: {
    /** Not known. */
    readonly unknown: 0;
    /** A connected or connecting TCP socket. */
    readonly tcpStream: 1;
    /** A listening TCP socket. */
    readonly tcpListener: 2;
    /** A UDP socket. */
    readonly udpSocket: 3;
    /** A connected Unix socket. */
    readonly unixStream: 4;
    /** A listening Unix socket. */
    readonly unixListener: 5;
    /** A Unix datagram socket. */
    readonly unixDatagram: 6;
    /** A pipe or FIFO. */
    readonly pipe: 7;
    /** A signal source. */
    readonly signal: 8;
    /** A child process. */
    readonly child: 9;
    /** An eventfd, often the reactor's own waker. */
    readonly eventFd: 10;
    /** A completion ring. */
    readonly ioUring: 11;
    /** A message port between Node threads. */
    readonly messagePort: 12;
};
export type SourceKind = (typeof sourceKind)[keyof typeof sourceKind];
/** What kind of thing inside the program is waited for. */
export declare const resourceKind: {
    /** Not known. */
    readonly unknown: 0;
    /** Mutual exclusion, one holder. */
    readonly mutex: 1;
    /** Readers and writer. */
    readonly rwLock: 2;
    /** Counted permits. */
    readonly semaphore: 3;
    /** A bare notification. */
    readonly notify: 4;
    /** A queue between tasks. */
    readonly channel: 5;
    /** A channel for one value. */
    readonly oneshot: 6;
    /** A value with change notification. */
    readonly watch: 7;
    /** A channel whose messages reach all receivers. */
    readonly broadcast: 8;
    /** Waits for a number of tasks. */
    readonly barrier: 9;
};
export type ResourceKind = (typeof resourceKind)[keyof typeof resourceKind];
/** What a frame inside a task is. */
export declare const frameKindOfTask: {
    /** One call of an async function. */
    readonly asyncCall: 1;
    /** One branch of a join. */
    readonly joinBranch: 2;
    /** One branch of a select. */
    readonly selectBranch: 3;
    /** A future wrapped by hand. */
    readonly traced: 4;
};
export type FrameKindOfTask = (typeof frameKindOfTask)[keyof typeof frameKindOfTask];
/** How a poll (of a task or a frame) ended. */
export declare const pollOutcome: {
    /** It returned its value. */
    readonly ready: 1;
    /** It stored a waker somewhere and returned. */
    readonly pending: 2;
    /** It panicked or threw. */
    readonly panicked: 3;
};
export type PollOutcome = (typeof pollOutcome)[keyof typeof pollOutcome];
/** How a task or frame ended for good. */
export declare const endOutcome: {
    /** It returned its value. */
    readonly completed: 1;
    /** It panicked, threw or rejected. */
    readonly panicked: 2;
    /** It was dropped before it was done. */
    readonly cancelled: 3;
};
export type EndOutcome = (typeof endOutcome)[keyof typeof endOutcome];
/** What a wake did to its target; the state change that the executor itself made. */
export declare const wakeEffect: {
    /** The tier cannot see it. */
    readonly unknown: 0;
    /** The target was idle and is now in a run queue. Exactly one such wake precedes each poll that was not made by whileRunning. */
    readonly scheduled: 1;
    /** The target was scheduled already. */
    readonly redundant: 2;
    /** The target was being polled; it is scheduled again when that poll ends. */
    readonly whileRunning: 3;
    /** The target had ended; nothing happened. */
    readonly afterCompletion: 4;
};
export type WakeEffect = (typeof wakeEffect)[keyof typeof wakeEffect];
/** What made a wake, a readiness or a poll happen; also what a wait is for. */
export declare const causeKind: {
    /** Not known. */
    readonly unknown: 0;
    /** The poll of the task with this id (as a wait: the end of that task). */
    readonly poll: 1;
    /** The source with this id (as a wait: see interest). */
    readonly source: 2;
    /** The timer with this id. */
    readonly timer: 3;
    /** The blocking job with this id. */
    readonly job: 4;
    /** Code outside any poll on the thread with this id. */
    readonly thread: 5;
    /** The reactor turn that encloses it; the id is 0. */
    readonly turn: 6;
    /** The resource with this id. */
    readonly resource: 7;
    /** The io_uring submission with this id. */
    readonly submission: 8;
    /** The frame with this id. */
    readonly frame: 9;
};
export type CauseKind = (typeof causeKind)[keyof typeof causeKind];
/** In what a thread parks. */
export declare const parkKind: {
    /** In the readiness wait of the operating system (epoll_wait). Also with time-out 0, which is a look without a wait. */
    readonly reactor: 1;
    /** On a lock; another thread has the reactor. */
    readonly condvar: 2;
};
export type ParkKind = (typeof parkKind)[keyof typeof parkKind];
/** Which operation was made on a source. */
export declare const operationKind: {
    /** Bytes from the operating system's buffer into the program's. */
    readonly read: 1;
    /** Bytes into the operating system's buffer. */
    readonly write: 2;
    /** A connection taken from a listener. */
    readonly accept: 3;
    /** A connection begun, or found to be made. */
    readonly connect: 4;
    /** Bytes that a turn read earlier handed to the task: no system call. */
    readonly take: 5;
    /** The source was closed. */
    readonly close: 6;
};
export type OperationKind = (typeof operationKind)[keyof typeof operationKind];
/** What an operation gave. */
export declare const operationOutcome: {
    /** It succeeded; bytes says how many where it moves any, 0 at end of stream. */
    readonly done: 1;
    /** Nothing was there; the operating system said so. */
    readonly wouldBlock: 2;
    /** It failed; bytes is the operating system's error number. */
    readonly error: 3;
};
export type OperationOutcome = (typeof operationOutcome)[keyof typeof operationOutcome];
/** Who made the operation's system call. */
export declare const operationMaker: {
    /** The poll that encloses it. */
    readonly poll: 1;
    /** The reactor's or loop's turn, outside any poll. */
    readonly turn: 2;
    /** Other code on this thread. */
    readonly thread: 3;
};
export type OperationMaker = (typeof operationMaker)[keyof typeof operationMaker];
/** What a blocking job does. */
export declare const jobKind: {
    /** A closure given by the program. */
    readonly other: 1;
    /** Writes a file. */
    readonly fileWrite: 2;
    /** Reads a file. */
    readonly fileRead: 3;
    /** Another file operation. */
    readonly fileOther: 4;
    /** Name look-up. */
    readonly dns: 5;
    /** Cryptography. */
    readonly crypto: 6;
    /** Compression. */
    readonly compression: 7;
};
export type JobKind = (typeof jobKind)[keyof typeof jobKind];
/** The state of a task at a snapshot. */
export declare const taskState: {
    /** Pending, a waker is stored. */
    readonly idle: 1;
    /** In a run queue. */
    readonly scheduled: 2;
    /** Being polled. */
    readonly running: 3;
};
export type TaskState = (typeof taskState)[keyof typeof taskState];
/** What an io_uring submission asks. */
export declare const submissionOperation: {
    /** Something else. */
    readonly other: 1;
    /** Write. */
    readonly write: 2;
    /** Read. */
    readonly read: 3;
    /** Flush to the device. */
    readonly sync: 4;
    /** Open. */
    readonly open: 5;
    /** Close. */
    readonly close: 6;
};
export type SubmissionOperation = (typeof submissionOperation)[keyof typeof submissionOperation];
/** Why a debugger stopped the program. */
export declare const stopReason: {
    /** Not known. */
    readonly unknown: 0;
    /** A breakpoint. */
    readonly breakpoint: 1;
    /** A step ended. */
    readonly step: 2;
    /** The user paused. */
    readonly pause: 3;
    /** An exception or signal. */
    readonly exception: 4;
    /** Stop on entry. */
    readonly entry: 5;
};
export type StopReason = (typeof stopReason)[keyof typeof stopReason];
/** Bits of a readiness field. */
export declare const readinessBit: {
    readonly readable: 1;
    readonly writable: 2;
    readonly readClosed: 4;
    readonly writeClosed: 8;
    readonly error: 16;
    readonly priority: 32;
};
/** Bits of a interest field. */
export declare const interestBit: {
    readonly readable: 1;
    readonly writable: 2;
};
/** Kinds of dictionary records. */
export declare const dictionaryKind: {
    /** A text that other records name by id. */
    readonly text: 1;
    /** A place in the source. */
    readonly site: 2;
    /** A list of places, innermost first. */
    readonly stack: 3;
    /** One executor of the program. */
    readonly runtime: 4;
    /** A thread that records events. */
    readonly thread: 5;
    /** A spawned unit with an id that is never reused in a session. */
    readonly task: 6;
    /** A thing whose readiness the reactor watches. */
    readonly source: 7;
    /** A thing inside the program that tasks wait for. */
    readonly resource: 8;
};
/** Kinds of events. */
export declare const eventKind: {
    /** The task exists from this tick on. Its dictionary record came before. */
    readonly taskSpawn: 32;
    /** A poll of a task begins on this thread. Nests only where a runtime is run inside a poll. */
    readonly pollStart: 33;
    /** The innermost open poll of this thread ends. */
    readonly pollEnd: 34;
    /** A wake made by what runs on this thread now: the innermost open poll, else the open job, else the thread. Stamped before the target's state changes. */
    readonly wake: 35;
    /** A wake whose cause is told apart from what runs on this thread, or whose epoch changed while it was made. */
    readonly wakeFrom: 36;
    /** How often the task's waker was cloned and dropped since the last such record of that task. */
    readonly wakerCounts: 37;
    /** The task is over. At most one per task. */
    readonly taskEnd: 38;
    /** A frame (async call, branch, wrapped future) begins inside a task. */
    readonly frameOpen: 40;
    /** The frame is polled, inside the open poll. Nests. */
    readonly frameEnter: 41;
    /** The innermost entered frame of this thread is left. */
    readonly frameLeave: 42;
    /** The frame is over. */
    readonly frameEnd: 43;
    /** A leaf of the open poll stored a waker. Holds until the task's next poll. One poll may have several. */
    readonly waitStart: 44;
    /** A frame's promise was settled by what runs now, so that frames that await it go on. */
    readonly settle: 45;
    /** As settle, with an error. */
    readonly reject: 46;
    /** A task holds the resource (or took a permit, or received a value). */
    readonly resourceAcquire: 48;
    /** The holder gave it back (or a value was sent). */
    readonly resourceRelease: 49;
    /** The resource is gone. */
    readonly resourceDrop: 50;
    /** The source is registered with the reactor. */
    readonly sourceRegister: 51;
    /** The source leaves the reactor. */
    readonly sourceDeregister: 52;
    /** This thread parks. Between park and unpark it records nothing. */
    readonly park: 53;
    /** The park ended; the turn that follows lasts to the next park of this thread. */
    readonly unpark: 54;
    /** The kernel reports a source ready. Belongs to the turn that encloses it. */
    readonly readiness: 55;
    /** An operation on a source, stamped at its end. */
    readonly operation: 56;
    /** An operation was put into a completion ring. */
    readonly submission: 57;
    /** The kernel finished a submission. */
    readonly completion: 58;
    /** A timer is put into the queue. */
    readonly timerSet: 59;
    /** The timer's deadline passed and its waker is called. */
    readonly timerFire: 60;
    /** The timer left the queue before its deadline. */
    readonly timerCancel: 61;
    /** A blocking job is handed to the pool. */
    readonly jobSubmit: 62;
    /** A pool thread begins the job. Absent where the pool's threads cannot be seen. */
    readonly jobStart: 63;
    /** The job is done, on the thread that ran it, else where its completion was noticed. */
    readonly jobEnd: 64;
    /** The blocking pool changed its size or queue. */
    readonly poolState: 65;
    /** The thread begins to work for its runtime. */
    readonly threadStart: 66;
    /** The thread stops to work for its runtime; the last event it records. */
    readonly threadStop: 67;
    /** Processor time this thread has used so far. */
    readonly threadCpu: 68;
    /** The runtime is shut down. */
    readonly runtimeStop: 69;
    /** A span of the user's begins. */
    readonly spanOpen: 70;
    /** It ends. */
    readonly spanClose: 71;
    /** An instant that the user marked. */
    readonly marker: 72;
    /** A debugger stopped the program. Written by the collector, on its own thread. */
    readonly debuggerStop: 73;
    /** The program goes on. */
    readonly debuggerContinue: 74;
    /** Recording begins late: what is alive follows, up to snapshotEnd of the same thread. */
    readonly snapshotStart: 75;
    /** A task that was alive when recording began. Its earlier life is not known. */
    readonly snapshotTask: 76;
    /** All that was alive has been told. */
    readonly snapshotEnd: 77;
    /** What is recorded changed at this tick. */
    readonly detailChange: 78;
};
/** Where each field of an event stands among its fields. */
export declare const eventField: {
    readonly taskSpawn: {
        readonly task: 0;
        readonly parent: 1;
    };
    readonly pollStart: {
        readonly task: 0;
        readonly epoch: 1;
    };
    readonly pollEnd: {
        readonly outcome: 0;
    };
    readonly wake: {
        readonly task: 0;
        readonly epoch: 1;
        readonly effect: 2;
    };
    readonly wakeFrom: {
        readonly task: 0;
        readonly epoch: 1;
        readonly effect: 2;
        readonly causeKind: 3;
        readonly causeId: 4;
        readonly epochAfter: 5;
    };
    readonly wakerCounts: {
        readonly task: 0;
        readonly clones: 1;
        readonly drops: 2;
    };
    readonly taskEnd: {
        readonly task: 0;
        readonly outcome: 1;
        readonly byKind: 2;
        readonly byId: 3;
    };
    readonly frameOpen: {
        readonly frame: 0;
        readonly parent: 1;
        readonly task: 2;
        readonly frameKind: 3;
        readonly site: 4;
        readonly name: 5;
    };
    readonly frameEnter: {
        readonly frame: 0;
    };
    readonly frameLeave: {
        readonly outcome: 0;
    };
    readonly frameEnd: {
        readonly frame: 0;
        readonly outcome: 1;
    };
    readonly waitStart: {
        readonly frame: 0;
        readonly onKind: 1;
        readonly onId: 2;
        readonly interest: 3;
        readonly site: 4;
        readonly stack: 5;
    };
    readonly settle: {
        readonly frame: 0;
    };
    readonly reject: {
        readonly frame: 0;
        readonly error: 1;
    };
    readonly resourceAcquire: {
        readonly resource: 0;
        readonly task: 1;
        readonly amount: 2;
    };
    readonly resourceRelease: {
        readonly resource: 0;
        readonly task: 1;
        readonly amount: 2;
    };
    readonly resourceDrop: {
        readonly resource: 0;
    };
    readonly sourceRegister: {
        readonly source: 0;
        readonly interest: 1;
        readonly token: 2;
    };
    readonly sourceDeregister: {
        readonly source: 0;
    };
    readonly park: {
        readonly parkKind: 0;
        readonly timeoutNs: 1;
        readonly timer: 2;
    };
    readonly unpark: {
        readonly parkKind: 0;
        readonly events: 1;
    };
    readonly readiness: {
        readonly source: 0;
        readonly mask: 1;
        readonly waitingBytes: 2;
    };
    readonly operation: {
        readonly source: 0;
        readonly operationKind: 1;
        readonly outcome: 2;
        readonly bytes: 3;
        readonly madeBy: 4;
    };
    readonly submission: {
        readonly submission: 0;
        readonly source: 1;
        readonly operation: 2;
        readonly bytes: 3;
        readonly depth: 4;
    };
    readonly completion: {
        readonly submission: 0;
        readonly result: 1;
    };
    readonly timerSet: {
        readonly timer: 0;
        readonly task: 1;
        readonly delayNs: 2;
    };
    readonly timerFire: {
        readonly timer: 0;
        readonly latenessNs: 1;
    };
    readonly timerCancel: {
        readonly timer: 0;
    };
    readonly jobSubmit: {
        readonly job: 0;
        readonly jobKind: 1;
        readonly task: 2;
        readonly site: 3;
        readonly name: 4;
        readonly queued: 5;
        readonly runtime: 6;
    };
    readonly jobStart: {
        readonly job: 0;
        readonly queued: 1;
    };
    readonly jobEnd: {
        readonly job: 0;
        readonly outcome: 1;
        readonly bytes: 2;
    };
    readonly poolState: {
        readonly runtime: 0;
        readonly threads: 1;
        readonly idle: 2;
        readonly queued: 3;
    };
    readonly threadStart: {};
    readonly threadStop: {};
    readonly threadCpu: {
        readonly cpuNs: 0;
    };
    readonly runtimeStop: {
        readonly runtime: 0;
    };
    readonly spanOpen: {
        readonly span: 0;
        readonly task: 1;
        readonly name: 2;
        readonly site: 3;
    };
    readonly spanClose: {
        readonly span: 0;
    };
    readonly marker: {
        readonly name: 0;
        readonly task: 1;
        readonly value: 2;
    };
    readonly debuggerStop: {
        readonly reason: 0;
        readonly osThread: 1;
    };
    readonly debuggerContinue: {};
    readonly snapshotStart: {};
    readonly snapshotTask: {
        readonly task: 0;
        readonly epoch: 1;
        readonly state: 2;
        readonly onKind: 3;
        readonly onId: 4;
        readonly site: 5;
    };
    readonly snapshotEnd: {};
    readonly detailChange: {
        readonly detail: 0;
    };
};
/** A text that other records name by id. */
export interface TextRecord {
    readonly record: 'text';
    /** From 1; 0 elsewhere means no text. */
    readonly id: number;
    /** The text. */
    readonly text: string;
}
/** A place in the source. */
export interface SiteRecord {
    readonly record: 'site';
    /** From 1; 0 elsewhere means not known. */
    readonly id: number;
    /** Path as the compiler or the runtime gave it: absolute, or relative to where the build ran. */
    readonly file: number;
    /** From 1. */
    readonly line: number;
    /** From 1; 0 when not known. */
    readonly column: number;
    /** The enclosing function's name; 0 when not known. */
    readonly function: number;
}
/** A list of places, innermost first. */
export interface StackRecord {
    readonly record: 'stack';
    /** From 1; 0 elsewhere means not captured. */
    readonly id: number;
    /** Innermost first. */
    readonly sites: readonly number[];
}
/** One executor of the program. */
export interface RuntimeRecord {
    readonly record: 'runtime';
    /** From 1; 0 elsewhere means no runtime. */
    readonly id: number;
    /** Its name; 0 when it has none. */
    readonly name: number;
    /** Which executor. One of runtimeFlavor. */
    readonly flavor: number;
    /** How many threads poll its tasks. */
    readonly workers: number;
    /** The most threads its blocking pool may have; 0 when it has none or it is not known. */
    readonly poolLimit: number;
}
/** A thread that records events. */
export interface ThreadRecord {
    readonly record: 'thread';
    /** From 1, never reused. Chunks name it. */
    readonly id: number;
    /** The operating system's thread id (Linux: tid), which debuggers show; 0 when there is none. */
    readonly osId: number;
    /** Its name; 0 when it has none. */
    readonly name: number;
    /** The runtime that owns it; 0 when none does. */
    readonly runtime: number;
    /** What it does. One of threadRole. */
    readonly role: number;
}
/** A spawned unit with an id that is never reused in a session. */
export interface TaskRecord {
    readonly record: 'task';
    /** From 1; 0 elsewhere means no task. */
    readonly id: number;
    /** The task whose poll spawned it; 0 when it was spawned outside any poll. */
    readonly parent: number;
    /** Where it was spawned; 0 when not known. */
    readonly site: number;
    /** Name given by the program, else the future's type; 0 when neither is known. */
    readonly name: number;
    /** How it came to be. One of taskKind. */
    readonly taskKind: number;
    /** Who owns it; 0 when not known. */
    readonly runtime: number;
}
/** A thing whose readiness the reactor watches. */
export interface SourceRecord {
    readonly record: 'source';
    /** From 1, never reused (fds are). */
    readonly id: number;
    /** File descriptor; -1 when there is none or it is not known. */
    readonly fd: number;
    /** What it is. One of sourceKind. */
    readonly sourceKind: number;
    /** Local address; 0 when there is none or it is not known. */
    readonly local: number;
    /** Peer's address; 0 when there is none or it is not known. */
    readonly peer: number;
    /** Where it was made; 0 when not known. */
    readonly site: number;
}
/** A thing inside the program that tasks wait for. */
export interface ResourceRecord {
    readonly record: 'resource';
    /** From 1, never reused. */
    readonly id: number;
    /** What it is. One of resourceKind. */
    readonly resourceKind: number;
    /** Its name; 0 when it has none. */
    readonly name: number;
    /** Where it was made; 0 when not known. */
    readonly site: number;
}
/** The task exists from this tick on. Its dictionary record came before. */
export interface TaskSpawnRecord {
    readonly record: 'taskSpawn';
    /** The new task. */
    readonly task: number;
    /** As in the dictionary; 0 when none. */
    readonly parent: number;
}
/** A poll of a task begins on this thread. Nests only where a runtime is run inside a poll. */
export interface PollStartRecord {
    readonly record: 'pollStart';
    /** The task polled. */
    readonly task: number;
    /** How many polls of the task have begun, this one included: the first poll has epoch 1. */
    readonly epoch: number;
}
/** The innermost open poll of this thread ends. */
export interface PollEndRecord {
    readonly record: 'pollEnd';
    /** How it ended. One of pollOutcome. */
    readonly outcome: number;
}
/** A wake made by what runs on this thread now: the innermost open poll, else the open job, else the thread. Stamped before the target's state changes. */
export interface WakeRecord {
    readonly record: 'wake';
    /** The target. */
    readonly task: number;
    /** How many polls of the target had begun when the wake was made, read before the state change: the wake asks for poll epoch + 1. 0 before the first poll. */
    readonly epoch: number;
    /** What it did. One of wakeEffect. */
    readonly effect: number;
}
/** A wake whose cause is told apart from what runs on this thread, or whose epoch changed while it was made. */
export interface WakeFromRecord {
    readonly record: 'wakeFrom';
    /** The target. */
    readonly task: number;
    /** As in wake. */
    readonly epoch: number;
    /** As in wake. One of wakeEffect. */
    readonly effect: number;
    /** What called the waker. unknown: what runs on this thread, as in wake. One of causeKind. */
    readonly causeKind: number;
    /** Id of that kind; 0 for turn and unknown. */
    readonly causeId: number;
    /** Epoch read again after the wake. Where it differs from epoch the wake asked for one of the polls epoch + 1 … epochAfter + 1, and the link is ambiguous. */
    readonly epochAfter: number;
}
/** How often the task's waker was cloned and dropped since the last such record of that task. */
export interface WakerCountsRecord {
    readonly record: 'wakerCounts';
    /** Whose waker. */
    readonly task: number;
    /** Clones. */
    readonly clones: number;
    /** Drops of clones. Clones minus drops over a task's life are the wakers still stored. */
    readonly drops: number;
}
/** The task is over. At most one per task. */
export interface TaskEndRecord {
    readonly record: 'taskEnd';
    /** Which. */
    readonly task: number;
    /** How. One of endOutcome. */
    readonly outcome: number;
    /** Who cancelled it: poll (of task byId) or thread; unknown unless cancelled. One of causeKind. */
    readonly byKind: number;
    /** Id of that kind; 0 when not known. */
    readonly byId: number;
}
/** A frame (async call, branch, wrapped future) begins inside a task. */
export interface FrameOpenRecord {
    readonly record: 'frameOpen';
    /** From 1, never reused. */
    readonly frame: number;
    /** The enclosing frame; 0 for the task itself. */
    readonly parent: number;
    /** Whose. */
    readonly task: number;
    /** What it is. One of frameKindOfTask. */
    readonly frameKind: number;
    /** Where; 0 when not known. */
    readonly site: number;
    /** Function or branch name; 0 when not known. */
    readonly name: number;
}
/** The frame is polled, inside the open poll. Nests. */
export interface FrameEnterRecord {
    readonly record: 'frameEnter';
    /** Which. */
    readonly frame: number;
}
/** The innermost entered frame of this thread is left. */
export interface FrameLeaveRecord {
    readonly record: 'frameLeave';
    /** How. One of pollOutcome. */
    readonly outcome: number;
}
/** The frame is over. */
export interface FrameEndRecord {
    readonly record: 'frameEnd';
    /** Which. */
    readonly frame: number;
    /** How. One of endOutcome. */
    readonly outcome: number;
}
/** A leaf of the open poll stored a waker. Holds until the task's next poll. One poll may have several. */
export interface WaitStartRecord {
    readonly record: 'waitStart';
    /** The innermost frame; 0 for the task itself. */
    readonly frame: number;
    /** What it waits for. One of causeKind. */
    readonly onKind: number;
    /** Id of that kind. */
    readonly onId: number;
    /** For a source: which readiness; else 0. Bits of interestBit. */
    readonly interest: number;
    /** The await; 0 when not known. */
    readonly site: number;
    /** The chain of awaits; 0 when not captured. */
    readonly stack: number;
}
/** A frame's promise was settled by what runs now, so that frames that await it go on. */
export interface SettleRecord {
    readonly record: 'settle';
    /** Which. */
    readonly frame: number;
}
/** As settle, with an error. */
export interface RejectRecord {
    readonly record: 'reject';
    /** Which. */
    readonly frame: number;
    /** The error's name; 0 when not recorded. */
    readonly error: number;
}
/** A task holds the resource (or took a permit, or received a value). */
export interface ResourceAcquireRecord {
    readonly record: 'resourceAcquire';
    /** Which. */
    readonly resource: number;
    /** The holder; 0 outside any task. */
    readonly task: number;
    /** Permits or values; 1 for a mutex. */
    readonly amount: number;
}
/** The holder gave it back (or a value was sent). */
export interface ResourceReleaseRecord {
    readonly record: 'resourceRelease';
    /** Which. */
    readonly resource: number;
    /** Who; 0 outside any task. */
    readonly task: number;
    /** Permits or values. */
    readonly amount: number;
}
/** The resource is gone. */
export interface ResourceDropRecord {
    readonly record: 'resourceDrop';
    /** Which. */
    readonly resource: number;
}
/** The source is registered with the reactor. */
export interface SourceRegisterRecord {
    readonly record: 'sourceRegister';
    /** Which. */
    readonly source: number;
    /** What is asked. Bits of interestBit. */
    readonly interest: number;
    /** The reactor's key; 0 when not known. */
    readonly token: number;
}
/** The source leaves the reactor. */
export interface SourceDeregisterRecord {
    readonly record: 'sourceDeregister';
    /** Which. */
    readonly source: number;
}
/** This thread parks. Between park and unpark it records nothing. */
export interface ParkRecord {
    readonly record: 'park';
    /** In what. One of parkKind. */
    readonly parkKind: number;
    /** Time-out in ns plus 1; 0 for none (until something happens); 1 for a look without a wait. */
    readonly timeoutNs: number;
    /** The timer whose deadline is the time-out; 0 when there is none or it is not known. */
    readonly timer: number;
}
/** The park ended; the turn that follows lasts to the next park of this thread. */
export interface UnparkRecord {
    readonly record: 'unpark';
    /** As in park. One of parkKind. */
    readonly parkKind: number;
    /** Readiness events that came with it. */
    readonly events: number;
}
/** The kernel reports a source ready. Belongs to the turn that encloses it. */
export interface ReadinessRecord {
    readonly record: 'readiness';
    /** Which; 0 when the token is not known. */
    readonly source: number;
    /** What. Bits of readinessBit. */
    readonly mask: number;
    /** Bytes in the operating system's buffer plus 1; 0 when not asked. */
    readonly waitingBytes: number;
}
/** An operation on a source, stamped at its end. */
export interface OperationRecord {
    readonly record: 'operation';
    /** Which; 0 when not known. */
    readonly source: number;
    /** Which operation. One of operationKind. */
    readonly operationKind: number;
    /** What came of it. One of operationOutcome. */
    readonly outcome: number;
    /** Bytes moved; for error the error number; else 0. */
    readonly bytes: number;
    /** Who made the system call. One of operationMaker. */
    readonly madeBy: number;
}
/** An operation was put into a completion ring. */
export interface SubmissionRecord {
    readonly record: 'submission';
    /** From 1, never reused. */
    readonly submission: number;
    /** The ring. */
    readonly source: number;
    /** What it asks. One of submissionOperation. */
    readonly operation: number;
    /** Bytes asked for. */
    readonly bytes: number;
    /** Operations in flight, this one included. */
    readonly depth: number;
}
/** The kernel finished a submission. */
export interface CompletionRecord {
    readonly record: 'completion';
    /** Which. */
    readonly submission: number;
    /** Bytes, or the negated error number. */
    readonly result: number;
}
/** A timer is put into the queue. */
export interface TimerSetRecord {
    readonly record: 'timerSet';
    /** From 1, never reused. */
    readonly timer: number;
    /** For whom; 0 when outside any task. */
    readonly task: number;
    /** From this event to the deadline, in ns; 0 when it has passed. */
    readonly delayNs: number;
}
/** The timer's deadline passed and its waker is called. */
export interface TimerFireRecord {
    readonly record: 'timerFire';
    /** Which. */
    readonly timer: number;
    /** How long after its deadline, in ns. */
    readonly latenessNs: number;
}
/** The timer left the queue before its deadline. */
export interface TimerCancelRecord {
    readonly record: 'timerCancel';
    /** Which. */
    readonly timer: number;
}
/** A blocking job is handed to the pool. */
export interface JobSubmitRecord {
    readonly record: 'jobSubmit';
    /** From 1, never reused. */
    readonly job: number;
    /** What it does. One of jobKind. */
    readonly jobKind: number;
    /** Who submitted it; 0 outside any task. */
    readonly task: number;
    /** Where; 0 when not known. */
    readonly site: number;
    /** For a file its path; 0 when it has none. */
    readonly name: number;
    /** Jobs waiting for a thread after this one was added. */
    readonly queued: number;
    /** Whose pool; 0 when not known. */
    readonly runtime: number;
}
/** A pool thread begins the job. Absent where the pool's threads cannot be seen. */
export interface JobStartRecord {
    readonly record: 'jobStart';
    /** Which. */
    readonly job: number;
    /** Jobs that still wait. */
    readonly queued: number;
}
/** The job is done, on the thread that ran it, else where its completion was noticed. */
export interface JobEndRecord {
    readonly record: 'jobEnd';
    /** Which. */
    readonly job: number;
    /** How. One of endOutcome. */
    readonly outcome: number;
    /** Bytes moved; 0 when it moves none or it is not known. */
    readonly bytes: number;
}
/** The blocking pool changed its size or queue. */
export interface PoolStateRecord {
    readonly record: 'poolState';
    /** Whose pool. */
    readonly runtime: number;
    /** Threads it has. */
    readonly threads: number;
    /** Of these, waiting for work. */
    readonly idle: number;
    /** Jobs that wait. */
    readonly queued: number;
}
/** The thread begins to work for its runtime. */
export interface ThreadStartRecord {
    readonly record: 'threadStart';
}
/** The thread stops to work for its runtime; the last event it records. */
export interface ThreadStopRecord {
    readonly record: 'threadStop';
}
/** Processor time this thread has used so far. */
export interface ThreadCpuRecord {
    readonly record: 'threadCpu';
    /** In ns, since the thread began. */
    readonly cpuNs: number;
}
/** The runtime is shut down. */
export interface RuntimeStopRecord {
    readonly record: 'runtimeStop';
    /** Which. */
    readonly runtime: number;
}
/** A span of the user's begins. */
export interface SpanOpenRecord {
    readonly record: 'spanOpen';
    /** From 1, never reused. */
    readonly span: number;
    /** In which task; 0 outside any. */
    readonly task: number;
    /** Its name. */
    readonly name: number;
    /** Where; 0 when not known. */
    readonly site: number;
}
/** It ends. */
export interface SpanCloseRecord {
    readonly record: 'spanClose';
    /** Which. */
    readonly span: number;
}
/** An instant that the user marked. */
export interface MarkerRecord {
    readonly record: 'marker';
    /** Its name. */
    readonly name: number;
    /** In which task; 0 outside any. */
    readonly task: number;
    /** A number of the user's; 0 when none was given. */
    readonly value: number;
}
/** A debugger stopped the program. Written by the collector, on its own thread. */
export interface DebuggerStopRecord {
    readonly record: 'debuggerStop';
    /** Why. One of stopReason. */
    readonly reason: number;
    /** The stopped thread's operating-system id; 0 when not known. */
    readonly osThread: number;
}
/** The program goes on. */
export interface DebuggerContinueRecord {
    readonly record: 'debuggerContinue';
}
/** Recording begins late: what is alive follows, up to snapshotEnd of the same thread. */
export interface SnapshotStartRecord {
    readonly record: 'snapshotStart';
}
/** A task that was alive when recording began. Its earlier life is not known. */
export interface SnapshotTaskRecord {
    readonly record: 'snapshotTask';
    /** Which. */
    readonly task: number;
    /** Polls begun so far. */
    readonly epoch: number;
    /** Its state. One of taskState. */
    readonly state: number;
    /** When idle, what it waits for; unknown when not known. One of causeKind. */
    readonly onKind: number;
    /** Id of that kind. */
    readonly onId: number;
    /** The await; 0 when not known. */
    readonly site: number;
}
/** All that was alive has been told. */
export interface SnapshotEndRecord {
    readonly record: 'snapshotEnd';
}
/** What is recorded changed at this tick. */
export interface DetailChangeRecord {
    readonly record: 'detailChange';
    /** The new level. One of detail. */
    readonly detail: number;
}
/** Any dictionary record. */
export type DictionaryRecord = TextRecord | SiteRecord | StackRecord | RuntimeRecord | ThreadRecord | TaskRecord | SourceRecord | ResourceRecord;
/** Any event, without its tick. */
export type EventRecord = TaskSpawnRecord | PollStartRecord | PollEndRecord | WakeRecord | WakeFromRecord | WakerCountsRecord | TaskEndRecord | FrameOpenRecord | FrameEnterRecord | FrameLeaveRecord | FrameEndRecord | WaitStartRecord | SettleRecord | RejectRecord | ResourceAcquireRecord | ResourceReleaseRecord | ResourceDropRecord | SourceRegisterRecord | SourceDeregisterRecord | ParkRecord | UnparkRecord | ReadinessRecord | OperationRecord | SubmissionRecord | CompletionRecord | TimerSetRecord | TimerFireRecord | TimerCancelRecord | JobSubmitRecord | JobStartRecord | JobEndRecord | PoolStateRecord | ThreadStartRecord | ThreadStopRecord | ThreadCpuRecord | RuntimeStopRecord | SpanOpenRecord | SpanCloseRecord | MarkerRecord | DebuggerStopRecord | DebuggerContinueRecord | SnapshotStartRecord | SnapshotTaskRecord | SnapshotEndRecord | DetailChangeRecord;
/** What a writer of this version may put on the wire, kind by kind. */
export interface Shape {
    readonly kind: number;
    readonly name: string;
    readonly fields: readonly {
        readonly name: string;
        readonly type: number;
    }[];
}
export declare const shapes: readonly Shape[];
