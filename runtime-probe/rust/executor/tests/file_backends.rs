//! The three ways to make file operations give the same files and differ in what is told:
//! jobs of a pool, jobs on threads of their own, submissions to an io_uring.
//!
//! Where the system refuses an io_uring, each test that wants one checks that this is
//! said, and that the runtime falls back only when it was asked to.

mod support;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use support::{record, Event, Trace};
use wakeline_executor::fs::{self, File, Files};
use wakeline_executor::observe::{
    JobKind, SourceKind, SubmissionKind, ThreadRole, WaitTarget, WakeCause, WakeEffect,
};
use wakeline_executor::{join, join_all, select, spawn, Builder, Runtime};

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

/// Whether this machine gives an io_uring; when not, the refusal itself is checked.
fn has_ring() -> bool {
    // Recorded for nobody, so that this runtime is in no other test's trace.
    record(try_ring).0
}

fn try_ring() -> bool {
    match Runtime::single().files(Files::IoUring).build() {
        Ok(runtime) => {
            assert_eq!(runtime.files(), Files::IoUring);
            true
        }
        Err(error) => {
            println!("run without io_uring: {error}");
            assert!(error.to_string().contains("use Files::Pool"), "{error}");
            let fallback = Runtime::single().files(Files::IoUringOrPool).build();
            assert_eq!(fallback.unwrap().files(), Files::Pool);
            false
        }
    }
}

/// The backends of this machine.
fn backends() -> Vec<Files> {
    let mut all = vec![Files::Pool, Files::Threads];
    all.extend(has_ring().then_some(Files::IoUring));
    all
}

fn build(builder: Builder, files: Files) -> Runtime {
    builder.files(files).build().unwrap()
}

/// Contents that differ from file to file and from place to place.
fn contents_of(number: usize, bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|at| ((at * 31 + number * 7) % 251) as u8)
        .collect()
}

#[test]
fn every_backend_writes_and_reads_the_same() {
    for files in backends() {
        let folder = Folder::new(&format!("same-{files:?}"));
        for flavor in [Runtime::single(), Runtime::multi(3)] {
            let ((), trace) = record(|| {
                let runtime = build(flavor, files);
                runtime.block_on(async {
                    let tasks = (0..40).map(|number| {
                        let path = folder.0.join(number.to_string());
                        // From an empty file to several pages.
                        let contents = contents_of(number, number * 1777);
                        spawn(async move {
                            fs::write(&path, contents.clone()).await.unwrap();
                            assert_eq!(fs::read(&path).await.unwrap(), contents);
                            fs::write(&path, "short").await.unwrap();
                            assert_eq!(fs::read(&path).await.unwrap(), b"short");
                        })
                    });
                    for done in join_all(tasks).await {
                        done.unwrap();
                    }
                });
            });
            trace.check();
            check_submissions(&trace);
        }
    }
}

#[test]
fn files_are_opened_written_at_a_place_synced_and_read() {
    for files in backends() {
        let folder = Folder::new(&format!("file-{files:?}"));
        let ((), trace) = record(|| {
            let runtime = build(Runtime::single(), files);
            runtime.block_on(async {
                let file = File::create(folder.0.join("a")).await.unwrap();
                let (first, second) = join(
                    file.write_all_at(contents_of(1, 5000), 0),
                    file.write_all_at("end", 5000),
                )
                .await;
                first.unwrap();
                second.unwrap();
                file.sync_all().await.unwrap();
                let again = File::open(folder.0.join("a")).await.unwrap();
                let back = again.read_at(vec![0; 100], 4998).await.unwrap();
                assert_eq!(back[2..], *b"end");
                assert!(again.read_at(vec![0; 9], 6000).await.unwrap().is_empty());
                // It was opened to be read only.
                let refused = again.write_all_at("x", 0).await.unwrap_err();
                assert_eq!(refused.raw_os_error(), Some(libc::EBADF));
                let missing = File::open(folder.0.join("b")).await.unwrap_err();
                assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
            });
        });
        trace.check();
        check_submissions(&trace);
        let jobs = trace.count(|event| matches!(event, Event::JobSubmitted { .. }));
        let submissions = trace.count(|event| matches!(event, Event::Submitted { .. }));
        match files {
            Files::IoUring => assert_eq!((jobs, submissions), (0, 9)),
            _ => assert_eq!((jobs, submissions), (9, 0)),
        }
    }
}

