//! TCP sources. Each operation is a future that first makes its system call; when
//! that would block, the future leaves the task's waker with the source.
//!
//! A source keeps one waker per direction: let one task at a time read from it (or
//! accept), and one write. Reading and writing at once, from two tasks or branches,
//! is fine, as all methods take `&self`.

mod listener;
mod source;
mod stream;

pub use listener::{Accept, TcpListener};
pub use stream::{Connect, Read, ReadExact, TcpStream, Write, WriteAll};
