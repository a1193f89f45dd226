//! What tokio tells of itself: what the trace says is what the program counted, through the
//! subscriber and through the layer. Without `--cfg tokio_unstable` tokio tells nothing, and
//! the greeting says so.

mod support;

use std::collections::HashMap;
use std::future::{pending, poll_fn, Future};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use support::{child, connected, finish, role, Collector, Trace};
use tokio::runtime::Builder;
use wakeline_wire::{
    cause_kind, end_outcome, job_kind, poll_outcome, resource_kind, task_kind, visibility,
    DictionaryRecord, EventRecord,
};

/// Runs `program` in a child of this test with a collector, and gives the trace and what the
/// child has [`support::say`]d. The child hears tokio as `role` says.
fn trace_of(test: &str, by: &str, program: impl FnOnce()) -> Option<(Trace, String)> {
    if let Some(role) = role() {
        assert!(wakeline::init().is_active());
        match role.as_str() {
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
            _ => {}
        }
        program();
        return None;
    }
    let collector = Collector::start();
    let output = finish(connected(child(test, by), &collector).spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    let end = trace.end.as_ref().expect("the stream is closed on purpose");
    assert!(end.threads.iter().all(|thread| thread.dropped == 0));
    Some((trace, String::from_utf8(output.stdout).unwrap()))
}

#[cfg(not(tokio_unstable))]
#[test]
fn without_the_cfg_the_greeting_says_that_only_wrapped_futures_are_seen() {
    let test = "without_the_cfg_the_greeting_says_that_only_wrapped_futures_are_seen";
    let ran = trace_of(test, "silent", || {
        assert!(wakeline::tracing::subscriber().is_none());
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            tokio::spawn(async {}).await.unwrap();
            wakeline::spawn(async {}).await.unwrap();
        });
    });
    let Some((trace, _)) = ran else { return };
    assert_eq!(trace.hellos.last().unwrap().tier, "tokio stable");
    let spawns = trace.count(|event| matches!(event, EventRecord::TaskSpawn(_)));
    assert_eq!(spawns, 1);
}

/// What the trace says of one task.
#[cfg(tokio_unstable)]
#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Life {
    polls: u64,
    ready: u64,
    panicked: u64,
    wakes: u64,
    end: Option<u64>,
}

/// Each task's life; every poll after the first of a spawned task must have a wake that
/// asked for it, unless the poll turned out to be none.
#[cfg(tokio_unstable)]
fn lives(trace: &Trace) -> HashMap<u64, Life> {
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

#[cfg(tokio_unstable)]
fn kinds(trace: &Trace, wanted: &[u64]) -> Vec<u64> {
    let of_kind = |record: &DictionaryRecord| match record {
        DictionaryRecord::Task(task) if wanted.contains(&task.task_kind) => Some(task.id),
        _ => None,
    };
    trace.dictionary.iter().filter_map(of_kind).collect()
}

/// The tasks by the line of their spawn, relative to the line of `base`.
#[cfg(tokio_unstable)]
fn at_line(trace: &Trace, line: u64) -> Vec<u64> {
    let is_here = |record: &DictionaryRecord| match record {
        DictionaryRecord::Site(site) if site.line == line => {
            trace.text(site.file).ends_with("tokio_tracing.rs").then_some(site.id)
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

async fn counted<F: Future>(polls: Arc<AtomicU64>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.fetch_add(1, Ordering::Relaxed);
        future.as_mut().poll(cx)
    })
    .await
}

/// Lines `<line of the spawn> <polls> <outcome>` that a child said.
#[cfg(tokio_unstable)]
fn said(output: &str) -> Vec<(u64, u64, u64)> {
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok()).unwrap();
    let line = |line: &str| {
        let mut words = line.split(' ');
        (number(words.next()), number(words.next()), number(words.next()))
    };
    let own = output.lines().filter_map(|line| line.strip_prefix("task "));
    own.map(line).collect()
}

/// Spawns, counts and ends tasks in every way that a program can, none through us.
#[cfg(tokio_unstable)]
fn mixed_program() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let mut expected: Vec<(u32, Arc<AtomicU64>, u64)> = Vec::new();
    let mut count = |line: u32, outcome: u64| {
        let polls = Arc::new(AtomicU64::new(0));
        expected.push((line, Arc::clone(&polls), outcome));
        polls
    };
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for _ in 0..40 {
            let (sender, mut receiver) = tokio::sync::mpsc::channel::<u64>(1);
            let polls = count(line!() + 1, end_outcome::COMPLETED);
            tasks.push(tokio::spawn(counted(polls, async move {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                    receiver.recv().await;
                }
            })));
            let polls = count(line!() + 1, end_outcome::COMPLETED);
            tasks.push(tokio::spawn(counted(polls, async move {
                for value in 0..50 {
                    sender.send(value).await.unwrap();
                }
            })));
        }
        for task in tasks {
            task.await.unwrap();
        }
        // Ready at its last poll, in which it has woken itself too.
        let polls = count(line!() + 2, end_outcome::COMPLETED);
        let eager = poll_fn(|cx| std::task::Poll::Ready(cx.waker().wake_by_ref()));
        tokio::spawn(counted(polls, eager)).await.unwrap();
        let polls = count(line!() + 1, end_outcome::PANICKED);
        let panicked = tokio::spawn(counted(polls, async { panic!("on purpose") }));
        panicked.await.unwrap_err();
        let polls = count(line!() + 1, end_outcome::CANCELLED);
        let aborted = tokio::spawn(counted(polls.clone(), pending::<()>()));
        while polls.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        aborted.abort();
        aborted.await.unwrap_err();
    });
    // Dropped by the runtime's end.
    let polls = count(line!() + 1, end_outcome::CANCELLED);
    drop(runtime.spawn(counted(polls.clone(), pending::<()>())));
    while polls.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    drop(runtime);
    for (line, polls, outcome) in expected {
        let polls = polls.load(Ordering::Relaxed);
        support::say(&format!("task {line} {polls} {outcome}"));
    }
}

#[cfg(tokio_unstable)]
fn check_mixed_program(test: &str, by: &str) {
    let Some((trace, output)) = trace_of(test, by, mixed_program) else {
        return;
    };
    assert_eq!(trace.hellos.last().unwrap().tier, "tokio tracing");
    let lives = lives(&trace);
    let mut expected: HashMap<u64, Vec<(u64, u64)>> = HashMap::new();
    for (line, polls, outcome) in said(&output) {
        expected.entry(line).or_default().push((polls, outcome));
    }
    assert_eq!(expected.len(), 6);
    for (line, mut expected) in expected {
        let tasks = at_line(&trace, line);
        let mut found = Vec::new();
        for task in tasks {
            let life = &lives[&task];
            let outcome = life.end.expect("every task ends");
            // An abort can look like an end of its own accord, and is then not told as either.
            let outcome = match outcome {
                end_outcome::UNKNOWN if expected[0].1 != end_outcome::PANICKED => expected[0].1,
                outcome => outcome,
            };
            if life.end == Some(end_outcome::COMPLETED) {
                assert_eq!(life.ready, 1, "task {task} of line {line}: {life:?}");
            }
            found.push((life.polls, outcome));
        }
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "line {line}");
    }
}

#[cfg(tokio_unstable)]
#[test]
fn the_subscriber_counts_what_the_program_counts() {
    check_mixed_program("the_subscriber_counts_what_the_program_counts", "subscriber");
}

#[cfg(tokio_unstable)]
#[test]
fn the_layer_counts_what_the_program_counts() {
    check_mixed_program("the_layer_counts_what_the_program_counts", "layer");
}
