//! Polls that take long: what a watchdog sees of them, and that the program does not notice.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

mod support;

use std::collections::{HashMap, HashSet};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use support::{child, connected, finish, role, wait_for_go, Collector, Trace};
use tokio::runtime::Builder;
use wakeline_wire::stream::{Item, StreamDecoder, TimedEvent};
use wakeline_wire::{poll_outcome, visibility, DictionaryRecord, EventRecord, PollSample};

/// Long enough for several looks, also on a machine that is busy.
const LONG: Duration = Duration::from_millis(150);
/// The threshold, unless told otherwise.
const THRESHOLD_NS: u64 = 10_000_000;

/// Runs `program` in a child of this test, of this executable, and gives the trace. The child
/// ends when stacks of as many tasks have come: naming the first takes its time in a debug build.
fn trace_of(test: &str, tasks: usize, program: impl FnOnce()) -> Option<Trace> {
    let executable = std::env::current_exe().unwrap();
    trace_of_executable(&executable, test, tasks, program)
}

fn trace_of_executable(
    executable: &Path,
    test: &str,
    tasks: usize,
    program: impl FnOnce(),
) -> Option<Trace> {
    if role().is_some() {
        assert!(wakeline::init().is_active());
        program();
        wait_for_go();
        return None;
    }
    let collector = Collector::start();
    let like_it = child(test, "program");
    let mut command = Command::new(executable);
    command.args(like_it.get_args());
    for (name, value) in like_it.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let program = connected(command, &collector).spawn().unwrap();
    collector.wait_until("stacks", |connections| {
        let mut with_stack = HashSet::new();
        let mut decoder = StreamDecoder::new();
        let each = |item| {
            if let Item::Chunk { events, .. } = item {
                let task = |event: &TimedEvent| match &event.event {
                    EventRecord::PollSample(sample) if sample.stack != 0 => Some(sample.task),
                    _ => None,
                };
                with_stack.extend(events.iter().filter_map(task));
            }
        };
        decoder.push(&connections.concat(), each).unwrap();
        with_stack.len() >= tasks
    });
    std::fs::write(collector.go_file(), "").unwrap();
    let output = finish(program);
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    assert!(trace.end.is_some(), "the stream is closed on purpose");
    Some(trace)
}

fn current_thread() -> tokio::runtime::Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Computes for that much processor time: on a busy machine it takes longer.
#[inline(never)]
fn compute(time: Duration) {
    let used = || {
        let mut now = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: the pointer is to a timespec of ours.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut now) };
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    };
    let end = used() + time;
    while used() < end {
        for turn in 0..100_000 {
            black_box(turn);
        }
    }
}

#[inline(never)]
async fn handle_by_computing() {
    compute(LONG);
}

const SLEEP_LINE: u32 = line!() + 4;

#[inline(never)]
async fn handle_by_sleeping() {
    std::thread::sleep(LONG);
}

/// One name for the task, one for what it does.
async fn both() {
    let compute = wakeline::task::Builder::new().name("computing");
    let sleep = wakeline::task::Builder::new().name("sleeping");
    compute.spawn(handle_by_computing()).unwrap().await.unwrap();
    sleep.spawn(handle_by_sleeping()).unwrap().await.unwrap();
}

/// A stack's frames: function, file and line, innermost first.
fn frames(trace: &Trace, stack: u64) -> Vec<(String, String, u64)> {
    let sites = trace.dictionary.iter().find_map(|record| match record {
        DictionaryRecord::Stack(known) if known.id == stack => Some(&known.sites),
        _ => None,
    });
    let place = |id: &u64| {
        let site = trace.dictionary.iter().find_map(|record| match record {
            DictionaryRecord::Site(site) if site.id == *id => Some(site),
            _ => None,
        });
        let site = site.expect("the sites of a stack are known");
        let function = trace.text(site.function).to_owned();
        (function, trace.text(site.file).to_owned(), site.line)
    };
    let sites = sites.expect("the stack of an event is known");
    sites.iter().map(place).collect()
}

