//! Spans and markers of the program's own: whose they are, and that they end.

mod support;

use std::collections::HashMap;

use support::{child, connected, finish, role, Collector, Trace};
use wakeline_executor::{spawn_named, yield_now, Runtime};
use wakeline_wire::{DictionaryRecord, EventRecord, Marker, SpanOpen};

const TASKS: u64 = 20;
const ROUNDS: u64 = 5;

fn trace_of(test: &str, program: impl FnOnce()) -> Option<Trace> {
    if role().is_some() {
        assert!(wakeline::init().is_active());
        program();
        return None;
    }
    let collector = Collector::start();
    let command = connected(child(test, "program"), &collector);
    let output = finish({ command }.spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    Some(trace)
}

fn opened(trace: &Trace) -> Vec<SpanOpen> {
    let each = trace.all().filter_map(|event| match event {
        EventRecord::SpanOpen(span) => Some(*span),
        _ => None,
    });
    each.collect()
}

fn task_named(trace: &Trace, name: &str) -> u64 {
    let task = trace.dictionary.iter().find_map(|record| match record {
        DictionaryRecord::Task(task) if trace.text(task.name) == name => Some(task.id),
        _ => None,
    });
    task.unwrap_or_else(|| panic!("there is no task {name}"))
}

/// Each task has one span around all its rounds, and in each round one without an await.
async fn rounds(number: u64) -> u64 {
    let mut sum = 0;
    for round in 0..ROUNDS {
        yield_now().await;
        let _open = wakeline::span!("add");
        wakeline::marker("round", round as i64 - 2);
        sum += round * number;
    }
    sum
}

#[test]
fn spans_belong_to_their_tasks_on_whatever_thread_and_all_end() {
    let test = "spans_belong_to_their_tasks_on_whatever_thread_and_all_end";
    let trace = trace_of(test, || {
        let runtime = Runtime::multi(2).build().unwrap();
        let sum = runtime.block_on(async {
            let spawn = |number: u64| {
                let all = wakeline::span("rounds").wrap(rounds(number));
                spawn_named(&format!("task {number}"), all)
            };
            let tasks: Vec<_> = (0..TASKS).map(spawn).collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 10 * (0..TASKS).sum::<u64>());
    });
    let Some(trace) = trace else { return };
    let spans = opened(&trace);
    let mut of_task: HashMap<(u64, &str), u64> = HashMap::new();
    for span in &spans {
        *of_task
            .entry((span.task, trace.text(span.name)))
            .or_default() += 1;
    }
    for number in 0..TASKS {
        let task = task_named(&trace, &format!("task {number}"));
        assert_eq!(of_task[&(task, "rounds")], 1);
        assert_eq!(of_task[&(task, "add")], ROUNDS);
    }
    assert_eq!(spans.len() as u64, TASKS * (1 + ROUNDS));
    let mut numbers: Vec<u64> = spans.iter().map(|span| span.span).collect();
    let mut closed: Vec<u64> = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::SpanClose(close) => Some(close.span),
            _ => None,
        })
        .collect();
    numbers.sort_unstable();
    closed.sort_unstable();
    assert_eq!(numbers, closed);
    numbers.dedup();
    assert_eq!(numbers.len(), spans.len(), "no number is used twice");
    assert!(!numbers.contains(&0));

    let mut values: Vec<i64> = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::Marker(marker) => {
                assert_eq!(trace.text(marker.name), "round");
                assert_ne!(marker.task, 0);
                Some(marker.value)
            }
            _ => None,
        })
        .collect();
    values.sort_unstable();
    let each = (0..ROUNDS as i64).flat_map(|round| [round - 2; TASKS as usize]);
    assert_eq!(values, each.collect::<Vec<_>>());
}

#[test]
fn a_dropped_future_ends_its_span_and_one_never_polled_has_none() {
    let test = "a_dropped_future_ends_its_span_and_one_never_polled_has_none";
    let trace = trace_of(test, || {
        let runtime = Runtime::single().build().unwrap();
        runtime.block_on(async {
            let dropped = wakeline::span("dropped").wrap(std::future::pending::<()>());
            let task = spawn_named("holder", dropped);
            yield_now().await;
            task.abort();
            assert!(task.await.is_err());
            drop(wakeline::span("never").wrap(std::future::pending::<()>()));
        });
        // Outside of any task.
        let line = line!() + 1;
        let open = wakeline::span("outside").enter();
        drop(open);
        wakeline::marker("line", i64::from(line));
        for value in [0, 1, -1, 1 << 51, -(1 << 51), i64::MAX, i64::MIN] {
            wakeline::marker("edge", value);
        }
    });
    let Some(trace) = trace else { return };
    let spans = opened(&trace);
    let names: Vec<&str> = spans.iter().map(|span| trace.text(span.name)).collect();
    assert_eq!(names, ["dropped", "outside"]);
    assert_eq!(spans[0].task, task_named(&trace, "holder"));
    assert_eq!(spans[1].task, 0);
    let closed = trace.count(|event| matches!(event, EventRecord::SpanClose(_)));
    assert_eq!(closed, 2);

    let markers: Vec<Marker> = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::Marker(marker) => Some(*marker),
            _ => None,
        })
        .collect();
    let site = trace.dictionary.iter().find_map(|record| match record {
        DictionaryRecord::Site(site) if site.id == spans[1].site => Some(*site),
        _ => None,
    });
    assert_eq!(markers[0].value, site.expect("the span's site").line as i64);
    let most = (1 << 52) - 1;
    let values: Vec<i64> = markers[1..].iter().map(|marker| marker.value).collect();
    assert_eq!(values, [0, 1, -1, 1 << 51, -(1 << 51), most, -most]);
}

#[test]
fn without_a_recording_spans_are_nothing() {
    let guard = wakeline::span("sync").enter();
    assert!(format!("{guard:?}").contains("span: 0"));
    wakeline::marker("nothing", 1);
    let future = wakeline::span!("async", async { 3 });
    assert_eq!(wakeline_executor::block_on(future), 3);
}
