//! TCP, UDP and Unix sockets. Each operation is a future that first makes its system call; when
//! that would block, the future leaves the task's waker with the source.
//!
//! A source keeps one waker per direction: let one task at a time read from it (or
//! accept), and one write. Reading and writing at once, from two tasks or branches,
//! is fine, as all methods take `&self`.

mod bytes;
mod datagrams;
mod listener;
mod stream;
mod udp;
#[cfg(unix)]
mod unix;

pub use bytes::{Read, ReadExact, ReadToEnd, Write, WriteAll};
pub use datagrams::{ReceiveFrom, SendDatagram};
pub use listener::{Accept, TcpListener};
pub use stream::{Connect, TcpStream};
pub use udp::UdpSocket;
#[cfg(unix)]
pub use unix::{UnixAccept, UnixDatagram, UnixListener, UnixStream};
