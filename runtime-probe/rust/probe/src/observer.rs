//! Owns the translation of the executor's hooks into records. It must not know how
//! events are written or sent.

use std::panic::Location;
use std::time::{Duration, Instant};

use wakeline_executor::observe::{
    Address, End, EndedBy, Flavor, FrameInfo, FrameKind, JobInfo, JobKind, JobOutcome, Observer,
    OperationKind, OperationResult, Outcome, ParkKind, PendingFuture, ResourceKind, RuntimeInfo,
    SourceInfo, SourceKind, SubmissionInfo, SubmissionKind, TaskEnded, TaskInfo, TaskKind,
    ThreadInfo, ThreadRole, WaitTarget, Wake, WakeCause, WakeEffect,
};
use wakeline_wire::codec::zigzag;
use wakeline_wire::{
    cause_kind, detail, end_outcome, frame_kind_of_task, interest_bit, job_kind, kind,
    operation_kind, operation_maker, operation_outcome, park_kind, poll_outcome, resource_kind,
    runtime_flavor, source_kind, submission_operation, task_kind, thread_role, wake_effect,
    Resource, Source, Task,
};

use crate::awaits;
use crate::breakpoints;
use crate::clock::delay_ns;
use crate::dictionary::Living;
use crate::gate::{detail_of, gate, has_conditions};
use crate::recorder::{Recorder, ToldWake};
use crate::session::{seen, Session};
use crate::this_thread::with_recorder;

/// Listens to the executor for one session.
pub(crate) struct ProbeObserver {
    session: &'static Session,
}

impl ProbeObserver {
    pub(crate) fn new(session: &'static Session) -> Self {
        Self { session }
    }

    #[inline(always)]
    fn record(&self, record: impl FnOnce(&mut Recorder)) {
        with_recorder(self.session, record);
    }

    /// Records where polls, wakes, waits, reactor, timers and jobs are.
    #[inline(always)]
    fn lean(&self, record: impl FnOnce(&mut Recorder)) {
        if detail_of(gate()) >= detail::LEAN {
            self.record(record);
        }
    }

    /// Records where everything is.
    #[inline(always)]
    fn full(&self, record: impl FnOnce(&mut Recorder)) {
        if detail_of(gate()) >= detail::FULL {
            self.record(record);
        }
    }

    /// Keeps the thread's context, at every level of detail but the end: `record` is told
    /// whether events of at least this level are written too.
    #[inline(always)]
    fn context<T: Default>(&self, level: u64, record: impl FnOnce(&mut Recorder, bool) -> T) -> T {
        let now = detail_of(gate());
        match now {
            0 => T::default(),
            _ => with_recorder(self.session, |r| record(r, now >= level)),
        }
    }

    /// The dictionary is kept while nothing is recorded too: recording may begin again.
    #[inline(always)]
    fn is_alive(&self) -> bool {
        gate() != 0
    }
}

impl Observer for ProbeObserver {
    #[inline]
    fn stamp(&self) -> u64 {
        if detail_of(gate()) < detail::LEAN {
            return 0;
        }
        with_recorder(self.session, Recorder::stamp)
    }

    fn reactor_opened(&self, fd: i32) {
        #[cfg(wakeline_reactor)]
        crate::interpose::leave_alone(fd);
        #[cfg(not(wakeline_reactor))]
        let _ = fd;
    }

    fn runtime_started(&self, info: &RuntimeInfo<'_>) {
        if self.is_alive() {
            self.session.saw(seen::EXECUTOR);
            let flavor = match info.flavor {
                Flavor::Single => runtime_flavor::WAKELINE_SINGLE,
                Flavor::Multi => runtime_flavor::WAKELINE_MULTI,
            };
            let (workers, limit) = (info.workers as u64, info.pool_limit as u64);
            self.session
                .dictionary
                .runtime(info.runtime, info.name, flavor, workers, limit);
        }
    }

    fn runtime_stopped(&self, runtime: u64) {
        self.lean(|r| r.event(kind::RUNTIME_STOP, [runtime]));
    }

