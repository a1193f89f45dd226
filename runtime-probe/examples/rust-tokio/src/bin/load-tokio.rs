//! As many tasks and polls as the machine can make, for a bounded time: what recording does
//! when far more happens than can be sent.
//!
//! Each task yields until the time is over, so all are alive at once. The program counts its
//! polls itself and prints them at the end: what the trace holds and what it says was dropped
//! must add up to what follows from that number. It also prints how much memory it had.
//!
//! No reactor and no root task: nothing happens here but spawns, polls, wakes and ends.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::runtime::{Builder, Handle};
use tokio::task::yield_now;
use wakeline_examples::Options;

/// How often memory is looked at.
const SAMPLE: Duration = Duration::from_millis(50);

/// What the tasks share.
#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    polls: AtomicU64,
}

/// Resident memory in KiB with all tasks alive: at most in the first third of the time, and
/// at most in the rest.
#[derive(Default)]
struct Memory {
    early: u64,
    late: u64,
}

fn main() -> io::Result<()> {
    wakeline::init!();
    let options =
        Options::read(&["--tasks", "--workers", "--seconds"]).map_err(io::Error::other)?;
    let number = |name, default| options.number(name, default).map_err(io::Error::other);
    let (tasks, workers) = (number("--tasks", 50_000)?, number("--workers", 1)?);
    let time = Duration::from_secs(number("--seconds", 5)?);
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(workers as usize).build()?;

    let shared = Arc::new(Shared::default());
    let before = resident_kib();
    let (alive, watch) = runtime.block_on(run(tasks, time, &shared));
    drop(runtime);
    let memory = watch.join().unwrap_or_default();
    println!(
        r#"{{"pid":{},"tasks":{tasks},"workers":{workers},"aliveTasks":{alive},"polls":{},"residentKib":{{"before":{before},"early":{},"late":{}}}}}"#,
        std::process::id(),
        shared.polls.load(Ordering::Relaxed),
        memory.early,
        memory.late,
    );
    Ok(())
}

/// Spawns all tasks and waits for them. Gives tokio's count of them when all were spawned,
/// and the thread that ends them and knows what memory there was.
async fn run(
    tasks: u64,
    time: Duration,
    shared: &Arc<Shared>,
) -> (usize, thread::JoinHandle<Memory>) {
    let spawned: Vec<_> = (0..tasks)
        .map(|_| wakeline::spawn(task(Arc::clone(shared))))
        .collect();
    let alive = Handle::current().metrics().num_alive_tasks();
    let to_end = Arc::clone(shared);
    let watch = thread::spawn(move || watch(time, &to_end));
    for task in spawned {
        // A task that panicked has not added its polls, and the sum shows it.
        let _ = task.await;
    }
    (alive, watch)
}

async fn task(shared: Arc<Shared>) {
    let mut polls = 1;
    while !shared.is_over.load(Ordering::Relaxed) {
        yield_now().await;
        polls += 1;
    }
    shared.polls.fetch_add(polls, Ordering::Relaxed);
}

fn watch(time: Duration, shared: &Shared) -> Memory {
    let started = Instant::now();
    let mut memory = Memory::default();
    while started.elapsed() < time {
        thread::sleep(SAMPLE);
        let now = resident_kib();
        match started.elapsed() < time / 3 {
            true => memory.early = memory.early.max(now),
            false => memory.late = memory.late.max(now),
        }
    }
    shared.is_over.store(true, Ordering::Relaxed);
    memory
}

/// 0 where the system does not tell.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
