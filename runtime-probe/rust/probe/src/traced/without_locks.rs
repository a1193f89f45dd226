//! The test that polls and wakes need none of the recording's locks: another thread has all of
//! them meanwhile, and would keep them for good. What a thread tells for the first time (itself,
//! a place, a chain of awaits) is put into the dictionary under its lock, and is not meant.

use std::cell::Cell;
use std::future::{poll_fn, Future};
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::session::Session;
use crate::{init_with, Config};

/// Slots are left and taken meanwhile, and run out: the flusher has to wait for a lock.
const POLLS: u64 = 300_000;
/// Says to a process that it is the one that is recorded: a recording is for a whole process.
const IS_CHILD: &str = "WAKELINE_TEST_WITHOUT_LOCKS";
/// What ends a child that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn polls_and_wakes_go_on_while_all_locks_of_the_recording_are_taken() {
    if std::env::var_os(IS_CHILD).is_some() {
        return poll_without_locks();
    }
    let name = format!("wakeline-without-locks-{}", std::process::id());
    let file = std::env::temp_dir().join(name);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "traced::without_locks::polls_and_wakes_go_on_while_all_locks_of_the_recording_are_taken"])
        .env(IS_CHILD, "1")
        .env("WAKELINE_FILE", &file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() > end {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        thread::sleep(Duration::from_millis(5));
    };
    let bytes = std::fs::metadata(&file).map_or(0, |file| file.len());
    let _ = std::fs::remove_file(&file);
    let status = status.expect("a poll or a wake waits for a lock");
    assert!(status.success(), "{status}");
    assert!(bytes > 100_000, "{bytes} bytes of {POLLS} polls");
}

fn poll_without_locks() {
    let mut config = Config::from_env();
    config.memory_mib = Some(1);
    config.exit_ms = Some(60_000);
    // A watchdog of its own would tell what it saw, for which it may wait as long as it likes.
    config.long_poll_ms = Some(0);
    // The first time that a thread meets a chain of awaits, it is put into the dictionary.
    config.await_sites_ms = Some(0);
    assert!(init_with(config).unwrap().is_active());
    let session = Session::current().unwrap();
    let (warm, is_warm) = channel();
    let (go, may_go) = channel();
    let (done, is_done) = channel();
    let polling = thread::spawn(move || {
        let polls = Cell::new(0_u64);
        let counted = poll_fn(|context| {
            polls.set(polls.get() + 1);
            context.waker().wake_by_ref();
            drop(context.waker().clone());
            Poll::<()>::Pending
        });
        let mut future = pin!(crate::traced(counted));
        let mut poll = || {
            let mut context = Context::from_waker(Waker::noop());
            assert!(future.as_mut().poll(&mut context).is_pending());
        };
        // A thread's first event lists it, which is under a lock.
        poll();
        warm.send(()).unwrap();
        may_go.recv().unwrap();
        for _ in 0..POLLS {
            poll();
        }
        done.send(()).unwrap();
        polls.get()
    });
    is_warm.recv().unwrap();
    {
        let _dictionary = session.dictionary.taken();
        let _threads = session.threads.taken();
        let _alive = super::alive::taken();
        #[cfg(wakeline_reactor)]
        let _sources = crate::interpose::sources_taken();
        go.send(()).unwrap();
        is_done.recv().unwrap();
    }
    assert_eq!(polling.join().unwrap(), POLLS + 1);
}
