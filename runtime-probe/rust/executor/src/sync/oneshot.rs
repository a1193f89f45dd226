//! Owns the channel for one value. It must not know who sends or receives.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::Resource;
use crate::lock;
use crate::observe::ResourceKind;
use crate::task::store_waker;

/// A channel for one value.
///
/// ```
/// use wakeline_executor::{block_on, spawn, sync::oneshot};
///
/// let value = block_on(async {
///     let (sender, receiver) = oneshot();
///     spawn(async move { sender.send(7) });
///     receiver.await
/// });
/// assert_eq!(value, Ok(7));
/// ```
#[track_caller]
pub fn oneshot<T>() -> (OneshotSender<T>, OneshotReceiver<T>) {
    let inner = Arc::new(Inner {
        resource: Resource::new(ResourceKind::Oneshot, Location::caller()),
        state: Mutex::new(State {
            value: None,
            sender_gone: false,
            receiver_gone: false,
            waker: None,
        }),
    });
    let receiver = OneshotReceiver {
        inner: Arc::clone(&inner),
    };
    (OneshotSender { inner }, receiver)
}

struct Inner<T> {
    resource: Resource,
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Option<T>,
    sender_gone: bool,
    receiver_gone: bool,
    waker: Option<Waker>,
}

/// The sending half of [`oneshot`].
pub struct OneshotSender<T> {
    inner: Arc<Inner<T>>,
}

impl<T> OneshotSender<T> {
    /// The resource's id, as the observer knows it.
    pub fn id(&self) -> u64 {
        self.inner.resource.0
    }

    /// Sends the value and wakes the receiver.
    ///
    /// # Errors
    ///
    /// The value, when the receiver is gone.
    pub fn send(self, value: T) -> Result<(), T> {
        let mut state = lock(&self.inner.state);
        if state.receiver_gone {
            return Err(value);
        }
        state.value = Some(value);
        drop(state);
        self.inner.resource.released();
        // The drop of this half, which follows, wakes the receiver.
        Ok(())
    }
}

impl<T> Drop for OneshotSender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut state = lock(&self.inner.state);
            state.sender_gone = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> fmt::Debug for OneshotSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneshotSender")
            .field("id", &self.id())
            .finish()
    }
}

/// The receiving half of [`oneshot`]; await it for `Result<T, SenderDropped>`.
pub struct OneshotReceiver<T> {
    inner: Arc<Inner<T>>,
}

impl<T> OneshotReceiver<T> {
    /// The resource's id, as the observer knows it.
    pub fn id(&self) -> u64 {
        self.inner.resource.0
    }
}

impl<T> Drop for OneshotReceiver<T> {
    fn drop(&mut self) {
        let (value, waker) = {
            let mut state = lock(&self.inner.state);
            state.receiver_gone = true;
            (state.value.take(), state.waker.take())
        };
        drop((value, waker));
    }
}

impl<T> fmt::Debug for OneshotReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneshotReceiver")
            .field("id", &self.id())
            .finish()
    }
}

impl<T> IntoFuture for OneshotReceiver<T> {
    type Output = Result<T, SenderDropped>;
    type IntoFuture = OneshotWait<T>;

    #[track_caller]
    fn into_future(self) -> OneshotWait<T> {
        OneshotWait {
            receiver: self,
            site: Location::caller(),
        }
    }
}

/// Waits for the value of a oneshot; made by awaiting its receiver.
#[derive(Debug)]
pub struct OneshotWait<T> {
    receiver: OneshotReceiver<T>,
    site: &'static Location<'static>,
}

impl<T> Future for OneshotWait<T> {
    type Output = Result<T, SenderDropped>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let inner = &self.receiver.inner;
        let mut state = lock(&inner.state);
        if let Some(value) = state.value.take() {
            drop(state);
            inner.resource.acquired();
            return Poll::Ready(Ok(value));
        }
        if state.sender_gone {
            return Poll::Ready(Err(SenderDropped));
        }
        store_waker(&mut state.waker, cx.waker());
        drop(state);
        inner.resource.waited_for(self.site);
        Poll::Pending
    }
}

/// The sender of a oneshot was dropped without sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderDropped;

impl fmt::Display for SenderDropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sender was dropped without sending a value")
    }
}

impl std::error::Error for SenderDropped {}