    fn thread_started(&self, info: &ThreadInfo<'_>) {
        // A pool thread waits between jobs without telling, so it counts as busy in jobs only.
        let (role, busy) = match info.role {
            ThreadRole::Worker => (thread_role::WORKER, true),
            ThreadRole::Pool => (thread_role::POOL, false),
            ThreadRole::BlockOn => (thread_role::MAIN, true),
        };
        self.context(detail::LEAN, |r, recorded| {
            r.thread_start(recorded, info.name, info.runtime, role, busy);
        });
    }

    fn thread_stopped(&self) {
        self.context(detail::LEAN, |r, _| r.thread_stop());
    }

    fn task_spawned(&self, info: &TaskInfo<'_>) {
        if !self.is_alive() {
            return;
        }
        let record = Task {
            id: info.task,
            parent: info.parent,
            task_kind: match info.kind {
                TaskKind::Root => task_kind::ROOT,
                TaskKind::Task => task_kind::TASK,
                TaskKind::Local => task_kind::LOCAL,
            },
            runtime: info.runtime,
            ..Task::default()
        };
        let dictionary = &self.session.dictionary;
        dictionary.task(record, info.site, info.name, info.type_name);
        self.lean(|r| r.event(kind::TASK_SPAWN, [info.task, info.parent]));
    }

    #[inline]
    fn poll_start(&self, task: u64, epoch: u64) -> u64 {
        let start = self.context(detail::LEAN, |r, recorded| {
            r.poll_start(recorded, task, epoch)
        });
        if has_conditions(gate()) {
            breakpoints::poll_starts(task);
        }
        start
    }

    #[inline]
    fn future_pending(&self, future: &PendingFuture) {
        // SAFETY: the executor tells of a future that is alive and pending, for this call.
        unsafe { awaits::told_at(self.session, future.poll, future.size_bytes, future.address) };
    }

    #[inline]
    fn poll_end(&self, _task: u64, outcome: Outcome) {
        self.context(detail::LEAN, |r, recorded| {
            r.poll_end(recorded, poll_outcome_of(outcome))
        });
        if has_conditions(gate()) {
            breakpoints::poll_ends(self.session);
        }
    }

    #[inline]
    fn wake(&self, wake: &Wake) {
        if has_conditions(gate()) {
            breakpoints::wakes(wake.task);
        }
        let effect = match wake.effect {
            WakeEffect::Scheduled => wake_effect::SCHEDULED,
            WakeEffect::Redundant => wake_effect::REDUNDANT,
            WakeEffect::WhileRunning => wake_effect::WHILE_RUNNING,
            WakeEffect::AfterCompletion => wake_effect::AFTER_COMPLETION,
        };
        let (cause, cause_id) = match wake.cause {
            WakeCause::Context => (cause_kind::UNKNOWN, 0),
            WakeCause::Source(id) => (cause_kind::SOURCE, id),
            WakeCause::Timer(id) => (cause_kind::TIMER, id),
            WakeCause::Job(id) => (cause_kind::JOB, id),
            WakeCause::Submission(id) => (cause_kind::SUBMISSION, id),
        };
        let Wake {
            task,
            epoch,
            epoch_after,
            stamp,
            ..
        } = *wake;
        let told = ToldWake {
            task,
            epoch,
            effect,
            cause,
            cause_id,
            epoch_after,
        };
        self.lean(|r| r.wake(stamp, &told));
    }

    #[inline]
    fn waker_counts(&self, task: u64, clones: u32, drops: u32) {
        let fields = [task, u64::from(clones), u64::from(drops)];
        self.full(|r| r.event(kind::WAKER_COUNTS, fields));
    }

    fn task_ended(&self, ended: &TaskEnded) {
        if !self.is_alive() {
            return;
        }
        self.lean(|r| {
            let (by_kind, by_id) = match (ended.end, ended.by) {
                (End::Completed | End::Panicked, _) => (cause_kind::UNKNOWN, 0),
                // A task of the executor is dropped for no other reason than these two. Which
                // thread called `abort` outside of any poll is not known.
                (End::Cancelled, EndedBy::Task(task)) => (cause_kind::ABORT, task),
                (End::Cancelled, EndedBy::Thread) => (cause_kind::ABORT, 0),
                (End::Cancelled, EndedBy::RuntimeShutdown) => {
                    (cause_kind::SHUTDOWN, r.current_task())
                }
            };
            let fields = [ended.task, end_outcome_of(ended.end), by_kind, by_id];
            r.event(kind::TASK_END, fields);
        });
        self.session.dictionary.ended(Living::Task(ended.task));
    }

