//! Tasks and jobs on tokio: what the trace says is what the program counted itself.

mod support;

use std::collections::HashMap;
use std::future::{pending, poll_fn, Future};
use std::pin::{pin, Pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use support::{child, connected, finish, role, Collector, Trace};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{yield_now, LocalSet};
use wakeline_wire::{
    cause_kind, end_outcome, park_kind, thread_role, wake_effect, DictionaryRecord, EventRecord,
};

/// Runs `program` in a child of this test with a collector, and gives the trace and what the
/// child has [`support::say`]d.
fn trace_of(test: &str, program: impl FnOnce()) -> Option<(Trace, String)> {
    if role().is_some() {
        assert!(wakeline::init().is_active());
        program();
        return None;
    }
    let collector = Collector::start();
    let command = child(test, "program");
    let output = finish(connected(command, &collector).spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    let end = trace.end.as_ref().expect("the stream is closed on purpose");
    assert!(end.threads.iter().all(|thread| thread.dropped == 0));
    Some((trace, String::from_utf8(output.stdout).unwrap()))
}

/// The tasks of this name: the value of the type's or the given name.
fn named(trace: &Trace, name: &str) -> Vec<u64> {
    let is_named = |record: &&DictionaryRecord| matches!(record, DictionaryRecord::Task(task) if trace.text(task.name) == name);
    let id = |record: &DictionaryRecord| match record {
        DictionaryRecord::Task(task) => task.id,
        _ => 0,
    };
    trace.dictionary.iter().filter(is_named).map(id).collect()
}

/// Polls of each task; every one after the first must have a wake that asked for it.
fn polls_with_wakes(trace: &Trace) -> HashMap<u64, u64> {
    let mut polls: HashMap<u64, u64> = HashMap::new();
    let mut asked: HashMap<u64, Vec<(u64, u64)>> = HashMap::new();
    for event in trace.all() {
        match event {
            EventRecord::PollStart(start) => *polls.entry(start.task).or_default() += 1,
            EventRecord::Wake(wake) => {
                asked
                    .entry(wake.task)
                    .or_default()
                    .push((wake.epoch, wake.epoch));
            }
            EventRecord::WakeFrom(wake) => {
                asked
                    .entry(wake.task)
                    .or_default()
                    .push((wake.epoch, wake.epoch_after));
            }
            _ => {}
        }
    }
    for (task, count) in &polls {
        let wakes = asked.get(task).map_or(&[][..], Vec::as_slice);
        for epoch in 1..*count {
            let is_asked = wakes
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&epoch));
            assert!(is_asked, "poll {} of task {task} has no wake", epoch + 1);
        }
    }
    polls
}

fn ends(trace: &Trace) -> HashMap<u64, (u64, u64, u64)> {
    let end = |event: &EventRecord| match event {
        EventRecord::TaskEnd(end) => Some((end.task, (end.outcome, end.by_kind, end.by_id))),
        _ => None,
    };
    trace.all().filter_map(end).collect()
}

async fn counted<F: Future>(polls: Arc<AtomicU64>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.fetch_add(1, Ordering::Relaxed);
        future.as_mut().poll(cx)
    })
    .await
}

#[test]
fn two_workers_poll_as_often_as_the_tasks_count() {
    const TASKS: u64 = 60;
    const ROUNDS: u64 = 200;
    let trace = trace_of("two_workers_poll_as_often_as_the_tasks_count", || {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let counts = runtime.block_on(wakeline::tokio::root(async {
            let mut tasks = Vec::new();
            for number in 0..TASKS {
                let polls = Arc::new(AtomicU64::new(0));
                let (sender, mut receiver) = mpsc::channel::<u64>(1);
                let work = async move {
                    for _ in 0..ROUNDS {
                        yield_now().await;
                        receiver.recv().await;
                    }
                };
                let name = format!("worker {number}");
                let task = wakeline::task::Builder::new()
                    .name(&name)
                    .spawn(counted(Arc::clone(&polls), work))
                    .unwrap();
                wakeline::spawn(async move {
                    for round in 0..ROUNDS {
                        sender.send(round).await.unwrap();
                    }
                });
                tasks.push((task, polls));
            }
            let mut counts = Vec::new();
            for (task, polls) in tasks {
                task.await.unwrap();
                counts.push(polls.load(Ordering::Relaxed).to_string());
            }
            counts
        }));
        support::say(&format!("counts {}", counts.join(" ")));
        drop(runtime);
    });
    let Some((trace, said)) = trace else { return };
    assert_eq!(trace.hellos.last().unwrap().tier, "tokio stable");
    assert_eq!(trace.broken_watermarks, []);
    let counts = said.lines().find_map(|line| line.strip_prefix("counts "));
    let counts: Vec<u64> = counts
        .unwrap()
        .split(' ')
        .map(|each| each.parse().unwrap())
        .collect();
    assert_eq!(counts.len() as u64, TASKS);
    let polls = polls_with_wakes(&trace);
    for (number, count) in counts.iter().enumerate() {
        let tasks = named(&trace, &format!("worker {number}"));
        assert_eq!(tasks.len(), 1);
        assert_eq!(polls[&tasks[0]], *count, "worker {number}");
        // Each round yields once, and waits for its message at most once.
        assert!((ROUNDS + 1..=2 * ROUNDS + 1).contains(count), "{count}");
    }
    let ended = ends(&trace);
    assert_eq!(ended.len() as u64, 2 * TASKS + 1, "the root too");
    assert!(ended
        .values()
        .all(|end| *end == (end_outcome::COMPLETED, 0, 0)));
}

