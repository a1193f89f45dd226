//! dial9, to a file: with tokio's spawn it sees polls, with its own wakes too.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use dial9_tokio_telemetry::telemetry::{
    recorder, Dial9HandleTokioExt, DiskBuffer, TokioAttachOptions,
};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::measure_with;
use crate::programs::{Program, Spawn};

/// Its own spawn, which wraps the future to see wakes.
#[derive(Clone, Copy)]
pub(crate) struct Traced;

impl Spawn for Traced {
    fn spawn<F>(self, future: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        dial9_tokio_telemetry::spawn_in(&Handle::current(), future)
    }
}

pub(crate) fn run(program: &Program, spawn: impl Spawn) {
    let folder = PathBuf::from(std::env::var_os("BENCH_FOLDER").expect("BENCH_FOLDER is a folder"));
    // Room for everything: it deletes what is beyond.
    let writer = DiskBuffer::builder()
        .base_path(folder.join("trace.bin"))
        .max_file_size(64 << 20)
        .max_total_size(1 << 30)
        .build()
        .expect("a folder to write to");
    let recorder = recorder(writer).build();
    let options = TokioAttachOptions::builder()
        .task_tracking_enabled(true)
        .build();
    let runtime = recorder
        .handle()
        .attach_tokio_runtime(program.runtime(), options)
        .expect("a runtime");
    measure_with(
        runtime,
        |runtime| runtime.block_on(program.run(spawn)),
        || {
            recorder.graceful_shutdown(Duration::from_secs(10));
            bytes_below(&folder)
        },
    );
}

fn bytes_below(folder: &PathBuf) -> u64 {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
