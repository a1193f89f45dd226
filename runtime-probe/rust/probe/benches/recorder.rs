//! What recording costs: nanoseconds of processor time and bytes per event.
//!
//! One process per variant and run, as recording is once per process and because memory of
//! one variant must not warm another. Runs are interleaved, so that a slow moment of the
//! machine meets all variants. Processor time of the recording thread alone: the machine is
//! shared, and the flusher's own time is a figure of its own.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use wakeline::Config;
use wakeline_executor::observe::{
    Observer, OperationKind, OperationResult, Outcome, WaitTarget, Wake, WakeCause, WakeEffect,
};
use wakeline_executor::{spawn, yield_now, Runtime};
use wakeline_wire::frame::{PREAMBLE_BYTES, REPLY_HEAD_BYTES};
use wakeline_wire::stream::{Item, StreamDecoder};

const RUNS: usize = 9;
/// Per measured run: about 5 MB of events, so that many slots are taken and sent.
const EVENTS: u64 = 1_000_000;
const TOKEN: &str = "00112233445566778899aabbccddeeff";
/// Set in the processes that measure: variant, and where the collector listens.
const VARIANT: &str = "WAKELINE_BENCH_VARIANT";

/// What is measured. Each records `EVENTS` events.
const VARIANTS: &[(&str, &str)] = &[
    ("clock only", "the session's clock, nothing written"),
    ("write, no epoch", "an event with one field"),
    (
        "write, poll epoch",
        "poll start with task and epoch, poll end",
    ),
    (
        "write, wake with stamp",
        "stamp, then wake with target, epoch and effect",
    ),
    (
        "write, site of the dictionary",
        "a wait with its site looked up",
    ),
    (
        "anonymous memory, poll epoch",
        "as 'write, poll epoch', rings not shared",
    ),
    ("off, poll epoch", "as 'write, poll epoch', detail off"),
    (
        "not started, poll epoch",
        "the hook site's load and branch only",
    ),
    (
        "yields, not started",
        "1,000 tasks yield 1,000 times each, per poll: no probe",
    ),
    ("yields, off", "the same, detail off"),
    ("yields, lean", "the same, lean: poll start, poll end, wake"),
    ("yields, full", "the same, full: and waker counts"),
];

fn main() {
    if let Ok(variant) = std::env::var(VARIANT) {
        return measure(&variant);
    }
    // `cargo test` runs bench targets too: a short run shows that they work.
    let short = !std::env::args().any(|argument| argument == "--bench");
    let runs = if short { 1 } else { RUNS };
    let mut figures: Vec<Vec<Figures>> = VARIANTS.iter().map(|_| Vec::new()).collect();
    for _ in 0..runs {
        for (place, (variant, _)) in VARIANTS.iter().enumerate() {
            figures[place].push(run(variant));
        }
    }
    for (place, (variant, about)) in VARIANTS.iter().enumerate() {
        print(
            variant,
            about,
            "time per event",
            "ns",
            figures[place].iter().map(|f| f.ns),
        );
        // With detail off only the warming events were written.
        if figures[place][0].bytes > 0.0 && !variant.contains("off") {
            print(
                variant,
                about,
                "bytes per event",
                "B",
                figures[place].iter().map(|f| f.bytes),
            );
            let flusher = figures[place].iter().map(|f| f.flusher_ns);
            print(variant, about, "flusher time per event", "ns", flusher);
        }
    }
}

fn print(variant: &str, about: &str, figure: &str, unit: &str, values: impl Iterator<Item = f64>) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let median = values[values.len() / 2];
    println!(
        r#"{{"bench":"recorder","figure":"{figure}","variant":"{variant}","about":"{about}","value":{median:.2},"unit":"{unit}","min":{:.2},"runs":{}}}"#,
        values[0],
        values.len(),
    );
}

#[derive(Debug, Clone, Copy, Default)]
struct Figures {
    ns: f64,
    bytes: f64,
    flusher_ns: f64,
}

