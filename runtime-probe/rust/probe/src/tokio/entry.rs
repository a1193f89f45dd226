//! Owns what `#[wakeline::main]` calls; not for programs to call themselves. It must not know
//! how the attribute writes it.

use std::future::Future;
use std::io;
use std::panic::Location;
use std::sync::Arc;

pub use ::tokio;
use ::tokio::runtime::Builder as Runtimes;
use wakeline_wire::{runtime_flavor, task_kind};

use super::instrument_known;
use crate::recorder::RuntimeSeen;
use crate::task::Builder;
use crate::traced::Traced;

/// Which runtime the attribute builds.
#[derive(Debug, Clone, Copy)]
pub enum Flavor {
    /// Several workers.
    MultiThread,
    /// One thread.
    CurrentThread,
}

/// A builder that tells of its runtime's threads.
#[derive(Debug)]
pub struct Instrumented<'a> {
    /// The builder.
    pub builder: &'a mut Runtimes,
    /// What the recording knows of the runtime.
    pub seen: Seen,
}

/// What the recording knows of a runtime; nothing where there is no recording.
pub struct Seen(Option<Arc<RuntimeSeen>>);

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = self.0.as_ref().map(|runtime| runtime.id);
        f.debug_tuple("Seen").field(&id).finish()
    }
}

/// [`super::instrument`] with what the attribute knows. 0 workers: as many as tokio chooses.
pub fn instrument<'a>(
    builder: &'a mut Runtimes,
    name: &str,
    flavor: Flavor,
    workers: u64,
) -> Instrumented<'a> {
    let (flavor, workers) = match flavor {
        Flavor::MultiThread => (runtime_flavor::TOKIO_MULTI_THREAD, workers),
        Flavor::CurrentThread => (runtime_flavor::TOKIO_CURRENT_THREAD, 1),
    };
    let seen = Seen(instrument_known(builder, name, flavor, workers));
    Instrumented { builder, seen }
}

/// [`super::root`] under the name of the function.
#[track_caller]
pub fn root<F: Future>(name: &str, future: F) -> Traced<F> {
    let builder = Builder::new().name(name);
    builder.wrap(future, task_kind::ROOT, Location::caller())
}

/// Runs the function's future on the runtime that was built for it.
///
/// # Panics
/// When the runtime could not be built, as tokio's own attribute does.
pub fn run<R, T>(built: io::Result<R>, seen: Seen, block_on: impl FnOnce(&R) -> T) -> T {
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => panic!("the tokio runtime could not be built: {error}"),
    };
    let running = Running {
        runtime,
        _seen: seen,
    };
    block_on(&running.runtime)
}

/// A runtime while its root future runs.
struct Running<R> {
    runtime: R,
    _seen: Seen,
}