/// Every submission completes once, after it was told; the depth is what is in flight.
fn check_submissions(trace: &Trace) {
    let mut in_flight = HashSet::new();
    for event in trace.events() {
        match event {
            Event::Submitted {
                submission, depth, ..
            } => {
                assert!(in_flight.insert(*submission));
                assert!(*depth >= 1);
            }
            Event::Completed { submission, .. } => assert!(in_flight.remove(submission)),
            _ => {}
        }
    }
    assert!(in_flight.is_empty(), "never completed: {in_flight:?}");
}

#[test]
fn a_hundred_writes_on_a_ring_are_three_hundred_submissions_and_no_thread() {
    const FILES: usize = 100;
    const BYTES: usize = 64 * 1024;
    if !has_ring() {
        return;
    }
    let folder = Folder::new("ring");
    let ((), trace) = record(|| {
        let runtime = build(Runtime::single(), Files::IoUring);
        runtime.block_on(async {
            let writes = (0..FILES).map(|number| {
                let path = folder.0.join(number.to_string());
                spawn(async move { fs::write(path, contents_of(number, BYTES)).await })
            });
            for written in join_all(writes).await {
                written.unwrap().unwrap();
            }
        });
    });
    trace.check();
    check_submissions(&trace);
    for number in 0..FILES {
        let back = std::fs::read(folder.0.join(number.to_string())).unwrap();
        assert_eq!(back, contents_of(number, BYTES));
    }
    let mut kinds: HashMap<SubmissionKind, usize> = HashMap::new();
    let mut deepest = 0;
    for event in trace.events() {
        if let Event::Submitted { kind, depth, .. } = event {
            *kinds.entry(*kind).or_default() += 1;
            deepest = deepest.max(*depth);
        }
    }
    assert_eq!(kinds[&SubmissionKind::Open], FILES);
    assert!(kinds[&SubmissionKind::Write] >= FILES);
    assert_eq!(kinds[&SubmissionKind::Close], FILES);
    assert!(deepest <= FILES);
    // All hundred are put into the ring before the one thread asks for a completion.
    assert!(deepest >= 61, "{deepest}");
    let jobs = trace.count(|event| matches!(event, Event::JobSubmitted { .. }));
    let pool = trace.count(|event| {
        let role = ThreadRole::Pool;
        matches!(event, Event::ThreadStarted { role: each, .. } if *each == role)
    });
    assert_eq!((jobs, pool), (0, 0));
}

#[test]
fn completion_wakes_the_task_that_waits_for_it_after_the_rings_readiness() {
    if !has_ring() {
        return;
    }
    let folder = Folder::new("chain");
    let ((), trace) = record(|| {
        let runtime = build(Runtime::single(), Files::IoUring);
        runtime
            .block_on(fs::write(folder.0.join("a"), "hello"))
            .unwrap();
    });
    trace.check();
    let ring = trace
        .events()
        .find_map(|event| match event {
            Event::SourceRegistered {
                source,
                kind: SourceKind::IoUring,
                ..
            } => Some(*source),
            _ => None,
        })
        .expect("the ring is a source");
    let submissions: Vec<u64> = trace
        .events()
        .filter_map(|event| match event {
            Event::Submitted {
                submission, source, ..
            } => {
                assert_eq!(*source, ring);
                Some(*submission)
            }
            _ => None,
        })
        .collect();
    assert_eq!(submissions.len(), 3);
    let mut at = 0;
    for submission in submissions {
        let wanted = |event: &Event| matches!(event, Event::Submitted { submission: id, .. } if *id == submission);
        let submitted = trace.position(at, wanted);
        let waits = trace.position(submitted, |event| {
            matches!(event, Event::Wait { target, .. } if *target == WaitTarget::Submission(submission))
        });
        let ready = trace.position(
            waits,
            |event| matches!(event, Event::Readiness { source, .. } if *source == ring),
        );
        let completed = trace.position(
            ready,
            |event| matches!(event, Event::Completed { submission: id, .. } if *id == submission),
        );
        let wake = trace.position(completed, |event| matches!(event, Event::Wake { .. }));
        at = trace.position(wake, |event| matches!(event, Event::PollStart { .. }));
        assert_eq!((wake, at), (completed + 1, completed + 2));
        assert!(matches!(
            &trace.0[wake].event,
            Event::Wake { effect: WakeEffect::Scheduled, cause, .. }
                if *cause == WakeCause::Submission(submission)
        ));
    }
}

