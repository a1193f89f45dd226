//! Owns a runtime's io_uring: what was put into it, what the kernel has completed, and
//! that memory which the kernel may still touch stays where it is. It must not know
//! files; it is handed entries and what must live as long as they do.
//!
//! A submission is put into the queue by a poll, and the kernel is told of all of them
//! at once when the worker has no more to poll. Completions are found by the reactor,
//! which has the ring's descriptor among its sources:
//!
//! ```text
//!   poll     submitted ─ wait_started(Submission) ─ Pending
//!   worker   io_uring_enter ─ park ─ unpark ─ readiness(ring) ─ completed ─ wake(Submission)
//!   poll     Ready
//! ```

mod operation;

pub(crate) use operation::{Operation, Payload};

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use io_uring::{opcode, squeue, IoUring, Probe};
use mio::unix::SourceFd;
use mio::Interest;

use crate::observe::{
    self, mask, SourceInfo, SourceKind, SubmissionInfo, SubmissionKind, WakeCause,
};
use crate::reactor::{Reactor, SourceEntry};
use crate::{context, ids, lock};

/// Places in the submission queue: 64 bytes each, 16 KiB. When it is full, the kernel is
/// told early.
const QUEUE_ENTRIES: u32 = 256;

/// Places in the completion queue: 16 bytes each, 64 KiB. No more submissions than these
/// are in the kernel's hands at once, so that it always has a place for a completion;
/// the others wait here.
const COMPLETION_ENTRIES: u32 = 4096;

/// How long a runtime that ends waits for the kernel to complete or cancel what is in
/// the ring, in steps. After that the memory in question is leaked, never freed early.
const END_STEPS: u32 = 50;
const END_STEP: Duration = Duration::from_millis(100);

/// How often a full kernel is asked again to take submissions, and the pause between.
const SUBMIT_TRIES: u32 = 1000;
const SUBMIT_PAUSE: Duration = Duration::from_millis(1);

/// What a completion is delivered to; it also keeps alive what the kernel works on.
trait Completes: Send + Sync {
    fn complete(&self, result: i32);
}

#[derive(Default)]
struct Queue {
    /// Submissions by id, until their completion was taken.
    in_flight: HashMap<u64, Arc<dyn Completes>>,
    /// Of these, how many are in the ring and not in the backlog.
    in_ring: u32,
    /// Entries for which the completion queue has no place yet.
    backlog: VecDeque<squeue::Entry>,
}

/// The io_uring of one runtime.
pub(crate) struct Ring {
    io: IoUring,
    entry: OnceLock<Arc<SourceEntry>>,
    /// Also the right to touch the submission queue's tail.
    queue: Mutex<Queue>,
    /// The right to touch the completion queue's head.
    completions: Mutex<()>,
    /// `queue.in_flight.len()`, with those that are about to enter it.
    depth: AtomicUsize,
}

