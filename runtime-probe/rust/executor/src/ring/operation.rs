//! Owns the future of one submission: it waits for the completion, and when it is
//! dropped before, the kernel keeps what it works on and is asked to stop. It must not
//! know which operations there are.

use std::future::Future;
use std::panic::{catch_unwind, AssertUnwindSafe, Location};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use io_uring::{opcode, squeue};

use super::{Completes, Ring};
use crate::observe::{self, SubmissionKind, WaitTarget};
use crate::scheduler::Shared;
use crate::task::store_waker;
use crate::{context, lock};

/// What the kernel works on. It is kept alive, unmoved on the heap, until the completion.
pub(crate) trait Payload: Send + 'static {
    /// The completion of a submission whose future is gone: gives back what the kernel
    /// handed out, if that is anything.
    fn abandoned(self, result: i32)
    where
        Self: Sized,
    {
        let _ = result;
    }
}

struct Slot<P>(Mutex<SlotState<P>>);

struct SlotState<P> {
    payload: Option<P>,
    result: Option<i32>,
    waker: Option<Waker>,
    abandoned: bool,
}

impl<P: Payload> Completes for Slot<P> {
    fn complete(&self, result: i32) {
        let (abandoned, waker) = {
            let mut state = lock(&self.0);
            state.result = Some(result);
            let abandoned = if state.abandoned {
                state.payload.take()
            } else {
                None
            };
            (abandoned, state.waker.take())
        };
        if let Some(payload) = abandoned {
            give_up(payload, result);
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The payload may own what the user made, whose drop may panic; the panic ends here.
fn give_up<P: Payload>(payload: P, result: i32) {
    let _ = catch_unwind(AssertUnwindSafe(|| payload.abandoned(result)));
}

/// Nothing waits for the completion of a cancellation.
struct Cancellation;

impl Completes for Cancellation {
    fn complete(&self, _result: i32) {}
}

/// Waits for one submission; gives the kernel's result and the payload back.
pub(crate) struct Operation<P: Payload> {
    shared: Arc<Shared>,
    id: u64,
    slot: Arc<Slot<P>>,
    site: &'static Location<'static>,
    over: bool,
}

impl<P: Payload> Operation<P> {
    /// Submits the entry that `describe` makes of the payload, where it will stay.
    ///
    /// # Safety
    ///
    /// The entry may point to memory that the payload owns on the heap, and to nothing
    /// else; moving the payload does not move that memory.
    pub(crate) unsafe fn submit(
        shared: &Arc<Shared>,
        kind: SubmissionKind,
        bytes: usize,
        payload: P,
        site: &'static Location<'static>,
        describe: impl FnOnce(&mut P) -> squeue::Entry,
    ) -> Self {
        let slot = Arc::new(Slot(Mutex::new(SlotState {
            payload: Some(payload),
            result: None,
            waker: None,
            abandoned: false,
        })));
        let entry = match &mut lock(&slot.0).payload {
            Some(payload) => describe(payload),
            None => unreachable!("the payload was put there above"),
        };
        let keeper: Arc<dyn Completes> = Arc::clone(&slot) as Arc<dyn Completes>;
        // SAFETY: the slot owns the payload, gives it out only with the completion, and
        // is the keeper; the caller answers for the entry.
        let id = unsafe { ring_of(shared).submit(kind, bytes, entry, keeper) };
        flush_unless_worker(shared);
        Operation {
            shared: Arc::clone(shared),
            id,
            slot,
            site,
            over: false,
        }
    }
}

/// A worker tells the kernel when it has no task left to poll. Another thread would not.
fn flush_unless_worker(shared: &Shared) {
    if context::worker_of(shared).is_none() {
        ring_of(shared).flush();
    }
}

fn ring_of(shared: &Shared) -> &Ring {
    match &shared.ring {
        Some(ring) => ring,
        None => unreachable!("operations are made only for runtimes that have a ring"),
    }
}

// The payload is behind the slot and never pinned in here.
impl<P: Payload> Unpin for Operation<P> {}

impl<P: Payload> Future for Operation<P> {
    type Output = (i32, P);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<(i32, P)> {
        let taken = {
            let mut state = lock(&self.slot.0);
            match state.result {
                Some(result) => state.payload.take().map(|payload| (result, payload)),
                None => {
                    store_waker(&mut state.waker, cx.waker());
                    drop(state);
                    if let Some(observer) = observe::observer() {
                        let target = WaitTarget::Submission(self.id);
                        observer.wait_started(context::frame(), target, self.site);
                    }
                    return Poll::Pending;
                }
            }
        };
        self.over = true;
        match taken {
            Some(done) => Poll::Ready(done),
            None => panic!("a ring operation was polled again after it was ready"),
        }
    }
}

impl<P: Payload> Drop for Operation<P> {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let (waker, completed) = {
            let mut state = lock(&self.slot.0);
            state.abandoned = true;
            let completed = match state.result {
                Some(result) => state.payload.take().map(|payload| (result, payload)),
                None => None,
            };
            (state.waker.take(), completed)
        };
        drop(waker);
        if let Some((result, payload)) = completed {
            give_up(payload, result);
            return;
        }
        let entry = opcode::AsyncCancel::new(self.id).build();
        // SAFETY: the entry points to nothing; it names the submission by its number.
        unsafe {
            ring_of(&self.shared).submit(SubmissionKind::Cancel, 0, entry, Arc::new(Cancellation));
        }
        flush_unless_worker(&self.shared);
    }
}
