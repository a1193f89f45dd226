//! Owns the waker that a recorded future sees: ours around the executor's. It must not know
//! what is told of a wake.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{RawWaker, RawWakerVTable, Waker};

use wakeline_executor::observe::is_innermost_poll;

use super::holders::Holders;
use super::Identity;
#[cfg(wakeline_stacks)]
use crate::frames;

/// One executor's waker of one task. It lives for as long as its owner or a clone has it.
pub(super) struct Intercept {
    holders: Holders,
    task: u64,
    inner: Waker,
    identity: Arc<Identity>,
}

/// What the task's record has of it.
pub(super) struct OwnedIntercept(NonNull<Intercept>);

// SAFETY: it gives out shared references only, and all parts may be used by several threads.
unsafe impl Send for OwnedIntercept {}
// SAFETY: as above.
unsafe impl Sync for OwnedIntercept {}

// A waker that panicked is as good as before: nothing here is half-done then.
impl std::panic::UnwindSafe for OwnedIntercept {}
impl std::panic::RefUnwindSafe for OwnedIntercept {}

impl OwnedIntercept {
    pub(super) fn new(identity: &Arc<Identity>, inner: &Waker) -> Self {
        let intercept = Box::new(Intercept {
            holders: Holders::new(),
            task: identity.task,
            inner: inner.clone(),
            identity: Arc::clone(identity),
        });
        Self(NonNull::from(Box::leak(intercept)))
    }

    /// Whether it wakes what this waker wakes.
    #[inline]
    pub(super) fn is_around(&self, waker: &Waker) -> bool {
        self.inner.will_wake(waker)
    }

    /// Whether nobody but the record has it. Not while its future is polled.
    #[inline]
    pub(super) fn is_alone(&self) -> bool {
        self.holders.is_owner_alone()
    }

    /// The same for the time of one poll, which is shorter than the owner's hold.
    #[inline]
    pub(super) fn borrowed(&self) -> BorrowedIntercept {
        BorrowedIntercept(self.0)
    }
}

/// An intercept without a hold of its own, for the time of one poll.
pub(super) struct BorrowedIntercept(NonNull<Intercept>);

impl BorrowedIntercept {
    /// A waker without a count of its own: whoever keeps it clones it.
    #[inline(always)]
    pub(super) fn waker(&self) -> ManuallyDrop<Waker> {
        let pointer = self.0.as_ptr().cast_const().cast::<()>();
        // SAFETY: the functions of the table expect a pointer to an intercept that somebody
        // holds, and keep its count in order. This one is never dropped, and the owner's
        // hold outlives it.
        ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(pointer, &VTABLE)) })
    }
}

impl Deref for OwnedIntercept {
    type Target = Intercept;

    #[inline]
    fn deref(&self) -> &Intercept {
        // SAFETY: the owner holds it until it is dropped.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for OwnedIntercept {
    fn drop(&mut self) {
        if self.holders.release() {
            // SAFETY: nobody else has it any more, and it was made from a box.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

unsafe fn clone(pointer: *const ()) -> RawWaker {
    // SAFETY: a waker's pointer is to an intercept that it holds or whose holder outlives it.
    let intercept = unsafe { &*pointer.cast::<Intercept>() };
    // The poll that runs here has the task for itself, and nobody else polls or drops it.
    if is_innermost_poll(intercept.task) {
        #[cfg(wakeline_stacks)]
        frames::cloned(intercept.task);
        intercept.holders.add_in_poll();
    } else {
        intercept.holders.add();
    }
    RawWaker::new(pointer, &VTABLE)
}

unsafe fn wake(pointer: *const ()) {
    /// Lets go of the waker, also when the executor's panicked.
    struct GivenUp(*const ());
    impl Drop for GivenUp {
        #[inline]
        fn drop(&mut self) {
            // SAFETY: told to `wake`: the waker is given up.
            unsafe { drop_waker(self.0) };
        }
    }
    let _given_up = GivenUp(pointer);
    // SAFETY: the waker is held until the end.
    unsafe { wake_by_ref(pointer) };
}

#[inline(always)]
unsafe fn wake_by_ref(pointer: *const ()) {
    // SAFETY: as in `clone`.
    let intercept = unsafe { &*pointer.cast::<Intercept>() };
    intercept.identity.wake(|| intercept.inner.wake_by_ref());
}

#[inline(always)]
unsafe fn drop_waker(pointer: *const ()) {
    // SAFETY: as in `clone`; the reference is not used once the hold is given back.
    let is_last = unsafe { &*pointer.cast::<Intercept>() }.holders.remove();
    if is_last {
        // SAFETY: nobody else has it any more, and it was made from a box.
        drop(unsafe { Box::from_raw(pointer.cast_mut().cast::<Intercept>()) });
    }
}
