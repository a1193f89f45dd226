//! Owns `Traced`: a future whose polls, wakes and end are recorded, on whatever executor it
//! runs. It must not know which executor that is, nor how events are written.
//!
//! The waker that the future sees is one of ours around the executor's. There is one
//! allocation of it per task, made at the first poll and used for as long as the executor
//! polls with a waker that wakes the same task; a poll only borrows it.
//!
//! ```text
//!   executor's task ─► Traced ─► Intercept ─► executor's waker ─► executor's task
//! ```
//!
//! That is a circle, so the intercept is let go of when the future is done or dropped, and
//! after every poll that left no clone of it behind: a task that nothing can wake must
//! stay as free to be forgotten as it is without us.

mod alive;
mod holders;
mod intercept;
#[cfg(all(test, not(loom)))]
mod without_locks;

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};

use wakeline_executor::observe::{new_ids, open_poll, PollOpened};
use wakeline_wire::{detail, end_outcome, kind, poll_outcome, task_kind, thread_role, Task};

pub(crate) use alive::each_alive;
use intercept::OwnedIntercept;

use crate::awaits;
use crate::breakpoints;
use crate::dictionary::Living;
use crate::foreign::ForeignWake;
#[cfg(wakeline_stacks)]
use crate::frames;
use crate::gate::{detail_of, gate, has_conditions};
use crate::held::Held;
use crate::recorder::Recorder;
use crate::session::{seen, Session};
use crate::this_thread::with_recorder;

/// In `Identity::epoch`: the future is over. Polls of one task do not reach this bit.
const ENDED: u64 = 1 << 63;

/// In `Identity::left`: the executor's own waker was given to the poll.
const UNTOLD: u64 = 1;

/// Records a future as a task, on any executor. The line of this call is the task's site.
///
/// ```
/// wakeline::init!();
/// let answer = wakeline::traced(async { 42 });
/// assert_eq!(wakeline_executor::block_on(answer), 42);
/// ```
#[track_caller]
pub fn traced<F: Future>(future: F) -> Traced<F> {
    let (site, held) = (Location::caller(), Held::by_program());
    Traced::new(future, None, task_kind::TASK, site, held)
}

/// A future whose polls, wakes and end are recorded; see [`traced`]. Where nothing is
/// recorded when it is made, it costs one comparison per poll and never records.
pub struct Traced<F> {
    record: Option<TaskRecord>,
    /// Dropped by hand, so that its end is recorded after it is gone.
    future: ManuallyDrop<F>,
}

impl<F: Future> Traced<F> {
    pub(crate) fn new(
        future: F,
        name: Option<&str>,
        task_kind: u64,
        site: &'static Location<'static>,
        held: Held,
    ) -> Self {
        let begin =
            |session| TaskRecord::begin(session, name, type_name::<F>(), task_kind, site, held);
        let record = Session::current().map(begin);
        Self {
            record,
            future: ManuallyDrop::new(future),
        }
    }
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future is not moved out of the pin; the record is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let at: *mut F = &raw mut *this.future;
        // SAFETY: it is a part of a pinned value and is dropped in place.
        let future = unsafe { Pin::new_unchecked(&mut *at) };
        match &mut this.record {
            None => future.poll(cx),
            Some(record) => {
                let session = record.identity.session;
                #[cfg(wakeline_stacks)]
                let (base, task) = (0_usize, record.identity.task);
                record.poll(cx, |cx| {
                    #[cfg(wakeline_stacks)]
                    frames::poll_begins(task, (&raw const base).addr());
                    let polled = future.poll(cx);
                    if polled.is_pending() {
                        #[cfg(wakeline_stacks)]
                        frames::told(session);
                        // SAFETY: it is alive and pending, and nobody else has it.
                        unsafe { awaits::told::<F>(session, at) };
                    }
                    polled
                })
            }
        }
    }
}

