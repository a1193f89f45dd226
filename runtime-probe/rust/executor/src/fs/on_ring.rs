//! Owns the file operations as submissions to an io_uring: which there are, and what
//! memory each leaves to the kernel. It must not know how submissions travel.
//!
//! A whole file takes three or more: open, write until all is written, close. Each is
//! awaited, so each is a wait of the task in the trace.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::panic::Location;
use std::path::Path;
use std::sync::Arc;

use io_uring::{opcode, types};

use super::requests::{Contents, OpenFile, ReadAt, ReadWhole, Sync, WriteAt, WriteWhole};
use super::{Boxed, File};
use crate::observe::SubmissionKind;
use crate::ring::{Operation, Payload};
use crate::scheduler::Shared;

/// The most bytes that one submission asks for: the kernel's own limit for one call.
const MOST_BYTES: usize = 0x7fff_f000;

/// How much a read of a whole file asks for beyond what is known of its length.
const READ_AHEAD_BYTES: usize = 4096;

/// The permissions of a new file before the process's umask, as the standard library has them.
const NEW_FILE_MODE: libc::mode_t = 0o666;

type Site = &'static Location<'static>;

/// A request that can be made through a ring.
pub(super) trait OnRing<T> {
    fn on_ring(self: Box<Self>, shared: Arc<Shared>, site: Site) -> Boxed<T>;
}

/// The ring for one request, and the line that made it.
struct Files {
    shared: Arc<Shared>,
    site: Site,
}

/// A path while the kernel opens it.
struct Opening(CString);

impl Payload for Opening {
    fn abandoned(self, result: i32) {
        if result >= 0 {
            // SAFETY: the kernel has just handed out this descriptor, and nobody knows it.
            drop(unsafe { OwnedFd::from_raw_fd(result) });
        }
    }
}

/// A descriptor while the kernel closes it.
struct Closing(RawFd);

impl Payload for Closing {
    fn abandoned(self, result: i32) {
        if result == -libc::ECANCELED {
            // SAFETY: the kernel did not close it, and nobody else knows it.
            drop(unsafe { OwnedFd::from_raw_fd(self.0) });
        }
    }
}

/// A file and what is read into or written from; both stay while the kernel needs them.
struct Moving<B>(Arc<std::fs::File>, B);

impl<B: Send + 'static> Payload for Moving<B> {}

impl Files {
    async fn open(&self, path: &Path, flags: i32) -> io::Result<std::fs::File> {
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "a path with a zero byte in it names no file",
            )
        })?;
        let mut opening = Opening(path);
        loop {
            let describe = |opening: &mut Opening| {
                opcode::OpenAt::new(types::Fd(libc::AT_FDCWD), opening.0.as_ptr())
                    .flags(flags | libc::O_CLOEXEC)
                    .mode(NEW_FILE_MODE)
                    .build()
            };
            let (kind, site) = (SubmissionKind::Open, self.site);
            // SAFETY: the entry points to the string's bytes on the heap.
            let submitted =
                unsafe { Operation::submit(&self.shared, kind, 0, opening, site, describe) };
            let (result, back) = submitted.await;
            opening = back;
            if let Some(fd) = checked(result)? {
                // SAFETY: the kernel has just handed out this descriptor to us alone.
                return Ok(unsafe { std::fs::File::from_raw_fd(fd) });
            }
        }
    }

    async fn close(&self, file: std::fs::File) -> io::Result<()> {
        let closing = Closing(file.into_raw_fd());
        let describe = |closing: &mut Closing| opcode::Close::new(types::Fd(closing.0)).build();
        let kind = SubmissionKind::Close;
        // SAFETY: the entry points to nothing.
        let submitted =
            unsafe { Operation::submit(&self.shared, kind, 0, closing, self.site, describe) };
        // As close(2): after an interruption the descriptor is gone all the same.
        checked(submitted.await.0).map(|_| ())
    }

    async fn write_all(
        &self,
        file: &Arc<std::fs::File>,
        contents: Contents,
        offset: u64,
    ) -> io::Result<()> {
        let total = (*contents).as_ref().len();
        let mut moving = Moving(Arc::clone(file), contents);
        let mut written = 0;
        while written < total {
            let bytes = (total - written).min(MOST_BYTES);
            let describe = |moving: &mut Moving<Contents>| {
                let rest = (*moving.1).as_ref().get(written..written + bytes);
                // Bytes that the user's type takes back in between are not written.
                let rest = rest.unwrap_or_default();
                opcode::Write::new(fd_of(&moving.0), rest.as_ptr(), length(rest.len()))
                    .offset(offset + written as u64)
                    .build()
            };
            let (kind, site) = (SubmissionKind::Write, self.site);
            // SAFETY: the entry points to bytes that the boxed contents lend for as long
            // as they are borrowed. Nobody has access to the box until the completion
            // gives it back, which is the end of that borrow.
            let submitted =
                unsafe { Operation::submit(&self.shared, kind, bytes, moving, site, describe) };
            let (result, back) = submitted.await;
            moving = back;
            match checked(result)? {
                Some(0) => {
                    return Err(io::Error::new(
                        io::ErrorKind::WriteZero,
                        format!("the system took {written} of {total} bytes and no more"),
                    ))
                }
                Some(count) => written += usize::try_from(count).unwrap_or(0),
                None => {}
            }
        }
        Ok(())
    }

    /// Reads once into the buffer from `filled` on; gives it back with the count.
    async fn read(
        &self,
        file: &Arc<std::fs::File>,
        buffer: Vec<u8>,
        filled: usize,
        offset: u64,
    ) -> io::Result<(usize, Vec<u8>)> {
        let mut moving = Moving(Arc::clone(file), buffer);
        loop {
            let bytes = (moving.1.len() - filled).min(MOST_BYTES);
            let describe = |moving: &mut Moving<Vec<u8>>| {
                let room = &mut moving.1[filled..filled + bytes];
                let (start, count) = (room.as_mut_ptr(), length(bytes));
                opcode::Read::new(fd_of(&moving.0), start, count)
                    .offset(offset)
                    .build()
            };
            let (kind, site) = (SubmissionKind::Read, self.site);
            // SAFETY: the entry points into the vector's bytes on the heap, which nobody
            // touches until the completion gives the vector back.
            let submitted =
                unsafe { Operation::submit(&self.shared, kind, bytes, moving, site, describe) };
            let (result, back) = submitted.await;
            moving = back;
            if let Some(count) = checked(result)? {
                return Ok((usize::try_from(count).unwrap_or(0), moving.1));
            }
        }
    }

    async fn read_to_end(&self, file: &Arc<std::fs::File>) -> io::Result<Vec<u8>> {
        // The inode is in memory, as the file is open: this does not wait for the disk.
        let known = file.metadata()?.len();
        let mut buffer = vec![0; usize::try_from(known).unwrap_or(0) + READ_AHEAD_BYTES];
        let mut filled = 0;
        loop {
            let (count, back) = self.read(file, buffer, filled, filled as u64).await?;
            buffer = back;
            if count == 0 {
                buffer.truncate(filled);
                return Ok(buffer);
            }
            filled += count;
            if buffer.len() - filled < READ_AHEAD_BYTES {
                buffer.resize(buffer.len() * 2, 0);
            }
        }
    }

    /// Closes the file through the ring, unless somebody else still holds it.
    async fn give_back(&self, file: Arc<std::fs::File>) -> io::Result<()> {
        match Arc::try_unwrap(file) {
            Ok(file) => self.close(file).await,
            Err(_) => Ok(()),
        }
    }
}

