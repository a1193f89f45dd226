//! Locks, permits, channels and signals: who waits for which, and who gets it.

mod support;

use std::sync::Arc;
use std::time::Duration;

use support::{record, Event, Trace};
use wakeline_executor::observe::{ResourceKind, WaitTarget};
use wakeline_executor::sync::{channel, oneshot, Mutex, Notify, Semaphore, SenderDropped};
use wakeline_executor::time::timeout;
use wakeline_executor::{block_on, join_all, spawn, yield_now, Runtime};

fn waits_for(trace: &Trace, resource: u64) -> usize {
    trace.count(|event| {
        matches!(event, Event::Wait { target, .. } if *target == WaitTarget::Resource(resource))
    })
}

#[test]
fn a_mutex_counts_right_on_several_workers() {
    let (total, trace) = record(|| {
        let runtime = Runtime::multi(3).build().unwrap();
        let mutex = Arc::new(Mutex::new(0_u64));
        runtime.block_on(async {
            let tasks = (0..8).map(|_| {
                let mutex = Arc::clone(&mutex);
                spawn(async move {
                    for _ in 0..100 {
                        let mut value = mutex.lock().await;
                        let read = *value;
                        yield_now().await; // The lock is held across an await.
                        *value = read + 1;
                    }
                })
            });
            join_all(tasks).await;
        });
        let total = *mutex.try_lock().unwrap();
        total
    });
    trace.check();
    assert_eq!(total, 800);
    let acquired = trace.count(|event| matches!(event, Event::ResourceAcquired { .. }));
    let released = trace.count(|event| matches!(event, Event::ResourceReleased { .. }));
    assert_eq!((acquired, released), (801, 801));
}

#[test]
fn a_waiter_that_gives_up_passes_its_turn_on() {
    let ((), trace) = record(|| {
        block_on(async {
            let mutex = Arc::new(Mutex::new(()));
            let guard = mutex.lock().await;
            let impatient = timeout(Duration::from_millis(2), mutex.lock()).await;
            assert!(impatient.is_err());
            let aborted = {
                let mutex = Arc::clone(&mutex);
                spawn(async move {
                    let _guard = mutex.lock().await;
                })
            };
            let patient = {
                let mutex = Arc::clone(&mutex);
                spawn(async move {
                    let _guard = mutex.lock().await;
                })
            };
            yield_now().await; // Both stand in line.
            drop(guard); // The lock is granted to the first...
            aborted.abort(); // ...which goes before it is polled.
            patient.await.unwrap();
            assert!(aborted.await.unwrap_err().is_cancelled());
            assert!(mutex.try_lock().is_some());
        });
    });
    trace.check();
}

#[test]
fn each_resource_is_created_waited_for_and_dropped_by_its_id() {
    let (ids, trace) = record(|| {
        block_on(async {
            let notify = Arc::new(Notify::new());
            let (sender, receiver) = oneshot();
            let (values, mut inbox) = channel(1);
            let semaphore = Arc::new(Semaphore::new(1));
            let ids = [notify.id(), receiver.id(), inbox.id(), semaphore.id()];
            let permit = semaphore.acquire().await;
            let other = {
                let (notify, semaphore) = (Arc::clone(&notify), Arc::clone(&semaphore));
                spawn(async move {
                    notify.notified().await;
                    assert_eq!(receiver.await, Ok(5));
                    assert_eq!(inbox.recv().await, Some(6));
                    let _permit = semaphore.acquire().await;
                })
            };
            yield_now().await;
            notify.notify_one();
            yield_now().await;
            sender.send(5).unwrap();
            yield_now().await;
            values.send(6).await.unwrap();
            yield_now().await;
            drop(permit);
            other.await.unwrap();
            ids
        })
    });
    trace.check();
    let kinds = [
        ResourceKind::Notify,
        ResourceKind::Oneshot,
        ResourceKind::Channel,
        ResourceKind::Semaphore,
    ];
    for (resource, kind) in ids.into_iter().zip(kinds) {
        assert_eq!(waits_for(&trace, resource), 1, "{kind:?}");
        assert_eq!(
            trace.count(|event| *event == Event::ResourceCreated { resource, kind }),
            1
        );
        assert_eq!(
            trace.count(|event| *event == Event::ResourceDropped { resource }),
            1
        );
    }
}

#[test]
fn notifying_before_anyone_waits_is_remembered_once() {
    let ((), trace) = record(|| {
        block_on(async {
            let notify = Notify::new();
            notify.notify_one();
            notify.notify_one();
            notify.notified().await;
            let second = timeout(Duration::from_millis(2), notify.notified()).await;
            assert!(second.is_err());
        });
    });
    trace.check();
}