fn samples(trace: &Trace) -> Vec<PollSample> {
    let sample = |event: &EventRecord| match event {
        EventRecord::PollSample(sample) => Some(*sample),
        _ => None,
    };
    trace.all().filter_map(sample).collect()
}

/// The samples of the tasks of this name.
fn samples_of(trace: &Trace, name: &str) -> Vec<PollSample> {
    let tasks: Vec<u64> = trace
        .dictionary
        .iter()
        .filter_map(|record| match record {
            DictionaryRecord::Task(task) if trace.text(task.name) == name => Some(task.id),
            _ => None,
        })
        .collect();
    assert!(!tasks.is_empty(), "there is no task {name}");
    let mut samples = samples(trace);
    samples.retain(|sample| tasks.contains(&sample.task));
    samples.sort_by_key(|sample| sample.wall_ns);
    samples
}

/// Length in ticks and outcome of each poll, by task and epoch.
fn polls(trace: &Trace) -> HashMap<(u64, u64), (u64, u64)> {
    let mut polls = HashMap::new();
    for events in trace.events.values() {
        let mut open = Vec::new();
        for timed in events {
            match &timed.event {
                EventRecord::PollStart(start) => open.push((start.task, start.epoch, timed.tick)),
                EventRecord::PollEnd(end) => {
                    let (task, epoch, start) = open.pop().unwrap();
                    polls.insert((task, epoch), (timed.tick - start, end.outcome));
                }
                _ => {}
            }
        }
    }
    polls
}

/// What must hold of every sample: it lies inside its poll.
fn check_samples(trace: &Trace) {
    let polls = polls(trace);
    let rate = trace.hellos[0].tick_rate;
    for sample in samples(trace) {
        let (ticks, _) = polls[&(sample.task, sample.epoch)];
        let poll_ns = (u128::from(ticks) * 1_000_000_000 / u128::from(rate)) as u64;
        assert!(sample.wall_ns >= THRESHOLD_NS, "{sample:?}");
        assert!(sample.wall_ns <= poll_ns + 1, "{sample:?} of {poll_ns} ns");
        assert!(sample.watched_ns <= sample.wall_ns, "{sample:?}");
        assert!(sample.cpu_ns <= sample.watched_ns, "{sample:?}");
    }
}

fn has(frames: &[(String, String, u64)], function: &str) -> bool {
    frames.iter().any(|(name, ..)| name.contains(function))
}

fn check_both(trace: &Trace) {
    check_samples(trace);
    let computing = samples_of(trace, "computing");
    let with_stack: Vec<_> = computing.iter().filter(|s| s.stack != 0).collect();
    assert!(!with_stack.is_empty(), "{computing:?}");
    for sample in &with_stack {
        let frames = frames(trace, sample.stack);
        assert!(has(&frames, "long_polls::compute"), "{frames:#?}");
        assert!(has(&frames, "long_polls::handle_by_computing"));
    }
    let last = computing.last().unwrap();
    assert_eq!(last.stack, 0, "the poll's own thread tells its end");
    // Whatever else the machine does: of what the poll used, all but what it had used when
    // it was first seen is counted.
    assert!(last.cpu_ns > LONG.as_nanos() as u64 / 2, "{last:?}");

    let sleeping = samples_of(trace, "sleeping");
    let with_stack: Vec<_> = sleeping.iter().filter(|s| s.stack != 0).collect();
    assert!(!with_stack.is_empty(), "{sleeping:?}");
    for sample in &with_stack {
        let frames = frames(trace, sample.stack);
        let own = frames
            .iter()
            .position(|(name, ..)| name.contains("long_polls::handle_by_sleeping"))
            .unwrap_or_else(|| panic!("{frames:#?}"));
        let (called, ..) = &frames[own - 1];
        assert!(called.starts_with("std::thread::") && called.ends_with("::sleep"));
        let (_, file, line) = &frames[own];
        assert!(file.ends_with("probe/tests/long_polls.rs"), "{file}");
        assert_eq!(*line, u64::from(SLEEP_LINE));
    }
    let last = sleeping.last().unwrap();
    assert!(last.watched_ns > LONG.as_nanos() as u64 / 2, "{last:?}");
    assert!(last.cpu_ns < last.watched_ns / 4, "{last:?}");
}

