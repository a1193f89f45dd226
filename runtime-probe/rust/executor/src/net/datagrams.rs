//! Owns the futures that move whole datagrams. It must not know what carries them.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
#[cfg(unix)]
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

type Site = &'static Location<'static>;

/// Where a datagram goes.
#[derive(Debug)]
pub(super) enum Target {
    /// To the peer that the socket is connected to.
    Peer,
    /// To an address of the internet's protocols.
    Internet(SocketAddr),
    /// To the socket at a path.
    #[cfg(unix)]
    Path(PathBuf),
}

/// A socket that receives datagrams from senders that are known as `A`.
pub(super) trait PollReceive<A>: Sync + fmt::Debug {
    fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        site: Site,
    ) -> Poll<io::Result<(usize, A)>>;
}

/// A socket that sends datagrams.
pub(super) trait PollSend: Sync + fmt::Debug {
    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        target: &Target,
        site: Site,
    ) -> Poll<io::Result<usize>>;
}

/// Made by `recv_from` of a datagram socket: one datagram and its sender. What does not
/// fit into the buffer is lost, as the system has it.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ReceiveFrom<'a, A> {
    socket: &'a dyn PollReceive<A>,
    buffer: &'a mut [u8],
    site: Site,
}

impl<'a, A> ReceiveFrom<'a, A> {
    #[track_caller]
    pub(super) fn new(socket: &'a dyn PollReceive<A>, buffer: &'a mut [u8]) -> Self {
        ReceiveFrom {
            socket,
            buffer,
            site: Location::caller(),
        }
    }
}

impl<A> Future for ReceiveFrom<'_, A> {
    type Output = io::Result<(usize, A)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.socket.poll_receive(cx, this.buffer, this.site)
    }
}

/// Made by `send` and `send_to` of a datagram socket: sends one datagram whole.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct SendDatagram<'a> {
    socket: &'a dyn PollSend,
    bytes: &'a [u8],
    target: Target,
    site: Site,
}

impl<'a> SendDatagram<'a> {
    #[track_caller]
    pub(super) fn new(socket: &'a dyn PollSend, bytes: &'a [u8], target: Target) -> Self {
        SendDatagram {
            socket,
            bytes,
            target,
            site: Location::caller(),
        }
    }
}

impl Future for SendDatagram<'_> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.socket
            .poll_send(cx, self.bytes, &self.target, self.site)
    }
}
