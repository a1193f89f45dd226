//! Owns file access as futures. There is no readiness for files: each call is one
//! job of the blocking pool. It must not know how the pool runs it.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{resume_unwind, Location};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::context;
use crate::observe::{JobKind, JobOutcome};
use crate::pool::{self, JobFuture, JobResult};

/// Writes a whole file, replacing what was there. The job is submitted at the first poll.
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
    let path = path.as_ref().to_path_buf();
    let name = path.display().to_string();
    FileJob::new(JobKind::FileWrite, name, move || {
        let contents = contents.as_ref();
        measured(std::fs::write(&path, contents), |()| contents.len())
    })
}

/// Reads a whole file. The job is submitted at the first poll.
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> FileJob<Vec<u8>> {
    let path = path.as_ref().to_path_buf();
    let name = path.display().to_string();
    FileJob::new(JobKind::FileRead, name, move || {
        measured(std::fs::read(&path), Vec::len)
    })
}

fn measured<T>(result: io::Result<T>, bytes: impl FnOnce(&T) -> usize) -> JobResult<io::Result<T>> {
    let (outcome, bytes) = match &result {
        Ok(value) => (JobOutcome::Completed, bytes(value) as u64),
        Err(error) => (JobOutcome::Failed(error.raw_os_error().unwrap_or(0)), 0),
    };
    JobResult {
        value: result,
        outcome,
        bytes,
    }
}

type Work<T> = Box<dyn FnOnce() -> JobResult<io::Result<T>> + Send>;

enum Stage<T> {
    Unsubmitted(Option<Work<T>>),
    Submitted(JobFuture<io::Result<T>>),
}

/// A file operation; made by [`write()`] and [`read`]. Dropping it once it was
/// polled does not stop the job: the file may still be written.
#[must_use = "futures do nothing unless awaited"]
pub struct FileJob<T> {
    kind: JobKind,
    name: String,
    site: &'static Location<'static>,
    stage: Stage<T>,
}

impl<T> FileJob<T> {
    #[track_caller]
    fn new(
        kind: JobKind,
        name: String,
        work: impl FnOnce() -> JobResult<io::Result<T>> + Send + 'static,
    ) -> Self {
        FileJob {
            kind,
            name,
            site: Location::caller(),
            stage: Stage::Unsubmitted(Some(Box::new(work))),
        }
    }
}

impl<T: Send + 'static> Future for FileJob<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let this = &mut *self;
        if let Stage::Unsubmitted(work) = &mut this.stage {
            let shared = context::expect_runtime("a file operation");
            let Some(work) = work.take() else {
                unreachable!("the work is taken only to become a submitted job");
            };
            let handle = pool::submit(&shared, this.kind, &this.name, this.site, work);
            this.stage = Stage::Submitted(handle.wait_at(this.site));
        }
        let Stage::Submitted(job) = &mut this.stage else {
            unreachable!("the job was submitted above");
        };
        Pin::new(job).poll(cx).map(|result| match result {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                Err(cancelled) => Err(io::Error::new(io::ErrorKind::Interrupted, cancelled)),
            },
        })
    }
}

impl<T> fmt::Debug for FileJob<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileJob")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
