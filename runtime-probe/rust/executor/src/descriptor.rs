//! Owns a descriptor that is neither socket nor file: a pipe's end or a process's. It
//! must not know what it stands for; it is read, written and registered.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use mio::event::Source as MioSource;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

/// A descriptor that does not block, closed when dropped.
#[derive(Debug)]
pub(crate) struct Descriptor(File);

impl Descriptor {
    /// Takes a descriptor and makes its reads and writes return instead of waiting.
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        // SAFETY: the descriptor is ours and open; these calls touch no memory.
        let set = unsafe {
            let flags = libc::fcntl(fd.as_raw_fd(), libc::F_GETFL);
            libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK)
        };
        if set < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Descriptor(File::from(fd)))
    }
}

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl io::Read for &Descriptor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buffer)
    }
}

impl io::Write for &Descriptor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MioSource for Descriptor {
    fn register(&mut self, registry: &Registry, token: Token, i: Interest) -> io::Result<()> {
        SourceFd(&self.as_raw_fd()).register(registry, token, i)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, i: Interest) -> io::Result<()> {
        SourceFd(&self.as_raw_fd()).reregister(registry, token, i)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.as_raw_fd()).deregister(registry)
    }
}
