//! Owns the recorded life of one wrapped future, from its wrapping to its drop. It must not know
//! the future, nor what one poll of it tells.

use std::panic::Location;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::task::Waker;

use wakeline_executor::observe::new_ids;
use wakeline_wire::{detail, kind, task_kind, Task};

use super::alive;
use super::identity::{Identity, ENDED};
use super::intercept::{BorrowedIntercept, OwnedIntercept};
use super::off_polls::OffPolls;
use crate::gate::{detail_of, gate};
use crate::held::Held;
use crate::recorder::Recorder;
use crate::session::{seen, Session};
use crate::this_thread::with_recorder;

/// The recorded life of one future.
pub(super) struct TaskRecord {
    pub(super) identity: Arc<Identity>,
    /// None while recording is off.
    pub(super) intercept: Option<OwnedIntercept>,
    pub(super) off_polls: OffPolls,
}

impl TaskRecord {
    pub(super) fn begin(
        session: &'static Session,
        name: Option<&str>,
        type_name: &'static str,
        task_kind: u64,
        site: &'static Location<'static>,
        held: Held,
    ) -> Self {
        session.saw(seen::WRAPPED);
        let task = new_ids::task();
        let context = |r: &mut Recorder| (r.current_task(), r.runtime_id());
        let (parent, runtime) = with_recorder(session, context);
        let record = Task {
            id: task,
            parent,
            task_kind,
            runtime,
            ..Task::default()
        };
        session.dictionary.task(record, site, name, type_name);
        if detail_of(gate()) >= detail::LEAN {
            with_recorder(session, |r| r.event(kind::TASK_SPAWN, [task, parent]));
        }
        let is_root = task_kind == task_kind::ROOT;
        let identity = Arc::new(Identity::new(session, task, held, is_root));
        alive::begin(&identity);
        Self {
            identity,
            intercept: None,
            off_polls: OffPolls::new(task),
        }
    }

    /// Ours around this waker.
    #[inline(always)]
    pub(super) fn intercept_around(&mut self, waker: &Waker) -> BorrowedIntercept {
        match &self.intercept {
            Some(intercept) if intercept.is_around(waker) => intercept.borrowed(),
            _ => {
                self.identity.begins_on_thread();
                let intercept = OwnedIntercept::new(&self.identity, waker);
                self.intercept.insert(intercept).borrowed()
            }
        }
    }

    /// Where the wake of the poll that begins was not made through our waker, it may have
    /// been made through one that was given out while recording was off: nobody knows when
    /// or by whom, which is what an ambiguous wake says.
    #[cold]
    #[inline(never)]
    pub(super) fn tell_unseen_wake(&self, epoch: u64) {
        let woken_in = epoch - 1;
        if woken_in == 0 || self.identity.woken_at.load(Ordering::Relaxed) == woken_in {
            return;
        }
        with_recorder(self.identity.session, |r| {
            r.unseen_wake(self.identity.task, woken_in);
        });
    }

    /// Whether nobody can wake the task any more: the last poll left no waker anywhere and
    /// has not woken the task itself.
    #[inline]
    pub(super) fn is_forgotten(&self) -> bool {
        let is_alone = self
            .intercept
            .as_ref()
            .is_some_and(OwnedIntercept::is_alone);
        is_alone && {
            let epoch = self.identity.epoch.load(Ordering::Relaxed);
            self.identity.woken_at.load(Ordering::Relaxed) != epoch
        }
    }

    /// From here on nobody reads the future who has not got it: see `Identity::left`.
    pub(super) fn begins_to_drop(&self) {
        self.identity.count_here(&self.off_polls);
        // Ordering: none needed, as for `left` after a poll: who looks raises a barrier first.
        self.identity.left.store(0, Ordering::Relaxed);
    }

    pub(super) fn dropped(&mut self) {
        self.intercept = None;
        self.identity.leaves_thread();
        if self.identity.epoch.load(Ordering::Relaxed) & ENDED == 0 {
            let by = self.identity.held.dropped_by();
            self.identity.end(|r, task| r.foreign_cancelled(task, by));
            self.identity.tell_dropped();
        }
    }
}
