//! What tasks wait for besides I/O and time: locks, permits, channels, signals.
//! Each has an id of its own; a future that has to wait names it to the observer.

mod mpsc;
mod mutex;
mod notify;
mod oneshot;
mod permits;
mod semaphore;

pub use mpsc::{channel, Receiver, Recv, Send, SendError, Sender};
pub use mutex::{Lock, Mutex, MutexGuard};
pub use notify::{Notified, Notify};
pub use oneshot::{oneshot, OneshotReceiver, OneshotSender, OneshotWait, SenderDropped};
pub use semaphore::{Acquire, Permit, Semaphore};

use std::panic::Location;

use crate::observe::{self, ResourceKind};
use crate::{context, ids};

/// The identity of a lock, channel or the like, from its making to its drop.
#[derive(Debug)]
struct Resource(u64);

impl Resource {
    fn new(kind: ResourceKind, site: &'static Location<'static>) -> Self {
        let id = ids::RESOURCES.next();
        if let Some(observer) = observe::observer() {
            observer.resource_created(id, kind, site);
        }
        Resource(id)
    }

    /// Tells that the task polled on this thread has the lock or a permit now, or took a
    /// value or a notification.
    fn acquired(&self) {
        if let Some(observer) = observe::observer() {
            observer.resource_acquired(self.0, context::task());
        }
    }

    /// Tells that the lock or a permit is about to be given back, or a value or a
    /// notification given: before the wake that follows, on the same thread.
    fn released(&self) {
        if let Some(observer) = observe::observer() {
            observer.resource_released(self.0);
        }
    }

    /// Tells that a future stored its waker here and returns `Pending`.
    fn waited_for(&self, site: &'static Location<'static>) {
        if let Some(observer) = observe::observer() {
            let target = observe::WaitTarget::Resource(self.0);
            observer.wait_started(context::frame(), target, site);
        }
    }
}

impl Drop for Resource {
    fn drop(&mut self) {
        if let Some(observer) = observe::observer() {
            observer.resource_dropped(self.0);
        }
    }
}
