//! Owns what not every tokio has: which of it there is, found by how names are looked up, so
//! that the lowest version need not be raised for it. It must not know what is recorded.
//!
//! A name that a glob import brings into a block hides the one of the module around the block.
//! So in a block with `use ::tokio::task::*` a name means tokio's own where tokio has it, and
//! else the stand-in of this module. A stand-in compiles wherever it is only written, and stops
//! the build with a sentence where a program uses it.

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::size_of;

use ::tokio::runtime::Handle;
use ::tokio::task::LocalSet;

/// The types that tokio has, or their stand-ins.
pub trait Present {
    /// `tokio::task::JoinSet`, of 1.21 and newer.
    type JoinSet<T>;
    /// `tokio::task::AbortHandle`, of 1.19 and newer.
    type AbortHandle;
    /// `tokio::task::Id`, of 1.22 and newer.
    type TaskId: Copy + PartialEq + 'static;
}

/// The tokio of this program.
#[derive(Debug)]
pub struct Tokio;

#[allow(unused_imports)] // Of a tokio that has neither type.
const _: () = {
    use ::tokio::task::*;

    impl Present for Tokio {
        type JoinSet<T> = JoinSet<T>;
        type AbortHandle = AbortHandle;
        type TaskId = Id;
    }
};

/// `tokio::task::block_in_place`, which is there with tokio's feature `rt-multi-thread`.
#[allow(unused_imports)] // Without that feature nothing of it is used.
pub(crate) fn tokios_block_in_place<F: FnOnce() -> R, R>(function: F) -> R {
    use ::tokio::task::*;
    block_in_place(function)
}

#[allow(dead_code)] // Hidden where tokio has it.
fn block_in_place<F: FnOnce() -> R, R>(_function: F) -> R {
    const { lacks::<F>("wakeline::block_in_place needs tokio's feature rt-multi-thread") }
}

thread_local! {
    /// What tokio says is running while this thread runs none of the program's tasks: on a
    /// worker of several its own loop, which is a task of the blocking pool; else nothing.
    /// `None` as long as the thread was not seen to park, or to begin a root.
    static BETWEEN_TASKS: Cell<Option<Option<TaskId>>> = const { Cell::new(None) };
}

/// This thread runs none of the program's tasks: the runtime parks it.
pub(crate) fn is_between_tasks() {
    if BETWEEN_TASKS.get().is_none() {
        BETWEEN_TASKS.set(tokios_try_id().running());
    }
}

/// Whether what runs here is tokio itself: none of its tasks, and no root that is not recorded.
/// False where that is not known: with a tokio that does not say, and on a thread that has not
/// parked yet.
///
/// A worker of several runs tasks and nothing else of the program's; the thread of a
/// `current_thread` runtime also polls what was given to `block_on`.
pub(crate) fn is_runtimes_own() -> bool {
    let running = tokios_try_id().running();
    running.is_some()
        && running == BETWEEN_TASKS.get()
        && (is_on_several_workers() || has_own_root())
}

/// Whether what runs here is a closure of the blocking pool. False where that is not known: with
/// a tokio older than 1.54, which does not tell a worker from the pool's threads. Asks nothing
/// that a signal handler must not.
#[cfg(wakeline_reactor)]
pub(crate) fn is_pools_closure() -> bool {
    // The pool counts its closures as tasks.
    matches!(tokios_try_id().running(), Some(Some(_)))
        && tokios_worker_index().on_worker() == Some(false)
}

/// Whether this tokio tells its workers from the threads of its blocking pool.
#[cfg(wakeline_reactor)]
pub(crate) fn tells_workers() -> bool {
    tokios_worker_index().on_worker().is_some()
}

/// Whether the runtime that has started this thread runs its tasks on threads of others, so that
/// it starts some for its blocking pool alone. False where that is not known.
#[cfg(wakeline_reactor)]
pub(crate) fn starts_for_pool_alone() -> bool {
    // A tokio that tells what runs tells flavors, too.
    tokios_try_id().running().is_some() && !is_on_several_workers()
}

#[cfg(wakeline_reactor)]
#[allow(unused_imports)] // Of a tokio that does not have it.
fn tokios_worker_index() -> impl OnWorker {
    use ::tokio::runtime::*;
    worker_index()
}

/// Of tokio older than 1.54.
#[cfg(wakeline_reactor)]
#[allow(dead_code)] // Hidden where tokio has it.
fn worker_index() -> NotTold {
    NotTold
}

/// What is known of the worker that this thread is.
#[cfg(wakeline_reactor)]
trait OnWorker {
    fn on_worker(self) -> Option<bool>;
}

#[cfg(wakeline_reactor)]
impl OnWorker for Option<usize> {
    fn on_worker(self) -> Option<bool> {
        Some(self.is_some())
    }
}

#[cfg(wakeline_reactor)]
impl OnWorker for NotTold {
    fn on_worker(self) -> Option<bool> {
        None
    }
}

type TaskId = <Tokio as Present>::TaskId;

