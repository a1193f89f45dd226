//! Owns where the recording goes, and how the way there is opened. It must not know when
//! that is tried or what is sent.

use std::io;

use crate::address::{Address, Token};
use crate::connection::Connection;
use crate::file::RecordingFile;
use crate::flight::Flight;
use crate::link::Link;
use crate::listener::Listener;

/// Where the recording goes.
pub(crate) enum Destination {
    /// A collector that listens.
    Collector(Address, Token),
    /// A file; `None` once it is the flusher's link.
    File(Option<RecordingFile>),
    /// Whoever attaches.
    Listener(Listener),
    /// Memory, until somebody asks for a file.
    Flight(Flight),
}

impl Destination {
    /// Opens the way; `None` while nobody has attached.
    ///
    /// # Errors
    /// When nobody listens there.
    pub(crate) fn open(&mut self) -> io::Result<Option<Link>> {
        match self {
            Self::Collector(address, token) => {
                Connection::open(address, token).map(Link::Socket).map(Some)
            }
            Self::File(file) => Ok(file.take().map(Link::File)),
            Self::Listener(listener) => Ok(listener.look(false).map(Link::Socket)),
            Self::Flight(_) => Ok(None),
        }
    }

    /// Answers who else comes while the way is open.
    pub(crate) fn look(&mut self, is_taken: bool) {
        if let Self::Listener(listener) = self {
            listener.look(is_taken);
        }
    }

    /// The absolute path of the file that is written; empty where none is, or where the path
    /// is not UTF-8.
    pub(crate) fn recording(&self) -> String {
        let Self::File(Some(file)) = self else {
            return String::new();
        };
        let path = std::path::absolute(file.path()).unwrap_or_default();
        path.to_str().unwrap_or_default().to_owned()
    }

    /// Whether somebody may attach, and nothing is recorded until then.
    pub(crate) fn is_listener(&self) -> bool {
        matches!(self, Self::Listener(_))
    }
}
