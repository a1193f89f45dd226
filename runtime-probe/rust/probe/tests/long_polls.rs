//! Polls that take long: what a watchdog sees of them, and that the program does not notice.
//!
//! Longer than other files: each test program is linked anew in each build that is tested.
#![cfg(wakeline_stacks)] // Linux on x86-64 and aarch64; a build with a sanitizer takes no stacks.

mod support;

use std::collections::{HashMap, HashSet};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use support::{child, connected, finish, has_go, role, Collector, Trace};
use tokio::runtime::Builder;
use wakeline_wire::stream::StreamDecoder;
use wakeline_wire::{poll_outcome, visibility, DictionaryRecord, EventRecord, PollSample};

/// Long enough for several looks. Where a machine is so busy that the watchdog has no turn for
/// that long, the poll is made again: each program goes on until the test has seen enough.
const LONG: Duration = Duration::from_millis(150);
/// The threshold, unless told otherwise.
const THRESHOLD_NS: u64 = 10_000_000;

/// Runs `program` in a child of this test, of this executable, until what came is enough,
/// and gives the trace.
fn trace_of(
    test: &str,
    is_enough: impl FnMut(&Trace) -> bool,
    program: impl FnMut(),
) -> Option<Trace> {
    let executable = std::env::current_exe().unwrap();
    trace_of_executable(&executable, test, is_enough, program)
}

