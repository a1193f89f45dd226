//! One hundred "asynchronous" file writes of 1 MB, from one thread.
//!
//! Files have no readiness: the kernel never says "this file may be written now". So each
//! write is a blocking call that a thread of a pool makes, and the task waits for that job.
//! What to look for in the lanes: one hundred jobs, of which four run at a time and the
//! others queue, and a reactor that is woken by finished jobs, never by a file.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wakeline_examples::{count_polls, json_list, number_option};
use wakeline_executor::{fs, spawn_local_named, Runtime};

const FILES: u64 = 100;
const FILE_BYTES: usize = 1_000_000;
const POOL_THREADS: usize = 4;

fn main() -> io::Result<()> {
    wakeline::init!();
    let rounds = number_option("--rounds", 1).map_err(io::Error::other)?;
    let folder = TemporaryFolder::new()?;

    let runtime = Runtime::single()
        .name("file-writes")
        .pool_limit(POOL_THREADS)
        .build()?;
    let (bytes, polls) = runtime.block_on(run_writers(folder.path(), rounds))?;

    println!(
        r#"{{"pid":{},"tasks":{FILES},"polls":{},"jobs":{},"bytes":{bytes},"poolThreads":{POOL_THREADS}}}"#,
        std::process::id(),
        json_list(polls),
        FILES * rounds,
    );
    Ok(())
}

/// Starts all tasks, then waits for one after the other.
async fn run_writers(folder: &Path, rounds: u64) -> io::Result<(u64, Vec<u64>)> {
    // Made once and shared, so that all jobs are handed over before the first is done.
    let contents: Arc<[u8]> = vec![b'w'; FILE_BYTES].into();
    let mut writers = Vec::new();
    for number in 0..FILES {
        let path = folder.join(format!("{number}.bin"));
        let (writer, polls) = count_polls(writer(path, Arc::clone(&contents), rounds));
        writers.push((
            spawn_local_named(&format!("writer {number}"), writer),
            polls,
        ));
    }

    let mut bytes = 0;
    let mut all_polls = Vec::new();
    for (writer, polls) in writers {
        bytes += writer.await.map_err(io::Error::other)??;
        all_polls.push(polls.get());
    }
    Ok((bytes, all_polls))
}

/// One task: writes its file `rounds` times.
async fn writer(path: PathBuf, contents: Arc<[u8]>, rounds: u64) -> io::Result<u64> {
    let mut bytes = 0;
    for _ in 0..rounds {
        // This makes no system call here: it hands a job to the pool and waits until a
        // thread of the pool has written the file. Put a breakpoint here.
        fs::write(&path, Arc::clone(&contents)).await?;
        bytes += contents.len() as u64;
    }
    Ok(bytes)
}

/// A folder that is removed with all it holds, also when a write failed.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> io::Result<Self> {
        let name = format!("wakeline-file-writes-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} could not be removed: {error}", self.0.display());
        }
    }
}
