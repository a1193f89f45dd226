//! Owns what a thread remembers between two callbacks: the spans it is in, and what it did
//! last. It must not know what is recorded. Nothing here allocates or has a destructor.

use std::cell::Cell;

use super::spans::{Key, Kind};

/// Tasks, resources and operations inside of each other; what is deeper is not told apart
/// from the deepest.
const DEPTH: usize = 16;

/// How a poll that has just ended may be recognised when its future is dropped next.
#[derive(Clone, Copy)]
pub(crate) struct LastExit {
    pub(crate) span: Key,
    /// The recorder's position and the tick, both right after the poll's end.
    pub(crate) position: u64,
    pub(crate) tick: u64,
}

/// What one thread remembers.
pub(crate) struct Context {
    entered: [Cell<u64>; DEPTH],
    depth: Cell<usize>,
    /// The task whose future is being dropped.
    pub(crate) dropping: Cell<Key>,
    pub(crate) last_exit: Cell<LastExit>,
    /// Events `poll_op` since an operation was entered.
    pub(crate) poll_ops: Cell<u32>,
    /// The semaphore whose waiter here was polled and took nothing more.
    pub(crate) handed: Cell<Key>,
    /// What is spawned here now is recorded by other means.
    pub(crate) leave_spawns: Cell<bool>,
    /// The next `block_on` here runs a future that is recorded by other means.
    pub(crate) leave_root: Cell<bool>,
}

thread_local! {
    static CONTEXT: Context = const {
        Context {
            entered: [const { Cell::new(0) }; DEPTH],
            depth: Cell::new(0),
            dropping: Cell::new(Key::NONE),
            last_exit: Cell::new(LastExit {
                span: Key::NONE,
                position: 0,
                tick: 0,
            }),
            poll_ops: Cell::new(0),
            handed: Cell::new(Key::NONE),
            leave_spawns: Cell::new(false),
            leave_root: Cell::new(false),
        }
    };
}

/// Runs `ask` with this thread's context.
#[inline]
pub(crate) fn context<T>(ask: impl FnOnce(&Context) -> T) -> T {
    CONTEXT.with(ask)
}

impl Context {
    /// The thread enters a task's, resource's or operation's span.
    #[inline]
    pub(crate) fn enter(&self, span: Key) {
        let depth = self.depth.get();
        if let Some(place) = self.entered.get(depth) {
            place.set(span.0);
        }
        self.depth.set(depth + 1);
        self.poll_ops.set(0);
    }

    /// It leaves the innermost one.
    #[inline]
    pub(crate) fn leave(&self) {
        self.depth.set(self.depth.get().saturating_sub(1));
    }

    /// The innermost span that was entered.
    pub(crate) fn innermost(&self) -> Key {
        match self.depth.get() {
            0 => Key::NONE,
            depth => Key(self.entered[depth.min(DEPTH) - 1].get()),
        }
    }

    /// The innermost task.
    pub(crate) fn task(&self) -> Key {
        let depth = self.depth.get().min(DEPTH);
        let keys = self.entered[..depth]
            .iter()
            .rev()
            .map(|each| Key(each.get()));
        let is_task = |key: &Key| matches!(key.kind(), Kind::Task | Kind::Root);
        keys.into_iter().find(is_task).unwrap_or(Key::NONE)
    }

    /// Whether the thread is in this span, the innermost one not counted.
    pub(crate) fn is_inside(&self, span: Key) -> bool {
        let depth = self.depth.get().min(DEPTH).saturating_sub(1);
        self.entered[..depth]
            .iter()
            .any(|each| each.get() == span.0)
    }
}
