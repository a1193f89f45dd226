//! Operations of `tokio::fs` as they are seen from below, where tokio tells nothing of its
//! blocking closures: which thread of the pool read or wrote how much of a file, and nothing of
//! what is no file, no closure of the pool, or recorded by itself.
#![cfg(wakeline_reactor)] // Where it is not seen from below there is nothing to compare.
#![cfg(not(tokio_unstable))] // There tokio tells of each closure itself.

mod support;

use std::collections::HashSet;
use std::future::Future;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use support::reactor::trace_of;
use support::Trace;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Builder;
use wakeline_wire::{job_kind, visibility, EventRecord};

/// A file of the test's own, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("wakeline-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A job that was seen: what it did, on which thread, in which runtime, and how many bytes.
#[derive(Debug, PartialEq)]
struct Seen {
    kind: u64,
    thread: u64,
    runtime: u64,
    bytes: u64,
}

/// Seen jobs in the order of their threads' events; each ends before the next one begins.
fn seen(trace: &Trace) -> Vec<Seen> {
    let mut jobs = Vec::new();
    for (&thread, events) in &trace.events {
        let mut open = None;
        for timed in events {
            match timed.event {
                EventRecord::JobSeen(job) => {
                    assert!(open.replace(job.job).is_none(), "one inside of another");
                    jobs.push(Seen {
                        kind: job.job_kind,
                        thread,
                        runtime: job.runtime,
                        bytes: 0,
                    });
                }
                EventRecord::JobEnd(end) if open == Some(end.job) => {
                    open = None;
                    jobs.last_mut().expect("begun").bytes = end.bytes;
                }
                _ => {}
            }
        }
        assert_eq!(open, None, "each has an end");
    }
    jobs
}

fn bytes_of(jobs: &[Seen], kind: u64) -> u64 {
    let of_kind = jobs.iter().filter(|job| job.kind == kind);
    of_kind.map(|job| job.bytes).sum()
}

/// Writes, syncs and reads a file by tokio's own operations.
async fn work(path: &std::path::Path) {
    let mut file = tokio::fs::File::create(path).await.unwrap();
    file.write_all(&[7; 1_000]).await.unwrap();
    file.sync_all().await.unwrap();
    let mut file = tokio::fs::File::open(path).await.unwrap();
    let mut read = Vec::new();
    file.read_to_end(&mut read).await.unwrap();
    assert_eq!(read.len(), 1_000);
    assert_eq!(tokio::fs::read(path).await.unwrap().len(), 1_000);
}

fn check_work(trace: &Trace) {
    let jobs = seen(trace);
    assert_eq!(bytes_of(&jobs, job_kind::FILE_WRITE), 1_000, "{jobs:?}");
    assert_eq!(bytes_of(&jobs, job_kind::FILE_READ), 2_000, "{jobs:?}");
    let syncs = jobs.iter().filter(|job| job.kind == job_kind::FILE_OTHER);
    assert_eq!(syncs.count(), 1);
    assert!(jobs.iter().all(|job| job.runtime != 0), "of the runtime");
    let submitted = |event: &EventRecord| matches!(event, EventRecord::JobSubmit(_));
    assert_eq!(trace.count(submitted), 0, "nobody saw it");
    let polls: HashSet<u64> = trace
        .events
        .iter()
        .filter(|(_, events)| {
            let polls = |each: &EventRecord| matches!(each, EventRecord::PollStart(_));
            events.iter().any(|each| polls(&each.event))
        })
        .map(|(thread, _)| *thread)
        .collect();
    assert!(jobs.iter().all(|job| !polls.contains(&job.thread)));
    let hello = trace.hellos.last().unwrap();
    let mut named = hello.capabilities.iter().filter(|each| each.name == "jobs");
    let jobs = named.next().expect("the capability");
    assert_eq!(jobs.visibility, visibility::RECORDED);
    assert!(jobs.note.contains("tokio::fs"), "{}", jobs.note);
}

#[test]
fn operations_of_tokio_fs_are_jobs_of_the_pools_threads() {
    let test = "operations_of_tokio_fs_are_jobs_of_the_pools_threads";
    let trace = trace_of(test, || {
        let mut builder = Builder::new_multi_thread();
        builder
            .worker_threads(2)
            .enable_all()
            .thread_name("own name");
        let runtime = wakeline::tokio::instrument(&mut builder, "main")
            .build()
            .unwrap();
        runtime.block_on(wakeline::tokio::root(async {
            let file = Scratch::new("several-workers");
            work(&file.0).await;
            let task = wakeline::spawn(async move {
                // By the task itself, which holds its worker meanwhile: no job.
                std::fs::read(&file.0).unwrap().len()
            });
            assert_eq!(task.await.unwrap(), 1_000);
        }));
    });
    let Some(trace) = trace else { return };
    check_work(&trace);
}

