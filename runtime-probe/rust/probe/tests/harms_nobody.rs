//! The probe in programs that do what is hard on a library that records: fork, die of
//! signals, start thousands of threads, panic in polls, read in destructors. The program
//! must do what it would do alone, and the trace must hold what it did.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

#[path = "support/epoll.rs"]
#[allow(dead_code)] // Each test uses its part.
mod epoll;
mod support;

use std::cell::RefCell;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use epoll::Epoll;
use support::reactor::{bytes, operations, trace_of};
use support::{ring_files, Trace};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{signal, SignalKind};
use tokio::task::yield_now;
use wakeline_wire::{
    end_reason, operation_kind, poll_outcome, source_kind, DictionaryRecord, EventRecord,
};

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn polls(trace: &Trace) -> usize {
    trace.count(|event| matches!(event, EventRecord::PollStart(_)))
}

/// The stream ended as that of a program that exits, and nothing was dropped.
fn check_end(trace: &Trace) {
    let end = trace.end.as_ref().expect("the stream is closed on purpose");
    assert_eq!(end.reason, end_reason::EXIT);
    assert!(end.threads.iter().all(|thread| thread.dropped == 0));
}

/// The child of a fork or of a bare system call goes on with everything that is recorded in
/// the parent: nothing of it may reach the rings that both share.
fn fork_with(make_child: impl Fn() -> libc::pid_t) {
    let epoll = Epoll::new();
    let (mut here, mut there) = UnixStream::pair().unwrap();
    assert_eq!(epoll.add(here.as_raw_fd(), 1), 0);
    let work = |mut here: &UnixStream, there: &mut UnixStream, rounds: usize| {
        for _ in 0..rounds {
            there.write_all(b"12345").unwrap();
            here.read_exact(&mut [0; 5]).unwrap();
        }
    };
    work(&here, &mut there, 10);
    let child = make_child();
    if child == 0 {
        // Pairs of its own: those of the parent are the parent's to read.
        let (mut mine, mut other) = UnixStream::pair().unwrap();
        let is_registered = epoll.add(mine.as_raw_fd(), 2) == 0;
        for _ in 0..1_000 {
            let _ = other.write_all(b"12345");
            let _ = mine.read_exact(&mut [0; 5]);
        }
        one_thread().block_on(wakeline::tokio::root(yield_now()));
        // SAFETY: nothing of the parent's is run at its end.
        unsafe { libc::_exit(if is_registered { 7 } else { 1 }) };
    }
    work(&here, &mut there, 10);
    let mut status = 0;
    // SAFETY: the status is ours.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(libc::WEXITSTATUS(status), 7);
    work(&here, &mut there, 10);
    there.write_all(b"12345").unwrap();
    here.read_exact(&mut [0; 5]).unwrap();
}

fn check_fork(trace: &Trace) {
    check_end(trace);
    // It may be said again, by the same process.
    let first = &trace.hellos[0];
    assert!(trace.hellos.iter().all(|hello| hello.pid == first.pid));
    // A build with a sanitizer leaves the reads to it.
    if cfg!(wakeline_reactor) {
        assert_eq!(bytes(&operations(trace, operation_kind::READ)), 31 * 5);
    }
    assert_eq!(polls(trace), 0, "the child's");
}

#[test]
fn a_forks_child_records_nothing_and_the_parent_says_so() {
    let test = "a_forks_child_records_nothing_and_the_parent_says_so";
    // SAFETY: the child of a program with threads; what it runs takes no lock of another's.
    let trace = trace_of(test, || fork_with(|| unsafe { libc::fork() }));
    let Some(trace) = trace else { return };
    check_fork(&trace);
    let forked = |event: &EventRecord| match event {
        EventRecord::Marker(marker) => {
            trace.text(marker.name) == "forked a child, which is not recorded"
        }
        _ => false,
    };
    assert_eq!(trace.count(forked), 1);
}

#[test]
fn a_child_made_without_the_c_library_records_nothing_either() {
    let test = "a_child_made_without_the_c_library_records_nothing_either";
    let trace = trace_of(test, || {
        fork_with(|| {
            let none = 0_usize;
            // SAFETY: as `fork`, with a copy of all memory; no handler is run.
            unsafe {
                libc::syscall(libc::SYS_clone, libc::SIGCHLD, none, none, none, none) as libc::pid_t
            }
        });
    });
    let Some(trace) = trace else { return };
    check_fork(&trace);
}

/// Reads and writes a registered socket when its thread ends.
struct AtThreadEnd(UnixStream, UnixStream);

impl Drop for AtThreadEnd {
    fn drop(&mut self) {
        self.1.write_all(b"bye").unwrap();
        self.0.read_exact(&mut [0; 3]).unwrap();
        one_thread().block_on(wakeline::tokio::root(yield_now()));
    }
}

