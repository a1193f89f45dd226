//! Owns the counting semaphore. It must not know what is being counted.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::permits::{Permits, Ticket};
use super::Resource;
use crate::observe::ResourceKind;

/// A number of permits; who wants one when none is free waits, in order.
///
/// ```
/// use wakeline_executor::{block_on, sync::Semaphore};
///
/// let semaphore = Semaphore::new(2);
/// block_on(async {
///     let _permit = semaphore.acquire().await;
///     assert_eq!(semaphore.available(), 1);
/// });
/// assert_eq!(semaphore.available(), 2);
/// ```
#[derive(Debug)]
pub struct Semaphore {
    resource: Resource,
    permits: Permits,
}

impl Semaphore {
    /// A semaphore with this many permits.
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        Semaphore {
            resource: Resource::new(ResourceKind::Semaphore, Location::caller()),
            permits: Permits::new(permits, usize::MAX),
        }
    }

    /// The resource's id, as the observer knows it.
    pub fn id(&self) -> u64 {
        self.resource.0
    }

    /// How many permits are free.
    pub fn available(&self) -> usize {
        self.permits.free()
    }

    /// Waits for a permit, which is given back when dropped.
    #[track_caller]
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire {
            semaphore: self,
            ticket: Ticket::default(),
            site: Location::caller(),
        }
    }
}

/// Made by [`Semaphore::acquire`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Acquire<'a> {
    semaphore: &'a Semaphore,
    ticket: Ticket,
    site: &'static Location<'static>,
}

impl<'a> Future for Acquire<'a> {
    type Output = Permit<'a>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit<'a>> {
        let this = &mut *self;
        let semaphore = this.semaphore;
        match semaphore.permits.poll_acquire(&mut this.ticket, cx) {
            Poll::Ready(Ok(())) => {
                semaphore.resource.acquired();
                Poll::Ready(Permit { semaphore })
            }
            Poll::Ready(Err(_)) => unreachable!("a semaphore is never closed"),
            Poll::Pending => {
                semaphore.resource.waited_for(this.site);
                Poll::Pending
            }
        }
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        self.semaphore.permits.leave(&mut self.ticket);
    }
}

/// A permit of a [`Semaphore`]; given back when dropped.
#[derive(Debug)]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.semaphore.resource.released();
        self.semaphore.permits.release();
    }
}