#[test]
fn ends_tell_how_and_by_whom() {
    let trace = trace_of("ends_tell_how_and_by_whom", || {
        std::panic::set_hook(Box::new(|_| {}));
        let runtime = Builder::new_current_thread().build().unwrap();
        let task = wakeline::task::Builder::new();
        runtime.block_on(wakeline::tokio::root(async {
            let panics = task
                .name("panics")
                .spawn(async { panic!("on purpose") })
                .unwrap();
            assert!(panics.await.unwrap_err().is_panic());

            let aborted = task.name("aborted").spawn(pending::<()>()).unwrap();
            yield_now().await;
            aborted.abort();
            assert!(aborted.await.unwrap_err().is_cancelled());

            let dropper = task
                .name("dropper")
                .spawn(async {
                    let mut inner = Box::pin(
                        wakeline::task::Builder::new()
                            .name("dropped")
                            .traced(pending::<()>()),
                    );
                    poll_fn(|cx| Poll::Ready(inner.as_mut().poll(cx).is_pending())).await
                })
                .unwrap();
            assert!(dropper.await.unwrap());
            task.name("at shutdown").spawn(pending::<()>()).unwrap();
            yield_now().await;
        }));
    });
    let Some((trace, _)) = trace else { return };
    let ended = ends(&trace);
    let end_of = |name: &str| {
        let tasks = named(&trace, name);
        assert_eq!(tasks.len(), 1, "{name}");
        ended[&tasks[0]]
    };
    let cancelled = end_outcome::CANCELLED;
    assert_eq!(end_of("panics"), (end_outcome::PANICKED, 0, 0));
    // tokio drops these in its scheduler and at its shutdown: by whom is tested elsewhere.
    assert_eq!(end_of("aborted").0, cancelled);
    assert_eq!(end_of("at shutdown").0, cancelled);
    let dropper = named(&trace, "dropper")[0];
    assert_eq!(end_of("dropped"), (cancelled, cause_kind::POLL, dropper));
    assert_eq!(end_of("dropper"), (end_outcome::COMPLETED, 0, 0));
}

