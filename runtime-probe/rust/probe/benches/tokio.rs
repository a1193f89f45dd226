//! What recording costs a tokio program: nanoseconds of processor time per poll.
//!
//! One process per variant and run, runs interleaved, as in the benchmark of the recorder.
//! The time is that of the whole process, flusher included; where one thread does all the
//! work its own time is a figure beside it.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::{yield_now, JoinHandle};
use wakeline::Config;
use wakeline_wire::frame::{PREAMBLE_BYTES, REPLY_HEAD_BYTES};

const RUNS: usize = 9;
const TASKS: u64 = 1_000;
const POLLS: u64 = 1_000_000;
const TOKEN: &str = "00112233445566778899aabbccddeeff";
/// Set in the processes that measure.
const VARIANT: &str = "WAKELINE_BENCH_VARIANT";

/// Each is run plain, wrapped with nothing started, with detail off, and recorded.
const PROGRAMS: &[(&str, &str)] = &[
    ("yield ct", "1,000 tasks yield 1,000 times each, one thread"),
    ("yield mt", "the same, two workers"),
    (
        "ping-pong ct",
        "500 pairs pass a message back and forth 1,000 times, one thread",
    ),
];
#[cfg(not(all(tokio_unstable, feature = "tracing-layer")))]
const MODES: &[&str] = &["plain", "not started", "off", "recorded"];
/// Where tokio tells of its tasks itself they are also spawned plainly and recorded so. All
/// modes carry what that costs tokio with nobody listening.
#[cfg(all(tokio_unstable, feature = "tracing-layer"))]
const MODES: &[&str] = &[
    "plain",
    "not started",
    "off",
    "recorded",
    "subscriber, detail off",
    "subscriber",
    "layer",
];

/// All per poll.
struct Figures {
    thread_ns: f64,
    process_ns: f64,
    /// Of the whole stream: frames, dictionary and watermarks too.
    stream_bytes: f64,
}

fn main() {
    if let Ok(variant) = std::env::var(VARIANT) {
        return measure(&variant);
    }
    let short = !std::env::args().any(|argument| argument == "--bench");
    let runs = if short { 1 } else { RUNS };
    for (program, about) in PROGRAMS {
        let mut times: Vec<Vec<Figures>> = MODES.iter().map(|_| Vec::new()).collect();
        for _ in 0..runs {
            for (place, mode) in MODES.iter().enumerate() {
                times[place].push(run(&format!("{program}, {mode}")));
            }
        }
        for (place, mode) in MODES.iter().enumerate() {
            let added = |of: fn(&Figures) -> f64| -> Vec<f64> {
                let pairs = times[place].iter().zip(&times[0]);
                pairs.map(|(this, plain)| of(this) - of(plain)).collect()
            };
            if place == 0 {
                let base = times[0].iter().map(|time| time.process_ns).collect();
                print(program, mode, about, "process time per poll", base);
                continue;
            }
            let of_process = added(|time| time.process_ns);
            print(
                program,
                mode,
                about,
                "process time added per poll",
                of_process,
            );
            if !program.contains("mt") {
                let of_thread = added(|time| time.thread_ns);
                print(
                    program,
                    mode,
                    about,
                    "thread time added per poll",
                    of_thread,
                );
            }
            if is_sent(mode) && !mode.ends_with("off") {
                let bytes = times[place].iter().map(|time| time.stream_bytes).collect();
                print(program, mode, about, "stream bytes per poll", bytes);
            }
        }
    }
}

fn print(program: &str, mode: &str, about: &str, figure: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let unit = if figure.contains("bytes") { "B" } else { "ns" };
    println!(
        r#"{{"bench":"tokio","figure":"{figure}","variant":"{program}, {mode}","about":"{about}","value":{:.2},"unit":"{unit}","min":{:.2},"runs":{}}}"#,
        values[values.len() / 2],
        values[0],
        values.len(),
    );
}

/// Whether there is a recording in this mode.
fn is_sent(variant: &str) -> bool {
    let sent = ["recorded", "off", "subscriber", "layer"];
    sent.iter().any(|mode| variant.ends_with(mode))
}

/// Hears what tokio tells, in the modes that do.
#[cfg(all(tokio_unstable, feature = "tracing-layer"))]
fn hear(variant: &str) {
    use tracing_core::dispatcher::{set_global_default, Dispatch};
    use tracing_subscriber::prelude::*;
    let dispatch = if variant.contains("subscriber") {
        Dispatch::new(wakeline::tracing::subscriber().expect("tokio tells"))
    } else if variant.contains("layer") {
        let layer = wakeline::tracing::layer();
        Dispatch::new(tracing_subscriber::registry().with(layer))
    } else {
        return;
    };
    set_global_default(dispatch).expect("no other subscriber");
}

