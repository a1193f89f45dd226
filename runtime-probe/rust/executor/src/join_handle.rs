//! Owns what the spawner of a task keeps: the handle to wait for its result or to
//! abort it, and the error for a task that gave none. It must not know how a task runs.

use std::any::Any;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use crate::context;
use crate::lock;
use crate::observe::{self, WaitTarget};
use crate::task::{Packet, Task};

/// The right to a spawned task's result.
///
/// Await it for `Result<T, JoinError>`; the line of that `.await` is reported as
/// the place where the waiting task waits. Dropping it detaches the task, which
/// goes on.
///
/// ```
/// use wakeline_executor::{block_on, spawn};
///
/// let sum = block_on(async { spawn(async { 1 + 1 }).await });
/// assert_eq!(sum.unwrap(), 2);
/// ```
pub struct JoinHandle<T> {
    task: Arc<Task>,
    packet: Arc<Packet<T>>,
}

impl<T> JoinHandle<T> {
    pub(crate) fn new(task: Arc<Task>, packet: Arc<Packet<T>>) -> Self {
        JoinHandle { task, packet }
    }

    /// The task's id, as the observer knows it.
    pub fn id(&self) -> u64 {
        self.task.id
    }

    /// Asks for the task's end: its future is dropped, on a worker, at the next
    /// point where it would be polled. A poll that runs now is not interrupted, and
    /// a task that completes in it has completed.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// A handle that can only abort, and can be kept apart from this one.
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle {
            task: Arc::clone(&self.task),
        }
    }

    /// Whether the task's result is there: awaiting the handle will not wait.
    pub fn is_finished(&self) -> bool {
        self.packet.is_finished()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("id", &self.id())
            .finish()
    }
}

impl<T> IntoFuture for JoinHandle<T> {
    type Output = Result<T, JoinError>;
    type IntoFuture = JoinFuture<T>;

    #[track_caller]
    fn into_future(self) -> JoinFuture<T> {
        JoinFuture {
            handle: self,
            site: Location::caller(),
        }
    }
}

/// Waits for a task's result; made by awaiting a [`JoinHandle`].
#[derive(Debug)]
pub struct JoinFuture<T> {
    handle: JoinHandle<T>,
    site: &'static Location<'static>,
}

impl<T> Future for JoinFuture<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.handle.packet.poll(cx);
        if polled.is_pending() {
            if let Some(observer) = observe::observer() {
                let target = WaitTarget::Task(self.handle.id());
                observer.wait_started(context::frame(), target, self.site);
            }
        }
        polled
    }
}

/// Aborts a task; see [`JoinHandle::abort`].
#[derive(Clone)]
pub struct AbortHandle {
    task: Arc<Task>,
}

impl AbortHandle {
    /// Asks for the task's end; see [`JoinHandle::abort`].
    pub fn abort(&self) {
        self.task.abort();
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle")
            .field("id", &self.task.id)
            .finish()
    }
}

/// Why a task or a job has no result.
pub struct JoinError {
    id: u64,
    cause: Cause,
}

enum Cause {
    Cancelled,
    /// The lock only makes the payload shareable between threads.
    Panicked(Mutex<Box<dyn Any + Send + 'static>>),
}

impl JoinError {
    pub(crate) fn cancelled(id: u64) -> Self {
        JoinError {
            id,
            cause: Cause::Cancelled,
        }
    }

    pub(crate) fn panicked(id: u64, payload: Box<dyn Any + Send + 'static>) -> Self {
        JoinError {
            id,
            cause: Cause::Panicked(Mutex::new(payload)),
        }
    }

    /// Whether it was aborted, or its runtime ended before it did.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.cause, Cause::Cancelled)
    }

    /// Whether it panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.cause, Cause::Panicked(_))
    }

    /// The panic's payload, to give to `std::panic::resume_unwind`.
    ///
    /// # Errors
    ///
    /// The error itself, when there was no panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send + 'static>, JoinError> {
        match self.cause {
            Cause::Panicked(payload) => {
                Ok(payload.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
            Cause::Cancelled => Err(self),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Cancelled => write!(f, "{} was cancelled before it had a result", self.id),
            Cause::Panicked(payload) => {
                let payload = lock(payload);
                let message = payload
                    .downcast_ref::<&'static str>()
                    .copied()
                    .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
                    .unwrap_or("a payload that is no text");
                write!(f, "{} panicked: {message}", self.id)
            }
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl std::error::Error for JoinError {}
