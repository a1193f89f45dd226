//! Owns the ways to give a runtime work: tasks, local tasks and blocking jobs. It
//! must not know when or where they run.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::context;
use crate::join_handle::JoinHandle;
use crate::observe::{Flavor, JobKind, JobOutcome, TaskKind};
use crate::pool::{self, JobHandle, JobResult, Place};
use crate::scheduler::Shared;
use crate::task::{Body, Identity, Packet, Task};

/// Spawns on a runtime, from any thread. It does not keep the runtime running: a
/// task spawned after the runtime's end is cancelled at once.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(crate) fn new(shared: &Arc<Shared>) -> Handle {
        Handle {
            shared: Arc::clone(shared),
        }
    }

    /// The handle of the runtime that this thread serves.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    #[track_caller]
    pub fn current() -> Handle {
        Handle {
            shared: context::expect_runtime("Handle::current"),
        }
    }

    /// Spawns a task.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn_shared(&self.shared, None, future, Location::caller())
    }

    /// Spawns a task with a name for the trace.
    #[track_caller]
    pub fn spawn_named<F>(&self, name: &str, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn_shared(&self.shared, Some(name), future, Location::caller())
    }

    /// Runs `work`, which may block, on the runtime's pool.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, work: F) -> JobHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let site = Location::caller();
        let job = move || JobResult {
            value: work(),
            outcome: JobOutcome::Completed,
            bytes: 0,
        };
        let name = type_name::<F>();
        pool::submit(&self.shared, Place::Pool, JobKind::Other, name, site, job)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("runtime", &self.shared.id)
            .finish()
    }
}

fn spawn_shared<F>(
    shared: &Arc<Shared>,
    name: Option<&str>,
    future: F,
    site: &'static Location<'static>,
) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let packet = Packet::new();
    let identity = identity_of::<F>(TaskKind::Task, name, site);
    let task = Task::new(shared, &identity, None, |id| {
        Some(Body::shared(id, future, Arc::clone(&packet)))
    });
    launch(shared, &task);
    JoinHandle::new(task, packet)
}

/// How a task of this future's type is presented to the observer.
pub(crate) fn identity_of<'a, F>(
    kind: TaskKind,
    name: Option<&'a str>,
    site: &'static Location<'static>,
) -> Identity<'a> {
    Identity {
        kind,
        name,
        site,
        type_name: type_name::<F>(),
        future_bytes: size_of::<F>(),
    }
}

/// Queues a new task for its first poll; cancels it if the runtime is over.
fn launch(shared: &Shared, task: &Arc<Task>) {
    if shared.adopt(task) {
        shared.schedule(Arc::clone(task));
    } else {
        task.shut_down();
    }
}

/// Spawns a task on the runtime that this thread serves.
///
/// # Panics
///
/// Outside of a runtime; there use [`Handle::spawn`].
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let shared = context::expect_runtime("spawn");
    spawn_shared(&shared, None, future, Location::caller())
}

/// As [`spawn`], with a name for the trace.
///
/// # Panics
///
/// As [`spawn`].
#[track_caller]
pub fn spawn_named<F>(name: &str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let shared = context::expect_runtime("spawn_named");
    spawn_shared(&shared, Some(name), future, Location::caller())
}

/// Spawns a task that stays on this thread, so its future need not be `Send`.
///
/// ```
/// use std::rc::Rc;
/// use wakeline_executor::{block_on, spawn_local};
///
/// let shared = Rc::new(5);
/// let copy = Rc::clone(&shared);
/// assert_eq!(block_on(async { spawn_local(async move { *copy }).await.unwrap() }), 5);
/// ```
///
/// # Panics
///
/// Anywhere but in a task of a single-threaded runtime.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    spawn_on_this_thread(None, future, Location::caller())
}

/// As [`spawn_local`], with a name for the trace.
///
/// # Panics
///
/// As [`spawn_local`].
#[track_caller]
pub fn spawn_local_named<F>(name: &str, future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    spawn_on_this_thread(Some(name), future, Location::caller())
}

#[track_caller]
fn spawn_on_this_thread<F>(
    name: Option<&str>,
    future: F,
    site: &'static Location<'static>,
) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let shared = context::expect_runtime("spawn_local");
    assert!(
        shared.flavor == Flavor::Single && context::worker_of(&shared).is_some(),
        "spawn_local needs the thread of a single-threaded runtime: \
         build it with Runtime::single, or use spawn with a Send future"
    );
    let packet = Packet::new();
    let identity = identity_of::<F>(TaskKind::Local, name, site);
    let task = Task::new(&shared, &identity, None, |id| {
        Some(Body::local(id, future, Arc::clone(&packet)))
    });
    launch(&shared, &task);
    JoinHandle::new(task, packet)
}

/// Runs `work`, which may block, on the blocking pool of the runtime that this
/// thread serves. The job is submitted at once.
///
/// ```
/// use wakeline_executor::{block_on, spawn_blocking};
///
/// let length = block_on(async { spawn_blocking(|| "blocking".len()).await });
/// assert_eq!(length.unwrap(), 8);
/// ```
///
/// # Panics
///
/// Outside of a runtime; there use [`Handle::spawn_blocking`].
#[track_caller]
pub fn spawn_blocking<F, T>(work: F) -> JobHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let shared = context::expect_runtime("spawn_blocking");
    Handle { shared }.spawn_blocking(work)
}
