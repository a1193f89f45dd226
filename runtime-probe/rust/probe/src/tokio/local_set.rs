//! Owns `LocalSet`, the counterpart of tokio's: the same set, whose tasks are recorded. It must
//! not know how they are.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tokio::runtime::Runtime;
use ::tokio::task::JoinHandle;
use wakeline_wire::task_kind;

use super::root;
use crate::held::{closing, Held};
use crate::task::Builder;

/// `tokio::task::LocalSet`, whose tasks are recorded. All that is not here is tokio's own: this
/// derefs to tokio's set.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let local = wakeline::LocalSet::new();
/// let shared = std::rc::Rc::new(42);
/// let task = local.spawn_local(async move { *shared });
/// let answer = local.block_on(&runtime, task).map_err(std::io::Error::other)?;
/// assert_eq!(answer, 42);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct LocalSet {
    // Dropped in this order: what the set drops of its tasks, it drops between the two.
    _begins: closing::Begins,
    inner: ::tokio::task::LocalSet,
    _ends: closing::Ends,
}

impl LocalSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// `spawn_local` of tokio's set, recorded.
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let (site, held) = (Location::caller(), Held::by_local_set());
        let task = Builder::new().wrap(future, task_kind::LOCAL, site, held);
        self.inner.spawn_local(task)
    }

    /// `block_on` of tokio's set; the future is recorded as a root.
    #[track_caller]
    pub fn block_on<F: Future>(&self, runtime: &Runtime, future: F) -> F::Output {
        self.inner.block_on(runtime, root(future))
    }
}

impl Deref for LocalSet {
    type Target = ::tokio::task::LocalSet;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl DerefMut for LocalSet {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}

/// Ready when all tasks of the set have ended, as tokio's own is.
impl Future for LocalSet {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.inner).poll(cx)
    }
}
