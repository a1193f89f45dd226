//! Owns the signal without a value. It must not know what it means.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::permits::{Permits, Ticket};
use super::Resource;
use crate::observe::ResourceKind;

/// Wakes tasks from other tasks or threads.
///
/// ```
/// use std::sync::Arc;
/// use wakeline_executor::{block_on, sync::Notify};
///
/// let notify = Arc::new(Notify::new());
/// let other = Arc::clone(&notify);
/// let thread = std::thread::spawn(move || other.notify_one());
/// block_on(notify.notified());
/// thread.join().unwrap();
/// ```
#[derive(Debug)]
pub struct Notify {
    resource: Resource,
    permits: Permits,
}

impl Notify {
    /// A notify that nobody has notified yet.
    #[track_caller]
    #[allow(clippy::new_without_default)] // A default could not tell its line.
    pub fn new() -> Self {
        Notify {
            resource: Resource::new(ResourceKind::Notify, Location::caller()),
            permits: Permits::new(0, 1),
        }
    }

    /// The resource's id, as the observer knows it.
    pub fn id(&self) -> u64 {
        self.resource.0
    }

    /// Wakes the one that waits longest. If nobody waits, the next one to wait need
    /// not; this is remembered once, however often it is called.
    pub fn notify_one(&self) {
        self.resource.released();
        self.permits.release();
    }

    /// Wakes all that wait now.
    pub fn notify_all(&self) {
        self.resource.released();
        self.permits.release_all_waiting();
    }

    /// Waits to be notified.
    #[track_caller]
    pub fn notified(&self) -> Notified<'_> {
        Notified {
            notify: self,
            ticket: Ticket::default(),
            site: Location::caller(),
        }
    }
}

/// Made by [`Notify::notified`]. It stands in line from its first poll on.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Notified<'a> {
    notify: &'a Notify,
    ticket: Ticket,
    site: &'static Location<'static>,
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        match this.notify.permits.poll_acquire(&mut this.ticket, cx) {
            Poll::Ready(_) => {
                this.notify.resource.acquired();
                Poll::Ready(())
            }
            Poll::Pending => {
                this.notify.resource.waited_for(this.site);
                Poll::Pending
            }
        }
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        self.notify.permits.leave(&mut self.ticket);
    }
}
