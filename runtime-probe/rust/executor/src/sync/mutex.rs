//! Owns the async mutex: whoever finds it locked waits as a task, not as a thread,
//! and the guard may be held across an `.await`. It must not know what it guards.

use std::cell::UnsafeCell;
use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::permits::{Permits, Ticket};
use super::Resource;
use crate::observe::ResourceKind;

/// A lock that tasks wait for, in order. A panic while it is locked unlocks it and
/// leaves the value as it is.
///
/// ```
/// use wakeline_executor::{block_on, sync::Mutex};
///
/// let mutex = Mutex::new(1);
/// block_on(async { *mutex.lock().await += 1 });
/// assert_eq!(mutex.into_inner(), 2);
/// ```
pub struct Mutex<T> {
    resource: Resource,
    /// One permit: the right to touch the value.
    permits: Permits,
    value: UnsafeCell<T>,
}

// SAFETY: the value is touched only with the one permit, so by one thread at a
// time; it goes from thread to thread, hence `T: Send`.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// An unlocked mutex.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Mutex {
            resource: Resource::new(ResourceKind::Mutex, Location::caller()),
            permits: Permits::new(1, 1),
            value: UnsafeCell::new(value),
        }
    }

    /// The resource's id, as the observer knows it.
    pub fn id(&self) -> u64 {
        self.resource.0
    }

    /// Waits for the lock, which is given back when the guard is dropped.
    #[track_caller]
    pub fn lock(&self) -> Lock<'_, T> {
        Lock {
            mutex: self,
            ticket: Ticket::default(),
            site: Location::caller(),
        }
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.permits.try_acquire().then(|| self.guard())
    }

    /// The value; owning the mutex proves that nobody has it locked.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    /// The guard, for whoever has just got the permit.
    fn guard(&self) -> MutexGuard<'_, T> {
        self.resource.acquired();
        MutexGuard { mutex: self }
    }
}

impl<T: fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Mutex");
        debug.field("id", &self.id());
        match self.try_lock() {
            Some(guard) => debug.field("value", &*guard),
            None => debug.field("value", &format_args!("<locked>")),
        };
        debug.finish()
    }
}

/// Made by [`Mutex::lock`].
#[must_use = "futures do nothing unless awaited"]
pub struct Lock<'a, T> {
    mutex: &'a Mutex<T>,
    ticket: Ticket,
    site: &'static Location<'static>,
}

impl<'a, T> Future for Lock<'a, T> {
    type Output = MutexGuard<'a, T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'a, T>> {
        let this = &mut *self;
        match this.mutex.permits.poll_acquire(&mut this.ticket, cx) {
            Poll::Ready(Ok(())) => Poll::Ready(this.mutex.guard()),
            Poll::Ready(Err(_)) => unreachable!("a mutex is never closed"),
            Poll::Pending => {
                this.mutex.resource.waited_for(this.site);
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Lock<'_, T> {
    fn drop(&mut self) {
        self.mutex.permits.leave(&mut self.ticket);
    }
}

impl<T> fmt::Debug for Lock<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock")
            .field("mutex", &self.mutex.id())
            .finish()
    }
}

/// The lock of a [`Mutex`]; given back when dropped.
pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
}

// SAFETY: sharing a guard shares `&T` and nothing else.
unsafe impl<T: Sync> Sync for MutexGuard<'_, T> {}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this guard has the one permit, so there is no other access.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and the guard itself is borrowed mutably.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.mutex.resource.released();
        self.mutex.permits.release();
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
