//! Owns the file operations: what each is called and how it is made by system calls that
//! block. It must not know on which thread that happens.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::on_ring::OnRing;
use super::File;
use crate::observe::{JobKind, JobOutcome};
use crate::pool::JobResult;

/// Bytes that the user gave; they go to whatever thread does the work.
pub(super) type Contents = Box<dyn AsRef<[u8]> + Send>;

/// A file operation that has not begun.
pub(super) trait Request<T>: OnRing<T> + Send {
    fn kind(&self) -> JobKind;
    /// The path, for the trace.
    fn name(&self) -> String;
    /// Does it, blocking the thread, and tells how many bytes it moved.
    fn run(self: Box<Self>) -> JobResult<io::Result<T>>;
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

pub(super) struct WriteWhole {
    pub(super) path: PathBuf,
    pub(super) contents: Contents,
}

impl Request<()> for WriteWhole {
    fn kind(&self) -> JobKind {
        JobKind::FileWrite
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn run(self: Box<Self>) -> JobResult<io::Result<()>> {
        let contents = (*self.contents).as_ref();
        measured(std::fs::write(&self.path, contents), |()| contents.len())
    }
}

pub(super) struct ReadWhole {
    pub(super) path: PathBuf,
}

impl Request<Vec<u8>> for ReadWhole {
    fn kind(&self) -> JobKind {
        JobKind::FileRead
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn run(self: Box<Self>) -> JobResult<io::Result<Vec<u8>>> {
        measured(std::fs::read(&self.path), Vec::len)
    }
}

pub(super) struct OpenFile {
    pub(super) path: PathBuf,
    pub(super) create: bool,
}

impl Request<File> for OpenFile {
    fn kind(&self) -> JobKind {
        JobKind::FileOther
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn run(self: Box<Self>) -> JobResult<io::Result<File>> {
        let mut options = std::fs::OpenOptions::new();
        options.read(true);
        if self.create {
            options.write(true).create(true).truncate(true);
        }
        let name = self.name();
        let opened = options.open(&self.path).map(|file| File {
            file: Arc::new(file),
            name: name.into(),
        });
        measured(opened, |_| 0)
    }
}

pub(super) struct ReadAt {
    pub(super) file: File,
    pub(super) buffer: Vec<u8>,
    pub(super) offset: u64,
}

impl Request<Vec<u8>> for ReadAt {
    fn kind(&self) -> JobKind {
        JobKind::FileRead
    }

    fn name(&self) -> String {
        self.file.name.to_string()
    }

    fn run(self: Box<Self>) -> JobResult<io::Result<Vec<u8>>> {
        let ReadAt {
            file,
            mut buffer,
            offset,
        } = *self;
        let read = positioned::read(&file.file, &mut buffer, offset).map(|bytes| {
            buffer.truncate(bytes);
            buffer
        });
        measured(read, Vec::len)
    }
}

pub(super) struct WriteAt {
    pub(super) file: File,
    pub(super) contents: Contents,
    pub(super) offset: u64,
}

impl Request<()> for WriteAt {
    fn kind(&self) -> JobKind {
        JobKind::FileWrite
    }

    fn name(&self) -> String {
        self.file.name.to_string()
    }

    fn run(self: Box<Self>) -> JobResult<io::Result<()>> {
        let contents = (*self.contents).as_ref();
        let written = positioned::write_all(&self.file.file, contents, self.offset);
        measured(written, |()| contents.len())
    }
}

pub(super) struct Sync {
    pub(super) file: File,
}

impl Request<()> for Sync {
    fn kind(&self) -> JobKind {
        JobKind::FileOther
    }

    fn name(&self) -> String {
        self.file.name.to_string()
    }

    fn run(self: Box<Self>) -> JobResult<io::Result<()>> {
        measured(self.file.file.sync_all(), |()| 0)
    }
}

#[cfg(unix)]
mod positioned {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt;

    pub(super) fn read(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match file.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    pub(super) fn write_all(file: &File, contents: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(contents, offset)
    }
}

#[cfg(windows)]
mod positioned {
    use std::fs::File;
    use std::io;
    use std::os::windows::fs::FileExt;

    pub(super) fn read(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        file.seek_read(buffer, offset)
    }

    pub(super) fn write_all(file: &File, mut contents: &[u8], mut offset: u64) -> io::Result<()> {
        while !contents.is_empty() {
            let written = file.seek_write(contents, offset)?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            contents = &contents[written..];
            offset += written as u64;
        }
        Ok(())
    }
}
