//! Owns where frames go: to a collector over a socket, or into a file. It must not know
//! what they hold.

use std::io;
use std::time::Duration;

use crate::connection::{Connection, Heard, Sent};
use crate::file::RecordingFile;

/// An open way for frames.
pub(crate) enum Link {
    Socket(Connection),
    File(RecordingFile),
}

impl Link {
    /// Where whole frames are appended. Only while nothing is left of an earlier send.
    pub(crate) fn outbound(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Socket(connection) => connection.outbound(),
            Self::File(file) => file.outbound(),
        }
    }

    /// Whether a part of an earlier send is left.
    pub(crate) fn is_stalled(&self) -> bool {
        match self {
            Self::Socket(connection) => connection.is_stalled(),
            Self::File(_) => false,
        }
    }

    /// Sends what is queued; see [`Connection::send`]. A file takes all at once.
    ///
    /// # Errors
    /// When the way is broken.
    pub(crate) fn send(&mut self, patience: Duration) -> io::Result<Sent> {
        match self {
            Self::Socket(connection) => connection.send(patience),
            Self::File(file) => match file.overflows() {
                true => Ok(Sent::Full),
                false => file.write().map(|()| Sent::All),
            },
        }
    }

    /// Sends the end frame, for which there is room in a file that is full otherwise.
    pub(crate) fn send_end(&mut self, patience: Duration) -> io::Result<Sent> {
        match self {
            Self::Socket(connection) => connection.send(patience),
            Self::File(file) => file.write().map(|()| Sent::All),
        }
    }

    /// Reads what the collector said; a file says nothing. False when it has closed.
    ///
    /// # Errors
    /// When the connection is broken or what came is not the wire's.
    pub(crate) fn hear(&mut self, heard: &mut Vec<Heard>) -> io::Result<bool> {
        match self {
            Self::Socket(connection) => connection.hear(heard),
            Self::File(_) => Ok(true),
        }
    }

    /// Ends the stream; see [`Connection::close`].
    pub(crate) fn close(self, patience: Duration) {
        if let Self::Socket(connection) = self {
            connection.close(patience);
        }
    }
}