#[test]
fn notify_all_wakes_all_that_wait() {
    let ((), trace) = record(|| {
        block_on(async {
            let notify = Arc::new(Notify::new());
            let waiting: Vec<_> = (0..5)
                .map(|_| {
                    let notify = Arc::clone(&notify);
                    spawn(async move { notify.notified().await })
                })
                .collect();
            yield_now().await;
            notify.notify_all();
            join_all(waiting).await;
        });
    });
    trace.check();
}

#[test]
fn a_channel_without_its_other_end_says_so() {
    let ((), trace) = record(|| {
        block_on(async {
            let (sender, receiver) = channel(1);
            sender.send(1).await.unwrap();
            let blocked = {
                let sender = sender.clone();
                spawn(async move { sender.send(2).await })
            };
            yield_now().await;
            drop(receiver);
            assert_eq!(blocked.await.unwrap().unwrap_err().0, 2);
            assert_eq!(sender.send(3).await.unwrap_err().0, 3);

            let (sender, mut receiver) = channel::<u8>(1);
            drop(sender);
            assert_eq!(receiver.recv().await, None);

            let (sender, receiver) = oneshot::<u8>();
            drop(sender);
            assert_eq!(receiver.await, Err(SenderDropped));

            let (sender, receiver) = oneshot();
            drop(receiver);
            assert_eq!(sender.send(4), Err(4));
        });
    });
    trace.check();
}

/// Each wait's end: the release that is told just before the wake, on its thread, and
/// the acquire by the task that was woken.
fn hand_over(trace: &Trace, resource: u64, waiter: u64) -> (usize, usize) {
    let waits = trace.position(0, |event| {
        matches!(event, Event::Wait { target, .. } if *target == WaitTarget::Resource(resource))
    });
    let wake = trace.position(
        waits,
        |event| matches!(event, Event::Wake { task, .. } if *task == waiter),
    );
    assert_eq!(
        trace.0[wake - 1].event,
        Event::ResourceReleased { resource },
        "the release stands before the wake"
    );
    assert_eq!(trace.0[wake - 1].thread, trace.0[wake].thread);
    let acquired = Event::ResourceAcquired {
        resource,
        task: waiter,
    };
    (wake, trace.position(wake, |event| *event == acquired))
}

#[test]
fn every_wait_names_who_gave_and_who_got() {
    let ((ids, waiters), trace) = record(|| {
        block_on(async {
            let mutex = Arc::new(Mutex::new(0));
            let semaphore = Arc::new(Semaphore::new(1));
            let notify = Arc::new(Notify::new());
            let (sender, mut receiver) = channel(1);
            let (one, other) = oneshot();
            let ids = [
                mutex.id(),
                semaphore.id(),
                notify.id(),
                receiver.id(),
                other.id(),
            ];
            let guard = mutex.lock().await;
            let permit = semaphore.acquire().await;
            let tasks = [
                spawn({
                    let mutex = Arc::clone(&mutex);
                    async move { *mutex.lock().await += 1 }
                }),
                spawn({
                    let semaphore = Arc::clone(&semaphore);
                    async move { drop(semaphore.acquire().await) }
                }),
                spawn({
                    let notify = Arc::clone(&notify);
                    async move { notify.notified().await }
                }),
                spawn(async move { assert_eq!(receiver.recv().await, Some(1)) }),
                spawn(async move { assert_eq!(other.await, Ok(2)) }),
            ];
            let waiters = [0, 1, 2, 3, 4].map(|n: usize| tasks[n].id());
            yield_now().await;
            drop(guard);
            drop(permit);
            notify.notify_one();
            sender.send(1).await.unwrap();
            one.send(2).unwrap();
            for task in tasks {
                task.await.unwrap();
            }
            (ids, waiters)
        })
    });
    trace.check();
    for (resource, waiter) in ids.into_iter().zip(waiters) {
        let (wake, acquired) = hand_over(&trace, resource, waiter);
        assert!(wake < acquired);
    }
}

#[test]
fn a_full_channel_names_the_receiver_that_made_room() {
    let ((resource, sender_task), trace) = record(|| {
        block_on(async {
            let (sender, mut receiver) = channel(1);
            let resource = receiver.id();
            sender.send(1).await.unwrap();
            let blocked = spawn(async move { sender.send(2).await.unwrap() });
            let task = blocked.id();
            yield_now().await;
            assert_eq!(receiver.recv().await, Some(1));
            blocked.await.unwrap();
            (resource, task)
        })
    });
    trace.check();
    let wake = trace.position(
        0,
        |event| matches!(event, Event::Wake { task, .. } if *task == sender_task),
    );
    let took = Event::ResourceAcquired {
        resource,
        task: trace.root(),
    };
    assert_eq!(trace.0[wake - 1].event, took);
}
