//! Owns the counterparts of tokio's spawn functions, with tokio's own signatures and return
//! types. It must not know what is recorded of a task or how.
//!
//! Put `wakeline::spawn` where the program has `tokio::spawn`, and so on. What has no
//! counterpart here takes a wrapped future: `handle.spawn(wakeline::traced(future))`,
//! `runtime.block_on(wakeline::tokio::root(future))`.

#[doc(hidden)]
pub mod entry;
mod join_set;
mod local_set;
#[doc(hidden)]
pub mod present;

use std::any::type_name;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::Arc;

use ::tokio::runtime::{Builder as Runtimes, Handle};
use ::tokio::task::JoinHandle;
use wakeline_executor::observe::new_ids;
use wakeline_wire::{detail, end_outcome, job_kind, kind, runtime_flavor, task_kind};

use crate::dictionary::Living;
use crate::gate::{detail_of, gate};
use crate::held::{Held, Spawning};
use crate::recorder::{outside, Recorder, RuntimeSeen};
use crate::session::{seen, Session};
use crate::task::Builder;
use crate::this_thread::with_recorder;
use crate::traced::Traced;
pub use join_set::{AbortHandle, JoinSet};
pub use local_set::LocalSet;

/// `tokio::spawn`, recorded.
///
/// # Panics
/// Outside of a tokio runtime, as tokio's own does.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (site, held) = (Location::caller(), Held::by_runtime());
    let task = Builder::new().wrap(future, task_kind::TASK, site, held);
    let _spawning = Spawning::begin();
    ::tokio::spawn(task)
}

/// `tokio::task::spawn_local`, recorded.
///
/// # Panics
/// Outside of a `LocalSet`, as tokio's own does.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let (site, held) = (Location::caller(), Held::by_local_set());
    let task = Builder::new().wrap(future, task_kind::LOCAL, site, held);
    let _spawning = Spawning::begin();
    ::tokio::task::spawn_local(task)
}

/// `tokio::task::spawn_blocking`, recorded as a blocking job: when it was submitted, when
/// and on which thread it ran, and what its end woke.
///
/// # Panics
/// Outside of a tokio runtime, as tokio's own does.
#[track_caller]
pub fn spawn_blocking<F, R>(function: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let job = Job::submit(None, type_name::<F>(), Location::caller());
    let _once = is_recorded();
    ::tokio::task::spawn_blocking(move || Job::run(job, function))
}

/// `tokio::task::block_in_place` (of tokio's feature `rt-multi-thread`), recorded as a span of
/// the task that calls it: for its time the task's poll is held up by blocking code on purpose.
///
/// # Panics
/// On a `current_thread` runtime, as tokio's own does.
#[track_caller]
pub fn block_in_place<F, R>(function: F) -> R
where
    F: FnOnce() -> R,
{
    let _open = crate::span("block_in_place").enter();
    present::tokios_block_in_place(function)
}

