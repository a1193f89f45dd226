//! What tokio tells of itself: what the trace says is what the program counted, through the
//! subscriber and through the layer. Needs `--cfg tokio_unstable`; without it there is
//! nothing here, and `tokio_silent.rs` instead.
//!
//! Longer than other files: each test program is linked anew in a build of its own.
#![cfg(tokio_unstable)]

mod support;
#[path = "support/told.rs"]
mod told;

use std::collections::HashMap;
use std::future::{pending, poll_fn, Future};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use support::{child, connected, finish, role, Collector, Trace};
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use told::{at_line, hear, kinds, lives, resources, task_said, waits_on};
use wakeline_wire::{
    cause_kind, end_outcome, job_kind, resource_kind, task_kind, visibility, DictionaryRecord,
    EventRecord,
};

const FILE: &str = "tokio_told.rs";

/// Runs `program` in a child of this test with a collector, and gives the trace and what the
/// child has [`support::say`]d. The child hears tokio as `role` says.
fn trace_of(test: &str, by: &str, program: impl FnOnce()) -> Option<(Trace, String)> {
    if let Some(role) = role() {
        hear(&role);
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

async fn counted<F: Future>(polls: Arc<AtomicU64>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.fetch_add(1, Ordering::Relaxed);
        future.as_mut().poll(cx)
    })
    .await
}

/// Lines `<line of the spawn> <polls> <outcome>` that a child said.
fn said(output: &str) -> Vec<(u64, u64, u64)> {
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok()).unwrap();
    let line = |line: &str| {
        let mut words = line.split(' ');
        (
            number(words.next()),
            number(words.next()),
            number(words.next()),
        )
    };
    let own = output.lines().filter_map(|line| line.strip_prefix("task "));
    own.map(line).collect()
}

/// Waits for what never comes, and is woken if it does.
async fn keeps_a_waker() {
    let (_sender, mut receiver) = tokio::sync::mpsc::channel::<()>(1);
    receiver.recv().await;
}

fn workers() -> tokio::runtime::Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_time().build().unwrap()
}

/// Spawns, counts and ends tasks in every way that a program can, none through us.
fn mixed_program() {
    let runtime = workers();
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
        let polls = count(line!() + 5, end_outcome::COMPLETED);
        let eager = poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Ready(())
        });
        tokio::spawn(counted(polls, eager)).await.unwrap();
        let polls = count(line!() + 1, end_outcome::PANICKED);
        let panicked = tokio::spawn(counted(polls, async { panic!("on purpose") }));
        panicked.await.unwrap_err();
        let polls = count(line!() + 1, end_outcome::CANCELLED);
        let aborted = tokio::spawn(counted(polls.clone(), keeps_a_waker()));
        // Perhaps the poll goes on: then the task is dropped as soon as it returns.
        while polls.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        aborted.abort();
        aborted.await.unwrap_err();
    });
    drop(runtime);
    let runtime = workers();
    // Dropped by the runtime's end.
    let polls = count(line!() + 1, end_outcome::CANCELLED);
    drop(runtime.spawn(counted(polls.clone(), pending::<()>())));
    // A worker tells its polls before it parks: the poll has ended then, and the drop comes
    // at least this much later, which is 1000 times what a ready one takes.
    let metrics = runtime.metrics();
    while (0..2).map(|w| metrics.worker_poll_count(w)).sum::<u64>() == 0 {
        std::thread::yield_now();
    }
    std::thread::sleep(Duration::from_millis(1));
    drop(runtime);
    for (line, polls, outcome) in expected {
        let polls = polls.load(Ordering::Relaxed);
        support::say(&format!("task {line} {polls} {outcome}"));
    }
}

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
        let tasks = at_line(&trace, FILE, line);
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

#[test]
fn the_subscriber_counts_what_the_program_counts() {
    check_mixed_program(
        "the_subscriber_counts_what_the_program_counts",
        "subscriber",
    );
}

#[test]
fn the_layer_counts_what_the_program_counts() {
    check_mixed_program("the_layer_counts_what_the_program_counts", "layer");
}

