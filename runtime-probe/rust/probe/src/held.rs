//! Owns who holds a recorded future, and so what its drop before its end means: the program
//! that dropped it, an abort, or a runtime that shut down. It must not know how that is told.
//!
//! tokio drops the future of an aborted task in its scheduler, at the task's turn, and the
//! futures of all tasks at its shutdown; it tells nobody which of the two it does. What is
//! known here is known from the program's side: sets of `wakeline` know that they abort, and
//! `LocalSet` and the runtime of `#[wakeline::main]` that they are being dropped. The feature
//! `tokio-1-47` asks tokio too: its scheduler gives a task's turn a budget, a shutdown has none.

// Which of these have a caller depends on the features.
#![cfg_attr(not(feature = "tokio"), allow(dead_code))]

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use wakeline_wire::task_state;

use crate::recorder::Recorder;
use crate::session::Session;
use crate::this_thread::with_recorder;

/// Who drops the future when nobody polls it to its end.
#[derive(Clone, Copy, PartialEq)]
enum Holder {
    /// Whoever has it: it is a part of something else of the program's.
    Program,
    /// A runtime, which it was given to by itself.
    Runtime,
    /// A set of local tasks.
    LocalSet,
}

/// Who holds a future.
pub(crate) struct Held {
    holder: Holder,
    set: Option<SetState>,
}

/// What is known of who dropped a future before its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum DroppedBy {
    /// Its runtime, because it was aborted, in the poll of this task (0: not known).
    Abort(u64),
    /// Its runtime or its set of local tasks, which shuts down.
    Shutdown,
    /// A runtime, for one of the two reasons.
    Runtime,
    /// What runs on this thread.
    Program,
}

/// What the tasks of one `JoinSet` know of it: 0, or that they were aborted and by which task,
/// plus 1.
#[derive(Clone, Default)]
pub(crate) struct SetState(Arc<AtomicU64>);

impl SetState {
    /// All tasks that have this state are about to be aborted.
    pub(crate) fn abort(&self) {
        let task = |session| with_recorder(session, |r: &mut Recorder| r.current_task());
        let by = Session::current().map_or(0, task);
        // Ordering: Release; whoever drops a task because of this has synchronised with the
        // abort itself, which comes after.
        self.0.store(by + 1, Ordering::Release);
    }
}

impl Held {
    pub(crate) fn by_program() -> Self {
        Self::by(Holder::Program)
    }

    pub(crate) fn by_runtime() -> Self {
        Self::by(Holder::Runtime)
    }

    pub(crate) fn by_local_set() -> Self {
        Self::by(Holder::LocalSet)
    }

    fn by(holder: Holder) -> Self {
        Self { holder, set: None }
    }

    /// The same, and in this set of tasks. The set has a state from its first task on that may
    /// be recorded.
    pub(crate) fn in_set(self, state: &mut Option<SetState>) -> Self {
        let set = Session::current().map(|_| state.get_or_insert_default().clone());
        Self { set, ..self }
    }

    /// Whether a runtime has it to itself, so that it drops it right after its end.
    pub(crate) fn is_a_runtimes(&self) -> bool {
        self.holder != Holder::Program
    }

    /// What the future does that was never polled: a runtime queues what it is given at once.
    pub(crate) fn state_before_first_poll(&self) -> u64 {
        match self.holder {
            Holder::Program => task_state::UNKNOWN,
            Holder::Runtime | Holder::LocalSet => task_state::SCHEDULED,
        }
    }

    /// Why the future is dropped here and now.
    pub(crate) fn dropped_by(&self) -> DroppedBy {
        if self.holder == Holder::Program {
            return DroppedBy::Program;
        }
        // Ordering: Acquire, as the store.
        let aborted = |set: &SetState| set.0.load(Ordering::Acquire).checked_sub(1);
        if let Some(by) = self.set.as_ref().and_then(aborted) {
            return DroppedBy::Abort(by);
        }
        if closing::is_here() {
            return DroppedBy::Shutdown;
        }
        if SPAWNING.get() > 0 {
            // A runtime that is shut down drops what it is given to spawn; also a spawn
            // outside of any runtime comes here, by its panic.
            return DroppedBy::Program;
        }
        match (has_budget(), self.holder) {
            (Some(false), _) => DroppedBy::Shutdown,
            // A set of local tasks may be dropped in the turn of a task that is not recorded.
            (Some(true), Holder::Runtime) => DroppedBy::Abort(0),
            _ => DroppedBy::Runtime,
        }
    }
}

thread_local! {
    static SPAWNING: Cell<u32> = const { Cell::new(0) };
}

/// While this lives, a future is being handed to a runtime, also when that panics. A closure would
/// do it too, but would hide the caller's line from the runtime's own panics.
#[must_use = "the hand-over lasts as long as this"]
pub(crate) struct Spawning {
    #[cfg(feature = "tracing")]
    _unheard: crate::tracing::Unheard,
}

impl Spawning {
    pub(crate) fn begin() -> Self {
        SPAWNING.set(SPAWNING.get() + 1);
        Self {
            #[cfg(feature = "tracing")]
            _unheard: crate::tracing::unheard(),
        }
    }
}

impl Drop for Spawning {
    fn drop(&mut self) {
        SPAWNING.set(SPAWNING.get() - 1);
    }
}

/// Whether the scheduler has given what runs here a budget, which it does for the turn of a
/// task and for the polls of a root; `None` where that cannot be known.
#[cfg(not(feature = "tokio-1-47"))]
fn has_budget() -> Option<bool> {
    None
}

/// As above. tokio shows a budget to nobody but in the text of what gives a part of it back;
/// another text than those two says nothing.
#[cfg(feature = "tokio-1-47")]
fn has_budget() -> Option<bool> {
    use std::task::{Context, Poll, Waker};

    use ::tokio::task::coop;

    if !coop::has_budget_remaining() {
        return Some(true);
    }
    match coop::poll_proceed(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => None,
        Poll::Ready(part) => {
            let text = format!("{part:?}");
            match (text.contains("Budget(Some("), text.contains("Budget(None)")) {
                (true, false) => Some(true),
                (false, true) => Some(false),
                _ => None,
            }
        }
    }
}

/// While a thread drops a runtime or a set of local tasks.
pub(crate) mod closing {
    use std::cell::Cell;

    thread_local! {
        static OPEN: Cell<u32> = const { Cell::new(0) };
    }

    /// Whether this thread does that now.
    pub(super) fn is_here() -> bool {
        OPEN.get() > 0
    }

    /// A field in front of what is dropped.
    #[derive(Debug, Default)]
    pub(crate) struct Begins;

    /// A field behind it.
    #[derive(Debug, Default)]
    pub(crate) struct Ends;

    impl Drop for Begins {
        fn drop(&mut self) {
            OPEN.set(OPEN.get() + 1);
        }
    }

    impl Drop for Ends {
        fn drop(&mut self) {
            OPEN.set(OPEN.get().saturating_sub(1));
        }
    }
}
