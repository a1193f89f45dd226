//! What is recorded arrives: exactly, or counted as dropped.

mod support;

use std::io::{BufRead, Read};
use std::time::Duration;

use support::{
    child, connected, expected, finish, record, role, say, wait_for_go, wait_to_hear, Collector,
};
use wakeline::Config;
use wakeline_executor::observe::{
    open_poll, End, EndedBy, Observer, Outcome, TaskEnded, TaskInfo, TaskKind,
};
use wakeline_wire::{DictionaryRecord, EventRecord};

fn start(memory_mib: usize) -> &'static dyn Observer {
    let mut config = Config::from_env();
    config.memory_mib = Some(memory_mib);
    // What is recorded here as a poll is none, and may stay open: nobody is to look at it.
    config.long_poll_ms = Some(0);
    wakeline::init_with(config).unwrap().observer().unwrap()
}

fn record_on_threads(observer: &'static dyn Observer, threads: u64, count: u64) {
    std::thread::scope(|scope| {
        for seed in 0..threads {
            let thread = std::thread::Builder::new().name(format!("hammer {seed}"));
            thread
                .spawn_scoped(scope, move || record(observer, seed, count))
                .unwrap();
        }
    });
}

#[test]
fn two_threads_are_decoded_to_exactly_what_they_recorded() {
    const EVENTS: u64 = 400_000;
    if role().is_some() {
        return record_on_threads(start(64), 2, EVENTS);
    }
    let collector = Collector::start();
    let name = "two_threads_are_decoded_to_exactly_what_they_recorded";
    let output = finish(
        connected(child(name, "hammer"), &collector)
            .spawn()
            .unwrap(),
    );
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    assert_eq!(trace.broken_watermarks, []);
    let end = trace.end.as_ref().unwrap();
    assert!(
        end.threads.iter().all(|thread| thread.dropped == 0),
        "{end:?}"
    );
    for seed in 0..2 {
        assert!(
            trace.of_thread(&format!("hammer {seed}")) == expected(seed, EVENTS),
            "thread {seed} differs"
        );
    }
}

#[test]
fn what_does_not_fit_is_counted_exactly() {
    // The probe tries for 10 s to reach a collector: on a busy machine, too, this is over by then.
    const BEFORE: u64 = 300_000;
    const AFTER: u64 = 1_000;
    if role().is_some() {
        let observer = start(1);
        // Nobody listens yet: 1 MiB of slots runs full.
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("flood".into());
            let flood = move || {
                record(observer, 1, BEFORE);
                say("recorded");
                wait_for_go();
                record(observer, 2, AFTER);
            };
            thread.spawn_scoped(scope, flood).unwrap();
        });
        return;
    }
    let collector = Collector::stopped();
    let name = "what_does_not_fit_is_counted_exactly";
    let mut running = connected(child(name, "flood"), &collector).spawn().unwrap();
    let _output = wait_to_hear(&mut running, "recorded");
    collector.listen();
    collector.wait_for_watermarks(3);
    std::fs::write(collector.go_file(), "").unwrap();
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");

    let trace = collector.trace();
    assert_eq!(trace.broken_watermarks, []);
    let recorded = trace.of_thread("flood");
    let dropped: u64 = trace
        .end
        .as_ref()
        .unwrap()
        .threads
        .iter()
        .map(|t| t.dropped)
        .sum();
    assert!(dropped > 0, "1 MiB does not hold {BEFORE} events");
    assert_eq!(recorded.len() as u64 + dropped, BEFORE + AFTER);
    let first = recorded.len() - AFTER as usize;
    assert!(
        recorded[..first] == expected(1, BEFORE)[..first],
        "the first part differs"
    );
    assert!(
        recorded[first..] == expected(2, AFTER)[..],
        "the last part differs"
    );
    // The chunk behind the gap names the drops before it, and the poll that is open there.
    let gap = trace.chunks.iter().find(|chunk| chunk.dropped > 0).unwrap();
    assert_eq!(gap.dropped, dropped);
}