/// Records the future that is given to `block_on`. Without this the polls of that future
/// are not seen, and what it wakes may be taken for woken by the reactor's turn.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// wakeline::init!();
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let answer = runtime.block_on(wakeline::tokio::root(async {
///     wakeline::spawn(async { 42 }).await
/// }));
/// assert_eq!(answer.map_err(std::io::Error::other)?, 42);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn root<F: Future>(future: F) -> Traced<F> {
    let (site, held) = (Location::caller(), Held::by_program());
    leave_next_root();
    Builder::new().wrap(future, task_kind::ROOT, site, held)
}

/// While what this gives lives, tokio's own word on what is spawned is not heard: the wrapper
/// tells more.
pub(crate) fn is_recorded() -> impl Sized {
    #[cfg(feature = "tracing")]
    crate::tracing::unheard()
}

/// The same for the future that this thread gives to `block_on` next.
fn leave_next_root() {
    #[cfg(feature = "tracing")]
    crate::tracing::leave_next_root();
}

/// The methods of tokio's own builder of tasks, which tokio has with `tokio_unstable` only.
/// Each gives `Ok`, or panics as the function of its name does: they are results so that a
/// program can go from one builder to the other.
impl Builder<'_> {
    /// [`spawn`] with this name.
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (site, held) = (Location::caller(), Held::by_runtime());
        let task = self.wrap(future, task_kind::TASK, site, held);
        let _spawning = Spawning::begin();
        Ok(::tokio::spawn(task))
    }

    /// `Handle::spawn` with this name.
    ///
    /// # Errors
    /// None.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (site, held) = (Location::caller(), Held::by_runtime());
        let task = self.wrap(future, task_kind::TASK, site, held);
        let _spawning = Spawning::begin();
        Ok(handle.spawn(task))
    }

    /// [`spawn_local`] with this name.
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside of a `LocalSet`.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let (site, held) = (Location::caller(), Held::by_local_set());
        let task = self.wrap(future, task_kind::LOCAL, site, held);
        let _spawning = Spawning::begin();
        Ok(::tokio::task::spawn_local(task))
    }

    /// `LocalSet::spawn_local` with this name.
    ///
    /// # Errors
    /// None.
    #[track_caller]
    pub fn spawn_local_on<F>(
        self,
        future: F,
        local_set: &::tokio::task::LocalSet,
    ) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let (site, held) = (Location::caller(), Held::by_local_set());
        let task = self.wrap(future, task_kind::LOCAL, site, held);
        let _spawning = Spawning::begin();
        Ok(local_set.spawn_local(task))
    }

    /// [`spawn_blocking`] with this name.
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn_blocking<F, R>(self, function: F) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let job = Job::submit(self.given_name(), type_name::<F>(), Location::caller());
        let _once = is_recorded();
        Ok(::tokio::task::spawn_blocking(move || {
            Job::run(job, function)
        }))
    }

    /// `Handle::spawn_blocking` with this name.
    ///
    /// # Errors
    /// None.
    #[track_caller]
    pub fn spawn_blocking_on<F, R>(self, function: F, handle: &Handle) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let job = Job::submit(self.given_name(), type_name::<F>(), Location::caller());
        let _once = is_recorded();
        Ok(handle.spawn_blocking(move || Job::run(job, function)))
    }
}

/// Lets a runtime's threads tell when they start, park and go on: the trace then names the
/// runtime, has workers that wait on a lock, and knows exactly when the reactor's dispatch
/// ends. Without this all else is recorded the same.
///
/// tokio keeps one callback of each kind, so `on_thread_start`, `on_thread_park` and
/// `on_thread_unpark` of this builder are taken: call this last, or not at all where the
/// program needs its own. A tokio too old to have the last two goes without.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// wakeline::init!();
/// let mut builder = tokio::runtime::Builder::new_multi_thread();
/// let runtime = wakeline::tokio::instrument(&mut builder, "main").build()?;
/// # drop(runtime);
/// # Ok(())
/// # }
/// ```
pub fn instrument<'a>(builder: &'a mut Runtimes, name: &str) -> &'a mut Runtimes {
    // A builder does not tell its flavor, and how many workers it says only where it was told.
    instrument_known(builder, name, runtime_flavor::UNKNOWN, 0);
    builder
}