#[cfg(not(all(tokio_unstable, feature = "tracing-layer")))]
fn hear(_variant: &str) {}

/// Starts a process that measures one variant, and is its collector: thread and process
/// time per poll.
fn run(variant: &str) -> Figures {
    let folder = std::env::temp_dir().join(format!("wakeline-bench-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).expect("a folder for the socket");
    let socket = folder.join("collector.sock");
    let listener = UnixListener::bind(&socket).expect("a socket to listen on");
    let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
    command.env(VARIANT, variant).stdout(Stdio::piped());
    command.env_remove("WAKELINE").env_remove("WAKELINE_TOKEN");
    let is_recorded = is_sent(variant);
    if is_recorded {
        command.env("WAKELINE", format!("unix:{}", socket.display()));
        command.env("WAKELINE_TOKEN", TOKEN);
    }
    let child = command.spawn().expect("the measuring process");
    let mut stream_bytes = 0;
    if is_recorded {
        let (mut stream, _) = listener.accept().expect("the probe connects");
        let mut preamble = [0; PREAMBLE_BYTES];
        stream.read_exact(&mut preamble).expect("a preamble");
        stream.write_all(&[0; REPLY_HEAD_BYTES]).expect("a reply");
        stream_bytes = std::io::copy(&mut stream, &mut std::io::sink()).expect("a stream");
    }
    let output = child.wait_with_output().expect("the process ends");
    assert!(output.status.success(), "the measuring process failed");
    let _ = std::fs::remove_dir_all(&folder);
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(|number| number.parse().unwrap_or(0.0))
        .collect();
    Figures {
        thread_ns: numbers[0] / POLLS as f64,
        process_ns: numbers[1] / POLLS as f64,
        stream_bytes: stream_bytes as f64 / POLLS as f64,
    }
}

fn measure(variant: &str) {
    let mut config = Config::from_env();
    // Room for all events, so that none is dropped while the machine is busy elsewhere.
    config.memory_mib = Some(64);
    let recording = wakeline::init_with(config).expect("recording begins");
    hear(variant);
    if variant.ends_with("off") {
        recording.set_detail(wakeline_wire::detail::OFF);
    }
    if recording.is_active() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let runtime = match variant.contains("mt") {
        true => Builder::new_multi_thread().worker_threads(2).build(),
        false => Builder::new_current_thread().build(),
    };
    let runtime = runtime.expect("a runtime");
    let plainly = ["plain", "subscriber", "layer"];
    let spawn = match plainly.iter().any(|mode| variant.contains(mode)) {
        true => Spawn::Plain,
        false => Spawn::Wrapped,
    };
    let process_before = time_ns(libc::CLOCK_PROCESS_CPUTIME_ID);
    let before = time_ns(libc::CLOCK_THREAD_CPUTIME_ID);
    runtime.block_on(async {
        let tasks = match variant.starts_with("yield") {
            true => yields(spawn),
            false => ping_pong(spawn),
        };
        for task in tasks {
            task.await.expect("no panic");
        }
    });
    let thread_ns = time_ns(libc::CLOCK_THREAD_CPUTIME_ID) - before;
    recording.finish();
    let process_ns = time_ns(libc::CLOCK_PROCESS_CPUTIME_ID) - process_before;
    println!("{thread_ns} {process_ns}");
}

#[derive(Clone, Copy)]
enum Spawn {
    Plain,
    Wrapped,
}

impl Spawn {
    fn spawn(
        self,
        future: impl std::future::Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        match self {
            Self::Plain => tokio::spawn(future),
            Self::Wrapped => wakeline::spawn(future),
        }
    }
}

fn yields(spawn: Spawn) -> Vec<JoinHandle<()>> {
    let work = || async {
        for _ in 0..POLLS / TASKS - 1 {
            yield_now().await;
        }
    };
    (0..TASKS).map(|_| spawn.spawn(work())).collect()
}

fn ping_pong(spawn: Spawn) -> Vec<JoinHandle<()>> {
    let mut tasks = Vec::new();
    for _ in 0..TASKS / 2 {
        let (to_pong, mut from_ping) = mpsc::channel::<u64>(1);
        let (to_ping, mut from_pong) = mpsc::channel::<u64>(1);
        tasks.push(spawn.spawn(async move {
            for round in 0..POLLS / TASKS {
                to_pong.send(round).await.expect("pong listens");
                from_pong.recv().await;
            }
        }));
        tasks.push(spawn.spawn(async move {
            while let Some(round) = from_ping.recv().await {
                // Ping does not wait for the answer to its last message.
                if to_ping.send(round).await.is_err() {
                    return;
                }
            }
        }));
    }
    tasks
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
