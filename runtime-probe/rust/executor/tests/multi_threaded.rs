//! Several workers: tasks move, no wake is lost, and epochs agree on all threads.

mod support;

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use support::{record, Event, PATIENCE};
use wakeline_executor::observe::{Flavor, ThreadRole};
use wakeline_executor::sync::channel;
use wakeline_executor::time::{sleep, timeout};
use wakeline_executor::{join_all, spawn, spawn_named, yield_now, Runtime};

#[test]
fn workers_have_threads_of_their_own_and_say_so() {
    let ((), trace) = record(|| {
        let runtime = Runtime::multi(3).name("named").build().unwrap();
        runtime.block_on(async { spawn(async {}).await.unwrap() });
    });
    trace.check();
    assert_eq!(
        trace.count(|event| matches!(
            event,
            Event::RuntimeStarted {
                flavor: Flavor::Multi,
                workers: 3,
                ..
            }
        )),
        1
    );
    let mut workers = HashSet::new();
    let mut stopped = 0;
    for event in trace.events() {
        match event {
            Event::ThreadStarted {
                role: ThreadRole::Worker,
                worker,
            } => assert!(workers.insert(*worker)),
            Event::ThreadStopped => stopped += 1,
            _ => {}
        }
    }
    assert_eq!(workers, HashSet::from([Some(0), Some(1), Some(2)]));
    assert_eq!(stopped, 4, "three workers and the caller of block_on");
    assert!(matches!(
        trace.0.last().unwrap().event,
        Event::RuntimeStopped
    ));
}

#[test]
fn a_task_moves_between_workers() {
    let has_moved = Arc::new(AtomicBool::new(false));
    let ((), trace) = record(|| {
        let runtime = Runtime::multi(2).build().unwrap();
        runtime
            .block_on(timeout(PATIENCE, async {
                let wanderers: Vec<_> = (0..8)
                    .map(|n| {
                        let has_moved = Arc::clone(&has_moved);
                        spawn_named(&format!("wanderer {n}"), async move {
                            let first = thread::current().id();
                            // A timer's wake queues it where the reactor was at the time.
                            while !has_moved.load(Ordering::SeqCst) {
                                sleep(Duration::from_millis(1)).await;
                                yield_now().await;
                                has_moved
                                    .fetch_or(thread::current().id() != first, Ordering::SeqCst);
                            }
                        })
                    })
                    .collect();
                join_all(wanderers).await;
            }))
            .unwrap();
    });
    trace.check();
    let mut threads: HashMap<u64, HashSet<thread::ThreadId>> = HashMap::new();
    for told in &trace.0 {
        if let Event::PollStart { task, .. } = told.event {
            threads.entry(task).or_default().insert(told.thread);
        }
    }
    assert!(
        threads.values().any(|seen| seen.len() == 2),
        "with two workers and eight tasks at least one moves"
    );
}

/// Two plain threads wake a task as fast as they can while two workers poll it;
/// `check` then demands a wake of the right epoch for every single poll.
#[test]
fn epochs_agree_under_a_hammer_of_two_threads() {
    let ((), trace) = record(|| {
        let runtime = Runtime::multi(2).build().unwrap();
        let shared: Arc<Mutex<Option<Waker>>> = Arc::default();
        let polls = Arc::new(AtomicU64::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let hammers: Vec<_> = (0..2)
            .map(|_| {
                let (shared, over) = (Arc::clone(&shared), Arc::clone(&over));
                thread::spawn(move || {
                    while !over.load(Ordering::SeqCst) {
                        let waker = shared.lock().unwrap().clone();
                        if let Some(waker) = waker {
                            waker.wake();
                        }
                    }
                })
            })
            .collect();
        let counted = Arc::clone(&polls);
        runtime.block_on(async move {
            let anvil = spawn_named(
                "anvil",
                poll_fn(move |cx| {
                    *shared.lock().unwrap() = Some(cx.waker().clone());
                    if counted.fetch_add(1, Ordering::SeqCst) + 1 < 5_000 {
                        Poll::Pending
                    } else {
                        Poll::Ready(())
                    }
                }),
            );
            anvil.await.unwrap();
        });
        over.store(true, Ordering::SeqCst);
        for hammer in hammers {
            hammer.join().unwrap();
        }
        assert_eq!(polls.load(Ordering::SeqCst), 5_000);
    });
    trace.check();
    let anvil = trace.task_named("anvil");
    assert_eq!(trace.polls(anvil), 5_000);
}

/// 100,000 values go through 100 pairs of tasks over channels of one place, so that
/// nearly each one takes a wake in each direction. A lost wake would run into the
/// time-out.
#[test]
fn no_wake_is_lost_in_a_hundred_thousand_hand_offs() {
    const PAIRS: u64 = 100;
    const VALUES: u64 = 1_000;
    let (sum, trace) = record(|| {
        let runtime = Runtime::multi(4).build().unwrap();
        runtime.block_on(timeout(PATIENCE, async {
            let readers: Vec<_> = (0..PAIRS)
                .map(|_| {
                    let (sender, mut receiver) = channel(1);
                    spawn(async move {
                        for value in 0..VALUES {
                            sender.send(value).await.unwrap();
                        }
                    });
                    spawn(async move {
                        let mut sum = 0;
                        while let Some(value) = receiver.recv().await {
                            sum += value;
                        }
                        sum
                    })
                })
                .collect();
            let sums = join_all(readers).await;
            sums.into_iter().map(|sum| sum.unwrap()).sum::<u64>()
        }))
    });
    assert_eq!(sum, Ok(PAIRS * VALUES * (VALUES - 1) / 2));
    trace.check();
}

/// The same from the outside: one thread wakes a single-threaded runtime, which
/// parks in the reactor nearly every time.
#[test]
fn no_wake_from_a_thread_is_lost_by_a_parked_reactor() {
    const VALUES: u64 = 20_000;
    let ((), trace) = record(|| {
        let runtime = Runtime::single().build().unwrap();
        let (to_task, mut from_thread) = channel(1);
        let (to_thread, from_task) = std::sync::mpsc::sync_channel(1);
        let other = thread::spawn(move || {
            let runtime = Runtime::single().build().unwrap();
            runtime.block_on(async move {
                for value in 0..VALUES {
                    to_task.send(value).await.unwrap();
                }
            });
        });
        let sink = thread::spawn(move || from_task.iter().count() as u64);
        let received = runtime.block_on(timeout(PATIENCE, async move {
            while let Some(value) = from_thread.recv().await {
                to_thread.send(value).unwrap();
            }
        }));
        assert_eq!(received, Ok(()));
        other.join().unwrap();
        assert_eq!(sink.join().unwrap(), VALUES);
    });
    trace.check();
}

#[test]
fn one_long_poll_does_not_keep_the_reactor_from_the_others() {
    let ((), trace) = record(|| {
        let runtime = Runtime::multi(2).build().unwrap();
        runtime.block_on(async {
            // Both workers park first, one of them in the reactor.
            sleep(Duration::from_millis(10)).await;
            let (fired, has_fired) = std::sync::mpsc::channel();
            // One poll, that lasts until the timer's task has been polled by the other worker.
            let long = spawn_named("long", async move {
                has_fired.recv_timeout(PATIENCE).unwrap();
            });
            let timer = spawn(async move {
                sleep(Duration::from_millis(20)).await;
                fired.send(()).unwrap();
            });
            timer.await.unwrap();
            long.await.unwrap();
        })
    });
    trace.check();
}