    fn frame_opened(&self, info: &FrameInfo<'_>) {
        self.full(|r| {
            let frame_kind = match info.kind {
                FrameKind::JoinBranch => frame_kind_of_task::JOIN_BRANCH,
                FrameKind::SelectBranch => frame_kind_of_task::SELECT_BRANCH,
                FrameKind::Traced => frame_kind_of_task::TRACED,
            };
            let dictionary = &self.session.dictionary;
            let name = match info.name {
                Some(name) => dictionary.name_of(Living::Frame(info.frame), name),
                None => dictionary.type_name(info.type_name),
            };
            let site = r.site(info.site);
            let fields = [
                info.frame,
                info.parent_frame,
                info.task,
                frame_kind,
                site,
                name,
            ];
            r.event(kind::FRAME_OPEN, fields);
        });
    }

    #[inline]
    fn frame_entered(&self, frame: u64) {
        self.context(detail::FULL, |r, recorded| r.frame_enter(recorded, frame));
    }

    #[inline]
    fn frame_left(&self, _frame: u64, outcome: Outcome) {
        self.context(detail::FULL, |r, recorded| {
            r.frame_leave(recorded, poll_outcome_of(outcome))
        });
    }

    fn frame_ended(&self, frame: u64, end: End) {
        self.full(|r| r.event(kind::FRAME_END, [frame, end_outcome_of(end)]));
        if self.is_alive() {
            self.session.dictionary.ended(Living::Frame(frame));
        }
    }

    #[inline]
    fn wait_started(&self, frame: u64, target: WaitTarget, site: &'static Location<'static>) {
        let (on_kind, on_id, interest) = match target {
            WaitTarget::SourceReadable(id) => (cause_kind::SOURCE, id, interest_bit::READABLE),
            WaitTarget::SourceWritable(id) => (cause_kind::SOURCE, id, interest_bit::WRITABLE),
            WaitTarget::Timer(id) => (cause_kind::TIMER, id, 0),
            WaitTarget::Job(id) => (cause_kind::JOB, id, 0),
            WaitTarget::Submission(id) => (cause_kind::SUBMISSION, id, 0),
            // As a wait: the end of that task.
            WaitTarget::Task(id) => (cause_kind::POLL, id, 0),
            WaitTarget::Resource(id) => (cause_kind::RESOURCE, id, 0),
        };
        // Frames are recorded at full detail only.
        let frame = match detail_of(gate()) {
            detail::FULL => frame,
            _ => 0,
        };
        self.lean(|r| {
            let site = r.site(site);
            r.event(kind::WAIT_START, [frame, on_kind, on_id, interest, site, 0]);
        });
    }

    fn resource_created(
        &self,
        resource: u64,
        kind: ResourceKind,
        site: &'static Location<'static>,
    ) {
        if self.is_alive() {
            let record = Resource {
                id: resource,
                resource_kind: match kind {
                    ResourceKind::Mutex => resource_kind::MUTEX,
                    ResourceKind::Notify => resource_kind::NOTIFY,
                    ResourceKind::Channel => resource_kind::CHANNEL,
                    ResourceKind::Oneshot => resource_kind::ONESHOT,
                    ResourceKind::Semaphore => resource_kind::SEMAPHORE,
                },
                ..Resource::default()
            };
            self.session.dictionary.resource(record, site);
        }
    }

    fn resource_acquired(&self, resource: u64, task: u64) {
        self.full(|r| r.event(kind::RESOURCE_ACQUIRE, [resource, task, 1]));
    }

    fn resource_released(&self, resource: u64) {
        self.full(|r| {
            let fields = [resource, r.current_task(), 1];
            r.event(kind::RESOURCE_RELEASE, fields);
        });
    }

