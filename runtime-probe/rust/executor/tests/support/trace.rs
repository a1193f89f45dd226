//! Owns the questions that tests ask of what was told, and the rules that hold for
//! every trace. It must not know how events are gathered.

use std::collections::{HashMap, HashSet};
use std::thread::ThreadId;

use wakeline_executor::observe::{
    End, EndedBy, FrameKind, OperationKind, OperationResult, SourceKind, TaskKind, WaitTarget,
    WakeCause, WakeEffect,
};

use super::{Event, Told};

/// All that was told during one scenario.
pub(crate) struct Trace(pub Vec<Told>);

impl Trace {
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.0.iter().map(|told| &told.event)
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events().filter(|event| wanted(event)).count()
    }

    /// The place of the first event from `from` on that is wanted.
    pub(crate) fn position(&self, from: usize, wanted: impl Fn(&Event) -> bool) -> usize {
        self.0
            .iter()
            .skip(from)
            .position(|told| wanted(&told.event))
            .map_or_else(|| panic!("no such event in {:#?}", self.0), |at| at + from)
    }

    /// The task spawned with this name.
    pub(crate) fn task_named(&self, wanted: &str) -> u64 {
        self.events()
            .find_map(|event| match event {
                Event::Spawned { task, name, .. } if name.as_deref() == Some(wanted) => Some(*task),
                _ => None,
            })
            .unwrap_or_else(|| panic!("no task was named {wanted}"))
    }

    /// The root task.
    pub(crate) fn root(&self) -> u64 {
        self.events()
            .find_map(|event| match event {
                Event::Spawned {
                    task,
                    kind: TaskKind::Root,
                    ..
                } => Some(*task),
                _ => None,
            })
            .expect("block_on makes a root task")
    }

    pub(crate) fn polls(&self, wanted: u64) -> usize {
        self.count(|event| matches!(event, Event::PollStart { task, .. } if *task == wanted))
    }

    /// The wakes of a task: epoch, effect and cause.
    pub(crate) fn wakes(&self, wanted: u64) -> Vec<(u64, WakeEffect, WakeCause)> {
        self.events()
            .filter_map(|event| match event {
                Event::Wake {
                    task,
                    epoch,
                    effect,
                    cause,
                } if *task == wanted => Some((*epoch, *effect, *cause)),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn end(&self, wanted: u64) -> Option<(End, EndedBy)> {
        let mut ends = self.events().filter_map(|event| match event {
            Event::Ended { task, end, by, .. } if *task == wanted => Some((*end, *by)),
            _ => None,
        });
        let end = ends.next();
        assert_eq!(ends.next(), None, "task {wanted} ended twice");
        end
    }

    /// The one wait for this source's data as a whole: an operation that would block, a
    /// wait, readiness, the source's wake, the poll that it causes and
    /// in it the operation that gave `expected`. Gives the line of the wait.
    pub(crate) fn readable_chain(
        &self,
        source: u64,
        kind: OperationKind,
        expected: OperationResult,
    ) -> u32 {
        let blocked = Event::Operation {
            source,
            kind,
            result: OperationResult::WouldBlock,
        };
        let blocked = self.position(0, |event| *event == blocked);
        let target = WaitTarget::SourceReadable(source);
        let wait = self.position(
            blocked,
            |event| matches!(event, Event::Wait { target: each, .. } if *each == target),
        );
        let ready = self.position(
            wait,
            |event| matches!(event, Event::Readiness { source: id, .. } if *id == source),
        );
        let cause = WakeCause::Source(source);
        let wake = self.position(
            ready,
            |event| matches!(event, Event::Wake { cause: each, .. } if *each == cause),
        );
        let Event::Wake { task: woken, .. } = self.0[wake].event else {
            unreachable!("found above");
        };
        let poll = self.position(
            wake,
            |event| matches!(event, Event::PollStart { task, .. } if *task == woken),
        );
        let done = Event::Operation {
            source,
            kind,
            result: expected,
        };
        let done = self.position(poll, |event| *event == done);
        self.position(done, |event| *event == Event::SourceDeregistered { source });
        let Event::Wait { line, .. } = self.0[wait].event else {
            unreachable!("found above");
        };
        line
    }

    /// What was told when the source was registered: its kind, local end and peer.
    pub(crate) fn registered(&self, wanted: u64) -> (SourceKind, Option<&str>, Option<&str>) {
        self.events()
            .find_map(|event| match event {
                Event::SourceRegistered {
                    source,
                    kind,
                    local,
                    peer,
                    ..
                } if *source == wanted => Some((*kind, local.as_deref(), peer.as_deref())),
                _ => None,
            })
            .unwrap_or_else(|| panic!("source {wanted} was not registered"))
    }

    /// The frames opened, in order, with their kinds.
    pub(crate) fn frames(&self) -> Vec<(u64, FrameKind)> {
        self.events()
            .filter_map(|event| match event {
                Event::FrameOpened { frame, kind, .. } => Some((*frame, *kind)),
                _ => None,
            })
            .collect()
    }

    /// Checks what holds for every trace of this executor:
    /// polls are numbered without a gap; every poll after the first has exactly one
    /// scheduling wake with the epoch before it; no poll overlaps another of its
    /// task; every task that was spawned ended once; and between park and unpark a
    /// thread tells nothing.
    pub(crate) fn check(&self) {
        let mut tasks: HashMap<u64, Life> = HashMap::new();
        let mut parked: HashMap<ThreadId, bool> = HashMap::new();
        for told in &self.0 {
            let is_parked = parked.entry(told.thread).or_default();
            match told.event {
                Event::Park { .. } => assert!(!std::mem::replace(is_parked, true)),
                Event::Unpark { .. } => assert!(std::mem::replace(is_parked, false)),
                ref event => assert!(!*is_parked, "{event:?} while parked"),
            }
            match told.event {
                Event::Spawned { task, .. } => {
                    assert!(tasks.insert(task, Life::default()).is_none());
                }
                Event::PollStart { task, epoch } => {
                    let life = tasks.get_mut(&task).expect("spawned before its poll");
                    assert!(!life.running && !life.over, "task {task} poll {epoch}");
                    assert_eq!(epoch, life.polls + 1, "polls of {task} are counted");
                    life.running = true;
                    life.polls = epoch;
                }
                Event::PollEnd { task, .. } => {
                    let life = tasks.get_mut(&task).expect("spawned before its poll");
                    assert!(std::mem::take(&mut life.running), "task {task} was running");
                }
                Event::Wake {
                    task,
                    epoch,
                    effect,
                    ..
                } => {
                    let life = tasks.get_mut(&task).expect("spawned before its wake");
                    if matches!(effect, WakeEffect::Scheduled | WakeEffect::WhileRunning) {
                        assert!(
                            life.causes.insert(epoch),
                            "two wakes schedule poll {} of {task}",
                            epoch + 1
                        );
                    }
                }
                Event::Ended { task, .. } => {
                    let life = tasks.get_mut(&task).expect("spawned before its end");
                    assert!(!life.running, "task {task} ended inside its poll records");
                    assert!(!std::mem::replace(&mut life.over, true));
                }
                _ => {}
            }
        }
        for (task, life) in &tasks {
            assert!(life.over, "task {task} never ended");
            for epoch in 1..life.polls {
                assert!(
                    life.causes.contains(&epoch),
                    "poll {} of {task} has no wake",
                    epoch + 1
                );
            }
        }
    }
}

#[derive(Default)]
struct Life {
    polls: u64,
    running: bool,
    over: bool,
    /// Epochs of the wakes that schedule a poll.
    causes: HashSet<u64>,
}
