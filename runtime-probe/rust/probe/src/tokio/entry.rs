//! Owns what `#[wakeline::main]` calls; not for programs to call themselves. It must not know
//! how the attribute writes it.

use std::future::Future;
use std::io;
use std::panic::Location;
use std::sync::atomic::Ordering;
use std::sync::Arc;

pub use ::tokio;
use ::tokio::runtime::Builder as Runtimes;
use wakeline_wire::{runtime_flavor, task_kind};

use super::instrument_known;
use crate::held::{closing, Held};
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
    let (site, held) = (Location::caller(), Held::by_program());
    let builder = Builder::new().name(name);
    super::leave_next_root();
    builder.wrap(future, task_kind::ROOT, site, held)
}

/// Runs the function's future on the runtime that was built for it.
///
/// # Panics
/// When the runtime could not be built, as tokio's own attribute does.
#[allow(clippy::panic)] // As tokio's.
pub fn run<R, T>(built: io::Result<R>, seen: Seen, block_on: impl FnOnce(&R) -> T) -> T {
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => panic!("the tokio runtime could not be built: {error}"),
    };
    let running = Running {
        shuts_down: ShutsDown(seen),
        _begins: closing::Begins,
        runtime,
        _ends: closing::Ends,
    };
    block_on(&running.runtime)
}

/// A runtime while its root future runs. Dropped in this order, also by a panic: what the
/// runtime drops of its tasks, it drops while it is known to shut down.
struct Running<R> {
    #[allow(dead_code)] // For its drop.
    shuts_down: ShutsDown,
    _begins: closing::Begins,
    runtime: R,
    _ends: closing::Ends,
}

/// Tells the runtime's threads, by its drop.
struct ShutsDown(Seen);

impl Drop for ShutsDown {
    fn drop(&mut self) {
        if let Seen(Some(runtime)) = &self.0 {
            // Ordering: Release; the threads learn of the shutdown itself after it.
            runtime.is_closing.store(true, Ordering::Release);
        }
    }
}
