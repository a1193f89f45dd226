//! join and select: one wake, and every branch that is not ready is polled again.

mod support;

use std::time::Duration;

use support::{record, Event};
use wakeline_executor::observe::{End, FrameKind, Outcome};
use wakeline_executor::sync::oneshot;
use wakeline_executor::time::sleep;
use wakeline_executor::{block_on, join, join_all, select, spawn, traced, yield_now, Either};

#[test]
fn one_wake_polls_both_branches_of_a_join() {
    let ((), trace) = record(|| {
        block_on(async {
            let (first, first_value) = oneshot();
            let (second, second_value) = oneshot();
            spawn(async move {
                first.send(1).unwrap();
                sleep(Duration::from_millis(2)).await;
                second.send(2).unwrap();
            });
            let both = join(second_value, first_value).await;
            assert_eq!(both, (Ok(2), Ok(1)));
        });
    });
    trace.check();
    let frames = trace.frames();
    assert_eq!(frames.len(), 2);
    let left = |frame: u64| -> Vec<Outcome> {
        trace
            .events()
            .filter_map(|event| match event {
                Event::FrameLeft { frame: id, outcome } if *id == frame => Some(*outcome),
                _ => None,
            })
            .collect()
    };
    // The first send is for the second branch; the first branch is polled for nothing.
    assert_eq!(
        left(frames[0].0),
        [Outcome::Pending, Outcome::Pending, Outcome::Ready]
    );
    assert_eq!(left(frames[1].0), [Outcome::Pending, Outcome::Ready]);
    for (frame, kind) in frames {
        assert_eq!(kind, FrameKind::JoinBranch);
        assert_eq!(
            trace.count(|event| *event
                == Event::FrameEnded {
                    frame,
                    end: End::Completed
                }),
            1
        );
    }
}

#[test]
fn select_drops_the_loser() {
    let (first, trace) = record(|| {
        block_on(select(sleep(Duration::from_secs(60)), async {
            sleep(Duration::from_millis(2)).await;
            "quick"
        }))
    });
    trace.check();
    assert_eq!(first, Either::Right("quick"));
    let frames = trace.frames();
    assert_eq!(frames[0].1, FrameKind::SelectBranch);
    let ended =
        |frame: u64, end: End| trace.count(|event| *event == Event::FrameEnded { frame, end }) == 1;
    assert!(ended(frames[0].0, End::Cancelled));
    assert!(ended(frames[1].0, End::Completed));
    assert_eq!(
        trace.count(|event| matches!(event, Event::TimerCancelled { .. })),
        1
    );
}

#[test]
fn a_branch_that_is_never_polled_opens_no_frame() {
    let (first, trace) = record(|| block_on(select(async { 1 }, async { 2 })));
    trace.check();
    assert_eq!(first, Either::Left(1));
    assert_eq!(trace.frames().len(), 1);
}

#[test]
fn frames_know_their_parents_and_waits_their_frames() {
    let ((), trace) = record(|| {
        block_on(traced("outer", async {
            join(sleep(Duration::from_millis(1)), yield_now()).await;
        }));
    });
    trace.check();
    let root = trace.root();
    let opened: Vec<_> = trace
        .events()
        .filter_map(|event| match event {
            Event::FrameOpened {
                frame,
                parent_frame,
                task,
                branch,
                name,
                ..
            } => {
                assert_eq!(*task, root);
                Some((*frame, *parent_frame, *branch, name.as_deref()))
            }
            _ => None,
        })
        .collect();
    let [outer, first, second] = opened[..] else {
        panic!("three frames, not {opened:?}");
    };
    assert_eq!((outer.1, outer.3), (0, Some("outer")));
    assert_eq!((first.1, first.2), (outer.0, 0));
    assert_eq!((second.1, second.2), (outer.0, 1));
    assert!(trace
        .events()
        .filter_map(|event| match event {
            Event::Wait { frame, .. } => Some(*frame),
            _ => None,
        })
        .all(|frame| frame == first.0));
}

#[test]
fn join_all_keeps_the_order() {
    let (values, trace) = record(|| {
        block_on(join_all((0..10u64).map(|n| async move {
            sleep(Duration::from_millis(10 - n)).await;
            n
        })))
    });
    trace.check();
    assert_eq!(values, (0..10).collect::<Vec<_>>());
}