impl Ring {
    /// Sets up a ring and makes sure that the kernel knows every operation that is used.
    ///
    /// # Errors
    ///
    /// When the kernel has no io_uring, refuses one, or has one that is too old.
    pub(crate) fn open() -> io::Result<Self> {
        let io = IoUring::builder()
            .dontfork()
            .setup_cqsize(COMPLETION_ENTRIES)
            .build(QUEUE_ENTRIES)
            .map_err(|error| refused(&error))?;
        let mut probe = Probe::new();
        let needed = [
            opcode::OpenAt::CODE,
            opcode::Read::CODE,
            opcode::Write::CODE,
            opcode::Fsync::CODE,
            opcode::Close::CODE,
            opcode::AsyncCancel::CODE,
        ];
        io.submitter()
            .register_probe(&mut probe)
            .map_err(|error| refused(&error))?;
        if !io.params().is_feature_nodrop() || !needed.iter().all(|code| probe.is_supported(*code))
        {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this kernel's io_uring lacks file operations: Linux 5.6 or later is needed; \
                 use Files::Pool, or Files::IoUringOrPool to fall back to it",
            ));
        }
        Ok(Ring {
            io,
            entry: OnceLock::new(),
            queue: Mutex::default(),
            completions: Mutex::new(()),
            depth: AtomicUsize::new(0),
        })
    }

    /// Makes the reactor look after completions. Once, before anything is submitted.
    pub(crate) fn register(
        &self,
        reactor: &Reactor,
        site: &'static Location<'static>,
    ) -> io::Result<()> {
        let fd = self.io.as_raw_fd();
        let entry = reactor.register(&mut SourceFd(&fd), Interest::READABLE, |source| {
            if let Some(observer) = observe::observer() {
                observer.source_registered(&SourceInfo {
                    source,
                    fd,
                    kind: SourceKind::IoUring,
                    local: None,
                    peer: None,
                    interest: mask::READABLE,
                    token: source,
                    site,
                });
            }
        })?;
        let _ = self.entry.set(entry);
        Ok(())
    }

    /// Whether this source is the ring's completion queue.
    pub(crate) fn is_source(&self, source: u64) -> bool {
        self.source() == source
    }

    fn source(&self) -> u64 {
        self.entry.get().map_or(0, |entry| entry.id)
    }

    /// Puts an entry into the ring and gives its id. What `keeper` holds stays alive
    /// until the kernel has completed the entry.
    ///
    /// # Safety
    ///
    /// All that the entry points to is owned by `keeper` and is neither moved nor
    /// touched before `keeper` is told of the completion.
    unsafe fn submit(
        &self,
        kind: SubmissionKind,
        bytes: usize,
        entry: squeue::Entry,
        keeper: Arc<dyn Completes>,
    ) -> u64 {
        let id = ids::SUBMISSIONS.next();
        let depth = self.depth.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(observer) = observe::observer() {
            observer.submitted(&SubmissionInfo {
                submission: id,
                source: self.source(),
                kind,
                bytes: bytes as u64,
                depth,
            });
        }
        let entry = entry.user_data(id);
        let mut queue = lock(&self.queue);
        queue.in_flight.insert(id, keeper);
        queue.backlog.push_back(entry);
        self.fill(&mut queue);
        id
    }

    /// Moves entries from the backlog into the submission queue, as far as there are
    /// places for their completions.
    fn fill(&self, queue: &mut Queue) {
        while queue.in_ring < COMPLETION_ENTRIES {
            let Some(entry) = queue.backlog.pop_front() else {
                return;
            };
            loop {
                // SAFETY: the queue's lock is held, so this is the only submission queue;
                // `submit`'s caller answers for what the entry points to, and `in_flight`
                // keeps it alive.
                let pushed = unsafe { self.io.submission_shared().push(&entry) };
                if pushed.is_ok() {
                    break;
                }
                self.enter();
            }
            queue.in_ring += 1;
        }
    }

    /// Tells the kernel of all that was put into the submission queue. A kernel that has
    /// no memory for it just now is asked again.
    pub(crate) fn flush(&self) {
        if self.depth.load(Ordering::Relaxed) == 0 {
            return;
        }
        let nothing = {
            let _queue = lock(&self.queue);
            // SAFETY: the queue's lock is held, so this is the only submission queue.
            let submissions = unsafe { self.io.submission_shared() };
            // Its end writes its tail back, so it ends before the lock does: as a temporary of
            // this block's value it would end after, and could undo another thread's entry.
            let nothing = submissions.is_empty();
            drop(submissions);
            nothing
        };
        if !nothing {
            self.enter();
        }
    }

    fn enter(&self) {
        let mut tries = 0;
        while let Err(error) = self.io.submit() {
            if error.kind() == io::ErrorKind::Interrupted {
                continue;
            }
            tries += 1;
            let transient = matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EBUSY));
            assert!(
                transient && tries < SUBMIT_TRIES,
                "the kernel takes no more submissions to io_uring: {error}"
            );
            std::thread::sleep(SUBMIT_PAUSE);
        }
    }

    /// Takes what the kernel has completed and wakes those who wait for it. Gives how
    /// many there were.
    pub(crate) fn reap(&self) -> usize {
        let completed: Vec<(u64, i32)> = {
            let _turn = lock(&self.completions);
            // SAFETY: the lock is held, so this is the only completion queue.
            let completions = unsafe { self.io.completion_shared() };
            completions
                .map(|each| (each.user_data(), each.result()))
                .collect()
        };
        for (id, result) in &completed {
            let keeper = {
                let mut queue = lock(&self.queue);
                queue.in_ring -= 1;
                let keeper = queue.in_flight.remove(id);
                self.fill(&mut queue);
                keeper
            };
            self.depth.fetch_sub(1, Ordering::Relaxed);
            if let Some(observer) = observe::observer() {
                observer.completed(*id, *result);
            }
            if let Some(keeper) = keeper {
                let _cause = context::enter_cause(WakeCause::Submission(*id));
                keeper.complete(*result);
            }
        }
        completed.len()
    }

    /// Waits until the kernel is done with everything that was submitted; all futures
    /// that waited for it are gone and have asked for its end.
    pub(crate) fn stop(&self, reactor: &Reactor) {
        for _ in 0..END_STEPS {
            self.flush();
            self.reap();
            if lock(&self.queue).in_flight.is_empty() {
                break;
            }
            self.wait_for_completion();
        }
        if let Some(entry) = self.entry.get() {
            reactor.deregister(&mut SourceFd(&self.io.as_raw_fd()), entry);
        }
    }

    fn wait_for_completion(&self) {
        let mut wanted = libc::pollfd {
            fd: self.io.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let timeout_ms = i32::try_from(END_STEP.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: one entry, which lives through the call. What it gives does not
        // matter: the caller looks again in any case.
        let _ = unsafe { libc::poll(&mut wanted, 1, timeout_ms) };
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        let queue = self
            .queue
            .get_mut()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // The kernel may still write there, whatever becomes of the ring. The map itself is
        // ours alone.
        queue.in_flight.drain().for_each(std::mem::forget);
    }
}

impl AsRawFd for Ring {
    fn as_raw_fd(&self) -> RawFd {
        self.io.as_raw_fd()
    }
}

fn refused(error: &io::Error) -> io::Error {
    let why = match error.raw_os_error() {
        Some(libc::ENOSYS) => "the kernel has none, or a filter of system calls hides it",
        Some(libc::EPERM | libc::EACCES) => {
            "it is not allowed here: see /proc/sys/kernel/io_uring_disabled, \
             and the filter of system calls that a container sets"
        }
        Some(libc::ENOMEM) => "the limit of locked memory is too low (ulimit -l)",
        _ => "the system refused it",
    };
    io::Error::new(
        error.kind(),
        format!(
            "no io_uring could be set up: {why} ({error}); \
             use Files::Pool, or Files::IoUringOrPool to fall back to it"
        ),
    )
}