fn trace_of_executable(
    executable: &Path,
    test: &str,
    mut is_enough: impl FnMut(&Trace) -> bool,
    mut program: impl FnMut(),
) -> Option<Trace> {
    if role().is_some() {
        assert!(wakeline::init().is_active());
        program();
        while !has_go() {
            program();
        }
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
    // 500 threads take a slot of 64 KiB each, however seldom the flusher has its turn.
    command.env("WAKELINE_MEMORY_MIB", "64");
    let program = connected(command, &collector).spawn().unwrap();
    collector.wait_until("samples enough", |connections| {
        let bytes = connections.concat();
        let mut decoder = StreamDecoder::new();
        decoder.push(&bytes, |_| ()).unwrap();
        is_enough(&Trace::decode(&bytes[..decoder.consumed_bytes() as usize]))
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
    let mut samples = samples(trace);
    samples.retain(|sample| tasks.contains(&sample.task));
    samples.sort_by_key(|sample| sample.wall_ns);
    samples
}

/// Length in ticks and outcome of each poll, by task and epoch; but for polls whose start or
/// end was dropped, where threads were more than there was room for.
fn polls(trace: &Trace) -> HashMap<(u64, u64), (u64, u64)> {
    let mut polls = HashMap::new();
    for (thread, events) in &trace.events {
        let mut rest = events.iter();
        let (mut open, mut dropped) = (Vec::new(), 0);
        let chunks = trace.chunks.iter().zip(&trace.chunk_events);
        for (chunk, &count) in chunks.filter(|(chunk, _)| chunk.thread == *thread) {
            if chunk.dropped > dropped {
                dropped = chunk.dropped;
                let known = chunk.context.open_polls.iter();
                open = known.map(|p| (p.task, p.epoch, None)).collect();
            }
            for timed in rest.by_ref().take(count) {
                match &timed.event {
                    EventRecord::PollStart(e) => open.push((e.task, e.epoch, Some(timed.tick))),
                    EventRecord::PollEnd(end) => {
                        let (task, epoch, start) = open.pop().unwrap();
                        if let Some(start) = start {
                            polls.insert((task, epoch), (timed.tick - start, end.outcome));
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    polls
}

/// Whether stacks of as many tasks have come: naming the first takes its time in a debug build.
fn has_stacks_of(tasks: usize) -> impl Fn(&Trace) -> bool {
    move |trace| {
        let samples = samples(trace);
        let with_stack = samples.iter().filter(|sample| sample.stack != 0);
        let of_task: HashSet<u64> = with_stack.map(|sample| sample.task).collect();
        of_task.len() >= tasks
    }
}

/// The ends of polls of which the watchdog saw more than half of [`LONG`], with what it
/// must have seen then: of one that computes its processor time, of one that sleeps next to
/// none. What a poll had used when it was first seen is not counted.
fn ends_as(trace: &Trace, task: &str) -> bool {
    let half = LONG.as_nanos() as u64 / 2;
    samples_of(trace, task).iter().any(|sample| {
        let is_right = match task {
            "computing" => sample.cpu_ns > half,
            _ => sample.watched_ns > half && sample.cpu_ns < sample.watched_ns / 4,
        };
        sample.stack == 0 && is_right
    })
}

fn has_both(trace: &Trace) -> bool {
    let with_stack = |task: &str| samples_of(trace, task).iter().any(|s| s.stack != 0);
    let of_task = |task: &str| with_stack(task) && ends_as(trace, task);
    of_task("computing") && of_task("sleeping")
}

/// What must hold of every sample: it lies inside its poll.
fn check_samples(trace: &Trace) {
    let polls = polls(trace);
    let rate = trace.hellos[0].tick_rate;
    let threads = &trace.end.as_ref().unwrap().threads;
    let has_drops = threads.iter().any(|thread| thread.dropped > 0);
    for sample in samples(trace) {
        let Some((ticks, _)) = polls.get(&(sample.task, sample.epoch)) else {
            assert!(has_drops, "the poll of {sample:?} is not whole");
            continue;
        };
        let poll_ns = (u128::from(*ticks) * 1_000_000_000 / u128::from(rate)) as u64;
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
    assert!(ends_as(trace, "computing"), "{computing:?}");

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
    assert!(ends_as(trace, "sleeping"), "{sleeping:?}");
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
    let Some(trace) = trace_of(test, has_both, || current_thread().block_on(both())) else {
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
    let Some(trace) = trace_of(test, has_both, program) else {
        return;
    };
    check_both(&trace);
    check_folded(&trace, "wakeline_executor::");
}

#[test]
fn short_polls_are_not_looked_at() {
    const POLLS: usize = 10_000;
    let program = || {
        current_thread().block_on(async {
            wakeline::spawn(async move {
                for _ in 0..POLLS {
                    tokio::task::yield_now().await;
                }
            })
            .await
            .unwrap();
        });
    };
    let Some(trace) = trace_of("short_polls_are_not_looked_at", |_| true, program) else {
        return;
    };
    // On a busy machine a poll may be long; what is told of it must be so.
    check_samples(&trace);
    assert!(polls(&trace).len() > POLLS);
    // That a machine stands still for 10 ms in each tenth poll, of 1 µs, is out of reach.
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
    // The rest of the time a poll may be long because threads wait for each other.
    fn is_asleep(frames: &[(String, String, u64)]) -> bool {
        has(frames, "std::thread::") && has(frames, "::sleep")
    }
    let sees_sleep = |trace: &Trace| {
        let samples = samples(trace);
        let mut with_stack = samples.iter().filter(|sample| sample.stack != 0);
        with_stack.any(|sample| is_asleep(&frames(trace, sample.stack)))
    };
    let test = "polls_of_500_threads_that_end_as_they_are_looked_at";
    let Some(trace) = trace_of(test, sees_sleep, program) else {
        return;
    };
    check_samples(&trace);
    let samples = samples(&trace);
    let stacks: Vec<_> = samples.iter().filter(|s| s.stack != 0).collect();
    let mut asleep = 0;
    for sample in stacks {
        let frames = frames(&trace, sample.stack);
        if is_asleep(&frames) {
            assert!(has(&frames, "polls_of_500_threads"), "{frames:#?}");
            asleep += 1;
        }
    }
    assert!(asleep > 0);
}

#[test]
fn a_long_poll_that_panics_ends_as_one() {
    let program = || {
        // It panics many times, and nobody reads what it says until it has ended.
        std::panic::set_hook(Box::new(|_| {}));
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
    let Some(trace) = trace_of(
        "a_long_poll_that_panics_ends_as_one",
        has_stacks_of(1),
        program,
    ) else {
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
    let Some(trace) = trace_of(test, has_stacks_of(1), program) else {
        return;
    };
    check_samples(&trace);
    assert!(!samples(&trace).is_empty());
}

static CAUGHT: AtomicU32 = AtomicU32::new(0);
static RAISED: AtomicU32 = AtomicU32::new(0);

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
        let before = CAUGHT.load(Ordering::Relaxed);
        assert_eq!(before, RAISED.load(Ordering::Relaxed), "none but from here");
        // SAFETY: the handler is installed.
        unsafe { libc::raise(program_signal) };
        RAISED.fetch_add(1, Ordering::Relaxed);
        assert_eq!(CAUGHT.load(Ordering::Relaxed), before + 1);
    };
    let test = "signals_that_the_program_handles_stay_its_own";
    let Some(trace) = trace_of(test, has_both, program) else {
        return;
    };
    check_both(&trace);
}

/// The process stands for longer than the threshold, and its poll for less.
#[test]
fn a_stop_of_the_process_makes_no_long_poll() {
    if role().is_some() {
        let mut config = wakeline::Config::from_env();
        config.long_poll_ms = Some(STOP_THRESHOLD_MS);
        assert!(wakeline::init_with(config).unwrap().is_active());
        return current_thread().block_on(async {
            wakeline::spawn(stopping_poll()).await.unwrap();
        });
    }
    // A machine that takes the processor away for so long makes the poll long by itself: such
    // a run says nothing, and the next one is waited for.
    let trace = std::iter::repeat_with(trace_of_a_stop)
        .find_map(|trace| trace)
        .unwrap();
    let rate = trace.hellos[0].tick_rate;
    let longest = polls(&trace).values().map(|(ticks, _)| *ticks).max();
    assert!(longest.unwrap() > 3 * rate * STOP_THRESHOLD_MS / 1000);
    assert_eq!(samples(&trace), []);
}

const STOP_THRESHOLD_MS: u64 = 500;

/// Says whether it took less than the threshold, the stop not counted.
async fn stopping_poll() {
    let start = Instant::now();
    // SAFETY: it stops this process until the test lets it go on.
    unsafe { libc::raise(libc::SIGSTOP) };
    let stopped = Instant::now();
    // Several rounds of the watchdog.
    std::thread::sleep(Duration::from_millis(STOP_THRESHOLD_MS / 2));
    // The test lets it stand for at least three thresholds; what the stop took beyond
    // these may be time in which it stood, or in which it had no processor.
    let of_stop = (stopped - start).saturating_sub(STOP);
    let own = stopped.elapsed() + of_stop;
    let is_short = own < Duration::from_millis(STOP_THRESHOLD_MS * 3 / 4);
    support::say(if is_short { "short" } else { "disturbed" });
}

const STOP: Duration = Duration::from_millis(3 * STOP_THRESHOLD_MS);

/// The trace of a program that stood, none where it was disturbed besides.
fn trace_of_a_stop() -> Option<Trace> {
    let collector = Collector::start();
    let child = child("a_stop_of_the_process_makes_no_long_poll", "program");
    let child = connected(child, &collector).spawn().unwrap();
    let mut status = 0;
    let pid = child.id() as libc::pid_t;
    // SAFETY: a child of this process, and a status of ours.
    let waited = unsafe { libc::waitpid(pid, &mut status, libc::WUNTRACED) };
    assert!(waited == pid && libc::WIFSTOPPED(status));
    std::thread::sleep(STOP);
    // SAFETY: the child is not waited for to its end yet, so the id is its own.
    unsafe { libc::kill(pid, libc::SIGCONT) };
    let output = finish(child);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_short = said.lines().any(|line| line == "short");
    is_short.then(|| collector.trace())
}

/// Whether a stack of the task that sleeps has come.
fn sees_sleeping(trace: &Trace) -> bool {
    let samples = samples_of(trace, "sleeping");
    samples.iter().any(|sample| sample.stack != 0)
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
    let Some(trace) = trace_of_executable(&executable, test, sees_sleeping, program) else {
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
    let Some(trace) = trace_of_executable(&executable, test, sees_sleeping, program) else {
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
