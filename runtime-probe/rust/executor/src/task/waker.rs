//! Owns the waker: a counted pointer to a task behind the standard's `RawWaker`.
//! It must not know what waking does. Clones and drops are counted here, because
//! the standard's `Wake` trait would hide them.

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::Task;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// The waker of one poll. It borrows the task, so making it costs no atomic
/// operation; whoever keeps a waker clones it.
pub(crate) struct BorrowedWaker<'a> {
    waker: ManuallyDrop<Waker>,
    _task: &'a Arc<Task>,
}

impl<'a> BorrowedWaker<'a> {
    pub(crate) fn new(task: &'a Arc<Task>) -> Self {
        let pointer = Arc::as_ptr(task).cast::<()>();
        // SAFETY: the vtable's functions expect a pointer from an `Arc<Task>` and
        // keep its count in order. The waker made here owns no count: it is never
        // dropped, and the task outlives it by the lifetime.
        let waker = unsafe { Waker::from_raw(RawWaker::new(pointer, &VTABLE)) };
        BorrowedWaker {
            waker: ManuallyDrop::new(waker),
            _task: task,
        }
    }

    pub(crate) fn get(&self) -> &Waker {
        &self.waker
    }
}

/// The task behind the pointer, without touching its count.
///
/// # Safety
///
/// `pointer` comes from an `Arc<Task>` that is alive while the result is used.
unsafe fn borrow(pointer: *const ()) -> ManuallyDrop<Arc<Task>> {
    // SAFETY: by the caller's promise; `ManuallyDrop` leaves the count alone.
    ManuallyDrop::new(unsafe { Arc::from_raw(pointer.cast::<Task>()) })
}

unsafe fn clone(pointer: *const ()) -> RawWaker {
    // SAFETY: a waker's pointer is alive as long as the waker.
    let task = unsafe { borrow(pointer) };
    task.count_waker_clone();
    let another = Arc::into_raw(Arc::clone(&task));
    RawWaker::new(another.cast::<()>(), &VTABLE)
}

unsafe fn wake(pointer: *const ()) {
    // SAFETY: `Waker::wake` gives up the waker, whose count is ours to drop.
    let task = unsafe { Arc::from_raw(pointer.cast::<Task>()) };
    task.count_waker_drop();
    task.wake();
}

unsafe fn wake_by_ref(pointer: *const ()) {
    // SAFETY: a waker's pointer is alive as long as the waker.
    let task = unsafe { borrow(pointer) };
    task.wake();
}

unsafe fn drop_waker(pointer: *const ()) {
    // SAFETY: the waker is given up, and its count is ours to drop.
    let task = unsafe { Arc::from_raw(pointer.cast::<Task>()) };
    task.count_waker_drop();
}
