//! Owns a stream to the other side as the system has it: sending, reading and waiting without
//! ever blocking for long. It must not know what goes through it.
//!
//! Where there are no Unix sockets, which is on Windows, the stream is TCP on this machine.

use std::io::{self, Read};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A stream to the other side.
pub(crate) enum Socket {
    #[cfg(unix)]
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// What of a socket is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    Readable,
    Writable,
}

impl Socket {
    /// So that it never blocks.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => socket.set_nonblocking(true),
            Self::Tcp(socket) => {
                socket.set_nodelay(true)?;
                socket.set_nonblocking(true)
            }
        }
    }

    pub(crate) fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => socket.read(bytes),
            Self::Tcp(socket) => socket.read(bytes),
        }
    }

    /// Nothing more is sent.
    pub(crate) fn end(&self) -> io::Result<()> {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => socket.shutdown(Shutdown::Write),
            Self::Tcp(socket) => socket.shutdown(Shutdown::Write),
        }
    }

    /// Sends what the system takes now.
    pub(crate) fn send_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        system::send_now(self, bytes)
    }

    /// Waits for it, a second at most. False when the time is over.
    pub(crate) fn wait(&self, until: Until, timeout: Duration) -> bool {
        system::wait(self, until, timeout.min(Duration::from_secs(1)))
    }
}

#[cfg(unix)]
mod system {
    use std::io;
    use std::os::fd::{AsRawFd, RawFd};
    use std::time::Duration;

    use super::{Socket, Until};

    /// A program that lets SIGPIPE end it must not end by our pipe.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const SEND_FLAGS: libc::c_int = libc::MSG_NOSIGNAL;
    /// Elsewhere the standard library sets SO_NOSIGPIPE on its sockets.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const SEND_FLAGS: libc::c_int = 0;

    impl AsRawFd for Socket {
        fn as_raw_fd(&self) -> RawFd {
            match self {
                Self::Unix(socket) => socket.as_raw_fd(),
                Self::Tcp(socket) => socket.as_raw_fd(),
            }
        }
    }

    pub(super) fn send_now(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: the pointer and length are of a live slice; the descriptor is open.
        let sent = unsafe {
            libc::send(
                socket.as_raw_fd(),
                bytes.as_ptr().cast(),
                bytes.len(),
                SEND_FLAGS,
            )
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    pub(super) fn wait(socket: &Socket, until: Until, timeout: Duration) -> bool {
        let mut poll = libc::pollfd {
            fd: socket.as_raw_fd(),
            events: match until {
                Until::Readable => libc::POLLIN,
                Until::Writable => libc::POLLOUT,
            },
            revents: 0,
        };
        // SAFETY: one pollfd of ours.
        unsafe { libc::poll(&mut poll, 1, timeout.as_millis() as i32) > 0 }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io::{self, Write};
    use std::time::Duration;

    use super::{Socket, Until};

    /// The standard library cannot wait for a socket: it is tried again after this.
    const RETRY: Duration = Duration::from_millis(1);

    /// There is no signal that could end the program.
    pub(super) fn send_now(socket: &mut Socket, bytes: &[u8]) -> io::Result<usize> {
        match socket {
            Socket::Tcp(socket) => socket.write(bytes),
        }
    }

    /// True after a short sleep: the caller tries, and counts the time.
    pub(super) fn wait(_socket: &Socket, _until: Until, timeout: Duration) -> bool {
        std::thread::sleep(timeout.min(RETRY));
        true
    }
}
