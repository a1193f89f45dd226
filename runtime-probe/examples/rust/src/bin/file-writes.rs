//! One hundred "asynchronous" file writes of 1 MB, from one thread, made in one of three
//! ways: `--files pool` (the default), `--files threads`, `--files io-uring`.
//!
//! Files have no readiness: the kernel never says "this file may be written now". So with
//! a pool each write is a blocking call that a thread of the pool makes, and the task waits
//! for that job. With plain threads it is the same call on a thread of its own. With
//! io_uring the task hands the kernel an open, a write and a close, one after the other,
//! and waits for the completion of each: no thread of the program blocks.
//!
//! What to look for in the lanes: with the pool one hundred jobs, of which four run at a
//! time and the others queue, and a reactor that is woken by finished jobs, never by a
//! file. With io_uring no job at all, one hundred submissions in flight at once, and a
//! reactor that is woken by the ring.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use wakeline_examples::{count_polls, json_list, Options, Usage};
use wakeline_executor::fs::{self, Files};
use wakeline_executor::{spawn_local_named, Runtime};

const FILES: u64 = 100;
const FILE_BYTES: usize = 1_000_000;
const POOL_THREADS: usize = 4;

fn main() -> io::Result<()> {
    wakeline::init!();
    let options = Options::read(&["--rounds", "--files"]).map_err(io::Error::other)?;
    let rounds = options.number("--rounds", 1).map_err(io::Error::other)?;
    let (name, files) = match options.text("--files").unwrap_or("pool") {
        "pool" => ("pool", Files::Pool),
        "threads" => ("threads", Files::Threads),
        "io-uring" => ("io-uring", Files::IoUring),
        other => {
            return Err(io::Error::other(format!(
                "--files {other} is not known; it is pool, threads or io-uring"
            )))
        }
    };
    let folder = TemporaryFolder::new()?;

    let runtime = Runtime::single()
        .name("file-writes")
        .pool_limit(POOL_THREADS)
        .files(files)
        .build()?;
    let (before, started) = (Usage::now(), Instant::now());
    let (bytes, polls) = runtime.block_on(run_writers(folder.path(), rounds))?;
    let wall_ns = started.elapsed().as_nanos();
    let usage = Usage::now().since(&before);
    // A write by a thread is one job. On a ring it is as many submissions as its task
    // waited for, and each poll but the first comes of one that completed.
    let (jobs, submissions) = match files {
        Files::IoUring => (0, polls.iter().sum::<u64>() - FILES),
        _ => (FILES * rounds, 0),
    };

    println!(
        concat!(
            r#"{{"pid":{},"files":"{}","tasks":{},"polls":{},"jobs":{},"submissions":{},"#,
            r#""bytes":{},"poolThreads":{},"wallNs":{},"cpuNs":{},"contextSwitches":{},"#,
            r#""kernelThreads":{}}}"#
        ),
        std::process::id(),
        name,
        FILES,
        json_list(polls),
        jobs,
        submissions,
        bytes,
        POOL_THREADS,
        wall_ns,
        usage.cpu_ns,
        usage.context_switches,
        kernel_threads(),
    );
    Ok(())
}

/// Threads that the kernel started in this process to work off submissions that would
/// block. They stay for some seconds after their work, so they are still there now.
fn kernel_threads() -> usize {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else {
        return 0;
    };
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("iou-wrk"))
        .count()
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
        // This makes no system call here: it hands the work to a thread or to the kernel
        // and waits until the file is written. Put a breakpoint here.
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
