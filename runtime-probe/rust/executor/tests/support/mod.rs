//! Owns the one recording observer of a test program. Tests run one at a time
//! inside `record`, so each sees the events of its own runtimes only.
#![allow(dead_code)] // Each test file uses a part of this.

mod trace;

pub(crate) use trace::Trace;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use wakeline_executor::observe::{
    mask, set_observer, End, EndedBy, Flavor, FrameInfo, FrameKind, JobInfo, JobKind, JobOutcome,
    Observer, OperationKind, OperationResult, Outcome, ParkKind, ResourceKind, RuntimeInfo,
    SourceInfo, SourceKind, SubmissionInfo, SubmissionKind, TaskEnded, TaskInfo, TaskKind,
    ThreadInfo, ThreadRole, WaitTarget, Wake, WakeCause, WakeEffect,
};

type Site = &'static std::panic::Location<'static>;

/// What one hook told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    RuntimeStarted {
        flavor: Flavor,
        workers: usize,
        pool_limit: usize,
    },
    RuntimeStopped,
    ThreadStarted {
        role: ThreadRole,
        worker: Option<usize>,
    },
    ThreadStopped,
    Spawned {
        task: u64,
        parent: u64,
        kind: TaskKind,
        name: Option<String>,
        line: u32,
    },
    PollStart {
        task: u64,
        epoch: u64,
    },
    PollEnd {
        task: u64,
        outcome: Outcome,
    },
    Wake {
        task: u64,
        epoch: u64,
        effect: WakeEffect,
        cause: WakeCause,
    },
    WakerCounts {
        task: u64,
        clones: u32,
        drops: u32,
    },
    Ended {
        task: u64,
        end: End,
        by: EndedBy,
        during_poll_of: u64,
    },
    FrameOpened {
        frame: u64,
        parent_frame: u64,
        task: u64,
        kind: FrameKind,
        branch: u32,
        name: Option<String>,
    },
    FrameEntered {
        frame: u64,
    },
    FrameLeft {
        frame: u64,
        outcome: Outcome,
    },
    FrameEnded {
        frame: u64,
        end: End,
    },
    Wait {
        frame: u64,
        target: WaitTarget,
        line: u32,
    },
    ResourceCreated {
        resource: u64,
        kind: ResourceKind,
    },
    ResourceAcquired {
        resource: u64,
        task: u64,
    },
    ResourceReleased {
        resource: u64,
    },
    ResourceDropped {
        resource: u64,
    },
    SourceRegistered {
        source: u64,
        kind: SourceKind,
        interest: u8,
        local: Option<String>,
        peer: Option<String>,
    },
    SourceDeregistered {
        source: u64,
    },
    Park {
        kind: ParkKind,
        timeout: Option<Duration>,
        timer: u64,
    },
    Unpark {
        kind: ParkKind,
        events: u32,
    },
    Readiness {
        source: u64,
        mask: u8,
    },
    Operation {
        source: u64,
        kind: OperationKind,
        result: OperationResult,
    },
    TimerSet {
        timer: u64,
        deadline: Instant,
    },
    TimerFired {
        timer: u64,
        lateness: Duration,
    },
    TimerCancelled {
        timer: u64,
    },
    JobSubmitted {
        job: u64,
        kind: JobKind,
        queue_depth: usize,
        line: u32,
    },
    JobStarted {
        job: u64,
    },
    JobEnded {
        job: u64,
        outcome: JobOutcome,
        bytes: u64,
    },
    PoolState {
        threads: usize,
        idle: usize,
        queued: usize,
    },
    Submitted {
        submission: u64,
        source: u64,
        kind: SubmissionKind,
        bytes: u64,
        depth: usize,
    },
    Completed {
        submission: u64,
        result: i32,
    },
}

/// An event with the thread that told it and the time when it did.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) thread: ThreadId,
    pub(crate) at: Instant,
    pub(crate) event: Event,
}

struct Recorder;

