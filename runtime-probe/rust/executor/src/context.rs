//! Owns what this thread is doing right now: for which runtime, as which worker,
//! in which task's poll, in which frame, and on whose behalf wakes are made.
//! It must not know how tasks are scheduled; it only remembers.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::observe::WakeCause;
use crate::scheduler::Shared;

struct ThreadContext {
    runtime: RefCell<Option<Arc<Shared>>>,
    worker: Cell<Option<usize>>,
    task: Cell<u64>,
    frame: Cell<u64>,
    cause: Cell<WakeCause>,
}

thread_local! {
    static CONTEXT: ThreadContext = const {
        ThreadContext {
            runtime: RefCell::new(None),
            worker: Cell::new(None),
            task: Cell::new(0),
            frame: Cell::new(0),
            cause: Cell::new(WakeCause::Context),
        }
    };
}

/// Reads the context. Wakers may be used while the thread's locals are being
/// destroyed; then there is no context, and `fallback` is the answer.
fn read<R>(fallback: R, f: impl FnOnce(&ThreadContext) -> R) -> R {
    CONTEXT.try_with(f).unwrap_or(fallback)
}

/// The runtime this thread serves.
pub(crate) fn runtime() -> Option<Arc<Shared>> {
    read(None, |context| context.runtime.borrow().clone())
}

/// The runtime this thread serves, for `what`, which cannot do without.
///
/// # Panics
///
/// Outside of a runtime.
#[track_caller]
pub(crate) fn expect_runtime(what: &str) -> Arc<Shared> {
    match runtime() {
        Some(runtime) => runtime,
        None => panic!(
            "{what} was used outside of a runtime: \
             use it inside block_on or in a task that a runtime polls"
        ),
    }
}

/// This thread's worker index, if it is a worker of that runtime.
pub(crate) fn worker_of(shared: &Shared) -> Option<usize> {
    read(None, |context| {
        let runtime = context.runtime.borrow();
        match runtime.as_deref() {
            Some(current) if std::ptr::eq(current, shared) => context.worker.get(),
            _ => None,
        }
    })
}

/// The task whose poll runs on this thread; 0 for none.
pub(crate) fn task() -> u64 {
    read(0, |context| context.task.get())
}

/// The innermost frame being polled on this thread; 0 for the task itself.
pub(crate) fn frame() -> u64 {
    read(0, |context| context.frame.get())
}

/// On whose behalf a wake made now is made.
pub(crate) fn cause() -> WakeCause {
    read(WakeCause::Context, |context| context.cause.get())
}

/// Whether this thread is inside a runtime's loop or a poll, where it must not block.
pub(crate) fn must_not_block() -> bool {
    read(false, |context| {
        context.worker.get().is_some() || context.task.get() != 0
    })
}

/// Undoes a change of the context when dropped, also while unwinding.
struct Restore<F: FnMut(&ThreadContext)>(F);

impl<F: FnMut(&ThreadContext)> Drop for Restore<F> {
    fn drop(&mut self) {
        // A failure means that the thread is ending and nothing is left to restore.
        let _ = CONTEXT.try_with(&mut self.0);
    }
}

/// Makes this thread serve `runtime`, as a worker or otherwise, until dropped.
pub(crate) fn enter_runtime(runtime: Arc<Shared>, worker: Option<usize>) -> impl Drop {
    let mut previous = CONTEXT.with(|context| {
        let runtime = context.runtime.borrow_mut().replace(runtime);
        (runtime, context.worker.replace(worker))
    });
    Restore(move |context: &ThreadContext| {
        context.worker.set(previous.1);
        // The replaced runtime may be the last reference: it is dropped outside of the borrow.
        let left = std::mem::replace(&mut *context.runtime.borrow_mut(), previous.0.take());
        drop(left);
    })
}

/// Marks the poll (or the drop) of a task on this thread until dropped.
pub(crate) fn enter_task(task: u64) -> impl Drop {
    let previous = CONTEXT.with(|context| (context.task.replace(task), context.frame.replace(0)));
    Restore(move |context: &ThreadContext| {
        context.task.set(previous.0);
        context.frame.set(previous.1);
    })
}

/// Marks the poll of a frame on this thread until dropped.
pub(crate) fn enter_frame(frame: u64) -> impl Drop {
    let previous = CONTEXT.with(|context| context.frame.replace(frame));
    Restore(move |context: &ThreadContext| context.frame.set(previous))
}

/// Attributes the wakes made on this thread to `cause` until dropped.
pub(crate) fn enter_cause(cause: WakeCause) -> impl Drop {
    let previous = CONTEXT.with(|context| context.cause.replace(cause));
    Restore(move |context: &ThreadContext| context.cause.set(previous))
}