#[test]
fn so_they_are_where_one_thread_is_all_that_the_runtime_has() {
    let test = "so_they_are_where_one_thread_is_all_that_the_runtime_has";
    let trace = trace_of(test, || {
        let mut builder = Builder::new_current_thread();
        builder.enable_all().thread_name("own name");
        let runtime = wakeline::tokio::instrument(&mut builder, "main")
            .build()
            .unwrap();
        let file = Scratch::new("one-thread");
        runtime.block_on(wakeline::tokio::root(work(&file.0)));
        // By the program's own thread, outside of any task: no job either.
        assert_eq!(std::fs::read(&file.0).unwrap().len(), 1_000);
    });
    let Some(trace) = trace else { return };
    check_work(&trace);
}

/// The pool's threads have tokio's name, and each records from its first wake on.
#[test]
fn a_runtime_that_nobody_told_of_is_seen_by_the_names_of_its_threads() {
    let test = "a_runtime_that_nobody_told_of_is_seen_by_the_names_of_its_threads";
    let trace = trace_of(test, || {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let file = Scratch::new("not-told");
        std::fs::write(&file.0, [7; 1_000]).unwrap();
        runtime.block_on(wakeline::tokio::root(async {
            let path = file.0.clone();
            let task = wakeline::spawn(async move {
                // The channel makes sure that this task is woken by the pool's thread.
                let (go, wait) = std::sync::mpsc::channel::<()>();
                let mut job = Box::pin(tokio::task::spawn_blocking(move || wait.recv()));
                std::future::poll_fn(|context| {
                    let is_pending = job.as_mut().poll(context).is_pending();
                    assert!(is_pending, "nobody has let it go yet");
                    std::task::Poll::Ready(())
                })
                .await;
                drop(go);
                let _ = job.await;
                tokio::fs::read(&path).await.unwrap().len()
            });
            assert_eq!(task.await.unwrap(), 1_000);
        }));
    });
    let Some(trace) = trace else { return };
    let jobs = seen(&trace);
    assert_eq!(bytes_of(&jobs, job_kind::FILE_READ), 1_000, "{jobs:?}");
    assert!(jobs.iter().all(|job| job.runtime == 0), "{jobs:?}");
}

#[test]
fn what_is_no_file_or_is_recorded_by_itself_is_no_job_of_its_own() {
    let test = "what_is_no_file_or_is_recorded_by_itself_is_no_job_of_its_own";
    let trace = trace_of(test, || {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).enable_all();
        let runtime = wakeline::tokio::instrument(&mut builder, "main")
            .build()
            .unwrap();
        let file = Scratch::new("other");
        std::fs::write(&file.0, [7; 100]).unwrap();
        let path = file.0.clone();
        runtime.block_on(wakeline::tokio::root(async move {
            let own = path.clone();
            let job = wakeline::spawn_blocking(move || std::fs::read(own).unwrap().len());
            assert_eq!(job.await.unwrap(), 100);
            let piped = tokio::task::spawn_blocking(|| {
                let (mut a, mut b) = std::os::unix::net::UnixStream::pair().unwrap();
                std::io::Write::write_all(&mut a, b"12345").unwrap();
                b.read_exact(&mut [0; 5])
            });
            piped.await.unwrap().unwrap();
            let at_offset = tokio::task::spawn_blocking(move || {
                let file = std::fs::File::options()
                    .read(true)
                    .write(true)
                    .open(path)
                    .unwrap();
                file.write_all_at(&[8; 30], 10).unwrap();
                file.read_exact_at(&mut [0; 40], 5).unwrap();
                file.sync_data().unwrap();
            });
            at_offset.await.unwrap();
        }));
    });
    let Some(trace) = trace else { return };
    let kinds: Vec<_> = seen(&trace)
        .iter()
        .map(|job| (job.kind, job.bytes))
        .collect();
    let expected = [
        (job_kind::FILE_WRITE, 30),
        (job_kind::FILE_READ, 40),
        (job_kind::FILE_OTHER, 0),
    ];
    assert_eq!(kinds, expected);
    let own = |event: &EventRecord| matches!(event, EventRecord::JobStart(_));
    assert_eq!(trace.count(own), 1, "wakeline's own closure");
}