    fn resource_dropped(&self, resource: u64) {
        if self.is_alive() {
            self.full(|r| r.event(kind::RESOURCE_DROP, [resource]));
            self.session.dictionary.ended(Living::Resource(resource));
        }
    }

    fn source_registered(&self, info: &SourceInfo<'_>) {
        if !self.is_alive() {
            return;
        }
        let record = Source {
            id: info.source,
            fd: i64::from(info.fd),
            source_kind: match info.kind {
                SourceKind::TcpStream => source_kind::TCP_STREAM,
                SourceKind::TcpListener => source_kind::TCP_LISTENER,
                SourceKind::UdpSocket => source_kind::UDP_SOCKET,
                SourceKind::UnixStream => source_kind::UNIX_STREAM,
                SourceKind::UnixListener => source_kind::UNIX_LISTENER,
                SourceKind::UnixDatagram => source_kind::UNIX_DATAGRAM,
                SourceKind::Pipe => source_kind::PIPE,
                SourceKind::Signal => source_kind::SIGNAL,
                SourceKind::Child => source_kind::CHILD,
                SourceKind::IoUring => source_kind::IO_URING,
            },
            ..Source::default()
        };
        let text =
            |address: Option<Address<'_>>| address.map_or_else(String::new, |a| a.to_string());
        let (local, peer) = (text(info.local), text(info.peer));
        self.session
            .dictionary
            .source(record, Some(info.site), &local, &peer);
        let fields = [info.source, u64::from(info.interest), info.token];
        self.lean(|r| r.event(kind::SOURCE_REGISTER, fields));
    }

    fn source_deregistered(&self, source: u64) {
        if self.is_alive() {
            self.lean(|r| r.event(kind::SOURCE_DEREGISTER, [source]));
            self.session.dictionary.ended(Living::Source(source));
        }
    }

    #[inline]
    fn park(&self, kind: ParkKind, timeout: Option<Duration>, timer: u64) {
        // 0 stands for none, so a time-out is told plus 1.
        let timeout_ns = timeout.map_or(0, |timeout| duration_ns(timeout).saturating_add(1));
        let fields = [park_kind_of(kind), timeout_ns, timer];
        self.context(detail::LEAN, |r, recorded| r.park(recorded, fields));
    }

    #[inline]
    fn unpark(&self, kind: ParkKind, events: u32) {
        let events = u64::from(events);
        self.context(detail::LEAN, |r, recorded| {
            r.unpark(recorded, park_kind_of(kind), events)
        });
    }

    #[inline]
    fn readiness(&self, source: u64, mask: u8) {
        self.lean(|r| r.event(kind::READINESS, [source, u64::from(mask), 0]));
    }

    #[inline]
    fn operation(
        &self,
        source: u64,
        kind: OperationKind,
        result: OperationResult,
        _requested: usize,
    ) {
        let operation = match kind {
            OperationKind::Read => operation_kind::READ,
            OperationKind::Write => operation_kind::WRITE,
            OperationKind::Accept => operation_kind::ACCEPT,
            OperationKind::Connect => operation_kind::CONNECT,
            OperationKind::Collect => operation_kind::COLLECT,
        };
        let (outcome, bytes) = match result {
            OperationResult::Bytes(count) => (operation_outcome::DONE, count as u64),
            OperationResult::Done => (operation_outcome::DONE, 0),
            OperationResult::WouldBlock => (operation_outcome::WOULD_BLOCK, 0),
            OperationResult::Error(number) => {
                (operation_outcome::ERROR, u64::from(number.unsigned_abs()))
            }
        };
        self.full(|r| {
            let made_by = match r.current_task() {
                0 => operation_maker::THREAD,
                _ => operation_maker::POLL,
            };
            r.operation(source, operation, [outcome, bytes], made_by);
        });
    }