impl<F> Drop for Traced<F> {
    fn drop(&mut self) {
        /// Also when the future's drop panics.
        struct Told<'a>(&'a mut Option<TaskRecord>);
        impl Drop for Told<'_> {
            fn drop(&mut self) {
                if let Some(record) = self.0 {
                    record.dropped();
                }
            }
        }
        if let Some(record) = &self.record {
            record.begins_to_drop();
        }
        let _told = Told(&mut self.record);
        // SAFETY: dropped here only, and not used after.
        unsafe { ManuallyDrop::drop(&mut self.future) };
    }
}

impl<F> fmt::Debug for Traced<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = self.record.as_ref().map(|record| record.identity.task);
        f.debug_struct("Traced").field("task", &task).finish()
    }
}

/// What wakers know of the task.
struct Identity {
    session: &'static Session,
    task: u64,
    /// Polls begun so far, and [`ENDED`].
    epoch: AtomicU64,
    /// The epoch of the last wake that was made through our waker.
    woken_at: AtomicU64,
    /// The epoch of the last poll that is over, times two, and [`UNTOLD`]; 0 while the future
    /// is dropped.
    left: AtomicU64,
    held: Held,
}

/// The recorded life of one future.
struct TaskRecord {
    identity: Arc<Identity>,
    intercept: Option<OwnedIntercept>,
    /// A poll of it was given the executor's own waker, which may be kept and tells nothing.
    gave_plain_waker: bool,
    /// It is given to `block_on` by itself,
    is_root: bool,
    /// and this has been told to its thread.
    is_root_begun: bool,
}

impl TaskRecord {
    fn begin(
        session: &'static Session,
        name: Option<&str>,
        type_name: &'static str,
        task_kind: u64,
        site: &'static Location<'static>,
        held: Held,
    ) -> Self {
        session.saw(seen::WRAPPED);
        let task = new_ids::task();
        let context = |r: &mut Recorder| (r.current_task(), r.runtime_id());
        let (parent, runtime) = with_recorder(session, context);
        let record = Task {
            id: task,
            parent,
            task_kind,
            runtime,
            ..Task::default()
        };
        session.dictionary.task(record, site, name, type_name);
        if detail_of(gate()) >= detail::LEAN {
            with_recorder(session, |r| r.event(kind::TASK_SPAWN, [task, parent]));
        }
        let identity = Identity {
            session,
            task,
            epoch: AtomicU64::new(0),
            woken_at: AtomicU64::new(u64::MAX),
            left: AtomicU64::new(0),
            held,
        };
        let identity = Arc::new(identity);
        alive::begin(&identity);
        Self {
            identity,
            intercept: None,
            gave_plain_waker: false,
            is_root: task_kind == task_kind::ROOT,
            is_root_begun: false,
        }
    }

