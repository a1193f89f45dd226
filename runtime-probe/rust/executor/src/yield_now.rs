//! Owns the future that gives way once. It must not know the run queue.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Lets the other scheduled tasks be polled first: the task wakes itself and
/// returns `Pending` once.
///
/// ```
/// wakeline_executor::block_on(wakeline_executor::yield_now());
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// Made by [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
