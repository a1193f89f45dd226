//! Owns the barrier that the flusher raises on all threads at once, so that a thread that
//! records needs none of its own. It must not know what is ordered by it.
//!
//! What it buys: a thread tells "I am not quiet" and then reads the clock; the flusher reads
//! its clock and then asks who is quiet. With plain instructions both may be seen in the
//! wrong order, and two fences per event cost 40 ns. `membarrier` interrupts every core on
//! which this process runs; an interrupt lies between two instructions, so of the thread's
//! store and its clock either both come before it, and the flusher sees the store, or the
//! clock is read after it, and so after the flusher's. It costs the flusher 1–2 µs a round.

#[cfg(target_os = "linux")]
mod system {
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;

    fn call(command: libc::c_int) -> bool {
        // SAFETY: it takes no pointer; kernels before 4.14 and filters refuse it.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    /// Whether [`raise`] can be used; to be asked once, before there are records.
    pub(crate) fn prepare() -> bool {
        call(REGISTER_PRIVATE_EXPEDITED) && call(PRIVATE_EXPEDITED)
    }

    /// A full barrier on every running thread of the process. False when it was refused.
    pub(crate) fn raise() -> bool {
        call(PRIVATE_EXPEDITED)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(crate) fn prepare() -> bool {
        false
    }

    pub(crate) fn raise() -> bool {
        false
    }
}

pub(crate) use system::{prepare, raise};