    #[inline]
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let epoch = self.identity.epoch.load(Ordering::Relaxed) + 1;
        if epoch & ENDED != 0 {
            // A poll after the end is the caller's mistake, and the future's to answer.
            return poll(cx);
        }
        if detail_of(gate()) < detail::LEAN {
            return self.poll_untold(epoch, cx, poll);
        }
        if self.gave_plain_waker {
            self.tell_unseen_wake(epoch);
        }
        let intercept = match &self.intercept {
            Some(intercept) if intercept.is_around(cx.waker()) => intercept,
            _ => {
                self.is_root_begun |= self.is_root && begin_root(self.is_root_begun);
                self.intercept
                    .insert(OwnedIntercept::new(&self.identity, cx.waker()))
            }
        };
        // Ordering: Release; a wake that reads the new epoch comes after this poll began.
        // A wake that caused this poll has read the old one: the executor lets a poll begin
        // only after the wake took effect.
        self.identity.epoch.store(epoch, Ordering::Release);
        let mut open = OpenPoll::begin(&self.identity, epoch);
        let waker = intercept.borrowed_waker();
        let polled = poll(&mut Context::from_waker(&waker));
        open.outcome = match polled {
            Poll::Ready(_) => poll_outcome::READY,
            Poll::Pending => poll_outcome::PENDING,
        };
        drop(open);
        // Ordering: none needed; a snapshot that reads the epoch before says "running".
        self.identity.left.store(epoch << 1, Ordering::Relaxed);
        if polled.is_ready() || self.is_forgotten(epoch) {
            self.intercept = None;
        }
        polled
    }

    /// A poll while recording is off. Its waker is the executor's own: ours would cost
    /// about 6 ns of the 8 that such a poll took.
    #[inline]
    fn poll_untold<T>(
        &mut self,
        epoch: u64,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if self.intercept.is_some() {
            self.intercept = None;
        }
        self.gave_plain_waker = true;
        // Ordering: Release as in `poll`.
        self.identity.epoch.store(epoch, Ordering::Release);
        let open = UntoldPoll {
            identity: &self.identity,
            opened: Some(open_poll(self.identity.task, epoch, 0)),
        };
        let polled = poll(cx);
        // Ordering: as in `poll`.
        let left = epoch << 1 | UNTOLD;
        self.identity.left.store(left, Ordering::Relaxed);
        if polled.is_pending() && detail_of(gate()) < detail::LEAN {
            open.ends_untold();
        } else {
            open.ends(match polled {
                Poll::Ready(_) => poll_outcome::READY,
                Poll::Pending => poll_outcome::PENDING,
            });
        }
        polled
    }

    /// Where the wake of the poll that begins was not made through our waker, it may have
    /// been made through one that was given out while recording was off: nobody knows when
    /// or by whom, which is what an ambiguous wake says.
    #[cold]
    #[inline(never)]
    fn tell_unseen_wake(&self, epoch: u64) {
        let woken_in = epoch - 1;
        if woken_in == 0 || self.identity.woken_at.load(Ordering::Relaxed) == woken_in {
            return;
        }
        with_recorder(self.identity.session, |r| {
            r.unseen_wake(self.identity.task, woken_in);
        });
    }

    /// Whether nobody can wake the task any more: the last poll left no waker anywhere and
    /// has not woken the task itself.
    #[inline]
    fn is_forgotten(&self, epoch: u64) -> bool {
        self.intercept
            .as_ref()
            .is_some_and(OwnedIntercept::is_alone)
            && self.identity.woken_at.load(Ordering::Relaxed) != epoch
    }

    /// From here on nobody reads the future who has not got it: see `left`.
    fn begins_to_drop(&self) {
        // Ordering: none needed, as for `left` in `poll`: who looks raises a barrier first.
        self.identity.left.store(0, Ordering::Relaxed);
    }

    fn dropped(&mut self) {
        self.intercept = None;
        #[cfg(feature = "tokio")]
        if self.is_root_begun {
            crate::tokio::present::own_root_ends();
        }
        if self.identity.epoch.load(Ordering::Relaxed) & ENDED == 0 {
            let by = self.identity.held.dropped_by();
            self.identity.end(|r, task| r.foreign_cancelled(task, by));
            self.identity.tell_dropped();
        }
    }
}

/// Tells the thread that it runs a root, once.
fn begin_root(_is_begun: bool) -> bool {
    #[cfg(feature = "tokio")]
    if !_is_begun {
        crate::tokio::present::own_root_begins();
    }
    true
}

impl Identity {
    fn end(&self, record: impl FnOnce(&mut Recorder, u64)) {
        // Ordering: Release as for the epochs before it.
        self.epoch.fetch_or(ENDED, Ordering::Release);
        alive::end(self.task);
        let now = detail_of(gate());
        if now >= detail::LEAN {
            with_recorder(self.session, |r| record(r, self.task));
        }
        if now != 0 {
            self.session.dictionary.ended(Living::Task(self.task));
        }
    }

    /// Calls the executor's own wake, and tells of it with the epochs before and after.
    #[inline]
    fn wake(&self, wake: impl FnOnce()) {
        // Ordering: Acquire pairs with the store in `poll`.
        let epoch = self.epoch.load(Ordering::Acquire);
        // Ordering: none needed; only the poll in which this wake is made asks.
        self.woken_at.store(epoch, Ordering::Relaxed);
        let now = gate();
        if detail_of(now) < detail::LEAN {
            return wake();
        }
        if has_conditions(now) {
            breakpoints::wakes(self.task);
        }
        let _told = WakeTold {
            identity: self,
            epoch,
            stamp: with_recorder(self.session, Recorder::stamp),
        };
        wake();
    }
}