#[allow(unused_imports)] // Of a tokio that does not have it.
fn tokios_try_id() -> impl Running {
    use ::tokio::task::*;
    try_id()
}

/// Of tokio older than 1.41, where only `tokio_unstable` has it, if anything has.
#[allow(dead_code)] // Hidden where tokio has it.
fn try_id() -> NotTold {
    NotTold
}

#[allow(dead_code)]
struct NotTold;

/// What is known of the task that runs.
trait Running {
    fn running(self) -> Option<Option<TaskId>>;
}

impl Running for Option<TaskId> {
    fn running(self) -> Option<Option<TaskId>> {
        Some(self)
    }
}

impl Running for NotTold {
    fn running(self) -> Option<Option<TaskId>> {
        None
    }
}

#[allow(unused_imports)] // Of a tokio that does not have it.
fn is_on_several_workers() -> bool {
    use ::tokio::runtime::*;
    let flavor = Handle::try_current().map(|handle| handle.runtime_flavor());
    flavor.is_ok_and(|flavor| flavor != RuntimeFlavor::CurrentThread)
}

/// Of a tokio that tells no flavor.
#[allow(dead_code)] // Hidden where tokio has it.
#[derive(PartialEq)]
enum RuntimeFlavor {
    CurrentThread,
}

#[allow(dead_code)] // Dead with every tokio that has the method.
trait Flavored {
    fn runtime_flavor(&self) -> RuntimeFlavor {
        RuntimeFlavor::CurrentThread
    }
}

impl Flavored for Handle {}

thread_local! {
    static OWN_ROOTS: Cell<u32> = const { Cell::new(0) };
}

fn has_own_root() -> bool {
    OWN_ROOTS.get() > 0
}

/// This thread begins to run a root whose polls are recorded.
pub(crate) fn own_root_begins() {
    is_between_tasks();
    OWN_ROOTS.set(OWN_ROOTS.get() + 1);
}

pub(crate) fn own_root_ends() {
    OWN_ROOTS.set(OWN_ROOTS.get().saturating_sub(1));
}

/// Stops the build where the program uses what its tokio lacks. It asks for a size that is
/// known for a use only: an optimising build evaluates before that what it can.
#[allow(dead_code, clippy::empty_loop, clippy::panic)] // No type is that large; it panics in the compiler.
const fn lacks<T>(what: &str) -> ! {
    if size_of::<T>() != usize::MAX {
        panic!("{}", what)
    }
    loop {}
}

/// In place of a number that tokio does not have.
#[allow(dead_code)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Id(Infallible);

/// In place of a set that tokio does not have: nothing can make one.
#[allow(dead_code)]
pub struct JoinSet<T>(Infallible, PhantomData<T>);

/// In place of a handle that tokio does not have.
#[allow(dead_code)]
#[derive(Debug)]
pub struct AbortHandle(Infallible);

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

#[allow(
    dead_code,
    missing_docs,
    clippy::missing_panics_doc,
    clippy::new_without_default
)]
impl<T: 'static> JoinSet<T> {
    pub fn new() -> Self {
        const { lacks::<T>("wakeline::JoinSet needs tokio 1.21 or newer") }
    }

    pub fn spawn<F: Future<Output = T> + Send + 'static>(&mut self, _task: F) -> AbortHandle {
        match self.0 {}
    }

    pub fn spawn_on<F: Future<Output = T> + Send + 'static>(
        &mut self,
        _task: F,
        _handle: &Handle,
    ) -> AbortHandle {
        match self.0 {}
    }

    pub fn spawn_local<F: Future<Output = T> + 'static>(&mut self, _task: F) -> AbortHandle {
        match self.0 {}
    }

    pub fn spawn_local_on<F: Future<Output = T> + 'static>(
        &mut self,
        _task: F,
        _local_set: &LocalSet,
    ) -> AbortHandle {
        match self.0 {}
    }

    pub async fn join_next(&mut self) -> Option<Result<T, ::tokio::task::JoinError>> {
        match self.0 {}
    }

    pub async fn shutdown(&mut self) {
        match self.0 {}
    }

    pub fn abort_all(&mut self) {
        match self.0 {}
    }

    pub fn detach_all(&mut self) {
        match self.0 {}
    }
}

/// What a `JoinSet` older than tokio 1.29 lacks. Where it has methods of these names, those are
/// called and not these.
#[allow(dead_code)] // Dead with every tokio that has the methods.
pub(crate) trait BlockingInSets: Sized {
    fn spawn_blocking<F: FnOnce() -> T, T>(
        &mut self,
        _function: F,
    ) -> <Tokio as Present>::AbortHandle {
        const { lacks::<F>("wakeline::JoinSet::spawn_blocking needs tokio 1.29 or newer") }
    }

    fn spawn_blocking_on<F: FnOnce() -> T, T>(
        &mut self,
        _function: F,
        _handle: &Handle,
    ) -> <Tokio as Present>::AbortHandle {
        const { lacks::<F>("wakeline::JoinSet::spawn_blocking_on needs tokio 1.29 or newer") }
    }
}

impl<S> BlockingInSets for S {}