#[test]
fn a_reconnected_collector_gets_what_lives_and_what_it_missed() {
    const EVENTS: u64 = 10_000;
    if role().is_some() {
        let observer = start(8);
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("twice".into());
            let work = move || {
                record(observer, 1, EVENTS);
                wait_for_go();
                record(observer, 2, EVENTS);
            };
            thread.spawn_scoped(scope, work).unwrap();
        });
        return;
    }
    let collector = Collector::start();
    let name = "a_reconnected_collector_gets_what_lives_and_what_it_missed";
    let running = connected(child(name, "twice"), &collector).spawn().unwrap();
    collector.wait_until("the first part", |connections| {
        let trace = support::Trace::decode(&connections.concat());
        trace.all().count() as u64 >= EVENTS
    });
    collector.break_connections();
    std::fs::write(collector.go_file(), "").unwrap();
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");

    collector.wait_until("the end frame", |connections| {
        support::Trace::decode(&connections.concat()).end.is_some()
    });
    let trace = collector.trace();
    assert_eq!(trace.hellos.len(), 2);
    assert_eq!(trace.hellos[0].session, trace.hellos[1].session);
    assert_eq!(trace.hellos[0].tick_rate, trace.hellos[1].tick_rate);
    let mut all = expected(1, EVENTS);
    all.extend(expected(2, EVENTS));
    assert!(
        trace.of_thread("twice") == all,
        "something is missing or twice"
    );
    // Each connection tells all that lives: the second can be read without the first.
    let second = collector.connection(1);
    assert!(!support::Trace::decode(&second)
        .of_thread("twice")
        .is_empty());
    assert!(trace.end.is_some());
}

/// Its thread has no room when the poll begins, and a slot again before it ends.
#[test]
fn a_poll_whose_start_was_dropped_is_told_to_have_begun_when_it_did() {
    const BEFORE: u64 = 300_000;
    const TASK: u64 = 7_777;
    const EPOCH: u64 = 3;
    if role().is_some() {
        let observer = start(1);
        record(observer, 1, BEFORE);
        let start = observer.poll_start(TASK, EPOCH);
        let open = open_poll(TASK, EPOCH, start);
        say("recorded");
        wait_for_go();
        observer.timer_cancelled(5);
        observer.poll_end(TASK, Outcome::Pending);
        drop(open);
        return say(&format!("began at {start}"));
    }
    let collector = Collector::stopped();
    let name = "a_poll_whose_start_was_dropped_is_told_to_have_begun_when_it_did";
    let mut running = connected(child(name, "late"), &collector).spawn().unwrap();
    let mut output = wait_to_hear(&mut running, "recorded");
    collector.listen();
    collector.wait_for_watermarks(3);
    std::fs::write(collector.go_file(), "").unwrap();
    let began: u64 = output
        .by_ref()
        .lines()
        .find_map(|line| line.unwrap().strip_prefix("began at ")?.parse().ok())
        .expect("the child says when the poll began");
    assert!(finish(running).status.success());

    let trace = collector.trace();
    let is_start =
        |event: &EventRecord| matches!(event, EventRecord::PollStart(poll) if poll.task == TASK);
    assert_eq!(
        trace.count(is_start),
        0,
        "1 MiB does not hold {BEFORE} events"
    );
    let named: Vec<_> = trace
        .chunks
        .iter()
        .flat_map(|chunk| {
            let polls = chunk.context.open_polls.iter();
            polls.map(|poll| (poll.task, poll.epoch, poll.start_tick, chunk.first_tick))
        })
        .filter(|poll| poll.0 == TASK)
        .collect();
    assert!(!named.is_empty(), "the chunk behind the gap names the poll");
    for (_, epoch, start_tick, first_tick) in named {
        assert_eq!((epoch, start_tick), (EPOCH, began));
        assert!(first_tick > began, "behind the gap");
    }
}

#[test]
fn a_collector_that_stalls_gets_whole_frames_later() {
    const EVENTS: u64 = 300_000;
    if role().is_some() {
        let observer = start(16);
        record_on_threads(observer, 1, EVENTS);
        say("recorded");
        return wait_for_go();
    }
    let collector = Collector::start();
    let name = "a_collector_that_stalls_gets_whole_frames_later";
    collector.set_stalled(true);
    let mut running = connected(child(name, "stall"), &collector).spawn().unwrap();
    let _output = wait_to_hear(&mut running, "recorded");
    // What is recorded is more than a socket holds. Time to run into that, at most: what
    // follows holds without it too.
    std::thread::sleep(Duration::from_millis(100));
    collector.set_stalled(false);
    std::fs::write(collector.go_file(), "").unwrap();
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    assert!(
        trace.of_thread("hammer 0") == expected(0, EVENTS),
        "something is missing"
    );
    assert!(trace.end.is_some());
}

