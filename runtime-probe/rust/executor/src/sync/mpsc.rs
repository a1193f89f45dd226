//! Owns the bounded channel: many senders, one receiver. A full channel makes its
//! senders wait, an empty one its receiver. It must not know what is sent.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::permits::{Permits, Ticket};
use super::Resource;
use crate::lock;
use crate::observe::ResourceKind;
use crate::task::store_waker;

/// A channel that holds up to `capacity` values, at least 1.
///
/// ```
/// use wakeline_executor::{block_on, spawn, sync::channel};
///
/// let sum = block_on(async {
///     let (sender, mut receiver) = channel(2);
///     spawn(async move {
///         for n in 1..=10 {
///             sender.send(n).await.unwrap();
///         }
///     });
///     let mut sum = 0;
///     while let Some(n) = receiver.recv().await {
///         sum += n;
///     }
///     sum
/// });
/// assert_eq!(sum, 55);
/// ```
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let capacity = capacity.max(1);
    let inner = Arc::new(Inner {
        resource: Resource::new(ResourceKind::Channel, Location::caller()),
        room: Permits::new(capacity, capacity),
        state: Mutex::new(State {
            values: VecDeque::new(),
            senders: 1,
            receiver_waker: None,
        }),
    });
    let receiver = Receiver {
        inner: Arc::clone(&inner),
    };
    (Sender { inner }, receiver)
}

struct Inner<T> {
    resource: Resource,
    /// One permit per value that still fits; closed when the receiver is gone.
    room: Permits,
    state: Mutex<State<T>>,
}

struct State<T> {
    values: VecDeque<T>,
    senders: usize,
    receiver_waker: Option<Waker>,
}

/// The sending half of [`channel`]; clone it for more senders.
pub struct Sender<T> {
    inner: Arc<Inner<T>>,
}

impl<T> Sender<T> {
    /// The resource's id, as the observer knows it.
    pub fn id(&self) -> u64 {
        self.inner.resource.0
    }

    /// Sends a value, waiting while the channel is full.
    #[track_caller]
    pub fn send(&self, value: T) -> Send<'_, T> {
        Send {
            inner: &self.inner,
            value: Some(value),
            ticket: Ticket::default(),
            site: Location::caller(),
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        lock(&self.inner.state).senders += 1;
        Sender {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut state = lock(&self.inner.state);
            state.senders -= 1;
            if state.senders > 0 {
                return;
            }
            state.receiver_waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("id", &self.id()).finish()
    }
}

/// Made by [`Sender::send`].
#[must_use = "futures do nothing unless awaited"]
pub struct Send<'a, T> {
    inner: &'a Inner<T>,
    value: Option<T>,
    ticket: Ticket,
    site: &'static Location<'static>,
}

// The value is moved into the channel and never pinned.
impl<T> Unpin for Send<'_, T> {}

impl<T> Future for Send<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let room = this.inner.room.poll_acquire(&mut this.ticket, cx);
        let Poll::Ready(room) = room else {
            this.inner.resource.waited_for(this.site);
            return Poll::Pending;
        };
        let Some(value) = this.value.take() else {
            panic!("a send was polled again after it was ready");
        };
        if room.is_err() {
            return Poll::Ready(Err(SendError(value)));
        }
        let waker = {
            let mut state = lock(&this.inner.state);
            state.values.push_back(value);
            state.receiver_waker.take()
        };
        this.inner.resource.released();
        if let Some(waker) = waker {
            waker.wake();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T> Drop for Send<'_, T> {
    fn drop(&mut self) {
        self.inner.room.leave(&mut self.ticket);
    }
}

impl<T> fmt::Debug for Send<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Send").finish_non_exhaustive()
    }
}

/// The receiver is gone; here is the value that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value was not sent: the channel's receiver was dropped")
    }
}

impl<T: fmt::Debug> std::error::Error for SendError<T> {}

/// The receiving half of [`channel`].
pub struct Receiver<T> {
    inner: Arc<Inner<T>>,
}

impl<T> Receiver<T> {
    /// The resource's id, as the observer knows it.
    pub fn id(&self) -> u64 {
        self.inner.resource.0
    }

    /// Waits for the next value; `None` when all senders are gone and the channel is empty.
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_, T> {
        Recv {
            inner: &self.inner,
            site: Location::caller(),
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.inner.room.close();
        let (values, waker) = {
            let mut state = lock(&self.inner.state);
            (
                std::mem::take(&mut state.values),
                state.receiver_waker.take(),
            )
        };
        drop((values, waker));
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("id", &self.id()).finish()
    }
}

/// Made by [`Receiver::recv`].
#[must_use = "futures do nothing unless awaited"]
pub struct Recv<'a, T> {
    inner: &'a Inner<T>,
    site: &'static Location<'static>,
}

impl<T> Future for Recv<'_, T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = lock(&self.inner.state);
        if let Some(value) = state.values.pop_front() {
            drop(state);
            self.inner.resource.acquired();
            self.inner.room.release();
            return Poll::Ready(Some(value));
        }
        if state.senders == 0 {
            return Poll::Ready(None);
        }
        store_waker(&mut state.receiver_waker, cx.waker());
        drop(state);
        self.inner.resource.waited_for(self.site);
        Poll::Pending
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").finish_non_exhaustive()
    }
}
