//! Wakeline: tasks spawned through its wrappers, or told of by tokio itself. The harness is the collector and counts
//! the bytes itself.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use wakeline::{Config, Recording};

use super::{detail, measure};
use crate::programs::{Program, Spawn};

#[derive(Clone, Copy)]
struct Wrapped;

impl Spawn for Wrapped {
    fn spawn<F>(self, future: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        wakeline::spawn(future)
    }
}

/// Wrapped, and no collector in the environment.
pub(crate) fn not_started(program: &Program) {
    let recording = wakeline::init!();
    assert!(!recording.is_active(), "WAKELINE is set");
    go(program, recording);
}

/// A collector listens, and recording is switched off.
pub(crate) fn off(program: &Program) {
    let recording = started();
    wait_for(recording, detail::OFF);
    go(program, recording);
}

/// Everything is recorded.
pub(crate) fn on(program: &Program) {
    let recording = started();
    wait_for(recording, detail::FULL);
    go(program, recording);
}

/// The flusher takes the level over in its next round, within 10 ms where the machine has time.
fn wait_for(recording: Recording, detail: u64) {
    recording.set_detail(detail);
    let patience = if detail == super::detail::FULL {
        50
    } else {
        500
    };
    std::thread::sleep(Duration::from_millis(patience));
}

/// tokio tells the subscriber of tasks that it spawned itself.
#[cfg(feature = "wakeline-told")]
pub(crate) fn subscriber(program: &Program, detail: u64) {
    use tracing_subscriber::util::SubscriberInitExt;

    let recording = started();
    let subscriber = wakeline::tracing::subscriber().expect("tokio tells of its tasks");
    subscriber.init();
    wait_for(recording, detail);
    go_with(program, recording, super::Tokio);
}

/// The same through a layer of a registry.
#[cfg(feature = "wakeline-told")]
pub(crate) fn layer(program: &Program, detail: u64) {
    use tracing_subscriber::prelude::*;

    let recording = started();
    tracing_subscriber::registry()
        .with(wakeline::tracing::layer())
        .init();
    wait_for(recording, detail);
    go_with(program, recording, super::Tokio);
}

fn started() -> Recording {
    let mut config = Config::from_env();
    // Room for all events: what is measured is recording, not dropping.
    config.memory_mib = Some(64);
    let recording = wakeline::init_with(config).expect("recording begins");
    assert!(recording.is_active(), "WAKELINE is not set");
    recording
}

fn go(program: &Program, recording: Recording) {
    go_with(program, recording, Wrapped);
}

fn go_with(program: &Program, recording: Recording, spawn: impl Spawn) {
    let runtime = program.runtime().build().expect("a runtime");
    measure(runtime, program, spawn, || {
        recording.finish();
        0
    });
}
