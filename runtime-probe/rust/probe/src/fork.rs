//! Owns what happens around a fork: the child records nothing, and the parent's trace says
//! that there is such a child. It must not know what is recorded otherwise.
//!
//! The child has neither the flusher nor rings of its own: they are the parent's, in memory
//! that both share. `fork` tells us; a program that makes the system call itself does not,
//! and there the gate's page is empty in the child (see the gate).

use crate::gate::shut_gate;
use crate::session::Session;

/// Registers what is called around forks; once.
pub(crate) fn prepare(session: &'static Session) {
    parent::prepare(session);
    // SAFETY: both functions are of the right type, take nothing and never unwind.
    unsafe { libc::pthread_atfork(None, Some(parent::told), Some(in_child)) };
}

/// Only stores, as everything else may be in any state here.
extern "C" fn in_child() {
    shut_gate();
}

#[cfg(wakeline_reactor)]
mod parent {
    use std::sync::atomic::{AtomicU64, Ordering};

    use wakeline_wire::{detail, kind};

    use crate::gate::{detail_of, gate};
    use crate::session::Session;
    use crate::this_thread::with_free_recorder;

    /// The dictionary's id of the marker's name; it is known before the first fork because
    /// the dictionary's lock must not be taken where a signal handler forks.
    static NAME: AtomicU64 = AtomicU64::new(0);

    pub(super) fn prepare(session: &'static Session) {
        let name = "forked a child, which is not recorded";
        NAME.store(session.dictionary.string(name), Ordering::Relaxed);
    }

    /// After a fork, in the parent, on the thread that made it.
    pub(super) extern "C" fn told() {
        if detail_of(gate()) >= detail::LEAN {
            with_free_recorder(|r| {
                let fields = [NAME.load(Ordering::Relaxed), r.current_task(), 0];
                r.event(kind::MARKER, fields);
            });
        }
    }
}

/// Without the reactor nothing tells whether a recorder is in use, so nothing is written.
#[cfg(not(wakeline_reactor))]
mod parent {
    use crate::session::Session;

    pub(super) fn prepare(_session: &'static Session) {}

    pub(super) extern "C" fn told() {}
}
