//! Owns the UDP socket. It must not know what the datagrams say.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::panic::Location;
use std::task::{Context, Poll};

use mio::Interest;

use super::datagrams::{PollReceive, PollSend, ReceiveFrom, SendDatagram, Target};
use super::listener::first_that_works;
use crate::observe::{Address, OperationKind, OperationResult, SourceKind};
use crate::reactor::Direction;
use crate::source::{fd_of, Operation, Source, SourceIdentity};

/// A UDP socket.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use wakeline_executor::{block_on, net::UdpSocket};
///
/// block_on(async {
///     let here = UdpSocket::bind("127.0.0.1:0")?;
///     let there = UdpSocket::bind("127.0.0.1:0")?;
///     here.send_to(b"hello", there.local_addr()?).await?;
///     let mut buffer = [0; 16];
///     let (bytes, from) = there.recv_from(&mut buffer).await?;
///     assert_eq!((&buffer[..bytes], from), (&b"hello"[..], here.local_addr()?));
///     Ok(())
/// })
/// # }
/// ```
#[derive(Debug)]
pub struct UdpSocket {
    source: Source<mio::net::UdpSocket>,
}

impl UdpSocket {
    /// Binds to a local address. A host name is looked up at once, which blocks.
    ///
    /// # Errors
    ///
    /// When the name has no address, or none of its addresses can be bound.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    #[track_caller]
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        let site = Location::caller();
        let io = first_that_works(address, mio::net::UdpSocket::bind)?;
        let identity = SourceIdentity {
            fd: fd_of(&io),
            kind: SourceKind::UdpSocket,
            local: io.local_addr().ok().map(Address::Internet),
            peer: None,
            site,
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        Ok(UdpSocket {
            source: Source::register(io, interest, &identity)?,
        })
    }

    /// Sends to this peer from now on, and receives from it alone. Nothing is sent for it.
    ///
    /// # Errors
    ///
    /// When the system refuses the address.
    pub fn connect(&self, peer: SocketAddr) -> io::Result<()> {
        self.source.io().connect(peer)
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

    /// Waits for a datagram.
    #[track_caller]
    pub fn recv_from<'a>(&'a self, buffer: &'a mut [u8]) -> ReceiveFrom<'a, SocketAddr> {
        ReceiveFrom::new(&self.source, buffer)
    }

    /// Sends a datagram to an address.
    #[track_caller]
    pub fn send_to<'a>(&'a self, bytes: &'a [u8], to: SocketAddr) -> SendDatagram<'a> {
        SendDatagram::new(&self.source, bytes, Target::Internet(to))
    }

    /// Sends a datagram to the peer of [`connect`](UdpSocket::connect).
    #[track_caller]
    pub fn send<'a>(&'a self, bytes: &'a [u8]) -> SendDatagram<'a> {
        SendDatagram::new(&self.source, bytes, Target::Peer)
    }
}

impl PollReceive<SocketAddr> for Source<mio::net::UdpSocket> {
    fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        site: &'static Location<'static>,
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let operation = Operation {
            kind: OperationKind::Read,
            direction: Direction::Read,
            requested_bytes: buffer.len(),
            site,
        };
        let call = |io: &mio::net::UdpSocket| io.recv_from(buffer);
        self.poll_operation(&operation, cx, call, |(bytes, _)| {
            OperationResult::Bytes(*bytes)
        })
    }
}

impl PollSend for Source<mio::net::UdpSocket> {
    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        target: &Target,
        site: &'static Location<'static>,
    ) -> Poll<io::Result<usize>> {
        let operation = Operation {
            kind: OperationKind::Write,
            direction: Direction::Write,
            requested_bytes: bytes.len(),
            site,
        };
        let call = |io: &mio::net::UdpSocket| match target {
            Target::Peer => io.send(bytes),
            Target::Internet(address) => io.send_to(bytes, *address),
            #[cfg(unix)]
            Target::Path(_) => unreachable!("a UDP socket offers no sending to a path"),
        };
        self.poll_operation(&operation, cx, call, |bytes| OperationResult::Bytes(*bytes))
    }
}
