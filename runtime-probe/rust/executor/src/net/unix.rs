//! Owns the Unix sockets: stream, listener and datagram. It must not know protocols.

use std::future::Future;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::SocketAddr;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use mio::Interest;

use super::bytes::{Read, ReadExact, ReadToEnd, Write, WriteAll};
use super::datagrams::{PollReceive, PollSend, ReceiveFrom, SendDatagram, Target};
use crate::observe::{self, Address, OperationKind, OperationResult, SourceKind};
use crate::reactor::Direction;
use crate::source::{fd_of, Operation, Source, SourceIdentity};

type Site = &'static Location<'static>;

const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// The path of an address; of a socket without a name there is none.
fn path_of(address: io::Result<SocketAddr>) -> Option<PathBuf> {
    address.ok()?.as_pathname().map(Path::to_path_buf)
}

/// A Unix stream connection.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use wakeline_executor::{block_on, net::UnixStream};
///
/// block_on(async {
///     let (here, there) = UnixStream::pair()?;
///     here.write_all(b"ping").await?;
///     let mut buffer = [0; 4];
///     there.read_exact(&mut buffer).await?;
///     assert_eq!(&buffer, b"ping");
///     Ok(())
/// })
/// # }
/// ```
#[derive(Debug)]
pub struct UnixStream {
    source: Source<mio::net::UnixStream>,
}

impl UnixStream {
    /// Connects to the socket at a path. That does not wait: it is done or refused at once.
    ///
    /// # Errors
    ///
    /// When nobody listens there, and (`WouldBlock`) when the listener's queue is full.
    #[track_caller]
    pub fn connect(path: impl AsRef<Path>) -> io::Result<UnixStream> {
        let path = path.as_ref();
        let io = mio::net::UnixStream::connect(path)?;
        let stream = UnixStream::register(io, Some(path), Location::caller())?;
        if let Some(observer) = observe::observer() {
            let (kind, done) = (OperationKind::Connect, OperationResult::Done);
            observer.operation(stream.source_id(), kind, done, 0);
        }
        Ok(stream)
    }

    /// Two connected sockets without names.
    ///
    /// # Errors
    ///
    /// When the system refuses them.
    #[track_caller]
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let site = Location::caller();
        let (one, other) = mio::net::UnixStream::pair()?;
        let one = UnixStream::register(one, None, site)?;
        Ok((one, UnixStream::register(other, None, site)?))
    }

    fn register(io: mio::net::UnixStream, peer: Option<&Path>, site: Site) -> io::Result<Self> {
        let local = path_of(io.local_addr());
        let identity = SourceIdentity {
            fd: fd_of(&io),
            kind: SourceKind::UnixStream,
            local: local.as_deref().map(Address::Path),
            peer: peer.map(Address::Path),
            site,
        };
        Ok(UnixStream {
            source: Source::register(io, BOTH, &identity)?,
        })
    }

    /// The source's id, as the observer knows it.
    pub fn source_id(&self) -> u64 {
        self.source.id()
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
}

/// A listening Unix socket. Its file stays when it is dropped.
#[derive(Debug)]
pub struct UnixListener {
    source: Source<mio::net::UnixListener>,
    path: PathBuf,
}

impl UnixListener {
    /// Binds to a path, where nothing may be, and listens.
    ///
    /// # Errors
    ///
    /// When the path is taken or cannot be made.
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixListener> {
        let path = path.as_ref().to_path_buf();
        let io = mio::net::UnixListener::bind(&path)?;
        let identity = SourceIdentity {
            fd: fd_of(&io),
            kind: SourceKind::UnixListener,
            local: Some(Address::Path(&path)),
            peer: None,
            site: Location::caller(),
        };
        let source = Source::register(io, Interest::READABLE, &identity)?;
        Ok(UnixListener { source, path })
    }

    /// The path that it listens on.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The source's id, as the observer knows it.
    pub fn source_id(&self) -> u64 {
        self.source.id()
    }

    /// Waits for the next connection.
    #[track_caller]
    pub fn accept(&self) -> UnixAccept<'_> {
        UnixAccept {
            listener: self,
            site: Location::caller(),
        }
    }
}

/// Made by [`UnixListener::accept`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct UnixAccept<'a> {
    listener: &'a UnixListener,
    site: Site,
}

