//! Owns what the flusher itself records: changes of detail, and what is alive when
//! recording begins late. It must not know of sockets.

use wakeline_executor::observe::{alive_tasks, TaskPhase};
use wakeline_wire::{cause_kind, detail, kind, task_state};

use crate::session::Session;
use crate::this_thread::with_recorder;
use crate::traced::each_alive;

/// Records that the level of detail changes; `change` makes it so, on the side of the
/// event on which something is recorded.
pub(crate) fn record_detail_change(session: &'static Session, wanted: u64, change: impl FnOnce()) {
    let tell = || with_recorder(session, |r| r.event(kind::DETAIL_CHANGE, [wanted]));
    if wanted == detail::OFF {
        tell();
        change();
    } else {
        change();
        tell();
    }
}

/// Records every task that is alive, with its state as the executor or its wrapper tells it.
/// What an idle task waits for neither keeps; the task's next wait tells.
pub(crate) fn record(session: &'static Session) {
    with_recorder(session, |r| r.event(kind::SNAPSHOT_START, []));
    for alive in alive_tasks() {
        let state = match alive.phase {
            TaskPhase::Idle => task_state::IDLE,
            TaskPhase::Scheduled => task_state::SCHEDULED,
            TaskPhase::Running => task_state::RUNNING,
        };
        let fields = [alive.task, alive.epoch, state, cause_kind::UNKNOWN, 0, 0];
        with_recorder(session, |r| r.event(kind::SNAPSHOT_TASK, fields));
    }
    each_alive(|alive| {
        let (task, epoch, state) = (alive.task, alive.epoch, alive.state);
        let fields = [task, epoch, state, cause_kind::UNKNOWN, 0, 0];
        with_recorder(session, |r| r.event(kind::SNAPSHOT_TASK, fields));
    });
    with_recorder(session, |r| r.event(kind::SNAPSHOT_END, []));
}