#[test]
fn a_collector_that_reads_on_while_the_program_ends_gets_everything() {
    const EVENTS: u64 = 300_000;
    if role().is_some() {
        record_on_threads(start(16), 1, EVENTS);
        return say("ending");
    }
    let collector = Collector::start();
    let name = "a_collector_that_reads_on_while_the_program_ends_gets_everything";
    collector.set_stalled(true);
    let mut running = connected(child(name, "ends"), &collector).spawn().unwrap();
    let _output = wait_to_hear(&mut running, "ending");
    // Time to be at its end with a send that is stuck, at most: what follows holds without it too.
    std::thread::sleep(Duration::from_millis(100));
    collector.set_stalled(false);
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    assert!(
        trace.of_thread("hammer 0") == expected(0, EVENTS),
        "something is missing"
    );
    assert!(trace.end.is_some());
}

#[test]
fn more_tasks_than_may_wait_pause_the_recording_and_leave_it_complete() {
    // Names of a quarter of a KiB, 4 MiB of which may wait: tens of thousands of tasks are over
    // before the probe, after 10 s, no longer tries to reach a collector.
    const BEFORE: u64 = 40_000;
    const AFTER: u64 = 1_000;
    let spawn = |observer: &dyn Observer, tasks: std::ops::RangeInclusive<u64>| {
        for task in tasks {
            observer.task_spawned(&TaskInfo {
                task,
                parent: 0,
                site: std::panic::Location::caller(),
                name: Some(&format!("{task:0>250}")),
                type_name: "task",
                future_bytes: 0,
                kind: TaskKind::Task,
                runtime: 0,
            });
            // Every tenth lives on.
            if task % 10 > 0 {
                observer.task_ended(&TaskEnded {
                    task,
                    end: End::Completed,
                    by: EndedBy::Task(task),
                    during_poll_of: task,
                });
            }
        }
    };
    if role().is_some() {
        let observer = start(64);
        spawn(observer, 1..=BEFORE);
        say("recorded");
        wait_for_go();
        spawn(observer, BEFORE + 1..=BEFORE + AFTER);
        return;
    }
    let collector = Collector::stopped();
    let name = "more_tasks_than_may_wait_pause_the_recording_and_leave_it_complete";
    let mut running = connected(child(name, "spawns"), &collector)
        .spawn()
        .unwrap();
    let _output = wait_to_hear(&mut running, "recorded");
    collector.listen();
    collector.wait_for_watermarks(3);
    std::fs::write(collector.go_file(), "").unwrap();
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    let dropped: u64 = trace
        .end
        .as_ref()
        .unwrap()
        .threads
        .iter()
        .map(|t| t.dropped)
        .sum();
    assert!(dropped > 0, "the bound was never reached");
    let spawned = trace.count(|event| matches!(event, EventRecord::TaskSpawn(_)));
    let ended = trace.count(|event| matches!(event, EventRecord::TaskEnd(_)));
    let all = BEFORE + AFTER + (BEFORE + AFTER) * 9 / 10;
    assert_eq!(spawned as u64 + ended as u64 + dropped, all);
    let told = |task: u64| {
        let mut records = trace.dictionary.iter();
        records.any(|record| matches!(record, DictionaryRecord::Task(t) if t.id == task))
    };
    assert!(
        told(BEFORE),
        "a task that was born in the pause and lives is told"
    );
    assert!(
        !told(BEFORE - 1),
        "one that came and went in the pause is not"
    );
    assert!(told(BEFORE + AFTER - 1));
}

#[test]
fn a_forked_child_records_nothing() {
    if role().is_some() {
        let observer = start(8);
        observer.timer_cancelled(1);
        // SAFETY: the child calls hooks, which only look at the gate, and `_exit`.
        unsafe {
            let pid = libc::fork();
            if pid == 0 {
                for timer in 0..100_000 {
                    observer.timer_cancelled(timer);
                }
                libc::_exit(0);
            }
            let mut status = 0;
            assert_eq!(libc::waitpid(pid, &mut status, 0), pid);
            assert_eq!(status, 0);
        }
        observer.timer_cancelled(2);
        return;
    }
    let collector = Collector::start();
    let running = connected(child("a_forked_child_records_nothing", "fork"), &collector);
    let output = finish({ running }.spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    let timers = trace.all().filter_map(|event| match event {
        EventRecord::TimerCancel(cancel) => Some(cancel.timer),
        EventRecord::ThreadStop(_) => None,
        // The parent says that it has a child of which nothing is told.
        EventRecord::Marker(marker) => {
            assert!(trace.text(marker.name).starts_with("forked a child"));
            None
        }
        other => panic!("{other:?} was not recorded"),
    });
    assert_eq!(timers.collect::<Vec<_>>(), [1, 2]);
}