/// Frames of the executor are no part of a poll.
fn check_folded(trace: &Trace, outside: &str) {
    for sample in samples(trace).iter().filter(|sample| sample.stack != 0) {
        let frames = frames(trace, sample.stack);
        assert!(!has(&frames, outside), "{frames:#?}");
        assert!(!has(&frames, "wakeline::"), "{frames:#?}");
    }
}

#[test]
fn a_poll_that_computes_and_one_that_sleeps_on_tokio() {
    let test = "a_poll_that_computes_and_one_that_sleeps_on_tokio";
    let Some(trace) = trace_of(test, 2, || current_thread().block_on(both())) else {
        return;
    };
    check_both(&trace);
    check_folded(&trace, "tokio::runtime");
    let is_it = |capability: &&wakeline_wire::payload::Capability| capability.name == "pollSamples";
    let told = trace.hellos[0].capabilities.iter().find(is_it).unwrap();
    assert_eq!(told.visibility, visibility::RECORDED);
    assert!(told.note.contains("10 ms"), "{}", told.note);
}

#[test]
fn a_poll_that_computes_and_one_that_sleeps_on_the_executor() {
    let test = "a_poll_that_computes_and_one_that_sleeps_on_the_executor";
    let program = || {
        wakeline_executor::block_on(async {
            use wakeline_executor::spawn_named;
            spawn_named("computing", handle_by_computing())
                .await
                .unwrap();
            spawn_named("sleeping", handle_by_sleeping()).await.unwrap();
        });
    };
    let Some(trace) = trace_of(test, 2, program) else {
        return;
    };
    check_both(&trace);
    check_folded(&trace, "wakeline_executor::");
}

#[test]
fn short_polls_are_not_looked_at() {
    let program = || {
        current_thread().block_on(async {
            let end = Instant::now() + LONG;
            wakeline::spawn(async move {
                while Instant::now() < end {
                    tokio::task::yield_now().await;
                }
            })
            .await
            .unwrap();
        });
    };
    let Some(trace) = trace_of("short_polls_are_not_looked_at", 0, program) else {
        return;
    };
    // On a busy machine a poll may be long; what is told of it must be so.
    check_samples(&trace);
    assert!(polls(&trace).len() > 100);
    assert!(samples(&trace).len() < polls(&trace).len() / 10);
}

