//! Files have no readiness: each file operation is one job of the blocking pool.

mod support;

use std::path::PathBuf;
use std::time::Duration;

use support::{record, Event};
use wakeline_executor::observe::{JobKind, JobOutcome, WaitTarget, WakeCause};
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
            let writes = (0..100).map(|n| {
                let path = folder.0.join(n.to_string());
                spawn(async move { fs::write(path, vec![7; BYTES]).await })
            });
            for written in join_all(writes).await {
                written.unwrap().unwrap();
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
    for event in trace.events() {
        match event {
            Event::JobSubmitted { kind, .. } => assert_eq!(*kind, JobKind::FileWrite),
            Event::JobEnded {
                job,
                outcome,
                bytes,
            } => {
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
    let submitted = trace.count(|event| matches!(event, Event::JobSubmitted { .. }));
    let readiness = trace.count(|event| matches!(event, Event::Readiness { .. }));
    assert_eq!((submitted, readiness), (100, 0));
    let deepest = trace.events().filter_map(|event| match event {
        Event::JobSubmitted { queue_depth, .. } => Some(*queue_depth),
        _ => None,
    });
    assert!(deepest.max() > Some(4), "four threads leave a queue");
}

#[test]
fn a_job_is_submitted_started_ended_and_then_wakes() {
    let ((), trace) = record(|| {
        block_on(async {
            spawn_blocking(|| std::thread::sleep(Duration::from_millis(5)))
                .await
                .unwrap();
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
            std::thread::sleep(Duration::from_millis(20));
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
    let ((), trace) = record(|| {
        let runtime = Runtime::single()
            .pool_idle_timeout(Duration::from_millis(5))
            .build()
            .unwrap();
        runtime.block_on(async {
            spawn_blocking(|| ()).await.unwrap();
            wakeline_executor::time::sleep(Duration::from_millis(60)).await;
            spawn_blocking(|| ()).await.unwrap();
        });
    });
    trace.check();
    let gone = trace.count(|event| {
        matches!(
            event,
            Event::PoolState {
                threads: 0,
                idle: 0,
                queued: 0
            }
        )
    });
    assert!(gone >= 1);
}
