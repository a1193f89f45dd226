//! Owns the socket on which this program listens for a collector: who may come in. It must
//! not know what is sent to it.
//!
//! A peer's token is compared before anything else is read of it. Nothing here waits: the
//! flusher looks once a round.

use std::io::{self, Write};
use std::net::TcpListener;
#[cfg(unix)]
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use wakeline_wire::frame::{MAGIC, PREAMBLE_BYTES, REPLY_HEAD_BYTES};
use wakeline_wire::{role, WIRE_VERSION};

use crate::address::{Address, Token};
use crate::connection::Connection;
use crate::socket::Socket;

/// How long a peer may take for its preamble.
const PEER_PATIENCE: Duration = Duration::from_secs(2);
/// Peers that may be at it at one time; more wait in the system's queue.
const PEERS: usize = 8;

/// Peers that were refused.
static REFUSED: AtomicU64 = AtomicU64::new(0);

/// Peers that were refused so far.
pub(crate) fn refused() -> u64 {
    REFUSED.load(Ordering::Relaxed)
}

enum Listening {
    #[cfg(unix)]
    Unix(UnixListener, PathBuf),
    Tcp(TcpListener),
}

/// Somebody whose preamble is not there yet.
struct Peer {
    socket: Socket,
    preamble: Vec<u8>,
    since: Instant,
}

/// A socket that waits for a collector.
pub(crate) struct Listener {
    listening: Listening,
    token: Token,
    peers: Vec<Peer>,
}

impl Listener {
    /// Listens there.
    ///
    /// # Errors
    /// When the address is taken or not allowed.
    pub(crate) fn bind(address: &Address, token: Token) -> io::Result<Self> {
        let listening = match address {
            #[cfg(unix)]
            Address::Unix(path) => Listening::Unix(bind_unix(path)?, path.clone()),
            Address::Tcp(address) => {
                let listener = TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                if address.port() == 0 {
                    let at = listener.local_addr()?;
                    let _ = writeln!(io::stderr(), "wakeline: listening at tcp://{at}");
                }
                Listening::Tcp(listener)
            }
        };
        Ok(Self {
            listening,
            token,
            peers: Vec::new(),
        })
    }

    /// Lets in a collector that is there and may come in. With `is_taken` another one is
    /// served already, and whoever has the token is told so.
    pub(crate) fn look(&mut self, is_taken: bool) -> Option<Connection> {
        while self.peers.len() < PEERS {
            let Some(socket) = self.accept() else { break };
            self.peers.push(Peer {
                socket,
                preamble: Vec::new(),
                since: Instant::now(),
            });
        }
        let mut at = 0;
        while at < self.peers.len() {
            let peer = &mut self.peers[at];
            let state = peer.read();
            if matches!(state, Preamble::Awaited) && peer.since.elapsed() < PEER_PATIENCE {
                at += 1;
                continue;
            }
            let peer = self.peers.swap_remove(at);
            let why = match state {
                Preamble::Complete => match self.check(&peer.preamble, is_taken) {
                    Ok(()) => return Some(Connection::accepted(peer.socket)),
                    Err(why) => why,
                },
                Preamble::Awaited => "no preamble came within 2 s",
                Preamble::Broken => "",
            };
            REFUSED.fetch_add(1, Ordering::Relaxed);
            peer.refuse(why);
        }
        None
    }

    fn accept(&self) -> Option<Socket> {
        let socket = match &self.listening {
            #[cfg(unix)]
            Listening::Unix(listener, _) => Socket::Unix(listener.accept().ok()?.0),
            Listening::Tcp(listener) => Socket::Tcp(listener.accept().ok()?.0),
        };
        socket.prepare().ok()?;
        Some(socket)
    }

    /// Why this peer may not come in. The token first: a stranger learns nothing else.
    fn check(&self, preamble: &[u8], is_taken: bool) -> Result<(), &'static str> {
        if !self.token.is_same(&preamble[12..PREAMBLE_BYTES]) {
            return Err("the token is not this program's; give the one of its WAKELINE_TOKEN");
        }
        if preamble[..8] != MAGIC || u64::from(preamble[10]) != role::COLLECTOR {
            return Err("only a Wakeline collector can attach to a program that listens");
        }
        if u16::from_le_bytes([preamble[8], preamble[9]]) != WIRE_VERSION {
            return Err("this program speaks another version of the wire; update Wakeline");
        }
        if is_taken {
            return Err("another collector is attached to this program; detach it first");
        }
        Ok(())
    }
}

#[cfg(unix)]
impl Drop for Listener {
    fn drop(&mut self) {
        if let Listening::Unix(_, path) = &self.listening {
            let _ = std::fs::remove_file(path);
        }
    }
}

enum Preamble {
    Complete,
    Awaited,
    Broken,
}

impl Peer {
    /// Reads up to the end of the preamble and no further.
    fn read(&mut self) -> Preamble {
        let mut bytes = [0; PREAMBLE_BYTES];
        while self.preamble.len() < PREAMBLE_BYTES {
            let wanted = &mut bytes[self.preamble.len()..];
            match self.socket.read(wanted) {
                Ok(0) => return Preamble::Broken,
                Ok(count) => {
                    let from = self.preamble.len();
                    self.preamble.extend_from_slice(&bytes[from..from + count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Preamble::Awaited
                }
                Err(_) => return Preamble::Broken,
            }
        }
        Preamble::Complete
    }

    /// A few bytes into an empty socket buffer: they fit, or the peer does without.
    fn refuse(mut self, why: &str) {
        let mut reply = vec![0; REPLY_HEAD_BYTES];
        reply[0] = 1;
        reply[2..4].copy_from_slice(&(why.len() as u16).to_le_bytes());
        reply.extend_from_slice(why.as_bytes());
        let _ = self.socket.send_now(&reply);
    }
}

/// Binds a socket in the file system, in place of one that nobody listens on any more.
#[cfg(unix)]
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|at| at.file_type().is_socket());
    if is_socket && UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    // The token keeps strangers out; this keeps them from asking.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
