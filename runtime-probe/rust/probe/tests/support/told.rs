//! Owns how tests of what tokio tells begin, and what they ask a trace. It must not know what a
//! test expects.
#![allow(dead_code, unreachable_pub)] // Each test uses its part.

use std::collections::HashMap;

use wakeline::Recording;
use wakeline_wire::{poll_outcome, task_kind, DictionaryRecord, EventRecord};

use crate::support::Trace;

/// Begins to record, and to hear tokio as this role says.
pub fn hear(role: &str) -> Recording {
    let recording = wakeline::init();
    assert!(recording.is_active());
    match role {
        "subscriber" => {
            let subscriber = wakeline::tracing::subscriber().expect("tokio tells");
            let dispatch = tracing_core::Dispatch::new(subscriber);
            tracing_core::dispatcher::set_global_default(dispatch).unwrap();
        }
        "layer" => {
            use tracing_subscriber::prelude::*;
            tracing_subscriber::registry()
                .with(wakeline::tracing::layer())
                .init();
        }
        role => panic!("there is no role {role}"),
    }
    recording
}

/// What the trace says of one task.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub struct Life {
    pub polls: u64,
    pub ready: u64,
    pub panicked: u64,
    pub wakes: u64,
    pub end: Option<u64>,
}

/// Each task's life; every poll after the first of a spawned task must have a wake that
/// asked for it, unless the poll turned out to be none.
pub fn lives(trace: &Trace) -> HashMap<u64, Life> {
    let mut lives: HashMap<u64, Life> = HashMap::new();
    let mut none = std::collections::HashSet::new();
    let mut asked = std::collections::HashSet::new();
    let mut started = Vec::new();
    for event in trace.all() {
        match event {
            EventRecord::PollStart(e) => started.push((e.task, e.epoch)),
            EventRecord::Wake(e) => {
                lives.entry(e.task).or_default().wakes += 1;
                asked.insert((e.task, e.epoch));
            }
            EventRecord::WakeFrom(e) => {
                lives.entry(e.task).or_default().wakes += 1;
                asked.extend((e.epoch..=e.epoch_after).map(|epoch| (e.task, epoch)));
            }
            EventRecord::PollSettled(e) if e.outcome == poll_outcome::NONE => {
                none.insert((e.task, e.epoch));
            }
            EventRecord::PollSettled(e) => {
                assert_eq!(e.outcome, poll_outcome::READY);
                lives.entry(e.task).or_default().ready += 1;
            }
            EventRecord::TaskEnd(e) => {
                let was = lives.entry(e.task).or_default().end.replace(e.outcome);
                assert_eq!(was, None, "a task ends once");
            }
            _ => {}
        }
    }
    let roots = kinds(trace, &[task_kind::ROOT_UNHEARD]);
    for (task, epoch) in started {
        if none.contains(&(task, epoch)) {
            continue;
        }
        lives.entry(task).or_default().polls += 1;
        let is_asked = epoch == 1 || asked.contains(&(task, epoch - 1));
        assert!(
            is_asked || roots.contains(&task),
            "poll {epoch} of task {task} has no wake"
        );
    }
    lives
}

pub fn kinds(trace: &Trace, wanted: &[u64]) -> Vec<u64> {
    let of_kind = |record: &DictionaryRecord| match record {
        DictionaryRecord::Task(task) if wanted.contains(&task.task_kind) => Some(task.id),
        _ => None,
    };
    trace.dictionary.iter().filter_map(of_kind).collect()
}

/// The tasks that are spawned at this line of a file.
pub fn at_line(trace: &Trace, file: &str, line: u64) -> Vec<u64> {
    let is_here = |record: &DictionaryRecord| match record {
        DictionaryRecord::Site(site) if site.line == line => {
            trace.text(site.file).ends_with(file).then_some(site.id)
        }
        _ => None,
    };
    let sites: Vec<u64> = trace.dictionary.iter().filter_map(is_here).collect();
    let spawned = |record: &DictionaryRecord| match record {
        DictionaryRecord::Task(task) if sites.contains(&task.site) => Some(task.id),
        _ => None,
    };
    trace.dictionary.iter().filter_map(spawned).collect()
}

/// The one task that was spawned in `file` at the line that the program said behind `word`.
pub fn task_said(trace: &Trace, output: &str, file: &str, word: &str) -> u64 {
    let line = output.lines().find_map(|line| line.strip_prefix(word));
    let line = line.and_then(|line| line.parse().ok());
    let tasks = at_line(trace, file, line.unwrap_or_else(|| panic!("no {word}")));
    assert_eq!(tasks.len(), 1, "{word}");
    tasks[0]
}

/// The lines of the sites of waits on this, in order of their threads.
pub fn waits_on(trace: &Trace, kind: u64, id: u64) -> Vec<u64> {
    let site = |id: u64| {
        let site = |record: &DictionaryRecord| match record {
            DictionaryRecord::Site(site) if site.id == id => Some(site.line),
            _ => None,
        };
        trace.dictionary.iter().find_map(site).unwrap_or(0)
    };
    let wait = |event: &EventRecord| match event {
        EventRecord::WaitStart(e) if (e.on_kind, e.on_id) == (kind, id) => Some(site(e.site)),
        _ => None,
    };
    trace.all().filter_map(wait).collect()
}

/// The resources of this kind that a file makes; tokio has some of its own.
pub fn resources(trace: &Trace, file: &str, kind: u64) -> Vec<u64> {
    let is_here = |id: u64| {
        trace.dictionary.iter().any(|record| match record {
            DictionaryRecord::Site(site) if site.id == id => trace.text(site.file).ends_with(file),
            _ => false,
        })
    };
    let is = |record: &DictionaryRecord| match record {
        DictionaryRecord::Resource(resource) if resource.resource_kind == kind => {
            is_here(resource.site).then_some(resource.id)
        }
        _ => None,
    };
    trace.dictionary.iter().filter_map(is).collect()
}
