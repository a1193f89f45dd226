//! Files have no readiness: each file operation is one job of the blocking pool.

mod support;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use support::{has_told, record, wait_for_wait, wait_until, Event};
use wakeline_executor::observe::{JobKind, JobOutcome, ThreadRole, WaitTarget, WakeCause};
use wakeline_executor::{block_on, fs, join_all, spawn, spawn_blocking, Runtime};

/// A folder of its own per test, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wakeline-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_hundred_file_writes_are_a_hundred_jobs() {
    const BYTES: usize = 64 * 1024;
    let folder = Folder::new("hundred");
    let ((), trace) = record(|| {
        let runtime = Runtime::single().pool_limit(4).build().unwrap();
        runtime.block_on(async {
            // The pool's threads are busy until all hundred are in the queue.
            let is_write = |event: &Event| {
                matches!(
                    event,
                    Event::JobSubmitted {
                        kind: JobKind::FileWrite,
                        ..
                    }
                )
            };
            let busy = (0..4).map(|_| {
                spawn_blocking(move || {
                    wait_until("all are submitted", |told| {
                        told.iter().filter(|told| is_write(&told.event)).count() == 100
                    });
                })
            });
            let busy: Vec<_> = busy.collect();
            let writes = (0..100).map(|n| {
                let path = folder.0.join(n.to_string());
                spawn(async move { fs::write(path, vec![7; BYTES]).await })
            });
            for written in join_all(writes).await {
                written.unwrap().unwrap();
            }
            for job in busy {
                job.await.unwrap();
            }
        });
    });
    trace.check();
    for n in 0..100 {
        let length = std::fs::metadata(folder.0.join(n.to_string()))
            .unwrap()
            .len();
        assert_eq!(length, BYTES as u64);
    }
    let mut ended = 0;
    let mut writes = HashSet::new();
    for event in trace.events() {
        match event {
            Event::JobSubmitted { job, kind, .. } if *kind == JobKind::FileWrite => {
                assert!(writes.insert(*job));
            }
            Event::JobEnded {
                job,
                outcome,
                bytes,
            } if writes.contains(job) => {
                ended += 1;
                assert_eq!((*outcome, *bytes), (JobOutcome::Completed, BYTES as u64));
                // Its completion wakes exactly one task.
                let wakes = trace.count(|event| {
                    matches!(event, Event::Wake { cause, .. } if *cause == WakeCause::Job(*job))
                });
                assert!(wakes <= 1);
            }
            Event::PoolState { threads, idle, .. } => {
                assert!(*threads <= 4 && idle <= threads);
            }
            _ => {}
        }
    }
    assert_eq!(ended, 100);
    let readiness = trace.count(|event| matches!(event, Event::Readiness { .. }));
    assert_eq!((writes.len(), readiness), (100, 0));
    let deepest = trace.events().filter_map(|event| match event {
        Event::JobSubmitted { queue_depth, .. } => Some(*queue_depth),
        _ => None,
    });
    // No thread of the four was free until the last one stood in the queue.
    assert!(deepest.max() >= Some(100), "all that are submitted wait");
}

#[test]
fn a_job_is_submitted_started_ended_and_then_wakes() {
    let ((), trace) = record(|| {
        block_on(async {
            let until_awaited = || wait_for_wait(|target| matches!(target, WaitTarget::Job(_)));
            spawn_blocking(until_awaited).await.unwrap();
        });
    });
    trace.check();
    let submitted = trace.position(0, |event| matches!(event, Event::JobSubmitted { .. }));
    let Event::JobSubmitted { job, .. } = trace.0[submitted].event else {
        unreachable!("found above");
    };
    let started = trace.position(submitted, |event| *event == Event::JobStarted { job });
    let ended = trace.position(
        started,
        |event| matches!(event, Event::JobEnded { job: id, .. } if *id == job),
    );
    let wake = trace.position(
        ended,
        |event| matches!(event, Event::Wake { cause, .. } if *cause == WakeCause::Job(job)),
    );
    assert_eq!(trace.0[started].thread, trace.0[wake].thread);
    assert_ne!(trace.0[submitted].thread, trace.0[started].thread);
    assert_eq!(
        trace.count(
            |event| matches!(event, Event::Wait { target, .. } if *target == WaitTarget::Job(job))
        ),
        1
    );
}

#[test]
fn a_failed_job_gives_the_systems_error() {
    let (error, trace) = record(|| block_on(fs::read("/nowhere/at/all")).unwrap_err());
    trace.check();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    let number = error.raw_os_error().unwrap();
    assert_eq!(
        trace.count(|event| matches!(
            event,
            Event::JobEnded { outcome, bytes: 0, .. } if *outcome == JobOutcome::Failed(number)
        )),
        1
    );
}

#[test]
fn queued_jobs_are_cancelled_with_their_runtime_and_running_ones_finish() {
    let ((), trace) = record(|| {
        let runtime = Runtime::single().pool_limit(1).build().unwrap();
        let handle = runtime.handle();
        let (started, has_started) = std::sync::mpsc::channel();
        let running = handle.spawn_blocking(move || {
            started.send(()).unwrap();
            wait_until("the queued one is cancelled", |told| {
                let outcome = JobOutcome::Cancelled;
                told.iter().any(|told| matches!(told.event, Event::JobEnded { outcome: each, .. } if each == outcome))
            });
            "finished"
        });
        let queued = handle.spawn_blocking(|| "never");
        has_started.recv().unwrap();
        drop(runtime);
        assert_eq!(block_on(running).unwrap(), "finished");
        assert!(block_on(queued).unwrap_err().is_cancelled());
    });
    trace.check();
    assert_eq!(
        trace.count(|event| matches!(
            event,
            Event::JobEnded {
                outcome: JobOutcome::Cancelled,
                ..
            }
        )),
        1
    );
}

#[test]
fn idle_pool_threads_leave() {
    let is_empty = |event: &Event| {
        matches!(
            event,
            Event::PoolState {
                threads: 0,
                idle: 0,
                queued: 0
            }
        )
    };
    let ((), trace) = record(|| {
        let runtime = Runtime::single()
            .pool_idle_timeout(Duration::from_millis(5))
            .build()
            .unwrap();
        runtime.block_on(async {
            spawn_blocking(|| ()).await.unwrap();
            while !has_told(is_empty) {
                wakeline_executor::time::sleep(Duration::from_millis(1)).await;
            }
            spawn_blocking(|| ()).await.unwrap();
        });
    });
    trace.check();
    // The last job was run by a thread that was started for it.
    let empty = trace.position(0, is_empty);
    trace.position(
        empty,
        |event| matches!(event, Event::ThreadStarted { role, .. } if *role == ThreadRole::Pool),
    );
}
