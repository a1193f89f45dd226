//! `#[wakeline::main]`: what it takes, what it runs, and what the trace says of it.
#![forbid(unsafe_code)]
#![deny(warnings)]

mod support;

use std::fmt::Display;
use std::num::ParseIntError;

use support::{child, connected, finish, role, say, Collector, Trace};
use wakeline_wire::{
    end_outcome, runtime_flavor, task_kind, DictionaryRecord, EventRecord, Runtime, Task,
};

/// What is written above the function stays with it.
#[wakeline::main]
#[must_use]
async fn on_workers() -> u64 {
    let task = wakeline::spawn(async { 20 });
    task.await.unwrap() + 1
}

#[wakeline::main(flavor = "multi_thread", worker_threads = 2, name = "a \"small\" pool")]
async fn on_two_workers() -> usize {
    tokio::runtime::Handle::current().metrics().num_workers()
}

#[wakeline::main(flavor = "current_thread")]
async fn parsed(text: &str) -> Result<u64, ParseIntError> {
    let number: u64 = text.parse()?;
    if number > 100 {
        return Ok(100);
    }
    tokio::task::yield_now().await;
    Ok(number)
}

#[wakeline::main(flavor = "current_thread", start_paused = true)]
async fn paused() -> bool {
    let before = tokio::time::Instant::now();
    // An hour of the runtime's own clock, which goes on when all are idle.
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    before.elapsed() >= std::time::Duration::from_secs(3600)
}

#[wakeline::main(flavor = "local")]
async fn not_send() -> u32 {
    let shared = std::rc::Rc::new(std::cell::Cell::new(1));
    let theirs = std::rc::Rc::clone(&shared);
    let task = wakeline::spawn_local(async move { theirs.set(theirs.get() + 1) });
    task.await.unwrap();
    shared.get()
}

#[wakeline::main(flavor = "current_thread", crate = "wakeline")]
async fn shown<const N: usize, T>(each: [T; N]) -> String
where
    T: Display,
{
    // Names of the attribute's own must not be seen here, nor hide these.
    let (builder, future, runtime) = ("b", "f", "r");
    let all: String = each.iter().map(ToString::to_string).collect();
    format!("{builder}{future}{runtime}{all}")
}

struct Counter(u64);

impl Counter {
    #[wakeline::main(flavor = "current_thread")]
    pub(crate) async fn add(&mut self, more: u64) -> &mut Self {
        self.0 += more;
        self
    }
}

#[wakeline::main(flavor = "current_thread")]
async fn nothing() {}

#[wakeline::main(flavor = "current_thread")]
async fn never_comes_back() -> ! {
    panic!("on purpose")
}

#[test]
fn functions_run_as_with_tokios_own_attribute() {
    assert_eq!(on_workers(), 21);
    assert_eq!(on_two_workers(), 2);
    assert_eq!(parsed("7"), Ok(7));
    assert_eq!(parsed("700"), Ok(100));
    assert!(parsed("seven").is_err());
    assert!(paused());
    assert_eq!(not_send(), 2);
    assert_eq!(shown(["x", "y"]), "bfrxy");
    let mut counter = Counter(1);
    assert_eq!(counter.add(2).add(3).0, 6);
    nothing();
    assert!(std::panic::catch_unwind(|| never_comes_back()).is_err());
}

#[wakeline::main(flavor = "current_thread")]
async fn recorded() {
    // Both are on the line of the function's name.
    say(&format!("line {}", line!() - 2));
    wakeline::spawn(async {}).await.unwrap();
}

#[wakeline::main(worker_threads = 2, name = "pool")]
async fn recorded_on_workers() {
    wakeline::spawn(async {}).await.unwrap();
}

#[test]
fn the_trace_names_runtime_and_root_and_the_roots_line() {
    let test = "the_trace_names_runtime_and_root_and_the_roots_line";
    if role().is_some() {
        recorded();
        return recorded_on_workers();
    }
    let collector = Collector::start();
    let output = finish(connected(child(test, "main"), &collector).spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said.lines().find_map(|line| line.strip_prefix("line "));
    let line: u64 = line.unwrap().parse().unwrap();
    let trace = collector.trace();
    trace.check();

    let runtimes: Vec<Runtime> = of(&trace, |record| match record {
        DictionaryRecord::Runtime(runtime) => Some(*runtime),
        _ => None,
    });
    let told: Vec<_> = runtimes
        .iter()
        .map(|each| {
            (
                trace.text(each.name),
                each.flavor,
                each.workers,
                each.pool_limit,
            )
        })
        .collect();
    let expected = [
        ("recorded", runtime_flavor::TOKIO_CURRENT_THREAD, 1, 512),
        ("pool", runtime_flavor::TOKIO_MULTI_THREAD, 2, 512),
    ];
    assert_eq!(told, expected);

    let roots: Vec<Task> = of(&trace, |record| match record {
        DictionaryRecord::Task(task) if task.task_kind == task_kind::ROOT => Some(*task),
        _ => None,
    });
    let names: Vec<_> = roots.iter().map(|root| trace.text(root.name)).collect();
    assert_eq!(names, ["recorded", "recorded_on_workers"]);
    let site = of(&trace, |record| match record {
        DictionaryRecord::Site(site) if site.id == roots[0].site => Some(*site),
        _ => None,
    });
    assert_eq!((site[0].line, site[0].column), (line, 10));
    assert!(trace.text(site[0].file).ends_with("tests/tokio_main.rs"));
    let ended = trace.all().filter_map(|event| match event {
        EventRecord::TaskEnd(end) => Some(end.outcome),
        _ => None,
    });
    let ended: Vec<u64> = ended.collect();
    assert_eq!(ended, [end_outcome::COMPLETED; 4]);
}

async fn recorded_from_within() {
    tokio::spawn(wakeline::traced(async {})).await.unwrap();
    // The runtime is there before the recording.
    wakeline::init!();
    let work = async {
        {
            let _open = wakeline::span!("work");
            wakeline::marker("number", 17);
        }
        wakeline::span!("wait", tokio::task::yield_now()).await;
    };
    let task = wakeline::task::Builder::new().name("task").spawn(work);
    task.unwrap().await.unwrap();
}

#[test]
fn recording_may_begin_inside_a_runtime() {
    if role().is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        return runtime.unwrap().block_on(recorded_from_within());
    }
    let collector = Collector::start();
    let test = "recording_may_begin_inside_a_runtime";
    let output = finish(connected(child(test, "main"), &collector).spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    let tasks: Vec<Task> = of(&trace, |record| match record {
        DictionaryRecord::Task(task) => Some(*task),
        _ => None,
    });
    let names: Vec<_> = tasks.iter().map(|task| trace.text(task.name)).collect();
    assert_eq!(names, ["task"]);
    let polls = trace.count(|event| matches!(event, EventRecord::PollStart(_)));
    assert_eq!(polls, 2);
    let spans = trace.all().filter_map(|event| match event {
        EventRecord::SpanOpen(span) => Some(trace.text(span.name)),
        _ => None,
    });
    assert_eq!(spans.collect::<Vec<_>>(), ["work", "wait"]);
    assert_eq!(
        trace.count(|event| matches!(event, EventRecord::Marker(_))),
        1
    );
}

fn of<T>(trace: &Trace, pick: impl FnMut(&DictionaryRecord) -> Option<T>) -> Vec<T> {
    trace.dictionary.iter().filter_map(pick).collect()
}