/// The kernel's result as a number, or `None` when the operation is to be made again.
fn checked(result: i32) -> io::Result<Option<i32>> {
    match result {
        0.. => Ok(Some(result)),
        _ if result == -libc::EINTR || result == -libc::EAGAIN => Ok(None),
        _ => Err(io::Error::from_raw_os_error(-result)),
    }
}

fn fd_of(file: &std::fs::File) -> types::Fd {
    types::Fd(file.as_raw_fd())
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl OnRing<()> for WriteWhole {
    fn on_ring(self: Box<Self>, shared: Arc<Shared>, site: Site) -> Boxed<()> {
        let files = Files { shared, site };
        Box::pin(async move {
            let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC;
            let file = Arc::new(files.open(&self.path, flags).await?);
            let written = files.write_all(&file, self.contents, 0).await;
            // As the standard library does: what closing says does not matter.
            let _ = files.give_back(file).await;
            written
        })
    }
}

impl OnRing<Vec<u8>> for ReadWhole {
    fn on_ring(self: Box<Self>, shared: Arc<Shared>, site: Site) -> Boxed<Vec<u8>> {
        let files = Files { shared, site };
        Box::pin(async move {
            let file = Arc::new(files.open(&self.path, libc::O_RDONLY).await?);
            let read = files.read_to_end(&file).await;
            let _ = files.give_back(file).await;
            read
        })
    }
}

impl OnRing<File> for OpenFile {
    fn on_ring(self: Box<Self>, shared: Arc<Shared>, site: Site) -> Boxed<File> {
        let files = Files { shared, site };
        Box::pin(async move {
            let flags = match self.create {
                true => libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC,
                false => libc::O_RDONLY,
            };
            let file = files.open(&self.path, flags).await?;
            Ok(File {
                file: Arc::new(file),
                name: self.path.display().to_string().into(),
            })
        })
    }
}

impl OnRing<Vec<u8>> for ReadAt {
    fn on_ring(self: Box<Self>, shared: Arc<Shared>, site: Site) -> Boxed<Vec<u8>> {
        let files = Files { shared, site };
        Box::pin(async move {
            let (count, mut buffer) = files
                .read(&self.file.file, self.buffer, 0, self.offset)
                .await?;
            buffer.truncate(count);
            Ok(buffer)
        })
    }
}

impl OnRing<()> for WriteAt {
    fn on_ring(self: Box<Self>, shared: Arc<Shared>, site: Site) -> Boxed<()> {
        let files = Files { shared, site };
        Box::pin(async move {
            files
                .write_all(&self.file.file, self.contents, self.offset)
                .await
        })
    }
}

impl OnRing<()> for Sync {
    fn on_ring(self: Box<Self>, shared: Arc<Shared>, site: Site) -> Boxed<()> {
        let files = Files { shared, site };
        Box::pin(async move {
            loop {
                let moving = Moving(Arc::clone(&self.file.file), ());
                let describe =
                    |moving: &mut Moving<()>| opcode::Fsync::new(fd_of(&moving.0)).build();
                let (shared, kind) = (&files.shared, SubmissionKind::Sync);
                // SAFETY: the entry points to nothing.
                let submitted =
                    unsafe { Operation::submit(shared, kind, 0, moving, site, describe) };
                if checked(submitted.await.0)?.is_some() {
                    return Ok(());
                }
            }
        })
    }
}
