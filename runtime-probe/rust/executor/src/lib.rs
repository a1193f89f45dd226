//! A small async executor that can be watched from inside.
//!
//! It is a real one: single- or multi-threaded, with TCP, UDP, Unix sockets, signals
//! and child processes on epoll (through `mio`),
//! timers, files on a pool, on threads or on io_uring, a pool for blocking work, and the usual synchronisation primitives.
//! What sets it apart is [`observe`]: every poll, wake, park, readiness,
//! operation, timer and job is told to an [`observe::Observer`], exactly once and
//! with its cause, so that a trace of it has to infer nothing.
//!
//! The reactor is no part of the futures. A future tries its system call; when
//! that would block, it leaves its waker with the source and returns `Pending`.
//! The reactor parks in the kernel until a source is ready and calls the wakers it
//! finds there. Readiness is not cached: the woken poll makes the call again.
//!
//! ```
//! use wakeline_executor::net::{TcpListener, TcpStream};
//! use wakeline_executor::{block_on, spawn};
//!
//! # fn main() -> std::io::Result<()> {
//! let reply = block_on(async {
//!     let listener = TcpListener::bind("127.0.0.1:0")?;
//!     let address = listener.local_addr()?;
//!     let server = spawn(async move {
//!         let (stream, _) = listener.accept().await?;
//!         let mut request = [0; 4];
//!         stream.read_exact(&mut request).await?;
//!         stream.write_all(b"pong").await
//!     });
//!     let stream = TcpStream::connect(address).await?;
//!     stream.write_all(b"ping").await?;
//!     let mut reply = [0; 4];
//!     stream.read_exact(&mut reply).await?;
//!     server.await.expect("the server task does not panic")?;
//!     Ok::<_, std::io::Error>(reply)
//! })?;
//! assert_eq!(&reply, b"pong");
//! # Ok(())
//! # }
//! ```
//!
//! Without its feature `runtime` (on by default) this crate is the hooks alone, in [`observe`], and has no
//! dependency: what an observer needs that also serves programs on other executors.

#[cfg(feature = "runtime")]
mod combine;
#[cfg(feature = "runtime")]
mod context;
#[cfg(all(feature = "runtime", unix))]
mod descriptor;
#[cfg(feature = "runtime")]
mod frame;
#[cfg(feature = "runtime")]
pub mod fs;
mod ids;
#[cfg(feature = "runtime")]
mod join_handle;
#[cfg(feature = "runtime")]
pub mod net;
pub mod observe;
#[cfg(feature = "runtime")]
mod pool;
#[cfg(all(feature = "runtime", unix))]
pub mod process;
#[cfg(feature = "runtime")]
mod reactor;
#[cfg(feature = "runtime")]
#[cfg_attr(
    not(all(target_os = "linux", feature = "io-uring")),
    path = "ring/absent.rs"
)]
mod ring;
#[cfg(feature = "runtime")]
mod runtime;
#[cfg(feature = "runtime")]
mod scheduler;
#[cfg(all(feature = "runtime", unix))]
pub mod signal;
#[cfg(feature = "runtime")]
mod source;
#[cfg(feature = "runtime")]
mod spawn;
#[cfg(feature = "runtime")]
pub mod sync;
#[cfg(feature = "runtime")]
mod task;
#[cfg(feature = "runtime")]
pub mod time;
#[cfg(feature = "runtime")]
mod timers;
#[cfg(feature = "runtime")]
mod worker;
#[cfg(feature = "runtime")]
mod yield_now;

#[cfg(feature = "runtime")]
pub use combine::{join, join_all, select, Either, Join, JoinAll, Select};
#[cfg(feature = "runtime")]
pub use frame::{traced, Traced};
#[cfg(feature = "runtime")]
pub use join_handle::{AbortHandle, JoinError, JoinFuture, JoinHandle};
#[cfg(feature = "runtime")]
pub use pool::{JobFuture, JobHandle};
#[cfg(feature = "runtime")]
pub use runtime::{block_on, Builder, Runtime};
#[cfg(feature = "runtime")]
pub use spawn::{spawn, spawn_blocking, spawn_local, spawn_local_named, spawn_named, Handle};
#[cfg(feature = "runtime")]
pub use yield_now::{yield_now, YieldNow};

#[cfg(feature = "runtime")]
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whether or not a panic poisoned the lock: the executor catches the
/// panics of user code outside of its critical sections, so its data are whole.
#[cfg(feature = "runtime")]
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The examples of the read-me run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;