#[test]
fn several_runtimes_and_a_local_set_share_one_trace() {
    const THREADS: u64 = 3;
    let test = "several_runtimes_and_a_local_set_share_one_trace";
    let trace = trace_of(test, || {
        let runtime = || Builder::new_current_thread().build().unwrap();
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                std::thread::spawn(move || {
                    let local = LocalSet::new();
                    local.block_on(&runtime(), async move {
                        let (sender, receiver) = oneshot::channel();
                        let name = format!("local {number}");
                        let builder = wakeline::task::Builder::new();
                        let task = builder
                            .name(&name)
                            .spawn_local(async { receiver.await.unwrap() })
                            .unwrap();
                        yield_now().await;
                        wakeline::spawn(async move { sender.send(7).unwrap() });
                        assert_eq!(task.await.unwrap(), 7);
                    });
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
    let Some((trace, _)) = trace else { return };
    let polls = polls_with_wakes(&trace);
    for number in 0..THREADS {
        assert_eq!(polls[&named(&trace, &format!("local {number}"))[0]], 2);
    }
    // The wake by the sender is made inside its poll, so nothing else need be told of it.
    let plain = trace.count(|event| matches!(event, EventRecord::Wake(_)));
    assert!(plain as u64 >= THREADS);
    assert_eq!(ends(&trace).len() as u64, 2 * THREADS);
}

/// On the one thread of a runtime a task runs when the task that spawned it waits: only
/// then does the job go on, so that its end finds a waker.
fn send_later(go: std::sync::mpsc::Sender<()>) {
    drop(tokio::spawn(async move { go.send(()).unwrap() }));
}

#[test]
fn blocking_jobs_are_submitted_run_and_wake() {
    let trace = trace_of("blocking_jobs_are_submitted_run_and_wake", || {
        std::panic::set_hook(Box::new(|_| {}));
        let mut builder = Builder::new_current_thread();
        let runtime = builder.max_blocking_threads(1).build().unwrap();
        runtime.block_on(wakeline::tokio::root(async {
            let (go, wait) = std::sync::mpsc::channel::<()>();
            let job = wakeline::spawn_blocking(move || wait.recv().is_ok());
            send_later(go);
            assert!(job.await.unwrap());

            let (go, wait) = std::sync::mpsc::channel::<()>();
            let panics = wakeline::spawn_blocking(move || panic!("on purpose {:?}", wait.recv()));
            send_later(go);
            assert!(panics.await.unwrap_err().is_panic());

            // The one thread is held by the first of these, so the second stays queued.
            let (go, wait) = std::sync::mpsc::channel::<()>();
            let holds = wakeline::spawn_blocking(move || wait.recv().is_ok());
            let queued = wakeline::spawn_blocking(|| ());
            queued.abort();
            send_later(go);
            assert!(holds.await.unwrap());
            assert!(queued.await.unwrap_err().is_cancelled());
        }));
    });
    let Some((trace, _)) = trace else { return };
    let root = trace.all().find_map(|event| match event {
        EventRecord::TaskSpawn(spawn) => Some(spawn.task),
        _ => None,
    });
    let submitted: Vec<(u64, u64, u64)> = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::JobSubmit(submit) => Some((submit.job, submit.task, submit.site)),
            _ => None,
        })
        .collect();
    assert_eq!(submitted.len(), 4);
    assert!(submitted
        .iter()
        .all(|(_, task, site)| Some(*task) == root && *site != 0));
    let outcomes: HashMap<u64, u64> = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::JobEnd(end) => Some((end.job, end.outcome)),
            _ => None,
        })
        .collect();
    let in_order: Vec<u64> = submitted.iter().map(|(job, ..)| outcomes[job]).collect();
    assert_eq!(
        in_order,
        [
            end_outcome::COMPLETED,
            end_outcome::PANICKED,
            end_outcome::COMPLETED,
            end_outcome::CANCELLED
        ]
    );
    // The jobs that ran woke the task that awaited them, and say so.
    let by_job: Vec<u64> = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::WakeFrom(wake) if wake.cause_kind == cause_kind::JOB => {
                Some(wake.cause_id)
            }
            _ => None,
        })
        .collect();
    let ran = [submitted[0].0, submitted[1].0, submitted[2].0];
    assert_eq!(by_job, ran);
    let pool = trace.dictionary.iter().filter(
        |record| matches!(record, DictionaryRecord::Thread(thread) if thread.role == thread_role::POOL),
    );
    assert_eq!(pool.count(), 1);
}

/// An executor that keeps a task alive by nothing but its wakers, as some do for tasks
/// whose handle was dropped.
struct Kept {
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
}

impl Wake for Kept {
    fn wake(self: Arc<Self>) {
        self.run();
    }
}

impl Kept {
    fn run(self: &Arc<Self>) {
        let waker = Waker::from(Arc::clone(self));
        let mut slot = self.future.lock().unwrap();
        if let Some(future) = slot.as_mut() {
            if future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
            {
                *slot = None;
            }
        }
    }
}

#[test]
fn a_task_that_nothing_can_wake_is_forgotten_as_without_us() {
    let test = "a_task_that_nothing_can_wake_is_forgotten_as_without_us";
    let trace = trace_of(test, || {
        let builder = wakeline::task::Builder::new();
        // It wakes itself in its first poll by a clone that is gone when the poll is over.
        let forgotten = builder.name("forgotten").traced(pending::<()>());
        let task = Arc::new(Kept {
            future: Mutex::new(Some(Box::pin(forgotten))),
        });
        let weak = Arc::downgrade(&task);
        task.run();
        drop(task);
        assert!(weak.upgrade().is_none(), "the probe keeps the task alive");

        // One that can be woken lives as long as its waker does, and no longer.
        let (sender, receiver) = oneshot::channel::<()>();
        let woken = builder
            .name("woken")
            .traced(async { receiver.await.unwrap() });
        let task = Arc::new(Kept {
            future: Mutex::new(Some(Box::pin(woken))),
        });
        let weak = Arc::downgrade(&task);
        task.run();
        drop(task);
        assert!(weak.upgrade().is_some());
        let _ = std::thread::spawn(move || sender.send(())).join();
        assert!(
            weak.upgrade().is_none(),
            "the probe keeps the ended task alive"
        );
    });
    let Some((trace, _)) = trace else { return };
    let ended = ends(&trace);
    assert_eq!(
        ended[&named(&trace, "forgotten")[0]].0,
        end_outcome::CANCELLED
    );
    assert_eq!(ended[&named(&trace, "woken")[0]].0, end_outcome::COMPLETED);
}