/// With nothing between the pending poll and the drop, as in a `select` that drops its set.
#[test]
fn a_drop_right_after_a_pending_poll_is_not_told_as_an_end() {
    const ROUNDS: usize = 20;
    let test = "a_drop_right_after_a_pending_poll_is_not_told_as_an_end";
    let ran = trace_of(test, "subscriber", || {
        let runtime = Builder::new_current_thread().build().unwrap();
        let _inside = runtime.enter();
        for _ in 0..ROUNDS {
            drop_after_a_poll(|set, polls| {
                set.spawn_local(counted(polls, keeps_a_waker()));
                line!() - 1
            });
            drop_after_a_poll(|set, polls| {
                set.spawn_local(counted(polls, wakes_itself()));
                line!() - 1
            });
        }
    });
    let Some((trace, output)) = ran else { return };
    let lives = lives(&trace);
    let said = said(&output);
    assert_eq!(said.len(), 2 * ROUNDS);
    for (line, polls, outcome) in said {
        let tasks = at_line(&trace, FILE, line);
        assert_eq!(tasks.len(), ROUNDS);
        for task in tasks {
            let life = &lives[&task];
            assert_eq!((life.polls, life.ready), (polls, 0), "{line}: {life:?}");
            assert_eq!(life.end, Some(outcome), "line {line}");
        }
    }
}

/// Polls a set once, with the task that `spawn` spawns in it at the line it gives, and drops it.
fn drop_after_a_poll(spawn: impl FnOnce(&LocalSet, Arc<AtomicU64>) -> u32) {
    let polls = Arc::new(AtomicU64::new(0));
    let set = LocalSet::new();
    let line = spawn(&set, Arc::clone(&polls));
    let mut set = Box::pin(set);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(set.as_mut().poll(&mut cx).is_pending());
    drop(set);
    let polls = polls.load(Ordering::Relaxed);
    support::say(&format!("task {line} {polls} {}", end_outcome::UNKNOWN));
}

async fn wakes_itself() {
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Who took and gave back the resource, in order: `(taken, task)`.
fn holds(trace: &Trace, resource: u64) -> Vec<(bool, u64, u64)> {
    let hold = |event: &EventRecord| match event {
        EventRecord::ResourceAcquire(e) if e.resource == resource => Some((true, e.task, e.amount)),
        EventRecord::ResourceRelease(e) if e.resource == resource => {
            Some((false, e.task, e.amount))
        }
        _ => None,
    };
    trace.all().filter_map(hold).collect()
}

#[test]
fn a_wait_names_the_lock_and_who_holds_it() {
    let test = "a_wait_names_the_lock_and_who_holds_it";
    let ran = trace_of(test, "subscriber", || {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let lock = Arc::new(tokio::sync::Mutex::new(0));
            let places = Arc::new(tokio::sync::Semaphore::new(1));
            let (sender, receiver) = tokio::sync::oneshot::channel::<u64>();
            let held = (Arc::clone(&lock), Arc::clone(&places));
            let holder = tokio::spawn(async move {
                let value = held.0.lock().await;
                let place = held.1.acquire().await.unwrap();
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
                drop(place);
                tokio::task::yield_now().await;
                drop(value);
                tokio::task::yield_now().await;
                sender.send(7).unwrap();
            });
            let waiter = tokio::spawn(async move {
                drop(places.acquire().await.unwrap());
                *lock.lock().await += 1;
                receiver.await.unwrap()
            });
            holder.await.unwrap();
            assert_eq!(waiter.await.unwrap(), 7);
        });
        support::say(&format!("line {}", line!()));
    });
    let Some((trace, output)) = ran else { return };
    let line: u64 = output
        .lines()
        .find_map(|line| line.strip_prefix("line "))
        .and_then(|line| line.parse().ok())
        .unwrap();
    let [holder] = at_line(&trace, FILE, line - 20)[..] else {
        panic!("one holder")
    };
    let [waiter] = at_line(&trace, FILE, line - 8)[..] else {
        panic!("one waiter")
    };
    let [lock] = resources(&trace, FILE, resource_kind::MUTEX)[..] else {
        panic!("one mutex")
    };
    let [places] = resources(&trace, FILE, resource_kind::SEMAPHORE)[..] else {
        panic!("one semaphore")
    };
    let [channel] = resources(&trace, FILE, resource_kind::ONESHOT)[..] else {
        panic!("one oneshot")
    };
    for resource in [lock, places, channel] {
        assert!(!waits_on(&trace, cause_kind::RESOURCE, resource).is_empty());
    }
    let taken = (true, holder, 1);
    let given = (false, holder, 1);
    assert_eq!(
        holds(&trace, lock),
        [taken, given, (true, waiter, 1), (false, waiter, 1)]
    );
    // How many permits a waiter was handed tokio tells at the hand-over only.
    assert_eq!(
        holds(&trace, places),
        [taken, given, (true, waiter, 0), (false, waiter, 1)]
    );
    assert_eq!(holds(&trace, channel), [given, (true, waiter, 1)]);
}

