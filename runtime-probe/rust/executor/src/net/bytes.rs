//! Owns the futures that move bytes through a source, whatever kind it is. It must not
//! know which kinds there are.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use mio::event::Source as MioSource;

use crate::observe::{OperationKind, OperationResult};
use crate::reactor::Direction;
use crate::source::{Operation, Source};

type Site = &'static Location<'static>;

/// A source that can be read from.
pub(crate) trait PollRead: Sync + fmt::Debug {
    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        site: Site,
    ) -> Poll<io::Result<usize>>;
}

/// A source that can be written to.
pub(crate) trait PollWrite: Sync + fmt::Debug {
    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8], site: Site)
        -> Poll<io::Result<usize>>;
}

impl<S> PollRead for Source<S>
where
    S: MioSource + Sync,
    for<'s> &'s S: io::Read,
{
    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        site: Site,
    ) -> Poll<io::Result<usize>> {
        let operation = Operation {
            kind: OperationKind::Read,
            direction: Direction::Read,
            requested_bytes: buffer.len(),
            site,
        };
        let call = |mut io: &S| io::Read::read(&mut io, buffer);
        self.poll_operation(&operation, cx, call, |bytes| OperationResult::Bytes(*bytes))
    }
}

impl<S> PollWrite for Source<S>
where
    S: MioSource + Sync,
    for<'s> &'s S: io::Write,
{
    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        site: Site,
    ) -> Poll<io::Result<usize>> {
        let operation = Operation {
            kind: OperationKind::Write,
            direction: Direction::Write,
            requested_bytes: bytes.len(),
            site,
        };
        let call = |mut io: &S| io::Write::write(&mut io, bytes);
        self.poll_operation(&operation, cx, call, |bytes| OperationResult::Bytes(*bytes))
    }
}

/// Made by `read` of a stream: reads what is there.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Read<'a> {
    source: &'a dyn PollRead,
    buffer: &'a mut [u8],
    site: Site,
}

impl<'a> Read<'a> {
    #[track_caller]
    pub(crate) fn new(source: &'a dyn PollRead, buffer: &'a mut [u8]) -> Self {
        Read {
            source,
            buffer,
            site: Location::caller(),
        }
    }
}

impl Future for Read<'_> {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        this.source.poll_read(cx, this.buffer, this.site)
    }
}

/// Made by `read_exact` of a stream: fills the whole buffer.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ReadExact<'a> {
    source: &'a dyn PollRead,
    buffer: &'a mut [u8],
    filled: usize,
    site: Site,
}

impl<'a> ReadExact<'a> {
    #[track_caller]
    pub(crate) fn new(source: &'a dyn PollRead, buffer: &'a mut [u8]) -> Self {
        ReadExact {
            source,
            buffer,
            filled: 0,
            site: Location::caller(),
        }
    }
}

impl Future for ReadExact<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.filled < this.buffer.len() {
            let rest = &mut this.buffer[this.filled..];
            match this.source.poll_read(cx, rest, this.site) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        format!(
                            "the stream ended after {} of {} bytes",
                            this.filled,
                            this.buffer.len()
                        ),
                    )))
                }
                Poll::Ready(Ok(bytes)) => this.filled += bytes,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Made by `read_to_end` of a stream: everything up to its end.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ReadToEnd<'a> {
    source: &'a dyn PollRead,
    read: Vec<u8>,
    site: Site,
}

/// How much one read of `read_to_end` has room for.
const READ_TO_END_BYTES: usize = 8192;

impl<'a> ReadToEnd<'a> {
    #[track_caller]
    pub(crate) fn new(source: &'a dyn PollRead) -> Self {
        ReadToEnd {
            source,
            read: Vec::new(),
            site: Location::caller(),
        }
    }
}

impl Future for ReadToEnd<'_> {
    type Output = io::Result<Vec<u8>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
        let this = &mut *self;
        loop {
            let filled = this.read.len();
            this.read.resize(filled + READ_TO_END_BYTES, 0);
            let polled = this
                .source
                .poll_read(cx, &mut this.read[filled..], this.site);
            let bytes = match &polled {
                Poll::Ready(Ok(bytes)) => *bytes,
                _ => 0,
            };
            this.read.truncate(filled + bytes);
            match polled {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(std::mem::take(&mut this.read))),
                Poll::Ready(Ok(_)) => {}
            }
        }
    }
}

/// Made by `write` of a stream: writes what the system takes.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Write<'a> {
    source: &'a dyn PollWrite,
    bytes: &'a [u8],
    site: Site,
}

impl<'a> Write<'a> {
    #[track_caller]
    pub(crate) fn new(source: &'a dyn PollWrite, bytes: &'a [u8]) -> Self {
        Write {
            source,
            bytes,
            site: Location::caller(),
        }
    }
}

impl Future for Write<'_> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.source.poll_write(cx, self.bytes, self.site)
    }
}

/// Made by `write_all` of a stream: writes all bytes.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct WriteAll<'a> {
    source: &'a dyn PollWrite,
    bytes: &'a [u8],
    written: usize,
    site: Site,
}

impl<'a> WriteAll<'a> {
    #[track_caller]
    pub(crate) fn new(source: &'a dyn PollWrite, bytes: &'a [u8]) -> Self {
        WriteAll {
            source,
            bytes,
            written: 0,
            site: Location::caller(),
        }
    }
}

impl Future for WriteAll<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.written < this.bytes.len() {
            let rest = &this.bytes[this.written..];
            match this.source.poll_write(cx, rest, this.site) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::WriteZero,
                        format!(
                            "the system took {} of {} bytes and no more",
                            this.written,
                            this.bytes.len()
                        ),
                    )))
                }
                Poll::Ready(Ok(bytes)) => this.written += bytes,
            }
        }
        Poll::Ready(Ok(()))
    }
}
