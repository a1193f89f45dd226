//! Owns that rings which killed programs left do not fill the memory: of those that belong to
//! a recording which its program wrote itself, the newest few are kept. It must not know what
//! they hold.
//!
//! Where a collector runs, it puts their last events behind the recordings and removes them.
//! A program that records itself may be started and killed again and again with none.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use wakeline_wire::ring::{ring_recording, RING_HEADER_BYTES};

/// 64 MiB with rings of 8 MiB.
const MOST_LEFT: usize = 8;

/// Removes all but the newest left-over rings of recordings, to be called before one more is
/// made. What cannot be read or removed is left alone.
pub(crate) fn keep_few(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut left: Vec<(i64, i64, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| left_over(&entry.path()))
        .collect();
    left.sort_unstable();
    let too_many = (left.len() + 1).saturating_sub(MOST_LEFT);
    for (_, _, path) in left.into_iter().take(too_many) {
        let _ = fs::remove_file(path);
    }
}

/// When its inode last changed, if it is a ring of ours beside a recording and its program is
/// gone.
fn left_over(path: &Path) -> Option<(i64, i64, PathBuf)> {
    let name = path.file_name()?.to_str()?.strip_prefix("wakeline-")?;
    let (pid, session) = name.split_once('-')?;
    let pid: i32 = pid.parse().ok().filter(|pid| *pid > 0)?;
    if session.len() != 32 || is_alive(pid) {
        return None;
    }
    let metadata = fs::symlink_metadata(path).ok()?;
    // SAFETY: the call takes nothing and cannot fail.
    let is_ours = metadata.uid() == unsafe { libc::geteuid() };
    if !metadata.is_file() || !is_ours {
        return None;
    }
    let mut header = vec![0; RING_HEADER_BYTES];
    File::open(path).ok()?.read_exact(&mut header).ok()?;
    ring_recording(&header)?;
    Some((metadata.ctime(), metadata.ctime_nsec(), path.into()))
}

fn is_alive(pid: i32) -> bool {
    // SAFETY: signal 0 is never delivered; it only asks whether it could be.
    let asked = unsafe { libc::kill(pid, 0) };
    asked == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wakeline_wire::ring::ring_header;

    /// A process that is over and whose id was not given to another yet.
    fn gone() -> u32 {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    #[test]
    fn the_oldest_rings_of_recordings_go_and_no_others() {
        let folder = std::env::temp_dir().join(format!("wakeline-left-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let pid = gone();
        let ring = |pid: u32, number: usize, recording: &str| {
            let path = folder.join(format!("wakeline-{pid}-{number:032x}"));
            let mut bytes = ring_header(0, "0123456789abcdef0123456789abcdef", recording);
            bytes.resize(RING_HEADER_BYTES, 0);
            fs::write(&path, bytes).unwrap();
            path
        };
        let of_collector = ring(pid, 90, "");
        let of_living = ring(std::process::id(), 91, "/a/b.wakeline");
        let rings: Vec<_> = (0..MOST_LEFT + 3)
            .map(|number| ring(pid, number, "/a/b.wakeline"))
            .collect();
        let other = folder.join("wakeline-x");
        fs::write(&other, b"").unwrap();
        keep_few(&folder);
        // One place is left for the ring that is about to be made.
        let kept: Vec<_> = rings.iter().filter(|path| path.exists()).collect();
        assert_eq!(kept.len(), MOST_LEFT - 1);
        for path in [&of_collector, &of_living, &other] {
            assert!(path.exists(), "{}", path.display());
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