#[test]
fn a_threshold_of_zero_switches_it_off() {
    if role().is_some() {
        let mut config = wakeline::Config::from_env();
        config.long_poll_ms = Some(0);
        assert!(wakeline::init_with(config).unwrap().is_active());
        return current_thread().block_on(both());
    }
    let collector = Collector::start();
    let child = child("a_threshold_of_zero_switches_it_off", "program");
    let output = finish(connected(child, &collector).spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    assert_eq!(samples(&trace), []);
    let is_it = |capability: &&wakeline_wire::payload::Capability| capability.name == "pollSamples";
    let told = trace.hellos[0].capabilities.iter().find(is_it).unwrap();
    assert_eq!(told.visibility, visibility::NOT_RECORDED);
}

/// Polls that end while the signal flies: all but each thread's last are just above the
/// threshold.
#[test]
fn polls_of_500_threads_that_end_as_they_are_looked_at() {
    let program = || {
        let threads: Vec<_> = (0..500)
            .map(|_| {
                std::thread::Builder::new()
                    .stack_size(256 << 10)
                    .spawn(|| {
                        wakeline_executor::block_on(async {
                            for ms in [12, 11, 13, 200] {
                                let time = Duration::from_millis(ms);
                                let sleep = async move { std::thread::sleep(time) };
                                wakeline::traced(sleep).await;
                            }
                        });
                    })
                    .unwrap()
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    };
    let test = "polls_of_500_threads_that_end_as_they_are_looked_at";
    let Some(trace) = trace_of(test, 2, program) else {
        return;
    };
    check_samples(&trace);
    let samples = samples(&trace);
    let stacks: Vec<_> = samples.iter().filter(|s| s.stack != 0).collect();
    let mut asleep = 0;
    for sample in stacks {
        let frames = frames(&trace, sample.stack);
        // The rest of the time a poll may be long because threads wait for each other.
        if has(&frames, "std::thread::") && has(&frames, "::sleep") {
            assert!(has(&frames, "polls_of_500_threads"), "{frames:#?}");
            asleep += 1;
        }
    }
    assert!(asleep > 0);
}

#[test]
fn a_long_poll_that_panics_ends_as_one() {
    let program = || {
        current_thread().block_on(async {
            let task = wakeline::task::Builder::new().name("panicking");
            let ended = task
                .spawn(async {
                    compute(LONG);
                    panic!("on purpose");
                })
                .unwrap()
                .await;
            assert!(ended.unwrap_err().is_panic());
        });
    };
    let Some(trace) = trace_of("a_long_poll_that_panics_ends_as_one", 1, program) else {
        return;
    };
    check_samples(&trace);
    let last = samples_of(&trace, "panicking").pop().unwrap();
    assert_eq!(
        polls(&trace)[&(last.task, last.epoch)].1,
        poll_outcome::PANICKED
    );
}

#[test]
fn a_fork_in_a_long_poll_lives_on_in_both_processes() {
    let program = || {
        current_thread().block_on(async {
            let forking = async {
                compute(Duration::from_millis(30));
                // SAFETY: the child calls only what may be called after a fork.
                let pid = unsafe { libc::fork() };
                if pid == 0 {
                    compute(Duration::from_millis(30));
                    // SAFETY: as above.
                    unsafe { libc::_exit(7) };
                }
                compute(Duration::from_millis(60));
                let mut status = 0;
                // SAFETY: the child of this process, and a status of ours.
                assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
                assert_eq!(libc::WEXITSTATUS(status), 7);
            };
            wakeline::spawn(forking).await.unwrap();
        });
    };
    let test = "a_fork_in_a_long_poll_lives_on_in_both_processes";
    let Some(trace) = trace_of(test, 1, program) else {
        return;
    };
    check_samples(&trace);
    assert!(!samples(&trace).is_empty());
}

static CAUGHT: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_signal: libc::c_int) {
    CAUGHT.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn signals_that_the_program_handles_stay_its_own() {
    let program_signal = libc::SIGRTMAX();
    let handler: extern "C" fn(libc::c_int) = count;
    if role().is_some() {
        // SAFETY: the handler only adds to a number.
        unsafe { libc::signal(program_signal, handler as libc::sighandler_t) };
    }
    let program = || {
        current_thread().block_on(both());
        // SAFETY: the handler is installed.
        unsafe { libc::raise(program_signal) };
        assert_eq!(CAUGHT.load(Ordering::Relaxed), 1, "one signal, from here");
    };
    let test = "signals_that_the_program_handles_stay_its_own";
    let Some(trace) = trace_of(test, 2, program) else {
        return;
    };
    check_both(&trace);
}

/// The process stands for longer than the threshold, and its poll for less.
#[test]
fn a_stop_of_the_process_makes_no_long_poll() {
    const THRESHOLD_MS: u64 = 500;
    if role().is_some() {
        let mut config = wakeline::Config::from_env();
        config.long_poll_ms = Some(THRESHOLD_MS);
        assert!(wakeline::init_with(config).unwrap().is_active());
        return current_thread().block_on(async {
            let stopping = async {
                // SAFETY: it stops this process until the test lets it go on.
                unsafe { libc::raise(libc::SIGSTOP) };
                // Several rounds of the watchdog.
                std::thread::sleep(Duration::from_millis(THRESHOLD_MS / 2));
            };
            wakeline::spawn(stopping).await.unwrap();
        });
    }
    let collector = Collector::start();
    let child = child("a_stop_of_the_process_makes_no_long_poll", "program");
    let child = connected(child, &collector).spawn().unwrap();
    let mut status = 0;
    let pid = child.id() as libc::pid_t;
    // SAFETY: a child of this process, and a status of ours.
    let waited = unsafe { libc::waitpid(pid, &mut status, libc::WUNTRACED) };
    assert!(waited == pid && libc::WIFSTOPPED(status));
    std::thread::sleep(Duration::from_millis(3 * THRESHOLD_MS));
    // SAFETY: the child is not waited for to its end yet, so the id is its own.
    unsafe { libc::kill(pid, libc::SIGCONT) };
    assert!(finish(child).status.success());
    let trace = collector.trace();
    let rate = trace.hellos[0].tick_rate;
    let longest = polls(&trace).values().map(|(ticks, _)| *ticks).max();
    assert!(longest.unwrap() > 3 * rate * THRESHOLD_MS / 1000);
    assert_eq!(samples(&trace), []);
}

/// A copy of this program without some of its tables.
fn stripped(how: &str, folder: &support::Folder) -> std::path::PathBuf {
    let copy = folder.0.join("stripped");
    let made = Command::new("strip")
        .arg(how)
        .arg("-o")
        .arg(&copy)
        .arg(std::env::current_exe().unwrap())
        .status()
        .expect("strip is installed where programs are linked");
    assert!(made.success());
    copy
}

#[test]
fn without_debug_information_functions_are_known_by_symbols() {
    let folder = support::Folder::new();
    let program = || current_thread().block_on(both());
    let test = "without_debug_information_functions_are_known_by_symbols";
    let executable = match role() {
        Some(_) => std::env::current_exe().unwrap(),
        None => stripped("--strip-debug", &folder),
    };
    let Some(trace) = trace_of_executable(&executable, test, 2, program) else {
        return;
    };
    check_samples(&trace);
    let sleeping = samples_of(&trace, "sleeping");
    let sample = sleeping.iter().find(|sample| sample.stack != 0).unwrap();
    let frames = frames(&trace, sample.stack);
    let own = frames
        .iter()
        .find(|(name, ..)| name.contains("long_polls::handle_by_sleeping"));
    let (_, file, line) = own.unwrap_or_else(|| panic!("{frames:#?}"));
    assert!(file.ends_with("stripped"), "{file}");
    assert_eq!(*line, 0);
}

#[test]
fn without_symbols_addresses_are_known_in_their_module() {
    let folder = support::Folder::new();
    let program = || current_thread().block_on(both());
    let test = "without_symbols_addresses_are_known_in_their_module";
    let executable = match role() {
        Some(_) => std::env::current_exe().unwrap(),
        None => stripped("--strip-all", &folder),
    };
    let Some(trace) = trace_of_executable(&executable, test, 2, program) else {
        return;
    };
    check_samples(&trace);
    let sleeping = samples_of(&trace, "sleeping");
    let sample = sleeping.iter().find(|sample| sample.stack != 0).unwrap();
    let frames = frames(&trace, sample.stack);
    let bytes = std::fs::metadata(&executable).unwrap().len();
    let own: Vec<_> = frames
        .iter()
        .filter(|(_, file, _)| file.ends_with("stripped"))
        .collect();
    assert!(own.len() > 3, "{frames:#?}");
    for (address, _, line) in own {
        let address = address.strip_prefix("0x").expect("an address");
        assert!(u64::from_str_radix(address, 16).unwrap() < 2 * bytes);
        assert_eq!(*line, 0);
    }
}
