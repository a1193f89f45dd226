//! The arrival of a signal is a source: the handler only writes to a pipe.
#![cfg(unix)]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use support::{record, wait_for_wait, PATIENCE};
use wakeline_executor::observe::{OperationKind, OperationResult, SourceKind, WaitTarget};
use wakeline_executor::signal::{signal, SignalKind};
use wakeline_executor::time::timeout;
use wakeline_executor::{block_on, join, spawn, spawn_blocking, yield_now, Runtime};

fn raise(signal: i32) {
    // SAFETY: a plain call; the tests have handlers for what they raise.
    assert_eq!(unsafe { libc::raise(signal) }, 0);
}

#[test]
fn an_arrival_makes_its_source_readable_and_wakes_the_task() {
    let ((id, line), trace) = record(|| {
        block_on(async {
            let usr1 = signal(SignalKind::USER_1).unwrap();
            let raiser = spawn_blocking(|| {
                wait_for_wait(|target| matches!(target, WaitTarget::SourceReadable(_)));
                raise(libc::SIGUSR1);
            });
            let line = line!() + 1;
            usr1.recv().await.unwrap();
            raiser.await.unwrap();
            (usr1.source_id(), line)
        })
    });
    trace.check();
    let told = (SourceKind::Signal, Some("SIGUSR1"), None);
    assert_eq!(trace.registered(id), told);
    let read = OperationResult::Bytes(1);
    assert_eq!(trace.readable_chain(id, OperationKind::Read, read), line);
}

#[test]
fn arrivals_count_once_and_those_before_a_listener_not_at_all() {
    let ((), trace) = record(|| {
        block_on(async {
            let first = signal(SignalKind::USER_2).unwrap();
            for _ in 0..5 {
                raise(libc::SIGUSR2);
            }
            first.recv().await.unwrap();
            assert!(timeout(Duration::from_millis(5), first.recv())
                .await
                .is_err());
            raise(libc::SIGUSR2);
            drop(first);
            raise(libc::SIGUSR2);
            let second = signal(SignalKind::USER_2).unwrap();
            assert!(timeout(Duration::from_millis(5), second.recv())
                .await
                .is_err());
            raise(libc::SIGUSR2);
            timeout(PATIENCE, second.recv()).await.unwrap().unwrap();
        });
    });
    trace.check();
}

#[test]
fn all_listeners_of_all_runtimes_hear_it() {
    let ((), trace) = record(|| {
        let runtime = Runtime::multi(2).build().unwrap();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    let hangup = signal(SignalKind::HANGUP).unwrap();
                    spawn(async move { timeout(PATIENCE, hangup.recv()).await.unwrap() })
                })
                .collect();
            yield_now().await;
            raise(libc::SIGHUP);
            for task in tasks {
                task.await.unwrap().unwrap();
            }
        });
    });
    trace.check();
}

#[test]
fn a_thousand_signals_while_the_workers_are_busy_harm_nothing() {
    let (sum, trace) = record(|| {
        let runtime = Runtime::multi(2).build().unwrap();
        runtime.block_on(async {
            let alarm = signal(SignalKind::from_raw(libc::SIGALRM)).unwrap();
            let storm = spawn_blocking(|| {
                for _ in 0..1000 {
                    // SAFETY: a plain call; there is a handler for it.
                    unsafe { libc::kill(libc::getpid(), libc::SIGALRM) };
                }
            });
            let busy = spawn(async {
                let mut sum = 0_u64;
                for number in 0..2000 {
                    sum += number;
                    yield_now().await;
                }
                sum
            });
            let (heard, sum) = join(timeout(PATIENCE, alarm.recv()), busy).await;
            heard.unwrap().unwrap();
            storm.await.unwrap();
            sum.unwrap()
        })
    });
    trace.check();
    assert_eq!(sum, 1_999_000);
}

static BEFORE: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count_before(_signal: i32) {
    BEFORE.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn a_handler_that_was_there_before_still_runs() {
    let number = libc::SIGWINCH;
    // SAFETY: the handler only adds to a number.
    unsafe {
        libc::signal(
            number,
            count_before as extern "C" fn(i32) as libc::sighandler_t,
        );
    }
    let ((), trace) = record(|| {
        block_on(async {
            let resized = signal(SignalKind::from_raw(number)).unwrap();
            raise(number);
            resized.recv().await.unwrap();
        });
    });
    trace.check();
    assert_eq!(BEFORE.load(Ordering::SeqCst), 1);
}

#[test]
fn what_cannot_be_listened_to_is_refused() {
    let ((), trace) = record(|| {
        block_on(async {
            for number in [libc::SIGKILL, libc::SIGSEGV, 0, -1, 4000] {
                assert!(signal(SignalKind::from_raw(number)).is_err(), "{number}");
            }
            let contended = SignalKind::from_raw(libc::SIGURG);
            let all: Vec<_> = (0..16).map(|_| signal(contended).unwrap()).collect();
            let error = signal(contended).unwrap_err();
            assert!(error.to_string().contains("share one"), "{error}");
            drop(all);
            signal(contended).unwrap();
        });
    });
    trace.check();
}
