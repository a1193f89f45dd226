//! Owns a recording that is written to a file by the program itself, with no collector: where
//! it is, how long it may get. It must not know what is written.
//!
//! The bytes are those that a collector would have appended, so any prefix can be read.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use wakeline_wire::frame::recording_head;

/// How long a file may get unless told otherwise: half an hour of 100,000 events a second.
pub(crate) const DEFAULT_FILE_MIB: usize = 1024;
/// Kept free for the end frame, which names each thread in about 20 bytes, up to 10,000.
const END_RESERVE_BYTES: u64 = 256 << 10;

/// A recording that is being written.
pub(crate) struct RecordingFile {
    file: File,
    path: PathBuf,
    limit_bytes: u64,
    written_bytes: u64,
    outbound: Vec<u8>,
}

impl RecordingFile {
    /// Makes the file, or empties the one that is there.
    ///
    /// # Errors
    /// When it cannot be written, is no plain file, or another process records into it.
    pub(crate) fn create(path: PathBuf, limit_mib: usize) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = system::open(&mut options, &path)?;
        if !file.metadata()?.is_file() {
            let message = "it is no plain file";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        system::lock(&file)?;
        file.set_len(0)?;
        let mut recording = Self {
            file,
            path,
            limit_bytes: (limit_mib.clamp(1, 1 << 20) as u64) << 20,
            written_bytes: 0,
            outbound: recording_head().to_vec(),
        };
        recording.write()?;
        Ok(recording)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where whole frames are appended.
    pub(crate) fn outbound(&mut self) -> &mut Vec<u8> {
        &mut self.outbound
    }

    /// Whether what is queued would go beyond the bound. It is thrown away then, and nothing
    /// but the end may follow.
    pub(crate) fn overflows(&mut self) -> bool {
        let bytes = self.written_bytes + self.outbound.len() as u64;
        let overflows = bytes + END_RESERVE_BYTES > self.limit_bytes;
        if overflows {
            self.outbound.clear();
        }
        overflows
    }

    /// Writes what is queued.
    ///
    /// # Errors
    /// When the system does not take it, as on a full disk.
    pub(crate) fn write(&mut self) -> io::Result<()> {
        self.file.write_all(&self.outbound)?;
        self.written_bytes += self.outbound.len() as u64;
        self.outbound.clear();
        Ok(())
    }
}

fn taken() -> io::Error {
    let message = "another process records into it; put %p, the process's id, into the name";
    io::Error::new(io::ErrorKind::AlreadyExists, message)
}

#[cfg(unix)]
mod system {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::Path;

    /// Only for its owner.
    pub(super) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
        options.mode(0o600).open(path)
    }

    /// Until it is closed.
    pub(super) fn lock(file: &File) -> io::Result<()> {
        // SAFETY: the descriptor is open for as long as `file` lives. The lock is gone with it.
        match unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } {
            0 => Ok(()),
            _ => Err(super::taken()),
        }
    }
}

#[cfg(windows)]
mod system {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::windows::fs::OpenOptionsExt;
    use std::path::Path;

    /// `FILE_SHARE_READ` and `FILE_SHARE_DELETE`: others may read, rename and remove it, and
    /// not write into it.
    const SHARED: u32 = 1 | 4;
    /// `ERROR_SHARING_VIOLATION`: somebody has it open to write.
    const IS_WRITTEN: i32 = 32;

    pub(super) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
        let file = options.share_mode(SHARED).open(path);
        file.map_err(|error| match error.raw_os_error() {
            Some(IS_WRITTEN) => super::taken(),
            _ => error,
        })
    }

    /// Opening it was all.
    pub(super) fn lock(_file: &File) -> io::Result<()> {
        Ok(())
    }
}

/// The path that a pattern means: `%p` is the process's id, `%n` a number where files are
/// counted, `%%` a percent sign.
///
/// # Errors
/// When there is another letter behind a percent sign, which may mean something one day.
pub(crate) fn expand(pattern: &str, number: Option<u64>) -> Result<PathBuf, String> {
    let mut path = String::with_capacity(pattern.len() + 8);
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '%') {
            (letter, false) => path.push(letter),
            (_, true) => match letters.next() {
                Some('p') => path.push_str(&std::process::id().to_string()),
                Some('%') => path.push('%'),
                Some('n') if number.is_some() => {
                    path.push_str(&number.map_or_else(String::new, |number| number.to_string()));
                }
                other => {
                    let found = other.map_or_else(String::new, String::from);
                    return Err(format!(
                        "{pattern}: %{found} is not known; %p is the process's id, %% a percent sign"
                    ));
                }
            },
        }
    }
    Ok(path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_the_process() {
        let pid = std::process::id();
        let expanded =
            |pattern| expand(pattern, None).map(|path| path.to_string_lossy().into_owned());
        assert_eq!(expanded("a/b.wakeline"), Ok("a/b.wakeline".into()));
        assert_eq!(expanded("%p-%%p.x"), Ok(format!("{pid}-%p.x")));
        assert!(expanded("a%q").is_err_and(|message| message.contains("%q")));
        assert!(expanded("a%").is_err() && expanded("a%n").is_err());
        assert_eq!(expand("a%n", Some(3)), Ok("a3".into()));
    }
}
