//! Owns what stands for the ring where none can be: a type without a value, so that the
//! callers need no cases of their own. It must not know why there is none.

use std::io;
use std::panic::Location;

use crate::reactor::Reactor;

/// No value of this exists.
pub(crate) enum Ring {}

impl Ring {
    /// # Errors
    ///
    /// Always.
    pub(crate) fn open() -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this program was built without io_uring: it needs Linux and wakeline-executor's \
             feature io-uring; use Files::Pool, or Files::IoUringOrPool to fall back to it",
        ))
    }

    pub(crate) fn register(&self, _: &Reactor, _: &'static Location<'static>) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn is_source(&self, _source: u64) -> bool {
        match *self {}
    }

    pub(crate) fn flush(&self) {
        match *self {}
    }

    pub(crate) fn reap(&self) -> usize {
        match *self {}
    }

    pub(crate) fn stop(&self, _reactor: &Reactor) {
        match *self {}
    }
}
