//! Owns one connection to the collector: opening it, sending without tearing a frame,
//! what comes back. It must not know what is sent.

use std::io;
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use wakeline_wire::frame::{first_frame, preamble, FRAME_HEAD_BYTES, REPLY_HEAD_BYTES};
use wakeline_wire::payload::Control;
use wakeline_wire::{frame_kind, role};

use crate::address::{Address, Token};
use crate::socket::{Socket, Until};

/// How long a TCP connection on this machine may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A control frame has a few bytes; a longer one is none.
const INBOUND_LIMIT_BYTES: usize = 64 << 10;

/// What the collector said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It does not want this program; why is in its own log.
    Refused,
    /// It asks for another level of detail or a snapshot.
    Control(Control),
}

/// How a send went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Everything is with the system.
    All,
    /// The collector does not read; the rest is kept and must be sent on.
    Stalled,
    /// A file has reached its bound; what was to be sent is thrown away.
    Full,
}

/// An open connection. Its socket never blocks.
pub(crate) struct Connection {
    socket: Socket,
    /// What is being sent, and how much of it is gone.
    outbound: Vec<u8>,
    gone: usize,
    stalled: bool,
    inbound: Vec<u8>,
    accepted: bool,
}

impl Connection {
    /// Connects and queues the preamble.
    ///
    /// # Errors
    /// When nobody listens there.
    pub(crate) fn open(address: &Address, token: &Token) -> io::Result<Self> {
        let socket = match address {
            #[cfg(unix)]
            Address::Unix(path) => Socket::Unix(UnixStream::connect(path)?),
            Address::Tcp(address) => {
                Socket::Tcp(TcpStream::connect_timeout(address, CONNECT_TIMEOUT)?)
            }
        };
        socket.prepare()?;
        let preamble = preamble(role::PROGRAM, &token.0);
        Ok(Self::new(socket, preamble.to_vec(), false))
    }

    /// A collector that has come to us and may stay: it is told so.
    pub(crate) fn accepted(socket: Socket) -> Self {
        Self::new(socket, vec![0; REPLY_HEAD_BYTES], true)
    }

    fn new(socket: Socket, outbound: Vec<u8>, accepted: bool) -> Self {
        Self {
            socket,
            outbound,
            gone: 0,
            stalled: false,
            inbound: Vec::new(),
            accepted,
        }
    }

    /// Where whole frames are appended. Only while nothing is left of an earlier send.
    pub(crate) fn outbound(&mut self) -> &mut Vec<u8> {
        &mut self.outbound
    }

    /// Whether a part of an earlier send is left.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Sends what is queued, waiting for the collector up to `patience`. What is left
    /// then stays at the head of the queue, so that no frame is lost or torn.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(crate) fn send(&mut self, patience: Duration) -> io::Result<Sent> {
        let end = Instant::now() + patience;
        while self.gone < self.outbound.len() {
            let rest = &self.outbound[self.gone..];
            let error = match self.socket.send_now(rest) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(sent) => {
                    self.gone += sent;
                    continue;
                }
                Err(error) => error,
            };
            match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() || !self.socket.wait(Until::Writable, left) {
                        self.stalled = true;
                        return Ok(Sent::Stalled);
                    }
                }
                _ => return Err(error),
            }
        }
        self.outbound.clear();
        self.gone = 0;
        self.stalled = false;
        Ok(Sent::All)
    }

    /// Reads what the collector said since the last call. False when it has closed.
    ///
    /// # Errors
    /// When the connection is broken or what came is not the wire's.
    pub(crate) fn hear(&mut self, heard: &mut Vec<Heard>) -> io::Result<bool> {
        let open = self.read_inbound()?;
        if !self.accepted && !self.take_reply(heard) {
            return Ok(open);
        }
        let malformed = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        while let Some((frame, length)) = first_frame(&self.inbound).map_err(malformed)? {
            if frame.kind == frame_kind::CONTROL {
                heard.push(Heard::Control(
                    Control::decode(frame.payload).map_err(malformed)?,
                ));
            }
            self.inbound.drain(..length);
        }
        if self.inbound.len() > INBOUND_LIMIT_BYTES + FRAME_HEAD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(open)
    }

    fn read_inbound(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 4096];
        loop {
            match self.socket.read(&mut bytes) {
                Ok(0) => return Ok(false),
                Ok(count) => self.inbound.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if self.inbound.len() > INBOUND_LIMIT_BYTES {
                return Ok(true);
            }
        }
    }

    /// True once the reply is there and says that the program is accepted.
    fn take_reply(&mut self, heard: &mut Vec<Heard>) -> bool {
        let Some(head) = self.inbound.get(..REPLY_HEAD_BYTES) else {
            return false;
        };
        let length = REPLY_HEAD_BYTES + usize::from(u16::from_le_bytes([head[2], head[3]]));
        if head[0] != 0 {
            heard.push(Heard::Refused);
            return false;
        }
        if self.inbound.len() < length {
            return false;
        }
        self.inbound.drain(..length);
        self.accepted = true;
        true
    }

    /// Ends the stream and waits up to `patience` until the collector has closed too:
    /// closing with its words unread would take from it what it has not read yet.
    pub(crate) fn close(mut self, patience: Duration) {
        let _ = self.socket.end();
        let end = Instant::now() + patience;
        loop {
            self.inbound.clear();
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || !matches!(self.read_inbound(), Ok(true)) {
                return;
            }
            self.socket.wait(Until::Readable, left);
        }
    }
}
