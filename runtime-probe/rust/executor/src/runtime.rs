//! Owns a runtime's life: it is built, runs roots, and ends with all that lives in
//! it. It must not know how a worker works or how a poll goes.

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

use crate::fs::Files;
use crate::observe::{
    self, Flavor, Outcome, ParkKind, RuntimeInfo, TaskKind, ThreadInfo, ThreadRole,
};
use crate::pool::Pool;
use crate::reactor::Reactor;
use crate::ring::Ring;
use crate::scheduler::{Parker, Shared};
use crate::spawn::{identity_of, Handle};
use crate::task::{tell_pending, Start, Task};
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
    files: Files,
}

impl Builder {
    fn new(flavor: Flavor, workers: usize) -> Self {
        Builder {
            flavor,
            workers,
            name: "wakeline".to_owned(),
            pool_limit: DEFAULT_POOL_LIMIT,
            pool_idle_timeout: DEFAULT_POOL_IDLE_TIMEOUT,
            files: Files::Pool,
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

    /// How file operations are made; by the blocking pool unless told otherwise.
    #[must_use]
    pub fn files(mut self, files: Files) -> Self {
        self.files = files;
        self
    }

    /// Builds the runtime and starts its workers.
    ///
    /// # Errors
    ///
    /// When the system refuses the reactor's file descriptors or a thread, and with
    /// [`Files::IoUring`] when there is no io_uring to be had: the error says why.
    #[track_caller]
    pub fn build(self) -> io::Result<Runtime> {
        let site = Location::caller();
        let (ring, files) = match self.files {
            Files::IoUring => (Some(Ring::open()?), Files::IoUring),
            Files::IoUringOrPool => match Ring::open() {
                Ok(ring) => (Some(ring), Files::IoUring),
                Err(_) => (None, Files::Pool),
            },
            other => (None, other),
        };
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
        let (name, flavor, workers) = (self.name, self.flavor, self.workers);
        let shared = Shared::new(id, name, flavor, workers, reactor, pool, ring, files);
        if let Some(ring) = &shared.ring {
            ring.register(&shared.reactor, site)?;
        }
        let mut runtime = Runtime {
            shared: Arc::new(shared),
            threads: Vec::new(),
            stays_on_its_thread: PhantomData,
        };
        runtime.shared.list();
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

    /// How this runtime makes file operations: never [`Files::IoUringOrPool`], but what
    /// became of it.
    pub fn files(&self) -> Files {
        self.shared.files
    }

    /// A handle to spawn with from anywhere.
    pub fn handle(&self) -> Handle {
        Handle::new(&self.shared)
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
        let identity = identity_of::<F>(TaskKind::Root, None, site);
        let root = Task::new(shared, &identity, parker.clone(), |_| None);
        shared.list_root(&root);
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
                    observer.park(ParkKind::Condvar, None, 0);
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
            Ok(Poll::Pending) => {
                tell_pending(future.as_ref());
                Outcome::Pending
            }
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
            if let Some(ring) = &self.shared.ring {
                ring.stop(&self.shared.reactor);
            }
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
