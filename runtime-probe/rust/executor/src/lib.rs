//! A small async executor that can be watched from inside.
//!
//! It is a real one: single- or multi-threaded, with TCP on epoll (through `mio`),
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

mod combine;
mod context;
mod frame;
pub mod fs;
mod ids;
mod join_handle;
pub mod net;
pub mod observe;
mod pool;
mod reactor;
#[cfg_attr(
    not(all(target_os = "linux", feature = "io-uring")),
    path = "ring/absent.rs"
)]
mod ring;
mod runtime;
mod scheduler;
mod spawn;
pub mod sync;
mod task;
pub mod time;
mod timers;
mod worker;
mod yield_now;

pub use combine::{join, join_all, select, Either, Join, JoinAll, Select};
pub use frame::{traced, Traced};
pub use join_handle::{AbortHandle, JoinError, JoinFuture, JoinHandle};
pub use pool::{JobFuture, JobHandle};
pub use runtime::{block_on, Builder, Runtime};
pub use spawn::{spawn, spawn_blocking, spawn_local, spawn_local_named, spawn_named, Handle};
pub use yield_now::{yield_now, YieldNow};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whether or not a panic poisoned the lock: the executor catches the
/// panics of user code outside of its critical sections, so its data are whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
