//! One thread is worker and reactor by turns, and may run futures that are not `Send`.

mod support;

use std::cell::RefCell;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::rc::Rc;
use std::time::Duration;

use support::{record, Event};
use wakeline_executor::observe::{Flavor, ParkKind, TaskKind, ThreadRole};
use wakeline_executor::time::sleep;
use wakeline_executor::{
    block_on, join_all, spawn, spawn_local, spawn_local_named, yield_now, Runtime,
};

#[test]
fn local_tasks_share_what_is_not_send() {
    let (log, trace) = record(|| {
        let log = Rc::new(RefCell::new(Vec::new()));
        let written = Rc::clone(&log);
        block_on(async move {
            let tasks = (0..3).map(|n| {
                let log = Rc::clone(&written);
                spawn_local(async move {
                    for step in 0..2 {
                        log.borrow_mut().push((step, n));
                        yield_now().await;
                    }
                })
            });
            join_all(tasks).await;
        });
        Rc::try_unwrap(log).unwrap().into_inner()
    });
    trace.check();
    assert_eq!(log, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
    assert_eq!(
        trace.count(|event| matches!(
            event,
            Event::Spawned {
                kind: TaskKind::Local,
                ..
            }
        )),
        3
    );
}

#[test]
fn everything_happens_on_one_thread_that_parks_in_the_reactor() {
    let ((), trace) = record(|| {
        block_on(async {
            let sleeper = spawn(sleep(Duration::from_millis(5)));
            sleeper.await.unwrap();
        });
    });
    trace.check();
    let first = trace.0[0].thread;
    assert!(trace.0.iter().all(|told| told.thread == first));
    assert_eq!(
        trace.count(|event| matches!(
            event,
            Event::RuntimeStarted {
                flavor: Flavor::Single,
                workers: 1,
                ..
            }
        )),
        1
    );
    assert_eq!(
        trace.count(|event| matches!(
            event,
            Event::ThreadStarted {
                role: ThreadRole::Worker,
                worker: Some(0)
            }
        )),
        1
    );
    assert!(trace.events().all(|event| !matches!(
        event,
        Event::Park {
            kind: ParkKind::Condvar,
            ..
        }
    )));
}

#[test]
fn a_local_task_that_is_alive_at_the_end_is_dropped_on_its_thread() {
    let (count, trace) = record(|| {
        let shared = Rc::new(());
        let runtime = Runtime::single().build().unwrap();
        let inside = Rc::clone(&shared);
        runtime.block_on(async move {
            drop(spawn_local_named("left", async move {
                let _inside = inside;
                std::future::pending::<()>().await;
            }));
            yield_now().await;
        });
        assert_eq!(Rc::strong_count(&shared), 2);
        drop(runtime);
        Rc::strong_count(&shared)
    });
    trace.check();
    assert_eq!(count, 1);
}

#[test]
fn tasks_wait_for_the_next_block_on() {
    let ((), trace) = record(|| {
        let runtime = Runtime::single().build().unwrap();
        let task = runtime.block_on(async {
            spawn(async {
                yield_now().await;
                8
            })
        });
        assert!(!task.is_finished());
        assert_eq!(runtime.block_on(task).unwrap(), 8);
    });
    trace.check();
}

#[test]
fn misuse_is_refused_with_a_hint() {
    let message = |misuse: &dyn Fn()| {
        let payload = catch_unwind(AssertUnwindSafe(misuse)).unwrap_err();
        payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| {
                payload
                    .downcast_ref::<&str>()
                    .map(|text| (*text).to_owned())
            })
            .unwrap()
    };
    assert!(message(&|| drop(spawn(async {}))).contains("outside of a runtime"));
    assert!(message(&|| block_on(async { block_on(async {}) })).contains("spawn_blocking"));
    let on_many = || {
        let runtime = Runtime::multi(1).build().unwrap();
        runtime.block_on(async { drop(spawn_local(async {})) });
    };
    assert!(message(&on_many).contains("Runtime::single"));
}
