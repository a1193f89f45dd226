//! Owns a runtime's life: it is built, runs roots, takes tasks, and ends with all
//! that lives in it. It must not know how a worker works or how a poll goes.

use std::any::type_name;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::marker::PhantomData;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe, Location};
use std::pin::{pin, Pin};
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use crate::join_handle::JoinHandle;
use crate::observe::{
    self, Flavor, JobKind, JobOutcome, Outcome, ParkKind, RuntimeInfo, TaskKind, ThreadInfo,
    ThreadRole,
};
use crate::pool::{self, JobHandle, JobResult, Pool};
use crate::reactor::Reactor;
use crate::scheduler::{Parker, Shared};
use crate::task::{Body, Identity, Packet, Start, Task};
use crate::worker::Worker;
use crate::{context, ids};

/// The most pool threads unless told otherwise. Four is Node's default too: enough
/// to keep a disk busy, few enough that the queue of a hundred writes is seen.
const DEFAULT_POOL_LIMIT: usize = 4;

/// How long a pool thread waits for a job before it leaves.
const DEFAULT_POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Describes a runtime to build; made by [`Runtime::single`] and [`Runtime::multi`].
#[derive(Debug, Clone)]
pub struct Builder {
    flavor: Flavor,
    workers: usize,
    name: String,
    pool_limit: usize,
    pool_idle_timeout: Duration,
}

impl Builder {
    fn new(flavor: Flavor, workers: usize) -> Self {
        Builder {
            flavor,
            workers,
            name: "wakeline".to_owned(),
            pool_limit: DEFAULT_POOL_LIMIT,
            pool_idle_timeout: DEFAULT_POOL_IDLE_TIMEOUT,
        }
    }

    /// The runtime's name, which its threads' names begin with; `wakeline` by default.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The most threads of the blocking pool, at least 1; 4 by default.
    #[must_use]
    pub fn pool_limit(mut self, threads: usize) -> Self {
        self.pool_limit = threads.max(1);
        self
    }

    /// How long a pool thread without a job stays; 10 s by default.
    #[must_use]
    pub fn pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.pool_idle_timeout = timeout;
        self
    }

    /// Builds the runtime and starts its workers.
    ///
    /// # Errors
    ///
    /// When the system refuses the reactor's file descriptors or a thread.
    pub fn build(self) -> io::Result<Runtime> {
        let reactor = Reactor::new()?;
        let pool = Pool::new(self.pool_limit, self.pool_idle_timeout);
        let id = ids::RUNTIMES.next();
        if let Some(observer) = observe::observer() {
            observer.runtime_started(&RuntimeInfo {
                runtime: id,
                name: &self.name,
                flavor: self.flavor,
                workers: self.workers,
                pool_limit: self.pool_limit,
            });
        }
        let shared = Shared::new(id, self.name, self.flavor, self.workers, reactor, pool);
        let mut runtime = Runtime {
            shared: Arc::new(shared),
            threads: Vec::new(),
            stays_on_its_thread: PhantomData,
        };
        if self.flavor == Flavor::Multi {
            for index in 0..self.workers {
                // On failure the runtime is dropped, and stops those that run.
                let handle = start_worker(&runtime.shared, index)?;
                runtime.threads.push(handle);
            }
        }
        Ok(runtime)
    }
}

fn start_worker(shared: &Arc<Shared>, index: usize) -> io::Result<thread::JoinHandle<()>> {
    let shared = Arc::clone(shared);
    thread::Builder::new()
        .name(format!("{}-worker-{index}", shared.name))
        .spawn(move || {
            let _runtime = context::enter_runtime(Arc::clone(&shared), Some(index));
            let _thread = report_thread(&shared, ThreadRole::Worker, Some(index));
            Worker::new(shared, index).run();
        })
}

/// Tells that this thread serves the runtime until the result is dropped.
fn report_thread(shared: &Shared, role: ThreadRole, worker: Option<usize>) -> impl Drop {
    struct Stopped;
    impl Drop for Stopped {
        fn drop(&mut self) {
            if let Some(observer) = observe::observer() {
                observer.thread_stopped();
            }
        }
    }
    if let Some(observer) = observe::observer() {
        observer.thread_started(&ThreadInfo {
            name: thread::current().name().unwrap_or_default(),
            role,
            runtime: shared.id,
            worker,
        });
    }
    Stopped
}

/// An executor with its reactor, timers and blocking pool.
///
/// It stays on the thread that built it (its tasks may not). Dropping it cancels
/// every task that is alive and every job that is queued, and waits for jobs that run.
///
/// ```
/// use wakeline_executor::Runtime;
///
/// # fn main() -> std::io::Result<()> {
/// let runtime = Runtime::multi(2).name("docs").build()?;
/// let task = runtime.handle().spawn(async { "done" });
/// assert_eq!(runtime.block_on(task).unwrap(), "done");
/// # Ok(())
/// # }
/// ```
pub struct Runtime {
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
    /// Local tasks live and die on this thread, so the runtime must not be sent away.
    stays_on_its_thread: PhantomData<*const ()>,
}

impl Runtime {
    /// A runtime of one thread, the caller of [`Runtime::block_on`], which is worker
    /// and reactor by turns. It can run non-`Send` futures. Nothing runs between two
    /// calls of `block_on`.
    pub fn single() -> Builder {
        Builder::new(Flavor::Single, 1)
    }

    /// A runtime with `workers` threads of its own, at least 1.
    pub fn multi(workers: usize) -> Builder {
        Builder::new(Flavor::Multi, workers.max(1))
    }

    /// The runtime's id, as the observer knows it.
    pub fn id(&self) -> u64 {
        self.shared.id
    }

