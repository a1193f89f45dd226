//! Owns the connected socket and its operations. It must not know protocols.

use std::future::Future;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use mio::Interest;

use super::bytes::{Read, ReadExact, ReadToEnd, Write, WriteAll};
use crate::observe::{Address, OperationKind, OperationResult, SourceKind};
use crate::reactor::Direction;
use crate::source::{fd_of, Operation, Source, SourceIdentity};

type Site = &'static Location<'static>;

/// A TCP connection.
#[derive(Debug)]
pub struct TcpStream {
    source: Source<mio::net::TcpStream>,
}

impl TcpStream {
    /// Connects to an address.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Connect {
        Connect {
            address,
            site: Location::caller(),
            stream: None,
        }
    }

    pub(super) fn register(
        io: mio::net::TcpStream,
        peer: Option<SocketAddr>,
        site: Site,
    ) -> io::Result<TcpStream> {
        let identity = SourceIdentity {
            fd: fd_of(&io),
            kind: SourceKind::TcpStream,
            local: io.local_addr().ok().map(Address::Internet),
            peer: peer.map(Address::Internet),
            site,
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        Ok(TcpStream {
            source: Source::register(io, interest, &identity)?,
        })
    }

    /// The source's id, as the observer knows it.
    pub fn source_id(&self) -> u64 {
        self.source.id()
    }

    /// This end's address.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.io().local_addr()
    }

    /// The other end's address.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.source.io().peer_addr()
    }

    /// Sends small writes at once (`true`) or lets the system gather them.
    ///
    /// # Errors
    ///
    /// When the system refuses the option.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.source.io().set_nodelay(nodelay)
    }

    /// Closes one direction or both; the peer then reads the end of the stream.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.source.io().shutdown(how)
    }

    /// Reads what is there, at least one byte; 0 means the end of the stream.
    #[track_caller]
    pub fn read<'a>(&'a self, buffer: &'a mut [u8]) -> Read<'a> {
        Read::new(&self.source, buffer)
    }

    /// Fills the whole buffer. Ends with `UnexpectedEof` when the stream ends first.
    #[track_caller]
    pub fn read_exact<'a>(&'a self, buffer: &'a mut [u8]) -> ReadExact<'a> {
        ReadExact::new(&self.source, buffer)
    }

    /// Reads everything up to the end of the stream.
    #[track_caller]
    pub fn read_to_end(&self) -> ReadToEnd<'_> {
        ReadToEnd::new(&self.source)
    }

    /// Writes what the system takes, at least one byte, and returns how many.
    #[track_caller]
    pub fn write<'a>(&'a self, bytes: &'a [u8]) -> Write<'a> {
        Write::new(&self.source, bytes)
    }

    /// Writes all bytes.
    #[track_caller]
    pub fn write_all<'a>(&'a self, bytes: &'a [u8]) -> WriteAll<'a> {
        WriteAll::new(&self.source, bytes)
    }

    /// Whether the connection is established; `WouldBlock` while it is under way.
    fn poll_connected(&self, cx: &mut Context<'_>, site: Site) -> Poll<io::Result<()>> {
        let operation = Operation {
            kind: OperationKind::Connect,
            direction: Direction::Write,
            requested_bytes: 0,
            site,
        };
        self.source
            .poll_operation(&operation, cx, check_connected, |()| OperationResult::Done)
    }
}

/// Asks the socket how its `connect` is doing: it has an error, it has a peer, or
/// it is still under way.
fn check_connected(io: &mio::net::TcpStream) -> io::Result<()> {
    if let Some(error) = io.take_error()? {
        return Err(error);
    }
    match io.peer_addr() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        Err(error) => Err(error),
    }
}

/// Made by [`TcpStream::connect`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Connect {
    address: SocketAddr,
    site: Site,
    /// From the first poll on, which makes the socket and starts the `connect`.
    stream: Option<TcpStream>,
}

impl Future for Connect {
    type Output = io::Result<TcpStream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        let site = self.site;
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let io = mio::net::TcpStream::connect(self.address)?;
                TcpStream::register(io, Some(self.address), site)?
            }
        };
        match stream.poll_connected(cx, site) {
            Poll::Ready(result) => Poll::Ready(result.map(|()| stream)),
            Poll::Pending => {
                self.stream = Some(stream);
                Poll::Pending
            }
        }
    }
}
