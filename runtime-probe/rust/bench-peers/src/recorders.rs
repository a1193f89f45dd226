//! Owns what recorders have in common: the measured region and the line that is printed. It
//! must not know any recorder's own interface; each has a module, compiled where its cargo
//! feature is on.

#[cfg(feature = "chrome")]
mod chrome;
#[cfg(feature = "console")]
mod console;
#[cfg(feature = "dial9")]
mod dial9;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "wakeline")]
mod wakeline;

use std::future::Future;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::programs::{Program, Spawn};

/// Levels of detail, as the wire numbers them.
#[cfg(feature = "wakeline")]
pub(crate) mod detail {
    pub(crate) const OFF: u64 = 1;
    #[cfg(feature = "wakeline-told")]
    pub(crate) const LEAN: u64 = 2;
    pub(crate) const FULL: u64 = 3;
}

/// What this build can measure.
pub(crate) const NAMES: &[&str] = &[
    "plain",
    #[cfg(feature = "wakeline")]
    "wakeline-not-started",
    #[cfg(feature = "wakeline")]
    "wakeline-off",
    #[cfg(feature = "wakeline")]
    "wakeline",
    #[cfg(feature = "wakeline-told")]
    "wakeline-subscriber",
    #[cfg(feature = "wakeline-told")]
    "wakeline-subscriber-lean",
    #[cfg(feature = "wakeline-told")]
    "wakeline-subscriber-off",
    #[cfg(feature = "wakeline-told")]
    "wakeline-layer",
    #[cfg(feature = "wakeline-told")]
    "wakeline-layer-lean",
    #[cfg(feature = "metrics")]
    "tokio-metrics",
    #[cfg(feature = "chrome")]
    "tracing-chrome",
    #[cfg(feature = "console")]
    "console-subscriber",
    #[cfg(feature = "dial9")]
    "dial9-polls",
    #[cfg(feature = "dial9")]
    "dial9-wakes",
];

/// Runs the program under the recorder of this name; false where this build has none.
pub(crate) fn run(name: &str, program: &Program) -> bool {
    match name {
        "plain" => {
            let runtime = program.runtime().build().expect("a runtime");
            measure(runtime, program, Tokio, || 0);
        }
        #[cfg(feature = "wakeline")]
        "wakeline-not-started" => wakeline::not_started(program),
        #[cfg(feature = "wakeline")]
        "wakeline-off" => wakeline::off(program),
        #[cfg(feature = "wakeline")]
        "wakeline" => wakeline::on(program),
        #[cfg(feature = "wakeline-told")]
        "wakeline-subscriber" => wakeline::subscriber(program, detail::FULL),
        #[cfg(feature = "wakeline-told")]
        "wakeline-subscriber-lean" => wakeline::subscriber(program, detail::LEAN),
        #[cfg(feature = "wakeline-told")]
        "wakeline-subscriber-off" => wakeline::subscriber(program, detail::OFF),
        #[cfg(feature = "wakeline-told")]
        "wakeline-layer" => wakeline::layer(program, detail::FULL),
        #[cfg(feature = "wakeline-told")]
        "wakeline-layer-lean" => wakeline::layer(program, detail::LEAN),
        #[cfg(feature = "metrics")]
        "tokio-metrics" => metrics::run(program),
        #[cfg(feature = "chrome")]
        "tracing-chrome" => chrome::run(program),
        #[cfg(feature = "console")]
        "console-subscriber" => console::run(program),
        #[cfg(feature = "dial9")]
        "dial9-polls" => dial9::run(program, Tokio),
        #[cfg(feature = "dial9")]
        "dial9-wakes" => dial9::run(program, dial9::Traced),
        _ => return false,
    }
    true
}

/// tokio's own spawn.
#[derive(Clone, Copy)]
pub(crate) struct Tokio;

impl Spawn for Tokio {
    fn spawn<F>(self, future: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(future)
    }
}

/// Runs the program and prints the processor time from its first spawn to the recorder's
/// end, of the thread that calls this and of the whole process. `finish` ends the recorder
/// and gives the bytes that it wrote; it runs after the runtime is gone.
pub(crate) fn measure(
    runtime: Runtime,
    program: &Program,
    spawn: impl Spawn,
    finish: impl FnOnce() -> u64,
) {
    measure_with(
        runtime,
        |runtime| runtime.block_on(program.run(spawn)),
        finish,
    );
}

/// As [`measure`], for a recorder that runs the root future its own way.
pub(crate) fn measure_with(
    runtime: Runtime,
    run: impl FnOnce(&Runtime),
    finish: impl FnOnce() -> u64,
) {
    let process_before = time_ns(libc::CLOCK_PROCESS_CPUTIME_ID);
    let thread_before = time_ns(libc::CLOCK_THREAD_CPUTIME_ID);
    run(&runtime);
    let thread_ns = time_ns(libc::CLOCK_THREAD_CPUTIME_ID) - thread_before;
    drop(runtime);
    let bytes = finish();
    let process_ns = time_ns(libc::CLOCK_PROCESS_CPUTIME_ID) - process_before;
    println!(r#"{{"processNs":{process_ns},"threadNs":{thread_ns},"bytes":{bytes}}}"#);
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