/// The most threads that the blocking pool may have; 0 where that is not known. tokio shows it
/// to nobody but in the text of a builder, which has named it so from 1.8 to 1.54.
fn pool_limit(builder: &Runtimes) -> u64 {
    let text = format!("{builder:?}");
    // The name that a program gives its runtime comes first, and may be anything.
    let Some((_, behind)) = text.rsplit_once("max_blocking_threads: ") else {
        return 0;
    };
    let digits = behind.split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// [`instrument`] of a builder of which this is known; a number that is not is 0.
fn instrument_known(
    builder: &mut Runtimes,
    name: &str,
    flavor: u64,
    workers: u64,
) -> Option<Arc<RuntimeSeen>> {
    let session = Session::current()?;
    session.saw(seen::WRAPPED);
    let runtime = Arc::new(RuntimeSeen {
        id: new_ids::runtime(),
        in_reactor: AtomicU32::new(0),
        is_closing: AtomicBool::new(false),
    });
    let dictionary = &session.dictionary;
    dictionary.runtime(runtime.id, name, flavor, workers, pool_limit(builder));
    let told = Arc::clone(&runtime);
    let tell = move |then: fn(&mut Recorder, bool)| {
        let runtime = Arc::clone(&told);
        move || {
            let now = detail_of(gate());
            if now != 0 {
                with_recorder(session, |r| {
                    // A current_thread runtime starts no worker: it parks the caller's thread.
                    r.set_runtime(&runtime);
                    then(r, now >= detail::LEAN);
                });
            }
        }
    };
    builder
        .on_thread_start(tell(|_, _| {
            #[cfg(wakeline_reactor)]
            crate::interpose::started_by_runtime(present::starts_for_pool_alone());
        }))
        .on_thread_park(tell(Recorder::runtime_parks))
        .on_thread_unpark(tell(Recorder::runtime_unparked));
    Some(runtime)
}

/// Where tokio's code is: in a program of shared libraries not where the probe's is.
#[cfg(wakeline_reactor)]
pub(crate) fn runtime_code() -> *const libc::c_void {
    let build: fn(&mut Runtimes) -> std::io::Result<::tokio::runtime::Runtime> = Runtimes::build;
    build as *const libc::c_void
}

/// What an old tokio lacks. Where the builder has methods of these names, those are
/// called and not these.
#[allow(dead_code)] // Dead with every tokio that has the methods.
trait ParkHooks: Sized {
    fn on_thread_park<F: Fn() + Send + Sync + 'static>(&mut self, _tell: F) -> &mut Self {
        self
    }

    fn on_thread_unpark<F: Fn() + Send + Sync + 'static>(&mut self, _tell: F) -> &mut Self {
        self
    }
}

impl ParkHooks for Runtimes {}

/// Jobs submitted and not started.
pub(crate) static QUEUED: AtomicU64 = AtomicU64::new(0);

/// A blocking job on its way to its thread. Dropped before it ran it was cancelled.
struct Job {
    session: &'static Session,
    id: u64,
    is_queued: bool,
    outcome: u64,
}

impl Job {
    fn submit(
        given_name: Option<&str>,
        type_name: &'static str,
        site: &'static Location<'static>,
    ) -> Option<Self> {
        let session = Session::current()?;
        session.saw(seen::WRAPPED);
        let id = new_ids::job();
        // Ordering: none needed; the number is shown, nothing is decided by it.
        let queued = QUEUED.fetch_add(1, Ordering::Relaxed) + 1;
        if detail_of(gate()) >= detail::LEAN {
            let name = match given_name {
                Some(name) => session.dictionary.name_of(Living::Job(id), name),
                None => session.dictionary.type_name(type_name),
            };
            with_recorder(session, |r| {
                let (task, site) = (r.current_task(), r.site(site));
                let runtime = r.runtime_id();
                let fields = [id, job_kind::OTHER, task, site, name, queued, runtime];
                r.event(kind::JOB_SUBMIT, fields);
            });
        }
        Some(Self {
            session,
            id,
            is_queued: true,
            outcome: end_outcome::CANCELLED,
        })
    }

    /// Runs a job; one that is not recorded too.
    fn run<R>(job: Option<Self>, function: impl FnOnce() -> R) -> R {
        let Some(mut job) = job else {
            return function();
        };
        job.start();
        job.outcome = end_outcome::PANICKED;
        let result = function();
        job.outcome = end_outcome::COMPLETED;
        result
    }

    fn start(&mut self) {
        self.is_queued = false;
        let queued = QUEUED.fetch_sub(1, Ordering::Relaxed) - 1;
        let now = detail_of(gate());
        if now != 0 {
            with_recorder(self.session, |r| {
                r.foreign_job_start(now >= detail::LEAN, self.id, queued);
            });
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.is_queued {
            QUEUED.fetch_sub(1, Ordering::Relaxed);
        }
        let now = detail_of(gate());
        if now != 0 {
            with_recorder(self.session, |r| {
                let recorded = now >= detail::LEAN;
                match self.is_queued {
                    true => {
                        r.job_end(recorded, self.id, self.outcome, 0);
                        // What this wakes is not the doing of the job before.
                        r.set_outside(outside::NOTHING);
                    }
                    false => r.foreign_job_end(recorded, self.id, self.outcome),
                }
            });
            self.session.dictionary.ended(Living::Job(self.id));
        }
    }
}