/// A task that joins another one, which ends only when the first waits for that.
async fn joined() {
    let (go, told) = tokio::sync::oneshot::channel::<()>();
    let ends = tokio::spawn(async move { told.await.unwrap() });
    support::say(&format!("ends {}", line!() - 1));
    let is_waiting = Arc::new(AtomicU64::new(0));
    let own = Arc::clone(&is_waiting);
    support::say(&format!("joins {}", line!() + 1));
    let joins = tokio::spawn(async move {
        let mut ends = pin!(ends);
        poll_fn(|cx| {
            let polled = ends.as_mut().poll(cx);
            own.store(1, Ordering::Release);
            polled
        })
        .await
        .unwrap();
    });
    while is_waiting.load(Ordering::Acquire) == 0 {
        tokio::task::yield_now().await;
    }
    go.send(()).unwrap();
    joins.await.unwrap();
}

fn check_joined(test: &str, by: &str, runtime: impl FnOnce() -> tokio::runtime::Runtime) {
    let ran = trace_of(test, by, || {
        runtime().block_on(async {
            // What a worker runs outside of tasks is known to be tokio's own once it has parked
            // in the reactor: the timer fires there.
            tokio::time::sleep(Duration::from_millis(1)).await;
            joined().await;
        });
    });
    let Some((trace, output)) = ran else { return };
    let task = |word| task_said(&trace, &output, FILE, word);
    let (ends, joins) = (task("ends "), task("joins "));
    let cause = |event: &EventRecord| match event {
        EventRecord::Wake(wake) if wake.task == joins => Some((cause_kind::UNKNOWN, 0)),
        EventRecord::WakeFrom(wake) if wake.task == joins => Some((wake.cause_kind, wake.cause_id)),
        _ => None,
    };
    let causes: Vec<_> = trace.all().filter_map(cause).collect();
    assert_eq!(causes, [(cause_kind::POLL, ends)]);
    // A worker's own loop runs on the blocking pool, and is no job.
    let jobs = trace.count(|event| matches!(event, EventRecord::JobSubmit(_)));
    assert_eq!(jobs, 0);
}

#[test]
fn the_end_of_a_task_wakes_who_joins_it_on_one_thread() {
    let test = "the_end_of_a_task_wakes_who_joins_it_on_one_thread";
    check_joined(test, "subscriber", || {
        Builder::new_current_thread().enable_time().build().unwrap()
    });
}

#[test]
fn the_end_of_a_task_wakes_who_joins_it_on_a_worker() {
    let test = "the_end_of_a_task_wakes_who_joins_it_on_a_worker";
    check_joined(test, "layer", || {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().unwrap()
    });
}

/// tokio tells nothing of what these wait on; of who ends the wait it does.
#[test]
fn who_ends_a_wait_of_no_known_resource_is_told() {
    let test = "who_ends_a_wait_of_no_known_resource_is_told";
    let ran = trace_of(test, "subscriber", || {
        use tokio::sync::{broadcast, mpsc, watch, Notify};
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let notify = Arc::new(Notify::new());
            let (watched, mut watching) = watch::channel(0);
            let (said_to_all, mut heard) = broadcast::channel(1);
            let (sent, mut received) = mpsc::unbounded_channel();
            let own = Arc::clone(&notify);
            support::say(&format!("waits {}", line!() + 1));
            let waits = tokio::spawn(async move {
                own.notified().await;
                watching.changed().await.unwrap();
                heard.recv().await.unwrap();
                received.recv().await.unwrap();
            });
            support::say(&format!("gives {}", line!() + 1));
            let gives = tokio::spawn(async move {
                // The other one runs in between, to its next wait.
                notify.notify_one();
                tokio::task::yield_now().await;
                watched.send(1).unwrap();
                tokio::task::yield_now().await;
                said_to_all.send(2).unwrap();
                tokio::task::yield_now().await;
                sent.send(3).unwrap();
            });
            gives.await.unwrap();
            waits.await.unwrap();
        });
    });
    let Some((trace, output)) = ran else { return };
    let task = |word| task_said(&trace, &output, FILE, word);
    let (waits, gives) = (task("waits "), task("gives "));
    let (mut open, mut wakers) = (Vec::new(), Vec::new());
    for event in trace.all() {
        match event {
            EventRecord::PollStart(start) => open.push(start.task),
            EventRecord::PollEnd(_) => drop(open.pop()),
            EventRecord::Wake(wake) if wake.task == waits => wakers.push(open.last().copied()),
            EventRecord::WakeFrom(wake) if wake.task == waits => {
                panic!("another cause than the poll: {wake:?}")
            }
            _ => {}
        }
    }
    assert_eq!(wakers, [Some(gives); 4]);
}

