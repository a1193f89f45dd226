//! Owns file access as futures. There is no readiness for files: each call is a job
//! that blocks a thread, or submissions to an io_uring, as the runtime was built. It
//! must not know how either is done.

mod requests;

#[cfg_attr(all(target_os = "linux", feature = "io-uring"), path = "on_ring.rs")]
#[cfg_attr(
    not(all(target_os = "linux", feature = "io-uring")),
    path = "without_ring.rs"
)]
mod on_ring;

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{resume_unwind, Location};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::context;
use crate::pool::{self, JobFuture, Place};
use requests::{OpenFile, ReadAt, ReadWhole, Request, Sync, WriteAt, WriteWhole};

/// How a runtime makes file operations; see [`Builder::files`](crate::Builder::files).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Files {
    /// Jobs of the blocking pool.
    #[default]
    Pool,
    /// Jobs too, but each on a thread that is started for it and ends with it.
    Threads,
    /// Submissions to an io_uring. Building the runtime fails where there is none; this
    /// needs Linux 5.6 and the feature `io-uring`.
    IoUring,
    /// An io_uring where there is one, else the pool. [`Runtime::files`](crate::Runtime::files)
    /// tells which it became.
    IoUringOrPool,
}

/// Writes a whole file, replacing what was there. It begins at the first poll.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use wakeline_executor::{block_on, fs};
///
/// let path = std::env::temp_dir().join(format!("wakeline-doc-{}", std::process::id()));
/// let back = block_on(async {
///     fs::write(&path, "hello").await?;
///     fs::read(&path).await
/// })?;
/// assert_eq!(back, b"hello");
/// # std::fs::remove_file(&path)
/// # }
/// ```
#[track_caller]
pub fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]> + Send + 'static) -> FileJob<()> {
    FileJob::new(WriteWhole {
        path: path.as_ref().to_path_buf(),
        contents: Box::new(contents),
    })
}

/// Reads a whole file. It begins at the first poll.
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> FileJob<Vec<u8>> {
    FileJob::new(ReadWhole {
        path: path.as_ref().to_path_buf(),
    })
}

/// An open file. Its operations name the place in the file, so that several may be under
/// way at once; each keeps the file open until it is over. It belongs to no runtime.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use wakeline_executor::{block_on, fs::File};
///
/// let path = std::env::temp_dir().join(format!("wakeline-file-doc-{}", std::process::id()));
/// let back = block_on(async {
///     let file = File::create(&path).await?;
///     file.write_all_at("hello, file", 0).await?;
///     file.sync_all().await?;
///     File::open(&path).await?.read_at(vec![0; 4], 7).await
/// })?;
/// assert_eq!(back, b"file");
/// # std::fs::remove_file(&path)
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct File {
    file: Arc<std::fs::File>,
    name: Arc<str>,
}

impl File {
    /// Opens a file to read it.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> FileJob<File> {
        FileJob::new(OpenFile {
            path: path.as_ref().to_path_buf(),
            create: false,
        })
    }

    /// Opens a file to read and write it; what it held is gone.
    #[track_caller]
    pub fn create(path: impl AsRef<Path>) -> FileJob<File> {
        FileJob::new(OpenFile {
            path: path.as_ref().to_path_buf(),
            create: true,
        })
    }

    /// Reads once from `offset` on, at most as many bytes as the buffer is long. Gives the
    /// buffer back, cut to what was read; it is empty at the end of the file.
    #[track_caller]
    pub fn read_at(&self, buffer: Vec<u8>, offset: u64) -> FileJob<Vec<u8>> {
        FileJob::new(ReadAt {
            file: self.clone(),
            buffer,
            offset,
        })
    }

    /// Writes all bytes at `offset`.
    #[track_caller]
    pub fn write_all_at(
        &self,
        contents: impl AsRef<[u8]> + Send + 'static,
        offset: u64,
    ) -> FileJob<()> {
        FileJob::new(WriteAt {
            file: self.clone(),
            contents: Box::new(contents),
            offset,
        })
    }

    /// Waits until all that was written has reached the device.
    #[track_caller]
    pub fn sync_all(&self) -> FileJob<()> {
        FileJob::new(Sync { file: self.clone() })
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

enum Stage<T> {
    Unsubmitted(Option<Box<dyn Request<T>>>),
    Job(JobFuture<io::Result<T>>),
    OnRing(Boxed<T>),
}

/// A file operation; made by [`write()`], [`read`] and [`File`]'s methods. Dropping it
/// once it was polled does not undo it: a job goes on, and of an io_uring's submission
/// the end is asked for, which the kernel may be too late for.
#[must_use = "futures do nothing unless awaited"]
pub struct FileJob<T> {
    name: String,
    site: &'static Location<'static>,
    stage: Stage<T>,
}

impl<T> FileJob<T> {
    #[track_caller]
    fn new(request: impl Request<T> + 'static) -> Self {
        FileJob {
            name: request.name(),
            site: Location::caller(),
            stage: Stage::Unsubmitted(Some(Box::new(request))),
        }
    }
}

impl<T: Send + 'static> FileJob<T> {
    fn submit(&self, request: Box<dyn Request<T>>) -> Stage<T> {
        let shared = context::expect_runtime("a file operation");
        let place = match shared.files {
            Files::IoUring => return Stage::OnRing(request.on_ring(shared, self.site)),
            Files::Threads => Place::OwnThread,
            Files::Pool | Files::IoUringOrPool => Place::Pool,
        };
        let kind = request.kind();
        let work = move || request.run();
        let handle = pool::submit(&shared, place, kind, &self.name, self.site, work);
        Stage::Job(handle.wait_at(self.site))
    }
}

impl<T: Send + 'static> Future for FileJob<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let this = &mut *self;
        if let Stage::Unsubmitted(request) = &mut this.stage {
            let Some(request) = request.take() else {
                panic!("a file operation was polled again after it had panicked");
            };
            this.stage = this.submit(request);
        }
        match &mut this.stage {
            Stage::Unsubmitted(_) => unreachable!("it was submitted above"),
            Stage::OnRing(future) => future.as_mut().poll(cx),
            Stage::Job(job) => Pin::new(job).poll(cx).map(|result| match result {
                Ok(result) => result,
                Err(error) => match error.try_into_panic() {
                    Ok(payload) => resume_unwind(payload),
                    Err(cancelled) => Err(io::Error::new(io::ErrorKind::Interrupted, cancelled)),
                },
            }),
        }
    }
}

impl<T> fmt::Debug for FileJob<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileJob")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