#[test]
fn a_wake_after_the_end_is_told_as_such_and_a_waker_may_outlive_its_task() {
    let test = "a_wake_after_the_end_is_told_as_such_and_a_waker_may_outlive_its_task";
    let trace = trace_of(test, || {
        let runtime = Builder::new_current_thread().build().unwrap();
        let waker = runtime.block_on(async {
            wakeline::spawn(poll_fn(|cx| Poll::Ready(cx.waker().clone())))
                .await
                .unwrap()
        });
        drop(runtime);
        waker.wake_by_ref();
        std::thread::spawn(move || waker.wake()).join().unwrap();
    });
    let Some((trace, _)) = trace else { return };
    let late = trace.count(
        |event| matches!(event, EventRecord::Wake(wake) if wake.effect == wake_effect::AFTER_COMPLETION),
    );
    assert_eq!(late, 2);
}

#[test]
fn without_a_recording_nothing_is_wrapped() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let debug = format!("{:?}", wakeline::traced(pending::<()>()));
    assert_eq!(debug, "Traced { task: None }");
    let sum = runtime.block_on(wakeline::tokio::root(async {
        let task = wakeline::spawn(async { 1 });
        let job = wakeline::spawn_blocking(|| 2);
        task.await.unwrap() + job.await.unwrap()
    }));
    assert_eq!(sum, 3);
}

#[test]
fn an_instrumented_runtime_tells_of_its_threads_and_their_parks() {
    let test = "an_instrumented_runtime_tells_of_its_threads_and_their_parks";
    let trace = trace_of(test, || {
        let mut builder = Builder::new_multi_thread();
        builder
            .worker_threads(3)
            .max_blocking_threads(7)
            .enable_all();
        let runtime = wakeline::tokio::instrument(&mut builder, "three workers");
        let runtime = runtime.build().unwrap();
        runtime.block_on(async {
            for _ in 0..20 {
                let tasks: Vec<_> = (0..6).map(|_| wakeline::spawn(yield_now())).collect();
                for task in tasks {
                    task.await.unwrap();
                }
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        });
    });
    let Some((trace, _)) = trace else { return };
    assert_eq!(trace.broken_watermarks, []);
    polls_with_wakes(&trace);
    let runtime = trace.dictionary.iter().find_map(|record| match record {
        DictionaryRecord::Runtime(runtime) => Some(*runtime),
        _ => None,
    });
    let runtime = runtime.expect("a runtime");
    assert_eq!(trace.text(runtime.name), "three workers");
    assert_eq!(runtime.pool_limit, 7);
    let workers: std::collections::HashSet<u64> = trace
        .dictionary
        .iter()
        .filter_map(|record| match record {
            DictionaryRecord::Thread(thread) if thread.role == thread_role::WORKER => {
                assert_eq!(thread.runtime, runtime.id);
                Some(thread.id)
            }
            _ => None,
        })
        .collect();
    assert_eq!(workers.len(), 3);
    // On each thread parks and unparks take turns and are of one kind; some are on the lock,
    // because one thread at a time has the reactor.
    let mut on_lock = 0;
    for events in trace.events.values() {
        let mut open = None;
        for event in events {
            match &event.event {
                EventRecord::Park(park) => assert_eq!(open.replace(park.park_kind), None),
                EventRecord::Unpark(unpark) => {
                    assert_eq!(open.take(), Some(unpark.park_kind));
                    on_lock += u64::from(unpark.park_kind == park_kind::CONDVAR);
                }
                EventRecord::PollStart(_) => assert_eq!(open, None, "a poll while parked"),
                _ => {}
            }
        }
    }
    // That another thread has it is seen from below.
    assert!(on_lock > 0 || cfg!(not(wakeline_reactor)));
}

#[test]
fn a_spawn_outside_of_a_runtime_panics_at_the_line_of_the_caller() {
    fn file_of_panic(spawn: impl FnOnce() + std::panic::UnwindSafe) -> String {
        static FILE: std::sync::Mutex<String> = std::sync::Mutex::new(String::new());
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().unwrap();
            *FILE.lock().unwrap() = location.file().to_owned();
        }));
        let result = std::panic::catch_unwind(spawn);
        std::panic::set_hook(before);
        assert!(result.is_err());
        FILE.lock().unwrap().clone()
    }
    // In a child, because the hook is the process's.
    if role().is_some() {
        assert_eq!(file_of_panic(|| drop(wakeline::spawn(async {}))), file!());
        assert_eq!(
            file_of_panic(|| drop(wakeline::spawn_local(async {}))),
            file!()
        );
        assert_eq!(
            file_of_panic(|| drop(wakeline::spawn_blocking(|| ()))),
            file!()
        );
        assert_eq!(
            file_of_panic(|| drop(wakeline::JoinSet::new().spawn(async {}))),
            file!()
        );
        return;
    }
    let test = "a_spawn_outside_of_a_runtime_panics_at_the_line_of_the_caller";
    let output = finish(child(test, "panics").spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
}