/// Bytes that tell when they are freed.
struct Counted(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_dropped_operation_is_cancelled_and_its_memory_freed_once_after_its_completion() {
    if !has_ring() {
        return;
    }
    let folder = Folder::new("dropped");
    let freed = Arc::new(AtomicUsize::new(0));
    let fifo = folder.0.join("fifo");
    let name = std::ffi::CString::new(fifo.to_str().unwrap()).unwrap();
    // SAFETY: the name ends with a zero byte and lives through the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    // A descriptor for both ends, so that opening does not wait for the other end.
    let mut both = std::fs::OpenOptions::new();
    let both = both.read(true).write(true).open(&fifo).unwrap();
    let ((), trace) = record(|| {
        let runtime = build(Runtime::single(), Files::IoUring);
        runtime.block_on(async {
            // Nothing will ever be in the pipe: this read only ends by being cancelled.
            let reader = File::open(&fifo).await.unwrap();
            let endless = reader.read_at(vec![0; 16], 0);
            let quick = wakeline_executor::time::sleep(std::time::Duration::from_millis(5));
            select(endless, quick).await;
            // And writes that are given up at once, with whatever has become of them.
            for number in 0..20 {
                let contents = Counted(contents_of(number, 4096), Arc::clone(&freed));
                let write = fs::write(folder.0.join(number.to_string()), contents);
                select(write, wakeline_executor::yield_now()).await;
            }
        });
    });
    drop(both);
    trace.check();
    check_submissions(&trace);
    assert_eq!(freed.load(Ordering::SeqCst), 20);
    let cancels = trace.count(|event| {
        let wanted = SubmissionKind::Cancel;
        matches!(event, Event::Submitted { kind, .. } if *kind == wanted)
    });
    assert!(cancels >= 1);
    let cancelled = trace.count(|event| {
        matches!(event, Event::Completed { result, .. } if *result == -libc::ECANCELED || *result == -libc::EINTR)
    });
    assert!(cancelled >= 1, "the read of the pipe was cancelled");
}

#[test]
fn a_runtime_that_ends_waits_for_what_is_in_its_ring() {
    if !has_ring() {
        return;
    }
    let folder = Folder::new("ends");
    let freed = Arc::new(AtomicUsize::new(0));
    let ((), trace) = record(|| {
        let runtime = build(Runtime::multi(2), Files::IoUring);
        runtime.block_on(async {
            for number in 0..200 {
                let contents = Counted(contents_of(number, 100_000), Arc::clone(&freed));
                spawn(fs::write(folder.0.join(number.to_string()), contents));
            }
            wakeline_executor::yield_now().await;
        });
    });
    trace.check();
    check_submissions(&trace);
    assert_eq!(freed.load(Ordering::SeqCst), 200);
    assert_eq!(open_below(&folder), 0);
}

/// This process's descriptors of files in the folder.
fn open_below(folder: &Folder) -> usize {
    std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter(|target| target.starts_with(&folder.0))
        .count()
}

#[test]
fn more_operations_than_the_ring_has_places_wait_their_turn() {
    if !has_ring() {
        return;
    }
    let folder = Folder::new("many");
    let path = folder.0.join("a");
    std::fs::write(&path, contents_of(0, 10_000)).unwrap();
    let ((), trace) = record(|| {
        let runtime = build(Runtime::single(), Files::IoUring);
        runtime.block_on(async {
            let file = File::open(&path).await.unwrap();
            let reads = (0..6000).map(|at| file.read_at(vec![0; 1], at));
            for (at, read) in join_all(reads).await.into_iter().enumerate() {
                assert_eq!(read.unwrap(), [(at * 31 % 251) as u8]);
            }
        });
    });
    trace.check();
    check_submissions(&trace);
    let deepest = trace.events().filter_map(|event| match event {
        Event::Submitted { depth, .. } => Some(*depth),
        _ => None,
    });
    assert_eq!(deepest.max(), Some(6000));
}

#[test]
fn plain_threads_are_one_thread_for_each_job() {
    let folder = Folder::new("threads");
    let ((), trace) = record(|| {
        let runtime = build(Runtime::single(), Files::Threads);
        runtime.block_on(async {
            let writes = (0..30).map(|number| {
                let path = folder.0.join(number.to_string());
                spawn(async move { fs::write(path, contents_of(number, 9000)).await })
            });
            for written in join_all(writes).await {
                written.unwrap().unwrap();
            }
        });
    });
    trace.check();
    let mut ran_on = HashSet::new();
    for told in &trace.0 {
        match told.event {
            Event::JobSubmitted {
                kind, queue_depth, ..
            } => assert_eq!((kind, queue_depth), (JobKind::FileWrite, 0)),
            Event::JobStarted { .. } => {
                ran_on.insert(told.thread);
            }
            Event::PoolState { .. } => panic!("no pool is used"),
            _ => {}
        }
    }
    assert_eq!(ran_on.len(), 30);
    let pool = |event: &Event| matches!(event, Event::ThreadStarted { role, .. } if *role == ThreadRole::Pool);
    assert_eq!(trace.count(pool), 30);
}