/// Starts a process that measures one variant, and is its collector.
fn run(variant: &str) -> Figures {
    let folder = std::env::temp_dir().join(format!("wakeline-bench-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).expect("a folder for the socket");
    let socket = folder.join("collector.sock");
    let listener = UnixListener::bind(&socket).expect("a socket to listen on");
    let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
    command.env(VARIANT, variant).stdout(Stdio::piped());
    command.env_remove("WAKELINE").env_remove("WAKELINE_TOKEN");
    let recorded = !variant.contains("not started") && variant != "clock only";
    if recorded {
        command.env("WAKELINE", format!("unix:{}", socket.display()));
        command.env("WAKELINE_TOKEN", TOKEN);
    }
    let child = command.spawn().expect("the measuring process");
    let stream_bytes = if recorded {
        receive(&listener)
    } else {
        Vec::new()
    };
    let output = child
        .wait_with_output()
        .expect("the measuring process ends");
    assert!(output.status.success(), "the measuring process failed");
    let _ = std::fs::remove_dir_all(&folder);

    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text
        .split_whitespace()
        .map(|number| number.parse::<f64>().unwrap_or(0.0));
    let (thread_ns, process_ns) = (numbers.next().unwrap_or(0.0), numbers.next().unwrap_or(0.0));
    let (mut bytes, mut events, mut dropped) = (0, 0, 0);
    StreamDecoder::new()
        .push(&stream_bytes, |item| match item {
            Item::Chunk { events: chunk, .. } => {
                bytes += chunk.last().map_or(0, |event| event.end);
                events += chunk.len();
            }
            Item::End(end) => dropped = end.threads.iter().map(|thread| thread.dropped).sum(),
            _ => {}
        })
        .expect("a stream of our own");
    assert_eq!(dropped, 0, "the figures are of events that were written");
    let per_event = |value: f64| value / EVENTS as f64;
    Figures {
        ns: per_event(thread_ns),
        bytes: if events > 0 {
            bytes as f64 / events as f64
        } else {
            0.0
        },
        flusher_ns: per_event(process_ns - thread_ns),
    }
}

fn receive(listener: &UnixListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().expect("the probe connects");
    let mut preamble = [0; PREAMBLE_BYTES];
    stream.read_exact(&mut preamble).expect("a preamble");
    stream.write_all(&[0; REPLY_HEAD_BYTES]).expect("a reply");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("a stream");
    bytes
}

/// In the measuring process: prints the recording thread's time and the whole process's.
fn measure(variant: &str) {
    let mut config = Config::from_env();
    // Room for all events, so that none is dropped while the machine is busy elsewhere.
    config.memory_mib = Some(32);
    config.private_memory = variant == "anonymous memory, poll epoch";
    let recording = wakeline::init_with(config).expect("recording begins");
    let observer = recording.observer();
    if variant.starts_with("off") || variant.ends_with("off") {
        recording.set_detail(wakeline_wire::detail::OFF);
    } else if variant.ends_with("lean") {
        recording.set_detail(wakeline_wire::detail::LEAN);
    }
    // The thread's recorder, the connection and the hot path's pages are made before.
    if let Some(observer) = observer {
        for task in 0..20_000 {
            observer.timer_cancelled(task);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let process_before = time_ns(libc::CLOCK_PROCESS_CPUTIME_ID);
    let before = time_ns(libc::CLOCK_THREAD_CPUTIME_ID);
    match (variant, observer) {
        (variant, _) if variant.starts_with("yields") => yields(),
        ("write, no epoch", Some(observer)) => bare(observer),
        ("write, wake with stamp", Some(observer)) => wakes(observer),
        ("write, site of the dictionary", Some(observer)) => waits(observer),
        (_, Some(observer)) => polls(observer),
        ("clock only", None) => clocks(),
        (_, None) => hook_sites(),
    }
    let thread_ns = time_ns(libc::CLOCK_THREAD_CPUTIME_ID) - before;
    recording.finish();
    let process_ns = time_ns(libc::CLOCK_PROCESS_CPUTIME_ID) - process_before;
    println!("{thread_ns} {process_ns}");
}

/// As a worker does them: inside a poll, where most events are.
fn bare(observer: &dyn Observer) {
    observer.poll_start(1, 1);
    for timer in 0..EVENTS {
        observer.timer_cancelled(timer & 0x3fff);
    }
    observer.poll_end(1, Outcome::Ready);
}

fn polls(observer: &dyn Observer) {
    observer.poll_start(1, 1);
    for epoch in 0..EVENTS / 2 {
        observer.poll_start(100 + epoch % 1000, epoch / 1000);
        observer.poll_end(100 + epoch % 1000, Outcome::Pending);
    }
    observer.poll_end(1, Outcome::Ready);
}

fn wakes(observer: &dyn Observer) {
    observer.poll_start(1, 1);
    for number in 0..EVENTS {
        let stamp = observer.stamp();
        observer.wake(&Wake {
            stamp,
            task: 100 + number % 1000,
            epoch: number / 1000,
            epoch_after: number / 1000,
            effect: WakeEffect::Scheduled,
            cause: WakeCause::Context,
        });
    }
    observer.poll_end(1, Outcome::Ready);
}

fn waits(observer: &dyn Observer) {
    let site = std::panic::Location::caller();
    observer.poll_start(1, 1);
    for number in 0..EVENTS / 2 {
        let (read, bytes) = (OperationKind::Read, OperationResult::WouldBlock);
        observer.operation(number % 1000, read, bytes, 64);
        observer.wait_started(0, WaitTarget::SourceReadable(number % 1000), site);
    }
    observer.poll_end(1, Outcome::Ready);
}

fn clocks() {
    #[cfg(target_arch = "x86_64")]
    for _ in 0..EVENTS {
        // SAFETY: every x86-64 processor has the instruction.
        std::hint::black_box(unsafe { std::arch::x86_64::_rdtsc() });
    }
    #[cfg(not(target_arch = "x86_64"))]
    for _ in 0..EVENTS {
        std::hint::black_box(std::time::Instant::now());
    }
}

/// The executor's own cost per poll, and what recording adds to it.
fn yields() {
    const TASKS: u64 = 1_000;
    let runtime = Runtime::single().build().expect("a runtime");
    runtime.block_on(async {
        let yields = || async {
            for _ in 0..EVENTS / TASKS - 1 {
                yield_now().await;
            }
        };
        let tasks: Vec<_> = (0..TASKS).map(|_| spawn(yields())).collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    });
}

/// What a hook site costs where nothing was started: one load and one branch.
fn hook_sites() {
    static NOBODY: AtomicU64 = AtomicU64::new(0);
    for _ in 0..EVENTS {
        if std::hint::black_box(NOBODY.load(Ordering::Acquire)) != 0 {
            std::process::abort();
        }
    }
}

fn time_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec of ours.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
