//! Owns frames: parts of a task that are polled on their own, with an id, so that a
//! trace can tell which part of the task a poll reached. It must not know what the
//! future inside does or why it is polled.

use std::any::type_name;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::observe::{self, End, FrameInfo, FrameKind, Outcome};
use crate::{context, ids};

/// How a frame is presented to the observer.
pub(crate) struct FrameIdentity {
    pub(crate) kind: FrameKind,
    pub(crate) name: Option<String>,
    pub(crate) branch: u32,
    pub(crate) site: &'static Location<'static>,
}

/// A future with a frame around it. The future is boxed: that is one allocation per
/// branch, and spares every combinator the care for pinned fields.
pub(crate) struct Framed<F> {
    identity: FrameIdentity,
    /// 0 until the first poll: only then is it known which task and frame it is in.
    frame: u64,
    /// Set while the future is polled; stays set when that poll unwinds.
    in_poll: bool,
    future: Option<Pin<Box<F>>>,
}

impl<F: Future> Framed<F> {
    pub(crate) fn new(identity: FrameIdentity, future: F) -> Self {
        Framed {
            identity,
            frame: 0,
            in_poll: false,
            future: Some(Box::pin(future)),
        }
    }

    /// Polls the future inside its frame; when it is ready it is dropped there too.
    ///
    /// # Panics
    ///
    /// When it was ready before; and with the future's own panic.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.open();
        let Some(future) = &mut self.future else {
            panic!("a join or select branch was polled again after it was ready");
        };
        let mut visit = Visit::enter(self.frame);
        self.in_poll = true;
        let polled = future.as_mut().poll(cx);
        self.in_poll = false;
        if polled.is_ready() {
            self.future = None;
            visit.outcome = Outcome::Ready;
            drop(visit);
            self.end(End::Completed);
        } else {
            visit.outcome = Outcome::Pending;
        }
        polled
    }

    fn open(&mut self) {
        if self.frame != 0 {
            return;
        }
        self.frame = ids::FRAMES.next();
        if let Some(observer) = observe::observer() {
            observer.frame_opened(&FrameInfo {
                frame: self.frame,
                parent_frame: context::frame(),
                task: context::task(),
                kind: self.identity.kind,
                site: self.identity.site,
                name: self.identity.name.as_deref(),
                branch: self.identity.branch,
                type_name: type_name::<F>(),
            });
        }
    }
}

impl<F> Framed<F> {
    fn end(&self, end: End) {
        if let Some(observer) = observe::observer() {
            observer.frame_ended(self.frame, end);
        }
    }
}

impl<F> Drop for Framed<F> {
    fn drop(&mut self) {
        let Some(future) = self.future.take() else {
            return;
        };
        drop(future);
        if self.frame != 0 {
            self.end(if self.in_poll {
                End::Panicked
            } else {
                End::Cancelled
            });
        }
    }
}

/// One poll of a frame: entered, and left with an outcome even when it unwinds.
struct Visit<R> {
    frame: u64,
    outcome: Outcome,
    /// Whoever was told of the beginning is told of the end.
    observer: Option<&'static dyn observe::Observer>,
    _restore: R,
}

impl Visit<()> {
    fn enter(frame: u64) -> Visit<impl Drop> {
        let observer = observe::unpaused_observer();
        if let Some(observer) = observer {
            observer.frame_entered(frame);
        }
        Visit {
            frame,
            observer,
            // Only an unwinding poll leaves this as it is.
            outcome: Outcome::Panicked,
            _restore: context::enter_frame(frame),
        }
    }
}

impl<R> Drop for Visit<R> {
    fn drop(&mut self) {
        if let Some(observer) = self.observer {
            observer.frame_left(self.frame, self.outcome);
        }
    }
}

/// Gives a part of a task a name in the trace.
///
/// ```
/// use wakeline_executor::{block_on, traced};
///
/// assert_eq!(block_on(traced("the answer", async { 42 })), 42);
/// ```
#[track_caller]
pub fn traced<F: IntoFuture>(name: &str, future: F) -> Traced<F::IntoFuture> {
    let identity = FrameIdentity {
        kind: FrameKind::Traced,
        name: Some(name.to_owned()),
        branch: 0,
        site: Location::caller(),
    };
    Traced(Framed::new(identity, future.into_future()))
}

/// Made by [`traced`].
#[must_use = "futures do nothing unless awaited"]
pub struct Traced<F>(Framed<F>);

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.0.poll(cx)
    }
}

impl<F> fmt::Debug for Traced<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traced")
            .field("name", &self.0.identity.name)
            .finish_non_exhaustive()
    }
}
