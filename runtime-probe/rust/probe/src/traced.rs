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
//!
//! While recording is off the future sees the executor's own waker, and a poll touches no
//! memory but the future's own and the thread's: see `off_polls`.

mod alive;
mod holders;
mod identity;
mod intercept;
mod off_polls;
mod open_poll;
mod record;
#[cfg(all(test, not(loom)))]
mod without_locks;

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use wakeline_wire::task_kind;

pub(crate) use alive::each_alive;
use identity::Identity;
use open_poll::OpenPoll;
use record::TaskRecord;

use crate::awaits;
#[cfg(wakeline_stacks)]
use crate::frames;
use crate::held::Held;
use crate::session::Session;

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
///
/// It is not [`Unpin`], whatever the future: its polls are counted in it.
// In this order: the record is in the line of the executor's own head of the task, or the next,
// wherever the compiler would have put it in a future of 200 bytes.
#[repr(C)]
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
        // SAFETY: neither the future nor the record is moved out of the pin.
        let this = unsafe { self.get_unchecked_mut() };
        let at: *mut F = &raw mut *this.future;
        let mut open = OpenPoll::begin(this.record.as_mut(), cx.waker());
        #[cfg(wakeline_stacks)]
        let base = 0_usize;
        #[cfg(wakeline_stacks)]
        open.shows_clones((&raw const base).addr());
        let waker = open.waker();
        let mut ours;
        let cx: *mut Context<'_> = match &waker {
            Some(waker) => {
                ours = Context::from_waker(waker);
                (&raw mut ours).cast()
            }
            None => (&raw mut *cx).cast(),
        };
        // In one place for all of the ways to poll, so that the compiler can make the future's
        // poll a part of this function.
        // SAFETY: the future is a part of a pinned value and is dropped in place. Both contexts
        // outlive the call, and nobody else uses them during it.
        let polled = unsafe { Pin::new_unchecked(&mut *at).poll(&mut *cx) };
        let is_pending = polled.is_pending();
        if !open.ends(is_pending) {
            if let (true, Some(session)) = (is_pending, open.session()) {
                #[cfg(wakeline_stacks)]
                if waker.is_some() {
                    frames::told(session);
                }
                // SAFETY: it is alive and pending, and nobody else has it.
                unsafe { awaits::told::<F>(session, at) };
            }
            open.tell(is_pending);
        }
        polled
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