    #[inline]
    fn submitted(&self, info: &SubmissionInfo) {
        let operation = match info.kind {
            SubmissionKind::Open => submission_operation::OPEN,
            SubmissionKind::Write => submission_operation::WRITE,
            SubmissionKind::Read => submission_operation::READ,
            SubmissionKind::Sync => submission_operation::SYNC,
            SubmissionKind::Close => submission_operation::CLOSE,
            SubmissionKind::Cancel => submission_operation::CANCEL,
        };
        let SubmissionInfo {
            submission,
            source,
            bytes,
            depth,
            ..
        } = *info;
        let fields = [submission, source, operation, bytes, depth as u64];
        self.lean(|r| r.event(kind::SUBMISSION, fields));
    }

    #[inline]
    fn completed(&self, submission: u64, result: i32) {
        self.lean(|r| r.event(kind::COMPLETION, [submission, zigzag(i64::from(result))]));
    }

    #[inline]
    fn timer_set(&self, timer: u64, deadline: Instant) {
        self.lean(|r| {
            let fields = [timer, r.current_task(), delay_ns(deadline)];
            r.event(kind::TIMER_SET, fields);
        });
    }

    #[inline]
    fn timer_fired(&self, timer: u64, lateness: Duration) {
        self.lean(|r| r.event(kind::TIMER_FIRE, [timer, duration_ns(lateness)]));
    }

    #[inline]
    fn timer_cancelled(&self, timer: u64) {
        self.lean(|r| r.event(kind::TIMER_CANCEL, [timer]));
    }

    fn job_submitted(&self, info: &JobInfo<'_>) {
        self.lean(|r| {
            // A path belongs to this job; a function's type to all jobs that run it.
            let dictionary = &self.session.dictionary;
            let job = Living::Job(info.job);
            let (job_kind, name) = match info.kind {
                JobKind::Other => (job_kind::OTHER, dictionary.string(info.name)),
                JobKind::FileWrite => (job_kind::FILE_WRITE, dictionary.name_of(job, info.name)),
                JobKind::FileRead => (job_kind::FILE_READ, dictionary.name_of(job, info.name)),
                JobKind::FileOther => (job_kind::FILE_OTHER, dictionary.name_of(job, info.name)),
            };
            let (task, site) = (r.current_task(), r.site(info.site));
            let queued = info.queue_depth as u64;
            let fields = [info.job, job_kind, task, site, name, queued, info.runtime];
            r.event(kind::JOB_SUBMIT, fields);
        });
    }

    fn job_started(&self, job: u64, queue_depth: usize) {
        let queued = queue_depth as u64;
        self.context(detail::LEAN, |r, recorded| {
            r.job_start(recorded, job, queued)
        });
    }

    fn job_ended(&self, job: u64, outcome: JobOutcome, bytes: u64) {
        let outcome = match outcome {
            // An I/O error is what the job returns; it did complete.
            JobOutcome::Completed | JobOutcome::Failed(_) => end_outcome::COMPLETED,
            JobOutcome::Panicked => end_outcome::PANICKED,
            JobOutcome::Cancelled => end_outcome::CANCELLED,
        };
        self.context(detail::LEAN, |r, recorded| {
            r.job_end(recorded, job, outcome, bytes)
        });
        if self.is_alive() {
            self.session.dictionary.ended(Living::Job(job));
        }
    }

    fn pool_state(&self, runtime: u64, threads: usize, idle: usize, queued: usize) {
        let fields = [runtime, threads as u64, idle as u64, queued as u64];
        self.lean(|r| r.event(kind::POOL_STATE, fields));
    }
}

#[inline]
fn poll_outcome_of(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Ready => poll_outcome::READY,
        Outcome::Pending => poll_outcome::PENDING,
        Outcome::Panicked => poll_outcome::PANICKED,
    }
}

fn end_outcome_of(end: End) -> u64 {
    match end {
        End::Completed => end_outcome::COMPLETED,
        End::Panicked => end_outcome::PANICKED,
        End::Cancelled => end_outcome::CANCELLED,
    }
}

fn park_kind_of(kind: ParkKind) -> u64 {
    match kind {
        ParkKind::Reactor => park_kind::REACTOR,
        ParkKind::Condvar => park_kind::CONDVAR,
    }
}

fn duration_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
