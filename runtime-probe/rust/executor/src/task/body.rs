//! Owns a task's future and the place where its result waits for the join handle.
//! It must not know the task's state machine; the task calls it at the right time.

use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};

use crate::join_handle::JoinError;
use crate::lock;
use crate::observe::{observer, Outcome, PendingFuture};

/// Where a task's result waits for whoever holds its join handle.
pub(crate) struct Packet<T>(Mutex<PacketState<T>>);

struct PacketState<T> {
    result: Option<Result<T, JoinError>>,
    finished: bool,
    waker: Option<Waker>,
}

impl<T> Packet<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Packet(Mutex::new(PacketState {
            result: None,
            finished: false,
            waker: None,
        })))
    }

    /// Stores the result and wakes whoever waits for it.
    pub(crate) fn complete(&self, result: Result<T, JoinError>) {
        let waker = {
            let mut state = lock(&self.0);
            state.result = Some(result);
            state.finished = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        lock(&self.0).finished
    }

    /// Takes the result, or stores the waker for when there is one.
    ///
    /// # Panics
    ///
    /// When the result was taken before: a future was polled after it was ready.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let mut state = lock(&self.0);
        if let Some(result) = state.result.take() {
            return Poll::Ready(result);
        }
        assert!(
            !state.finished,
            "a join handle was polled again after it had given its result"
        );
        store_waker(&mut state.waker, cx.waker());
        Poll::Pending
    }
}

/// Keeps `waker`, unless the one already there wakes the same task: then a clone,
/// an atomic operation and a count in the trace are saved.
pub(crate) fn store_waker(slot: &mut Option<Waker>, waker: &Waker) {
    match slot {
        Some(stored) if stored.will_wake(waker) => {}
        _ => *slot = Some(waker.clone()),
    }
}

/// Drops user data whose destructor may panic; the panic ends here, as the
/// standard's hook has already printed it.
pub(crate) fn drop_quietly<T>(value: T) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
}

/// A future together with the place for its result, with the output type erased.
trait ErasedBody {
    /// Polls the future. On `Ready` and `Panicked` the future has been dropped and
    /// the join handle woken, all inside this call and so inside the task's poll.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Outcome;

    /// Drops the future and tells the join handle that the task was cancelled.
    fn cancel(self: Pin<&mut Self>);
}

struct FutureBody<F: Future> {
    task: u64,
    future: Option<F>,
    packet: Arc<Packet<F::Output>>,
}

impl<F: Future> FutureBody<F> {
    /// The pinned future and the packet.
    fn project(self: Pin<&mut Self>) -> (Pin<&mut Option<F>>, &Packet<F::Output>, u64) {
        // SAFETY: `future` is pinned with the body: it is never moved out, only
        // dropped in place by `Pin::set`, and the body has no `Drop` of its own.
        unsafe {
            let this = self.get_unchecked_mut();
            (
                Pin::new_unchecked(&mut this.future),
                &this.packet,
                this.task,
            )
        }
    }
}

impl<F: Future> ErasedBody for FutureBody<F> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Outcome {
        let (mut future, packet, task) = self.project();
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let Some(running) = future.as_mut().as_pin_mut() else {
                unreachable!("a task is polled only while it has its future");
            };
            let polled = running.poll(cx);
            if polled.is_ready() {
                future.set(None);
            }
            polled
        }));
        match polled {
            Ok(Poll::Pending) => {
                tell_pending(future.as_ref());
                Outcome::Pending
            }
            Ok(Poll::Ready(output)) => {
                packet.complete(Ok(output));
                Outcome::Ready
            }
            Err(payload) => {
                let _ = catch_unwind(AssertUnwindSafe(|| future.set(None)));
                packet.complete(Err(JoinError::panicked(task, payload)));
                Outcome::Panicked
            }
        }
    }

    fn cancel(self: Pin<&mut Self>) {
        let (mut future, packet, task) = self.project();
        let _ = catch_unwind(AssertUnwindSafe(|| future.set(None)));
        packet.complete(Err(JoinError::cancelled(task)));
    }
}

/// Tells of a future whose poll, which is open still, returned pending.
pub(crate) fn tell_pending<F: Future>(future: Pin<&Option<F>>) {
    if let (Some(observer), Some(future)) = (observer(), future.as_pin_ref()) {
        observer.future_pending(&view_of(&*future));
    }
}

/// What an observer is told of a future that stays where it is.
fn view_of<F: Future>(future: &F) -> PendingFuture {
    let poll: fn(Pin<&mut F>, &mut Context<'_>) -> Poll<F::Output> = F::poll;
    PendingFuture {
        address: std::ptr::from_ref(future).cast(),
        poll: poll as usize,
        size_bytes: size_of::<F>(),
    }
}

/// The body of a task that can be polled by any worker, or by one thread only.
pub(crate) enum Body {
    Shared(SharedBody),
    Local(LocalBody),
}

pub(crate) struct SharedBody(Pin<Box<dyn ErasedBody + Send>>);

pub(crate) struct LocalBody(ThreadBound<Pin<Box<dyn ErasedBody>>>);

impl Body {
    pub(crate) fn shared<F>(task: u64, future: F, packet: Arc<Packet<F::Output>>) -> Self
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Body::Shared(SharedBody(Box::pin(FutureBody {
            task,
            future: Some(future),
            packet,
        })))
    }

    /// A body that is polled and dropped on the calling thread only.
    pub(crate) fn local<F>(task: u64, future: F, packet: Arc<Packet<F::Output>>) -> Self
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Body::Local(LocalBody(ThreadBound::new(Box::pin(FutureBody {
            task,
            future: Some(future),
            packet,
        }))))
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Outcome {
        match self {
            Body::Shared(body) => body.0.as_mut().poll(cx),
            Body::Local(body) => body.0.get_mut().as_mut().poll(cx),
        }
    }

    pub(crate) fn cancel(&mut self) {
        match self {
            Body::Shared(body) => body.0.as_mut().cancel(),
            Body::Local(body) => body.0.get_mut().as_mut().cancel(),
        }
    }
}

/// A value that only its own thread may touch, inside a type that others may hold.
struct ThreadBound<T> {
    owner: ThreadId,
    value: ManuallyDrop<T>,
}

// SAFETY: `get_mut` and `drop` touch the value on the owner's thread only.
unsafe impl<T> Send for ThreadBound<T> {}
// SAFETY: a shared reference gives no access to the value at all.
unsafe impl<T> Sync for ThreadBound<T> {}

impl<T> ThreadBound<T> {
    fn new(value: T) -> Self {
        ThreadBound {
            owner: thread::current().id(),
            value: ManuallyDrop::new(value),
        }
    }

    fn get_mut(&mut self) -> &mut T {
        assert!(
            self.owner == thread::current().id(),
            "a local task was touched by another thread than its own"
        );
        &mut self.value
    }
}

impl<T> Drop for ThreadBound<T> {
    fn drop(&mut self) {
        // A local task's body is taken and dropped on its own thread at completion,
        // abort and shutdown. Should that ever fail, leaking is the sound way out.
        if self.owner == thread::current().id() {
            // SAFETY: this is the owner's thread, and the value is not used after its drop.
            unsafe { ManuallyDrop::drop(&mut self.value) }
        }
    }
}