    /// A handle to spawn with from anywhere.
    pub fn handle(&self) -> Handle {
        Handle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Runs `future` as a root task on this thread until it is ready.
    ///
    /// # Panics
    ///
    /// With the future's own panic; and when called inside a task, where it would
    /// block the worker.
    #[track_caller]
    pub fn block_on<F: IntoFuture>(&self, future: F) -> F::Output {
        self.run_root(future.into_future(), Location::caller())
    }

    #[track_caller]
    fn run_root<F: Future>(&self, future: F, site: &'static Location<'static>) -> F::Output {
        assert!(
            !context::must_not_block(),
            "block_on was called inside a task, where it would block the worker: \
             await the future there, or call block_on in spawn_blocking"
        );
        let shared = &self.shared;
        let (worker, role, parker) = match shared.flavor {
            Flavor::Single => (Some(0), ThreadRole::Worker, None),
            Flavor::Multi => (None, ThreadRole::BlockOn, Some(Arc::<Parker>::default())),
        };
        let _runtime = context::enter_runtime(Arc::clone(shared), worker);
        let _thread = report_thread(shared, role, worker);
        let identity = Identity {
            kind: TaskKind::Root,
            name: None,
            site,
            type_name: type_name::<F>(),
            future_bytes: size_of::<F>(),
        };
        let root = Task::new(shared, &identity, parker.clone(), |_| None);
        let mut future = pin!(Some(future));
        let result = match parker {
            None => self.drive_single(&root, future.as_mut()),
            Some(parker) => drive_multi(&root, future.as_mut(), &parker),
        };
        result.unwrap_or_else(|payload| resume_unwind(payload))
    }

    /// The root is queued like any task; when its turn comes, it is polled here.
    fn drive_single<F: Future>(
        &self,
        root: &Arc<Task>,
        mut future: Pin<&mut Option<F>>,
    ) -> thread::Result<F::Output> {
        let mut worker = Worker::new(Arc::clone(&self.shared), 0);
        self.shared.schedule(Arc::clone(root));
        loop {
            let Some(task) = worker.next() else { continue };
            if !Arc::ptr_eq(&task, root) {
                task.run();
            } else if let RootPoll::Over(result) = poll_root(root, future.as_mut()) {
                return result;
            }
        }
    }
}

/// The root is polled here while the workers do the rest.
fn drive_multi<F: Future>(
    root: &Arc<Task>,
    mut future: Pin<&mut Option<F>>,
    parker: &Parker,
) -> thread::Result<F::Output> {
    loop {
        match poll_root(root, future.as_mut()) {
            RootPoll::Over(result) => return result,
            RootPoll::Pending => {}
            RootPoll::NotScheduled => {
                let observer = observe::observer();
                if let Some(observer) = observer {
                    observer.park(ParkKind::Condvar, None);
                }
                parker.park();
                if let Some(observer) = observer {
                    observer.unpark(ParkKind::Condvar, 0);
                }
            }
        }
    }
}

enum RootPoll<T> {
    NotScheduled,
    Pending,
    Over(thread::Result<T>),
}

/// Polls the root if it is scheduled. The future is dropped inside its last poll.
fn poll_root<F: Future>(root: &Arc<Task>, mut future: Pin<&mut Option<F>>) -> RootPoll<F::Output> {
    let Start::Poll { epoch } = root.start() else {
        return RootPoll::NotScheduled;
    };
    let mut result = None;
    let outcome = root.poll_with(epoch, |cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let Some(running) = future.as_mut().as_pin_mut() else {
                unreachable!("a root is polled only until it is over");
            };
            let polled = running.poll(cx);
            if polled.is_ready() {
                future.set(None);
            }
            polled
        }));
        match polled {
            Ok(Poll::Pending) => Outcome::Pending,
            Ok(Poll::Ready(output)) => {
                result = Some(Ok(output));
                Outcome::Ready
            }
            Err(payload) => {
                let _ = catch_unwind(AssertUnwindSafe(|| future.set(None)));
                result = Some(Err(payload));
                Outcome::Panicked
            }
        }
    });
    match result {
        None => {
            root.after_pending();
            RootPoll::Pending
        }
        Some(result) => {
            root.finish(outcome);
            RootPoll::Over(result)
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            // A worker catches what tasks do; its own panic was printed already.
            let _ = thread.join();
        }
        {
            let _runtime = context::enter_runtime(Arc::clone(&self.shared), None);
            self.shared.cancel_all();
            self.shared.pool.stop();
        }
        if let Some(observer) = observe::observer() {
            observer.runtime_stopped(self.shared.id);
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("id", &self.shared.id)
            .field("name", &self.shared.name)
            .field("flavor", &self.shared.flavor)
            .finish_non_exhaustive()
    }
}

/// Spawns on a runtime, from any thread. It does not keep the runtime running: a
/// task spawned after the runtime's end is cancelled at once.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
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
        pool::submit(&self.shared, JobKind::Other, type_name::<F>(), site, job)
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

fn identity_of<'a, F>(
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

/// Runs a future on this thread, on a single-threaded runtime of its own.
///
/// ```
/// assert_eq!(wakeline_executor::block_on(async { 6 * 7 }), 42);
/// ```
///
/// # Panics
///
/// As [`Runtime::block_on`], and when the system refuses a reactor.
#[track_caller]
pub fn block_on<F: IntoFuture>(future: F) -> F::Output {
    match Runtime::single().build() {
        Ok(runtime) => runtime.run_root(future.into_future(), Location::caller()),
        Err(error) => panic!("block_on could not build a runtime: {error}"),
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