static EVENTS: Mutex<Vec<Told>> = Mutex::new(Vec::new());
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
static SET: Once = Once::new();
static HOLD_AFTER_WOULD_BLOCK: AtomicBool = AtomicBool::new(false);
/// What is waited for comes within less on any machine; else the test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// From now on a read that would block is held until its source is told readable: between
/// the failed system call and the storing of the waker.
pub(crate) fn hold_after_would_block(hold: bool) {
    HOLD_AFTER_WOULD_BLOCK.store(hold, Ordering::SeqCst);
}

/// Whether such an event was told in this scenario.
pub(crate) fn has_told(wanted: impl Fn(&Event) -> bool) -> bool {
    lock(&EVENTS).iter().any(|told| wanted(&told.event))
}

/// Waits, on a thread that the runtime does not need, until what was told is enough.
pub(crate) fn wait_until(what: &str, is_enough: impl Fn(&[Told]) -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_enough(&lock(&EVENTS)) {
        assert!(Instant::now() < end, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until a task has told that it waits for what `is_target` says.
pub(crate) fn wait_for_wait(is_target: impl Fn(&WaitTarget) -> bool) {
    wait_until("a task waits", |told| {
        let mut events = told.iter().map(|told| &told.event);
        events.any(|event| matches!(event, Event::Wait { target, .. } if is_target(target)))
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `scenario`, which must end its runtimes, and gives what it returned and all
/// that was told meanwhile, in one order that every thread agrees on.
pub(crate) fn record<R>(scenario: impl FnOnce() -> R) -> (R, Trace) {
    let _turn = lock(&ONE_AT_A_TIME);
    SET.call_once(|| set_observer(&Recorder).expect("this is the only observer"));
    lock(&EVENTS).clear();
    let result = scenario();
    (result, Trace(std::mem::take(&mut lock(&EVENTS))))
}

fn tell(event: Event) {
    lock(&EVENTS).push(Told {
        thread: thread::current().id(),
        at: Instant::now(),
        event,
    });
}

impl Observer for Recorder {
    fn runtime_started(&self, info: &RuntimeInfo<'_>) {
        tell(Event::RuntimeStarted {
            flavor: info.flavor,
            workers: info.workers,
            pool_limit: info.pool_limit,
        });
    }
    fn runtime_stopped(&self, _runtime: u64) {
        tell(Event::RuntimeStopped);
    }
    fn thread_started(&self, info: &ThreadInfo<'_>) {
        tell(Event::ThreadStarted {
            role: info.role,
            worker: info.worker,
        });
    }
    fn thread_stopped(&self) {
        tell(Event::ThreadStopped);
    }
    fn task_spawned(&self, info: &TaskInfo<'_>) {
        tell(Event::Spawned {
            task: info.task,
            parent: info.parent,
            kind: info.kind,
            name: info.name.map(str::to_owned),
            line: info.site.line(),
        });
    }
    fn poll_start(&self, task: u64, epoch: u64) -> u64 {
        tell(Event::PollStart { task, epoch });
        0
    }
    fn poll_end(&self, task: u64, outcome: Outcome) {
        tell(Event::PollEnd { task, outcome });
    }
    fn wake(&self, wake: &Wake) {
        assert_eq!(wake.epoch, wake.epoch_after);
        tell(Event::Wake {
            task: wake.task,
            epoch: wake.epoch,
            effect: wake.effect,
            cause: wake.cause,
        });
    }
    fn waker_counts(&self, task: u64, clones: u32, drops: u32) {
        tell(Event::WakerCounts {
            task,
            clones,
            drops,
        });
    }
    fn task_ended(&self, ended: &TaskEnded) {
        tell(Event::Ended {
            task: ended.task,
            end: ended.end,
            by: ended.by,
            during_poll_of: ended.during_poll_of,
        });
    }
    fn frame_opened(&self, info: &FrameInfo<'_>) {
        tell(Event::FrameOpened {
            frame: info.frame,
            parent_frame: info.parent_frame,
            task: info.task,
            kind: info.kind,
            branch: info.branch,
            name: info.name.map(str::to_owned),
        });
    }
    fn frame_entered(&self, frame: u64) {
        tell(Event::FrameEntered { frame });
    }
    fn frame_left(&self, frame: u64, outcome: Outcome) {
        tell(Event::FrameLeft { frame, outcome });
    }
    fn frame_ended(&self, frame: u64, end: End) {
        tell(Event::FrameEnded { frame, end });
    }
    fn wait_started(&self, frame: u64, target: WaitTarget, site: Site) {
        tell(Event::Wait {
            frame,
            target,
            line: site.line(),
        });
    }
    fn resource_created(&self, resource: u64, kind: ResourceKind, _site: Site) {
        tell(Event::ResourceCreated { resource, kind });
    }
    fn resource_acquired(&self, resource: u64, task: u64) {
        tell(Event::ResourceAcquired { resource, task });
    }
    fn resource_released(&self, resource: u64) {
        tell(Event::ResourceReleased { resource });
    }
    fn resource_dropped(&self, resource: u64) {
        tell(Event::ResourceDropped { resource });
    }
    fn source_registered(&self, info: &SourceInfo<'_>) {
        tell(Event::SourceRegistered {
            source: info.source,
            kind: info.kind,
            interest: info.interest,
            local: info.local.map(|local| local.to_string()),
            peer: info.peer.map(|peer| peer.to_string()),
        });
    }
    fn source_deregistered(&self, source: u64) {
        tell(Event::SourceDeregistered { source });
    }
    fn park(&self, kind: ParkKind, timeout: Option<Duration>, timer: u64) {
        tell(Event::Park {
            kind,
            timeout,
            timer,
        });
    }
    fn unpark(&self, kind: ParkKind, events: u32) {
        tell(Event::Unpark { kind, events });
    }
    fn readiness(&self, source: u64, mask: u8) {
        tell(Event::Readiness { source, mask });
    }
    fn operation(
        &self,
        source: u64,
        kind: OperationKind,
        result: OperationResult,
        _requested: usize,
    ) {
        tell(Event::Operation {
            source,
            kind,
            result,
        });
        let is_read = (kind, result) == (OperationKind::Read, OperationResult::WouldBlock);
        if is_read && HOLD_AFTER_WOULD_BLOCK.load(Ordering::SeqCst) {
            wait_until("the source is readable", |told| {
                let is_ready = |told: &Told| matches!(told.event, Event::Readiness { source: id, mask } if id == source && mask & mask::READABLE != 0);
                told.iter().any(is_ready)
            });
        }
    }
    fn submitted(&self, info: &SubmissionInfo) {
        tell(Event::Submitted {
            submission: info.submission,
            source: info.source,
            kind: info.kind,
            bytes: info.bytes,
            depth: info.depth,
        });
    }
    fn completed(&self, submission: u64, result: i32) {
        tell(Event::Completed { submission, result });
    }
    fn timer_set(&self, timer: u64, deadline: Instant) {
        tell(Event::TimerSet { timer, deadline });
    }
    fn timer_fired(&self, timer: u64, lateness: Duration) {
        tell(Event::TimerFired { timer, lateness });
    }
    fn timer_cancelled(&self, timer: u64) {
        tell(Event::TimerCancelled { timer });
    }
    fn job_submitted(&self, info: &JobInfo<'_>) {
        tell(Event::JobSubmitted {
            job: info.job,
            kind: info.kind,
            queue_depth: info.queue_depth,
            line: info.site.line(),
        });
    }
    fn job_started(&self, job: u64, _queue_depth: usize) {
        tell(Event::JobStarted { job });
    }
    fn job_ended(&self, job: u64, outcome: JobOutcome, bytes: u64) {
        tell(Event::JobEnded {
            job,
            outcome,
            bytes,
        });
    }
    fn pool_state(&self, _runtime: u64, threads: usize, idle: usize, queued: usize) {
        tell(Event::PoolState {
            threads,
            idle,
            queued,
        });
    }
}
