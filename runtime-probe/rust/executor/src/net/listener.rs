//! Owns the listening socket. It must not know what is said on the connections.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use mio::Interest;

use super::stream::TcpStream;
use crate::observe::{Address, OperationKind, OperationResult, SourceKind};
use crate::reactor::Direction;
use crate::source::{fd_of, Operation, Source, SourceIdentity};

/// A listening TCP socket.
#[derive(Debug)]
pub struct TcpListener {
    source: Source<mio::net::TcpListener>,
}

impl TcpListener {
    /// Binds and listens. A host name is looked up at once, which blocks; give an
    /// address where that matters.
    ///
    /// # Errors
    ///
    /// When the name has no address, or none of its addresses can be bound.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    #[track_caller]
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<TcpListener> {
        let site = Location::caller();
        let io = first_that_works(address, mio::net::TcpListener::bind)?;
        let identity = SourceIdentity {
            fd: fd_of(&io),
            kind: SourceKind::TcpListener,
            local: io.local_addr().ok().map(Address::Internet),
            peer: None,
            site,
        };
        Ok(TcpListener {
            source: Source::register(io, Interest::READABLE, &identity)?,
        })
    }

    /// The address it listens on; it has the port that the system chose for port 0.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.io().local_addr()
    }

    /// The source's id, as the observer knows it.
    pub fn source_id(&self) -> u64 {
        self.source.id()
    }

    /// Waits for the next connection.
    #[track_caller]
    pub fn accept(&self) -> Accept<'_> {
        Accept {
            listener: self,
            site: Location::caller(),
        }
    }
}

/// Made by [`TcpListener::accept`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Accept<'a> {
    listener: &'a TcpListener,
    site: &'static Location<'static>,
}

impl Future for Accept<'_> {
    type Output = io::Result<(TcpStream, SocketAddr)>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let operation = Operation {
            kind: OperationKind::Accept,
            direction: Direction::Read,
            requested_bytes: 0,
            site: self.site,
        };
        self.listener
            .source
            .poll_operation(&operation, cx, mio::net::TcpListener::accept, |_| {
                OperationResult::Done
            })
            .map(|accepted| {
                let (io, peer) = accepted?;
                Ok((TcpStream::register(io, Some(peer), self.site)?, peer))
            })
    }
}

/// Tries the addresses in turn and gives the first success or the last error.
pub(super) fn first_that_works<T>(
    addresses: impl ToSocketAddrs,
    attempt: impl Fn(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = None;
    for address in addresses.to_socket_addrs()? {
        match attempt(address) {
            Ok(value) => return Ok(value),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "the name has no address; give a host and port that resolve to one",
        )
    }))
}