impl Future for UnixAccept<'_> {
    type Output = io::Result<UnixStream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let operation = Operation {
            kind: OperationKind::Accept,
            direction: Direction::Read,
            requested_bytes: 0,
            site: self.site,
        };
        self.listener
            .source
            .poll_operation(&operation, cx, mio::net::UnixListener::accept, |_| {
                OperationResult::Done
            })
            .map(|accepted| {
                let (io, peer) = accepted?;
                let peer = path_of(Ok(peer));
                UnixStream::register(io, peer.as_deref(), self.site)
            })
    }
}

/// A Unix datagram socket.
#[derive(Debug)]
pub struct UnixDatagram {
    source: Source<mio::net::UnixDatagram>,
}

impl UnixDatagram {
    /// Binds to a path, where nothing may be.
    ///
    /// # Errors
    ///
    /// When the path is taken or cannot be made.
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixDatagram> {
        let io = mio::net::UnixDatagram::bind(path)?;
        UnixDatagram::register(io, Location::caller())
    }

    /// Two connected sockets without names.
    ///
    /// # Errors
    ///
    /// When the system refuses them.
    #[track_caller]
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let site = Location::caller();
        let (one, other) = mio::net::UnixDatagram::pair()?;
        let one = UnixDatagram::register(one, site)?;
        Ok((one, UnixDatagram::register(other, site)?))
    }

    fn register(io: mio::net::UnixDatagram, site: Site) -> io::Result<Self> {
        let local = path_of(io.local_addr());
        let identity = SourceIdentity {
            fd: fd_of(&io),
            kind: SourceKind::UnixDatagram,
            local: local.as_deref().map(Address::Path),
            peer: None,
            site,
        };
        Ok(UnixDatagram {
            source: Source::register(io, BOTH, &identity)?,
        })
    }

    /// The source's id, as the observer knows it.
    pub fn source_id(&self) -> u64 {
        self.source.id()
    }

    /// Waits for a datagram; its sender has a path when it was bound to one.
    #[track_caller]
    pub fn recv_from<'a>(&'a self, buffer: &'a mut [u8]) -> ReceiveFrom<'a, Option<PathBuf>> {
        ReceiveFrom::new(&self.source, buffer)
    }

    /// Sends a datagram to the socket at a path; waits while that one's queue is full.
    #[track_caller]
    pub fn send_to<'a>(&'a self, bytes: &'a [u8], path: impl AsRef<Path>) -> SendDatagram<'a> {
        let target = Target::Path(path.as_ref().to_path_buf());
        SendDatagram::new(&self.source, bytes, target)
    }

    /// Sends a datagram to the other socket of a [`pair`](UnixDatagram::pair).
    #[track_caller]
    pub fn send<'a>(&'a self, bytes: &'a [u8]) -> SendDatagram<'a> {
        SendDatagram::new(&self.source, bytes, Target::Peer)
    }
}

impl PollReceive<Option<PathBuf>> for Source<mio::net::UnixDatagram> {
    fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        site: Site,
    ) -> Poll<io::Result<(usize, Option<PathBuf>)>> {
        let operation = Operation {
            kind: OperationKind::Read,
            direction: Direction::Read,
            requested_bytes: buffer.len(),
            site,
        };
        let call = |io: &mio::net::UnixDatagram| io.recv_from(buffer);
        self.poll_operation(&operation, cx, call, |(bytes, _)| {
            OperationResult::Bytes(*bytes)
        })
        .map_ok(|(bytes, from)| (bytes, path_of(Ok(from))))
    }
}

impl PollSend for Source<mio::net::UnixDatagram> {
    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        target: &Target,
        site: Site,
    ) -> Poll<io::Result<usize>> {
        let operation = Operation {
            kind: OperationKind::Write,
            direction: Direction::Write,
            requested_bytes: bytes.len(),
            site,
        };
        let call = |io: &mio::net::UnixDatagram| match target {
            Target::Peer => io.send(bytes),
            Target::Path(path) => io.send_to(bytes, path),
            Target::Internet(_) => unreachable!("a Unix socket offers no sending to an address"),
        };
        self.poll_operation(&operation, cx, call, |bytes| OperationResult::Bytes(*bytes))
    }
}