thread_local! {
    static AT_THREAD_END: RefCell<Option<AtThreadEnd>> = const { RefCell::new(None) };
}

#[test]
fn a_threads_last_destructors_may_read_and_poll() {
    let test = "a_threads_last_destructors_may_read_and_poll";
    const THREADS: usize = 20;
    let trace = trace_of(test, || {
        let work = |index: usize| {
            let epoll = Epoll::new();
            let (here, there) = UnixStream::pair().unwrap();
            let add = || assert_eq!(epoll.add(here.as_raw_fd(), index as u64), 0);
            let keep = |pair| AT_THREAD_END.with(|place| *place.borrow_mut() = Some(pair));
            // Before the recorder's own destructor is registered, and after it.
            if index % 2 == 0 {
                AT_THREAD_END.with(|_| ());
            }
            add();
            keep(AtThreadEnd(here.try_clone().unwrap(), there));
        };
        for index in 0..THREADS {
            thread::spawn(move || work(index)).join().unwrap();
        }
    });
    let Some(trace) = trace else { return };
    check_end(&trace);
    // One of the root's first poll, one after its yield.
    assert_eq!(polls(&trace), 2 * THREADS);
}

#[test]
fn two_thousand_threads_each_record_what_they_do() {
    const THREADS: usize = 2_000;
    const AT_ONCE: usize = 200;
    let test = "two_thousand_threads_each_record_what_they_do";
    let trace = trace_of(test, || {
        for _ in 0..THREADS / AT_ONCE {
            let together = Arc::new(Barrier::new(AT_ONCE));
            let threads: Vec<_> = (0..AT_ONCE)
                .map(|_| {
                    let together = Arc::clone(&together);
                    thread::spawn(move || {
                        together.wait();
                        one_thread().block_on(wakeline::tokio::root(yield_now()));
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
        }
    });
    let Some(trace) = trace else { return };
    let end = trace.end.as_ref().expect("an end");
    let dropped: u64 = end.threads.iter().map(|thread| thread.dropped).sum();
    // A thread takes a slot of 64 KiB, of which there are 127: more at once than that go
    // unrecorded, and are counted.
    let counted = trace.all().count() as u64 + dropped;
    assert!(
        polls(&trace) + dropped as usize >= 2 * THREADS,
        "{counted} in all"
    );
    let alive = trace.dictionary.iter();
    let threads = alive.filter(|record| matches!(record, DictionaryRecord::Thread(_)));
    assert!(threads.count() >= THREADS);
}

/// A thread that goes on after `main` has returned, to the process's end.
#[test]
fn a_thread_outlives_main() {
    let trace = trace_of("a_thread_outlives_main", || {
        let started = Arc::new(Barrier::new(2));
        let says = Arc::clone(&started);
        thread::spawn(move || {
            let runtime = one_thread();
            runtime.block_on(wakeline::tokio::root(async {
                yield_now().await;
                says.wait();
                loop {
                    yield_now().await;
                }
            }));
        });
        started.wait();
    });
    let Some(trace) = trace else { return };
    assert!(polls(&trace) >= 2);
    assert_eq!(trace.end.expect("an end").reason, end_reason::EXIT);
}

#[test]
fn runtimes_beside_each_other_and_one_inside_the_other_are_told_apart() {
    let test = "runtimes_beside_each_other_and_one_inside_the_other_are_told_apart";
    let trace = trace_of(test, || {
        let (outer, inner) = (one_thread(), one_thread());
        let beside = thread::spawn(|| {
            one_thread().block_on(wakeline::tokio::root(async {
                wakeline::spawn(yield_now()).await.unwrap();
            }));
        });
        outer.block_on(wakeline::tokio::root(async {
            // A thread of its own: tokio refuses to block on a runtime inside another.
            let inside = thread::spawn(move || {
                inner.block_on(wakeline::tokio::root(async {
                    wakeline::spawn(yield_now()).await.unwrap();
                }));
            });
            inside.join().unwrap();
            wakeline::spawn(yield_now()).await.unwrap();
        }));
        beside.join().unwrap();
    });
    let Some(trace) = trace else { return };
    check_end(&trace);
    let ended = trace.count(|event| matches!(event, EventRecord::TaskEnd(_)));
    assert_eq!(ended, 6, "three roots and a task of each");
}

#[test]
fn a_panic_in_a_poll_is_told_and_what_follows_too() {
    let test = "a_panic_in_a_poll_is_told_and_what_follows_too";
    let trace = trace_of(test, || {
        let runtime = one_thread();
        let poll = || {
            runtime.block_on(wakeline::tokio::root(async {
                yield_now().await;
                panic!("on purpose");
            }))
        };
        assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
        runtime.block_on(wakeline::tokio::root(async {
            let task = wakeline::spawn(async { panic!("on purpose") });
            assert!(task.await.unwrap_err().is_panic());
        }));
    });
    let Some(trace) = trace else { return };
    check_end(&trace);
    let panicked = |event: &EventRecord| match event {
        EventRecord::PollEnd(end) => end.outcome == poll_outcome::PANICKED,
        _ => false,
    };
    assert_eq!(trace.count(panicked), 2);
    let ends = trace.count(|event| matches!(event, EventRecord::PollEnd(_)));
    assert_eq!(ends, polls(&trace), "each poll has its end");
}

/// As in a shell or a build tool: many children at once, by `posix_spawn` and by `fork`.
#[test]
fn many_children_and_signals_all_arrive() {
    const CHILDREN: usize = 60;
    const SIGNALS: u64 = 500;
    let test = "many_children_and_signals_all_arrive";
    let trace = trace_of(test, || {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(wakeline::tokio::root(async {
            let mut signals = signal(SignalKind::user_defined1()).unwrap();
            let (seen, asked) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let counts = Arc::clone(&seen);
            let watch = wakeline::spawn(async move {
                while signals.recv().await.is_some() {
                    counts.fetch_add(1, Ordering::Relaxed);
                }
            });
            let children: Vec<_> = (0..CHILDREN)
                .map(|index| {
                    wakeline::spawn(async move {
                        let mut command = std::process::Command::new("echo");
                        command.arg(index.to_string());
                        if index % 2 == 0 {
                            // SAFETY: it does nothing. With it the library forks.
                            unsafe { command.pre_exec(|| Ok(())) };
                        }
                        let output = tokio::process::Command::from(command).output().await;
                        let output = output.unwrap();
                        assert!(output.status.success());
                        String::from_utf8(output.stdout).unwrap().trim().to_owned()
                    })
                })
                .collect();
            for _ in 0..SIGNALS {
                asked.fetch_add(1, Ordering::Relaxed);
                // SAFETY: a handler is installed.
                unsafe { libc::kill(libc::getpid(), libc::SIGUSR1) };
                yield_now().await;
            }
            for (index, child) in children.into_iter().enumerate() {
                assert_eq!(child.await.unwrap(), index.to_string());
            }
            // Signals that come while one is pending are one; the last one always arrives.
            while seen.load(Ordering::Relaxed) == 0 {
                yield_now().await;
            }
            watch.abort();
        }));
    });
    let Some(trace) = trace else { return };
    check_end(&trace);
    if !cfg!(wakeline_reactor) {
        // A build with a sanitizer leaves pipes and reads to it.
        return;
    }
    let of_kind = |kind| support::reactor::sources(&trace, kind).len();
    assert!(of_kind(source_kind::PIPE) >= 2 * CHILDREN, "their outputs");
    // What the children printed came through their pipes: one or two digits and a line's end.
    let digits: usize = (0..CHILDREN).map(|index| index.to_string().len() + 1).sum();
    let pipes: Vec<u64> = support::reactor::sources(&trace, source_kind::PIPE)
        .into_iter()
        .map(|(id, ..)| id)
        .collect();
    let mut reads = operations(&trace, operation_kind::READ);
    reads.retain(|read| pipes.contains(&read.source));
    assert_eq!(bytes(&reads), digits as u64);
}

/// A handler that does not return: the default one of SIGTERM. What is lost without a ring
/// file that the collector can read is what was not sent yet.
#[test]
fn a_program_that_dies_of_a_signal_leaves_its_rings() {
    use support::{child, connected, role, say, wait_to_hear, Collector};
    let test = "a_program_that_dies_of_a_signal_leaves_its_rings";
    if role().is_some() {
        assert!(wakeline::init().is_active());
        one_thread().block_on(wakeline::tokio::root(async {
            yield_now().await;
            say("polled");
            std::future::pending::<()>().await;
        }));
        return;
    }
    // The last is that of a panic where panics abort.
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGABRT] {
        let collector = Collector::start();
        let mut running = connected(child(test, "program"), &collector)
            .spawn()
            .unwrap();
        let _output = wait_to_hear(&mut running, "polled");
        // SAFETY: the child is ours and was not waited for.
        assert_eq!(unsafe { libc::kill(running.id() as i32, signal) }, 0);
        let status = running.wait().unwrap();
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(signal)
        );
        let rings = ring_files(running.id());
        assert_eq!(rings.len(), 1, "for the collector to read");
        std::fs::remove_file(&rings[0]).unwrap();
    }
}