#[test]
fn timers_are_set_waited_for_fired_and_cancelled() {
    const SLEEPS: usize = 20;
    let test = "timers_are_set_waited_for_fired_and_cancelled";
    let ran = trace_of(test, "subscriber", || {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let sleeper = tokio::spawn(async {
                for _ in 0..SLEEPS {
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
                support::say(&format!("line {}", line!() - 2));
                let never = tokio::sync::oneshot::channel::<u64>();
                let patience = Duration::from_secs(60);
                let long = tokio::time::timeout(patience, never.1);
                let short = tokio::time::timeout(Duration::from_millis(3), long);
                short.await.unwrap_err();
                drop(never.0);
            });
            sleeper.await.unwrap();
            let mut interval = tokio::time::interval(Duration::from_millis(2));
            for _ in 0..4 {
                interval.tick().await;
            }
        });
    });
    let Some((trace, output)) = ran else { return };
    let line: u64 = output
        .lines()
        .find_map(|line| line.strip_prefix("line "))
        .and_then(|line| line.parse().ok())
        .unwrap();
    let (mut set, mut fired, mut cancelled, mut woken) = (vec![], vec![], vec![], vec![]);
    for event in trace.all() {
        match event {
            EventRecord::TimerSet(e) => set.push(e.timer),
            EventRecord::TimerFire(e) => fired.push(e.timer),
            EventRecord::TimerCancel(e) => cancelled.push(e.timer),
            EventRecord::WakeFrom(e) if e.cause_kind == cause_kind::TIMER => woken.push(e.cause_id),
            _ => {}
        }
    }
    // The sleeps, one more, and the ticks of the interval; its next is cancelled, and a time-out.
    assert_eq!(fired.len(), SLEEPS + 1 + 4, "{fired:?}");
    assert_eq!(set.len(), fired.len() + cancelled.len());
    assert_eq!(cancelled.len(), 1, "{cancelled:?}");
    for timer in &woken {
        assert!(fired.contains(timer));
    }
    assert!(woken.len() >= SLEEPS, "{woken:?}");
    let waits_there = |timer: &&u64| waits_on(&trace, cause_kind::TIMER, **timer).contains(&line);
    assert_eq!(set.iter().filter(waits_there).count(), SLEEPS);
    let timers = |hello: &wakeline_wire::payload::Hello| {
        let capability = hello.capabilities.iter().find(|each| each.name == "timers");
        capability.map(|each| each.visibility)
    };
    let last = trace.hellos.last().unwrap();
    assert_eq!(timers(last), Some(visibility::INFERRED));
}

