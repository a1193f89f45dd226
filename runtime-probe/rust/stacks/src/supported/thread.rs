//! Owns what the system tells of a thread: processor time, where its stack is, which signals
//! it blocks. It must not know who asks.

use std::mem::MaybeUninit;
use std::ops::Range;

/// Processor time in ns that the thread of this system id has used; `None` when this process
/// has no such thread. May be called from any thread.
pub fn cpu_ns(os_id: u64) -> Option<u64> {
    // The kernel's own coding of "the scheduler's clock of that thread"; the library's
    // function for it takes a handle that must not be of an ended thread.
    const SCHEDULER_CLOCK_OF_THREAD: libc::clockid_t = 0b110;
    // The kernel has 22 bits of ids; what the coding cannot hold would be another clock.
    let id = i32::try_from(os_id).ok();
    let id = id.filter(|id| (1..1 << 28).contains(id))?;
    read_clock((!id << 3) | SCHEDULER_CLOCK_OF_THREAD)
}

/// Processor time in ns that the calling thread has used.
pub fn own_cpu_ns() -> Option<u64> {
    read_clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn read_clock(clock: libc::clockid_t) -> Option<u64> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec of ours; a clock that is not there is an error.
    let result = unsafe { libc::clock_gettime(clock, &mut time) };
    (result == 0).then(|| time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

/// The addresses of the calling thread's stack, the end exclusive; empty when the system does
/// not say.
pub fn own_stack() -> Range<usize> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut base = std::ptr::null_mut();
    let mut bytes = 0;
    // SAFETY: the attributes are made by the first call before the second reads them, and are
    // destroyed once; the thread is the calling one.
    let known = unsafe {
        libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) == 0 && {
            let known =
                libc::pthread_attr_getstack(attributes.as_ptr(), &mut base, &mut bytes) == 0;
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
            known
        }
    };
    if known {
        base.addr()..base.addr().saturating_add(bytes)
    } else {
        0..0
    }
}

/// Whether the thread would not take this signal now. Where that cannot be read, it is said
/// to block it: a signal must not wait in a thread for long, as it would outlive an `exec`.
pub(crate) fn blocks(os_id: u64, signal: libc::c_int) -> bool {
    let status = std::fs::read_to_string(format!("/proc/self/task/{os_id}/status"));
    let Ok(status) = status else {
        return true;
    };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask >> (signal - 1) & 1 == 1)
}
