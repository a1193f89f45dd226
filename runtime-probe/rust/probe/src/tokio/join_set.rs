//! Owns `JoinSet`, the counterpart of tokio's: the same set, whose tasks and jobs are recorded.
//! It must not know how they are.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;

use ::tokio::runtime::Handle;
use ::tokio::task::LocalSet;
use wakeline_wire::task_kind;

#[allow(unused_imports)] // Of use with the versions that lack its methods.
use super::present::BlockingInSets;
use super::present::{Present, Tokio};
use super::Job;
use crate::held::{Held, SetState, Spawning};
use crate::task::Builder;
use crate::traced::Traced;

/// `tokio::task::AbortHandle`.
pub type AbortHandle = <Tokio as Present>::AbortHandle;

/// `tokio::task::JoinSet`, whose tasks are recorded. All that is not here is tokio's own: this
/// derefs to tokio's set, whose methods are those of the program's version (1.21 at least).
///
/// ```
/// # #[wakeline::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut set = wakeline::JoinSet::new();
/// for number in 1..=3 {
///     set.spawn(async move { number * 10 });
/// }
/// let mut sum = 0;
/// while let Some(result) = set.join_next().await {
///     sum += result.unwrap();
/// }
/// assert_eq!(sum, 60);
/// # }
/// ```
pub struct JoinSet<T> {
    inner: <Tokio as Present>::JoinSet<T>,
    /// Shared with the tasks that are in the set now; made with the first one that is recorded.
    state: Option<SetState>,
}

impl<T: 'static> JoinSet<T> {
    /// An empty set.
    pub fn new() -> Self {
        Self {
            inner: <Tokio as Present>::JoinSet::<T>::new(),
            state: None,
        }
    }

    fn task<F: Future>(&mut self, task: F, site: &'static Location<'static>) -> Traced<F> {
        let held = Held::by_runtime().in_set(&mut self.state);
        Builder::new().wrap(task, task_kind::TASK, site, held)
    }

    fn local_task<F: Future>(&mut self, task: F, site: &'static Location<'static>) -> Traced<F> {
        let held = Held::by_local_set().in_set(&mut self.state);
        Builder::new().wrap(task, task_kind::LOCAL, site, held)
    }

    /// `spawn` of tokio's set, recorded.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let task = self.task(task, Location::caller());
        let _spawning = Spawning::begin();
        self.inner.spawn(task)
    }

    /// `spawn_on` of tokio's set, recorded.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, task: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let task = self.task(task, Location::caller());
        let _spawning = Spawning::begin();
        self.inner.spawn_on(task, handle)
    }

    /// `spawn_local` of tokio's set, recorded.
    ///
    /// # Panics
    /// Outside of a `LocalSet`.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        let task = self.local_task(task, Location::caller());
        let _spawning = Spawning::begin();
        self.inner.spawn_local(task)
    }

    /// `spawn_local_on` of tokio's set, recorded.
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, task: F, local_set: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        let task = self.local_task(task, Location::caller());
        let _spawning = Spawning::begin();
        self.inner.spawn_local_on(task, local_set)
    }

    /// `spawn_blocking` of tokio's set (1.29 and newer), recorded as a blocking job.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, function: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let job = Job::submit(None, std::any::type_name::<F>(), Location::caller());
        let _once = super::is_recorded();
        self.inner.spawn_blocking(move || Job::run(job, function))
    }

    /// `spawn_blocking_on` of tokio's set (1.29 and newer), recorded as a blocking job.
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, function: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let job = Job::submit(None, std::any::type_name::<F>(), Location::caller());
        let _once = super::is_recorded();
        self.inner
            .spawn_blocking_on(move || Job::run(job, function), handle)
    }

    /// Aborts all tasks; they stay in the set until they are joined.
    pub fn abort_all(&mut self) {
        self.tell_of_abort();
        self.inner.abort_all();
    }

    /// Aborts all tasks and waits until they have ended.
    pub async fn shutdown(&mut self) {
        self.tell_of_abort();
        self.inner.shutdown().await;
    }

    /// Lets go of all tasks, which go on.
    pub fn detach_all(&mut self) {
        self.state = None;
        self.inner.detach_all();
    }

    /// Waits for all tasks and gives what they gave, in the order in which they ended.
    ///
    /// # Panics
    /// When a task has panicked, with its panic, or was aborted.
    #[allow(clippy::panic)] // As tokio's.
    pub async fn join_all(mut self) -> Vec<T> {
        let mut all = Vec::new();
        while let Some(result) = self.inner.join_next().await {
            match result {
                Ok(output) => all.push(output),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(error) => panic!("{error}"),
            }
        }
        all
    }
}

impl<T> JoinSet<T> {
    /// What is in the set now is about to be aborted; what joins it later is not.
    fn tell_of_abort(&mut self) {
        if let Some(state) = self.state.take() {
            state.abort();
        }
    }
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        // tokio's set aborts all tasks when it is dropped, after this.
        self.tell_of_abort();
    }
}

impl<T: 'static> Default for JoinSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for JoinSet<T> {
    type Target = <Tokio as Present>::JoinSet<T>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<T> DerefMut for JoinSet<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JoinSet").field(&self.inner).finish()
    }
}

impl<T, F> Extend<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn extend<I: IntoIterator<Item = F>>(&mut self, futures: I) {
        // A closure would be the caller that is told.
        for future in futures {
            self.spawn(future);
        }
    }
}

impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> Self {
        let mut set = Self::new();
        for future in futures {
            set.spawn(future);
        }
        set
    }
}
