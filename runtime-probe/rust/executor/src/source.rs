//! Owns what all sources of readiness share: being registered, and the loop of system call,
//! `WouldBlock` and stored waker. It must not know which calls there are.

use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};

use mio::event::Source as MioSource;
use mio::Interest;

use crate::context;
use crate::observe::{
    self, mask, Address, OperationKind, OperationResult, SourceInfo, SourceKind, WaitTarget,
};
use crate::reactor::{Direction, SourceEntry};
use crate::scheduler::Shared;

/// A registered `mio` source; it leaves the reactor before it is closed.
pub(crate) struct Source<S: MioSource> {
    io: S,
    entry: Arc<SourceEntry>,
    shared: Arc<Shared>,
}

/// How a source is presented to the observer.
pub(crate) struct SourceIdentity<'a> {
    pub(crate) fd: i32,
    pub(crate) kind: SourceKind,
    pub(crate) local: Option<Address<'a>>,
    pub(crate) peer: Option<Address<'a>>,
    pub(crate) site: &'static Location<'static>,
}

impl<S: MioSource> Source<S> {
    /// Registers with the reactor of the runtime that this thread serves.
    #[track_caller]
    pub(crate) fn register(
        mut io: S,
        interest: Interest,
        identity: &SourceIdentity<'_>,
    ) -> io::Result<Self> {
        let shared = context::expect_runtime("a source of readiness");
        let entry = shared.reactor.register(&mut io, interest, |source| {
            if let Some(observer) = observe::observer() {
                observer.source_registered(&SourceInfo {
                    source,
                    fd: identity.fd,
                    kind: identity.kind,
                    local: identity.local,
                    peer: identity.peer,
                    interest: interest_mask(interest),
                    token: source,
                    site: identity.site,
                });
            }
        })?;
        Ok(Source { io, entry, shared })
    }

    pub(crate) fn id(&self) -> u64 {
        self.entry.id
    }

    pub(crate) fn io(&self) -> &S {
        &self.io
    }

    /// Makes one operation: the system call, again when a signal interrupted it,
    /// until it gives something other than `WouldBlock`; then the waker is stored.
    /// Every call is told to the observer, with what `describe` makes of its result.
    pub(crate) fn poll_operation<T>(
        &self,
        operation: &Operation,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&S) -> io::Result<T>,
        describe: impl Fn(&T) -> OperationResult,
    ) -> Poll<io::Result<T>> {
        let observer = observe::observer();
        loop {
            let edges = self.entry.edges(operation.direction);
            let result = call(&self.io);
            if let Some(observer) = observer {
                let told = match &result {
                    Ok(value) => describe(value),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        OperationResult::WouldBlock
                    }
                    Err(error) => OperationResult::Error(error.raw_os_error().unwrap_or(0)),
                };
                let requested = operation.requested_bytes;
                observer.operation(self.id(), operation.kind, told, requested);
            }
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.entry.store(operation.direction, edges, cx.waker()) {
                        // Readiness came between the call and the store.
                        continue;
                    }
                    if let Some(observer) = observer {
                        let target = match operation.direction {
                            Direction::Read => WaitTarget::SourceReadable(self.id()),
                            Direction::Write => WaitTarget::SourceWritable(self.id()),
                        };
                        observer.wait_started(context::frame(), target, operation.site);
                    }
                    return Poll::Pending;
                }
                other => return Poll::Ready(other),
            }
        }
    }
}

impl<S: MioSource> Drop for Source<S> {
    fn drop(&mut self) {
        self.shared.reactor.deregister(&mut self.io, &self.entry);
    }
}

impl<S: MioSource> fmt::Debug for Source<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

/// One operation of a source, as it is told to the observer.
pub(crate) struct Operation {
    pub(crate) kind: OperationKind,
    pub(crate) direction: Direction,
    pub(crate) requested_bytes: usize,
    pub(crate) site: &'static Location<'static>,
}

fn interest_mask(interest: Interest) -> u8 {
    let readable = if interest.is_readable() {
        mask::READABLE
    } else {
        0
    };
    let writable = if interest.is_writable() {
        mask::WRITABLE
    } else {
        0
    };
    readable | writable
}

/// The socket's number, where the system has such numbers.
#[cfg(unix)]
pub(crate) fn fd_of(io: &impl std::os::fd::AsRawFd) -> i32 {
    io.as_raw_fd()
}

/// The socket's number, where the system has such numbers.
#[cfg(not(unix))]
pub(crate) fn fd_of<T>(_io: &T) -> i32 {
    -1
}