/// Tells of a wake when it is over, also when the executor's waker panicked.
struct WakeTold<'a> {
    identity: &'a Identity,
    epoch: u64,
    stamp: u64,
}

impl Drop for WakeTold<'_> {
    #[inline]
    fn drop(&mut self) {
        // Ordering: Acquire as before. The end that the wake caused is no epoch.
        let after = self.identity.epoch.load(Ordering::Acquire) & !ENDED;
        let wake = ForeignWake {
            stamp: self.stamp,
            task: self.identity.task,
            epoch: self.epoch & !ENDED,
            epoch_after: after,
            ended: self.epoch & ENDED != 0,
        };
        with_recorder(self.identity.session, |r| r.foreign_wake(&wake));
    }
}

impl Identity {
    /// Whoever waits for the task's end is woken next, if a runtime has the future.
    fn tell_dropped(&self) {
        if self.held.is_a_runtimes() && detail_of(gate()) >= detail::LEAN {
            with_recorder(self.session, |r| r.runtime_dropped(self.task));
        }
    }

    /// The task is over if its poll ended so.
    fn end_after(&self, outcome: u64) -> bool {
        let ended = match outcome {
            poll_outcome::PENDING => return false,
            poll_outcome::READY => end_outcome::COMPLETED,
            _ => end_outcome::PANICKED,
        };
        self.end(|r, task| r.foreign_ended(task, ended));
        true
    }
}

/// A poll of whose beginning the recorder was not told. Dropped when it panics.
struct UntoldPoll<'a> {
    identity: &'a Identity,
    opened: Option<PollOpened>,
}

impl UntoldPoll<'_> {
    /// Nothing is told of its end either.
    #[inline(always)]
    fn ends_untold(mut self) {
        self.opened = None;
        std::mem::forget(self);
    }

    #[cold]
    #[inline(never)]
    fn ends(mut self, outcome: u64) {
        self.tell(outcome);
        std::mem::forget(self);
    }

    /// When recording is on by now, the thread's context has named the poll as open.
    fn tell(&mut self, outcome: u64) {
        if detail_of(gate()) >= detail::LEAN {
            with_recorder(self.identity.session, |r| r.poll_end(true, outcome));
        }
        self.opened = None;
        self.identity.end_after(outcome);
    }
}

impl Drop for UntoldPoll<'_> {
    fn drop(&mut self) {
        self.tell(poll_outcome::PANICKED);
    }
}

/// One poll. Its end is told when this is dropped, so also when the future panics.
struct OpenPoll<'a> {
    identity: &'a Identity,
    outcome: u64,
    /// The recorder was told of the beginning.
    told: bool,
    /// Closed between the records of the poll's end and of the task's.
    opened: Option<PollOpened>,
}

impl<'a> OpenPoll<'a> {
    #[inline(always)]
    fn begin(identity: &'a Identity, epoch: u64) -> Self {
        let now = gate();
        let told = detail_of(now) >= detail::LEAN;
        let start = match told {
            true => with_recorder(identity.session, |r| {
                r.take_role(thread_role::WORKER);
                r.poll_start(true, identity.task, epoch)
            }),
            false => 0,
        };
        let opened = Some(open_poll(identity.task, epoch, start));
        if has_conditions(now) {
            breakpoints::poll_starts(identity.task);
        }
        Self {
            identity,
            outcome: poll_outcome::PANICKED,
            told,
            opened,
        }
    }
}

impl Drop for OpenPoll<'_> {
    #[inline]
    fn drop(&mut self) {
        // A poll that began while recording was off ends in the records when it is on again:
        // the thread's context has named it as open.
        let now = gate();
        let recorded = detail_of(now) >= detail::LEAN;
        if recorded || self.told {
            with_recorder(self.identity.session, |r| {
                r.poll_end(recorded, self.outcome);
            });
        }
        if has_conditions(now) {
            breakpoints::poll_ends(self.identity.session);
        }
        self.opened = None;
        if self.identity.end_after(self.outcome) {
            self.identity.tell_dropped();
        }
    }
}
