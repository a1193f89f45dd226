//! Owns the reads, writes and syncs of files that threads of a blocking pool make: each is told
//! as a job of that thread, with its kind, its time and its bytes. It must not know what a
//! closure of the pool is for.
//!
//! This is how `tokio::fs` is seen where tokio tells nothing of its blocking closures: who
//! asked for the operation, and when, is not known then. Inside of a closure that is recorded
//! by itself nothing is told here.
//!
//! A signal handler may write to a file too, wherever it interrupts its thread. So nothing
//! here allocates or takes a lock: a thread that has no recorder yet gets none here.

use std::cell::Cell;
use std::ffi::c_int;
use std::mem::zeroed;

use libc::{c_void, off64_t, off_t, size_t, ssize_t};
use wakeline_executor::observe::{new_ids, open_poll_depth};
use wakeline_wire::{detail, job_kind, operation_kind};

use super::real::{errno, interposed, set_errno};
use super::session;
use crate::gate::{detail_of, gate};
use crate::this_thread::with_free_recorder;

/// What is known of a thread.
#[derive(Clone, Copy, PartialEq)]
enum Thread {
    /// Not asked yet.
    Unknown,
    /// No runtime's.
    Other,
    /// A runtime started it: as a worker, or for its blocking pool.
    Runtimes,
    /// A runtime that has no workers of its own started it.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    Pools,
}

thread_local! {
    // Without a destructor, so that it may be read at any time of a thread's life.
    static THREAD: Cell<Thread> = const { Cell::new(Thread::Unknown) };
}

/// The runtime says that it has started this thread; `for_pool` where it can be for nothing but
/// its blocking pool.
#[cfg(feature = "tokio")]
pub(crate) fn started_by_runtime(for_pool: bool) {
    THREAD.set(match for_pool {
        true => Thread::Pools,
        false => Thread::Runtimes,
    });
}

/// Whether it must be asked what runs here.
#[inline]
pub(super) fn may_be_on_pool() -> bool {
    match THREAD.get() {
        Thread::Other => false,
        Thread::Runtimes | Thread::Pools => true,
        Thread::Unknown => look(),
    }
}

/// tokio's threads have names that begin so, unless the program says otherwise.
#[cold]
fn look() -> bool {
    const PREFIX: &[u8] = b"tokio";
    let mut name = [0_u8; 16];
    // SAFETY: the call writes at most 16 bytes.
    let result = unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    // The thread that ran `main` has the name of the program.
    // SAFETY: both take nothing.
    let is_main = unsafe { libc::syscall(libc::SYS_gettid) == libc::getpid().into() };
    let is_tokios = result == 0 && !is_main && name.starts_with(PREFIX);
    THREAD.set(match is_tokios && cfg!(feature = "tokio") {
        true => Thread::Runtimes,
        false => Thread::Other,
    });
    is_tokios
}

/// Whether what runs here is a closure of the blocking pool, and none of a task.
fn is_in_closure() -> bool {
    #[cfg(feature = "tokio")]
    let is_pools = THREAD.get() == Thread::Pools || crate::tokio::present::is_pools_closure();
    #[cfg(not(feature = "tokio"))]
    let is_pools = false;
    is_pools && open_poll_depth() == 0
}

/// Makes a call that may be one of a blocking closure on a file, and records it if it is.
#[cold]
pub(super) fn on_pool(fd: c_int, operation: u64, call: impl FnOnce() -> ssize_t) -> ssize_t {
    let kind = match operation {
        operation_kind::READ => job_kind::FILE_READ,
        _ => job_kind::FILE_WRITE,
    };
    as_job(fd, kind, call)
}

fn as_job(fd: c_int, kind: u64, call: impl FnOnce() -> ssize_t) -> ssize_t {
    let before = errno();
    let job = begin(fd, kind);
    set_errno(before);
    let result = call();
    if let Some(job) = job {
        let error = errno();
        let bytes = u64::try_from(result).unwrap_or(0);
        with_free_recorder(|r| {
            r.seen_job_ends(detail_of(gate()) >= detail::LEAN, job, bytes);
        });
        set_errno(error);
    }
    result
}

/// The job that begins; none where nothing is to be told.
fn begin(fd: c_int, kind: u64) -> Option<u64> {
    let is_told = detail_of(gate()) >= detail::LEAN && session(fd).is_some();
    if !is_told || !is_in_closure() || !is_file(fd) {
        return None;
    }
    let job = new_ids::job();
    let mut begun = None;
    with_free_recorder(|r| begun = r.job_seen(job, kind).then_some(job));
    begun
}

/// Whether the descriptor is a file on a disk, or what stands for one.
fn is_file(fd: c_int) -> bool {
    // SAFETY: all zero is a valid value of this plain structure.
    let mut found: libc::stat = unsafe { zeroed() };
    // SAFETY: the pointer is to a value of ours.
    let result = unsafe { libc::fstat(fd, &mut found) };
    result == 0 && matches!(found.st_mode & libc::S_IFMT, libc::S_IFREG | libc::S_IFBLK)
}

#[inline]
fn at_offset(fd: c_int, operation: u64, call: impl FnOnce() -> ssize_t) -> ssize_t {
    match may_be_on_pool() {
        true => on_pool(fd, operation, call),
        false => call(),
    }
}

#[inline]
fn synced(fd: c_int, call: impl FnOnce() -> c_int) -> c_int {
    match may_be_on_pool() {
        true => as_job(fd, job_kind::FILE_OTHER, || call() as ssize_t) as c_int,
        false => call(),
    }
}

interposed! {
    /// The library's `pread`: no source has an offset.
    fn pread(fd: c_int, buffer: *mut c_void, size: size_t, offset: off_t) -> ssize_t
        as Pread, "pread";
    system libc::syscall(libc::SYS_pread64, fd, buffer, size, offset);
    recorded |call| at_offset(fd, operation_kind::READ, call);

    /// The library's `pread64`, which is the same where a pointer has 64 bits.
    fn pread64(fd: c_int, buffer: *mut c_void, size: size_t, offset: off64_t) -> ssize_t
        as Pread64, "pread64";
    system libc::syscall(libc::SYS_pread64, fd, buffer, size, offset);
    recorded |call| at_offset(fd, operation_kind::READ, call);

    /// The library's `pwrite`; see `pread`.
    fn pwrite(fd: c_int, buffer: *const c_void, size: size_t, offset: off_t) -> ssize_t
        as Pwrite, "pwrite";
    system libc::syscall(libc::SYS_pwrite64, fd, buffer, size, offset);
    recorded |call| at_offset(fd, operation_kind::WRITE, call);

    /// The library's `pwrite64`; see `pread64`.
    fn pwrite64(fd: c_int, buffer: *const c_void, size: size_t, offset: off64_t) -> ssize_t
        as Pwrite64, "pwrite64";
    system libc::syscall(libc::SYS_pwrite64, fd, buffer, size, offset);
    recorded |call| at_offset(fd, operation_kind::WRITE, call);

    /// The library's `fsync`.
    fn fsync(fd: c_int) -> c_int
        as Fsync, "fsync";
    system libc::syscall(libc::SYS_fsync, fd);
    recorded |call| synced(fd, call);

    /// The library's `fdatasync`.
    fn fdatasync(fd: c_int) -> c_int
        as Fdatasync, "fdatasync";
    system libc::syscall(libc::SYS_fdatasync, fd);
    recorded |call| synced(fd, call);
}
