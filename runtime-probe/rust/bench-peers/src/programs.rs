//! Owns the programs that are measured: what their tasks do and on which runtime. They must
//! not know which recorder runs them; they spawn through what they are given.

pub(crate) mod echo;

use std::future::Future;

use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::{yield_now, JoinHandle};

/// Tasks alive at once.
const TASKS: u64 = 1_000;

/// A recorder's own way to spawn, or tokio's.
pub(crate) trait Spawn: Copy + Send + Sync + 'static {
    /// Spawns on the current runtime.
    fn spawn<F>(self, future: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static;
}

enum Work {
    Yields,
    PingPong,
    Echo,
}

/// What is measured.
pub(crate) struct Program {
    work: Work,
    workers: usize,
    /// About how often tasks are polled in all; for echo, how many requests are answered.
    polls: u64,
}

impl Program {
    pub(crate) const NAMES: &'static [&'static str] =
        &["yield-ct", "yield-mt", "ping-pong-ct", "echo-mt"];

    pub(crate) fn named(name: &str, polls: u64) -> Option<Self> {
        let (work, workers) = match name {
            "yield-ct" => (Work::Yields, 0),
            "yield-mt" => (Work::Yields, 2),
            "ping-pong-ct" => (Work::PingPong, 0),
            "echo-mt" => (Work::Echo, 2),
            _ => return None,
        };
        Some(Self {
            work,
            workers,
            polls,
        })
    }

    /// The builder of the program's runtime: one thread, or two workers.
    pub(crate) fn runtime(&self) -> Builder {
        let mut builder = match self.workers {
            0 => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        if self.workers > 0 {
            builder.worker_threads(self.workers);
        }
        builder.enable_all();
        builder
    }

    /// Runs all tasks to their end.
    pub(crate) async fn run(&self, spawn: impl Spawn) {
        let tasks = match self.work {
            Work::Yields => self.yields(spawn),
            Work::PingPong => self.ping_pong(spawn),
            Work::Echo => return echo::serve(spawn).await,
        };
        for task in tasks {
            task.await.expect("no task panics");
        }
    }

    fn yields(&self, spawn: impl Spawn) -> Vec<JoinHandle<()>> {
        let yields = self.polls / TASKS - 1;
        let work = move || async move {
            for _ in 0..yields {
                yield_now().await;
            }
        };
        (0..TASKS).map(|_| spawn.spawn(work())).collect()
    }

    fn ping_pong(&self, spawn: impl Spawn) -> Vec<JoinHandle<()>> {
        let rounds = self.polls / TASKS;
        let mut tasks = Vec::new();
        for _ in 0..TASKS / 2 {
            let (to_pong, mut from_ping) = mpsc::channel::<u64>(1);
            let (to_ping, mut from_pong) = mpsc::channel::<u64>(1);
            tasks.push(spawn.spawn(async move {
                for round in 0..rounds {
                    to_pong.send(round).await.expect("pong listens");
                    from_pong.recv().await;
                }
            }));
            tasks.push(spawn.spawn(async move {
                while let Some(round) = from_ping.recv().await {
                    // Ping does not wait for the answer to its last message.
                    if to_ping.send(round).await.is_err() {
                        return;
                    }
                }
            }));
        }
        tasks
    }
}
