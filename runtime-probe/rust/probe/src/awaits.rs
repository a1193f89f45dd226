//! Owns what is told of where a pending task awaits: which thread reads the program's debug
//! information, and the waits that polls, or that thread, record by it. It must not know how futures are laid
//! out.
//!
//! Without the feature `await-sites` nothing of this is there but the sentence that says so.

#[cfg(feature = "await-sites")]
mod told;

#[cfg(feature = "await-sites")]
pub(crate) use told::{are_pending, begin, told, told_at, visibility};

#[cfg(not(feature = "await-sites"))]
pub(crate) use absent::{are_pending, begin, told, told_at, visibility};

#[cfg(not(feature = "await-sites"))]
mod absent {
    use wakeline_wire::visibility;

    use crate::session::Session;

    pub(crate) fn begin(_session: &'static Session) {}

    pub(crate) fn are_pending() -> bool {
        false
    }

    #[inline(always)]
    pub(crate) unsafe fn told<F>(_session: &'static Session, _future: *const F) {}

    #[inline(always)]
    pub(crate) unsafe fn told_at(
        _session: &'static Session,
        _poll: usize,
        _size_bytes: usize,
        _future: *const u8,
    ) {
    }

    pub(crate) fn visibility() -> (u64, &'static str) {
        let note = "only the line of the spawn is known; wakeline's feature await-sites tells more in debug builds";
        (visibility::NOT_RECORDED, note)
    }
}