#[test]
fn blocking_closures_and_files_are_jobs() {
    let test = "blocking_closures_and_files_are_jobs";
    let ran = trace_of(test, "subscriber", || {
        let folder = support::Folder::new();
        let file = folder.0.join("file");
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let own = tokio::task::spawn_blocking(|| 7);
            support::say(&format!("line {}", line!() - 1));
            assert_eq!(own.await.unwrap(), 7);
            let panicked = tokio::task::spawn_blocking(|| panic!("on purpose"));
            panicked.await.unwrap_err();
            tokio::fs::write(&file, b"twelve bytes").await.unwrap();
            assert_eq!(tokio::fs::read(&file).await.unwrap().len(), 12);
            tokio::fs::metadata(&file).await.unwrap();
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut open = tokio::fs::File::create(&file).await.unwrap();
            open.write_all(b"more").await.unwrap();
            open.flush().await.unwrap();
            let mut open = tokio::fs::File::open(&file).await.unwrap();
            let mut text = String::new();
            open.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "more");
        });
    });
    let Some((trace, output)) = ran else { return };
    let mut kinds: HashMap<u64, usize> = HashMap::new();
    let mut submitted = HashMap::new();
    for event in trace.all() {
        if let EventRecord::JobSubmit(e) = event {
            assert_ne!(e.task, 0, "the root submits it");
            submitted.insert(e.job, (e.job_kind, e.site));
            *kinds.entry(e.job_kind).or_default() += 1;
        }
    }
    assert_eq!(kinds.get(&job_kind::OTHER), Some(&2), "{kinds:?}");
    assert_eq!(kinds.get(&job_kind::FILE_WRITE), Some(&2), "{kinds:?}");
    assert!(kinds.get(&job_kind::FILE_READ) >= Some(&2), "{kinds:?}");
    assert_eq!(kinds.get(&job_kind::FILE_OTHER), Some(&3), "{kinds:?}");
    let (mut started, mut ended) = (Vec::new(), HashMap::new());
    for event in trace.all() {
        match event {
            EventRecord::JobStart(e) => started.push(e.job),
            EventRecord::JobEnd(e) => assert!(ended.insert(e.job, e.outcome).is_none()),
            _ => {}
        }
    }
    assert_eq!(started.len(), submitted.len());
    let outcomes = |outcome: u64| ended.values().filter(|each| **each == outcome).count();
    assert_eq!(outcomes(end_outcome::PANICKED), 1);
    assert_eq!(outcomes(end_outcome::COMPLETED), submitted.len() - 1);
    let line: u64 = output
        .lines()
        .find_map(|line| line.strip_prefix("line "))
        .and_then(|line| line.parse().ok())
        .unwrap();
    let own_site = |record: &DictionaryRecord| match record {
        DictionaryRecord::Site(site) if site.line == line => Some(site.id),
        _ => None,
    };
    let own_site = trace.dictionary.iter().find_map(own_site).unwrap();
    let own = (job_kind::OTHER, own_site);
    assert_eq!(submitted.values().filter(|each| **each == own).count(), 1);
}

#[test]
fn what_is_wrapped_is_recorded_once() {
    let test = "what_is_wrapped_is_recorded_once";
    let ran = trace_of(test, "subscriber", || {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let polls = Arc::new(AtomicU64::new(0));
        let own = Arc::clone(&polls);
        runtime.block_on(wakeline::tokio::root(async {
            let wrapped = wakeline::spawn(counted(own, async {
                for _ in 0..30 {
                    tokio::task::yield_now().await;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }));
            let job = wakeline::spawn_blocking(|| tokio::runtime::Handle::current());
            wrapped.await.unwrap();
            job.await.unwrap();
            // Spawned after it by tokio itself, and not by the root.
            tokio::spawn(async {}).await.unwrap();
        }));
        support::say(&format!("polls {}", polls.load(Ordering::Relaxed)));
    });
    let Some((trace, output)) = ran else { return };
    assert_eq!(kinds(&trace, &[task_kind::ROOT_UNHEARD]), []);
    assert_eq!(kinds(&trace, &[task_kind::ROOT]).len(), 1);
    let tasks = kinds(&trace, &[task_kind::TASK]);
    assert_eq!(tasks.len(), 2, "the wrapped one and tokio's own");
    let spawns = trace.count(|event| matches!(event, EventRecord::TaskSpawn(_)));
    assert_eq!(spawns, 3);
    let polls: usize = output
        .lines()
        .find_map(|line| line.strip_prefix("polls "))
        .and_then(|line| line.parse().ok())
        .unwrap();
    let of = |task: u64| {
        trace.count(|event| matches!(event, EventRecord::PollStart(e) if e.task == task))
    };
    assert!(tasks.iter().any(|task| of(*task) == polls));
    assert_eq!(tasks.iter().map(|task| of(*task)).sum::<usize>(), polls + 1);
    let jobs = trace.count(|event| matches!(event, EventRecord::JobSubmit(_)));
    assert_eq!(jobs, 1);
    let waits = trace.count(
        |event| matches!(event, EventRecord::WaitStart(e) if e.on_kind == cause_kind::TIMER),
    );
    assert_eq!(waits, 1, "a wrapped task waits for its timer");
}
