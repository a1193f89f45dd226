//! A panic in a poll ends its task and nothing else.

mod support;

use std::panic::{catch_unwind, AssertUnwindSafe};

use support::{record, Event};
use wakeline_executor::observe::{End, EndedBy, FrameKind, JobOutcome, Outcome};
use wakeline_executor::{block_on, join, spawn_blocking, spawn_named, traced, yield_now, Runtime};

#[test]
fn the_join_handle_reports_it_and_the_worker_goes_on() {
    for build in [Runtime::single(), Runtime::multi(1)] {
        let ((), trace) = record(|| {
            let runtime = build.build().unwrap();
            runtime.block_on(async {
                let bad = spawn_named("bad", async {
                    yield_now().await;
                    panic!("wanted: {}", std::hint::black_box(1));
                });
                let error = bad.await.unwrap_err();
                assert!(error.is_panic());
                assert!(error.to_string().contains("wanted: 1"), "{error}");
                let payload = error.try_into_panic().unwrap();
                assert_eq!(payload.downcast_ref::<String>().unwrap(), "wanted: 1");
                assert_eq!(spawn_named("good", async { 3 }).await.unwrap(), 3);
            });
        });
        trace.check();
        let bad = trace.task_named("bad");
        assert_eq!(trace.end(bad), Some((End::Panicked, EndedBy::Task(bad))));
        assert_eq!(
            trace.count(|event| *event
                == Event::PollEnd {
                    task: bad,
                    outcome: Outcome::Panicked
                }),
            1
        );
    }
}

#[test]
fn block_on_panics_with_its_root() {
    for build in [Runtime::single(), Runtime::multi(1)] {
        let ((), trace) = record(|| {
            let runtime = build.build().unwrap();
            let caught = catch_unwind(AssertUnwindSafe(|| {
                runtime.block_on(async { panic!("wanted: root") })
            }));
            let payload: Box<dyn std::any::Any + Send> = caught.unwrap_err();
            assert_eq!(payload.downcast_ref::<&str>(), Some(&"wanted: root"));
            assert_eq!(runtime.block_on(async { 9 }), 9, "it can be used again");
        });
        trace.check();
        assert_eq!(trace.end(trace.root()).unwrap().0, End::Panicked);
    }
}

#[test]
fn the_frame_that_panicked_is_told_from_its_sibling() {
    let ((), trace) = record(|| {
        block_on(async {
            let bad = spawn_named("bad", async {
                join(
                    async { std::future::pending::<()>().await },
                    traced("inner", async { panic!("wanted: frame") }),
                )
                .await
            });
            assert!(bad.await.unwrap_err().is_panic());
        });
    });
    trace.check();
    let frames = trace.frames();
    assert_eq!(
        frames.iter().map(|(_, kind)| *kind).collect::<Vec<_>>(),
        [
            FrameKind::JoinBranch,
            FrameKind::JoinBranch,
            FrameKind::Traced
        ]
    );
    let end_of = |wanted: u64| {
        trace
            .events()
            .find_map(|event| match event {
                Event::FrameEnded { frame, end } if *frame == wanted => Some(*end),
                _ => None,
            })
            .expect("each frame ends")
    };
    assert_eq!(end_of(frames[0].0), End::Cancelled);
    assert_eq!(end_of(frames[1].0), End::Panicked);
    assert_eq!(end_of(frames[2].0), End::Panicked);
}

#[test]
fn a_panicking_destructor_does_not_take_the_worker_down() {
    struct PanicOnDrop;
    impl Drop for PanicOnDrop {
        fn drop(&mut self) {
            panic!("wanted: destructor");
        }
    }
    let ((), trace) = record(|| {
        block_on(async {
            let bad = spawn_named("bad", async {
                let _bomb = PanicOnDrop;
                std::future::pending::<()>().await;
            });
            yield_now().await;
            bad.abort();
            assert!(bad.await.unwrap_err().is_cancelled());
            assert_eq!(spawn_named("good", async { 1 }).await.unwrap(), 1);
        });
    });
    trace.check();
}

#[test]
fn a_panicking_job_is_reported_and_the_pool_goes_on() {
    let ((), trace) = record(|| {
        let runtime = Runtime::single().pool_limit(1).build().unwrap();
        runtime.block_on(async {
            let bad = spawn_blocking(|| panic!("wanted: job"));
            assert!(bad.await.unwrap_err().is_panic());
            assert_eq!(spawn_blocking(|| 4).await.unwrap(), 4);
        });
    });
    trace.check();
    assert_eq!(
        trace.count(|event| matches!(
            event,
            Event::JobEnded {
                outcome: JobOutcome::Panicked,
                ..
            }
        )),
        1
    );
}
