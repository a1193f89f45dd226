//! Owns names: how a traced future is given one. It must not know what is recorded.

use std::future::Future;
use std::panic::Location;

use wakeline_wire::task_kind;

use crate::held::Held;
use crate::traced::Traced;

/// Gives a task a name; with the feature `tokio` it spawns it too.
///
/// ```
/// let named = wakeline::task::Builder::new().name("answer").traced(async { 42 });
/// assert_eq!(wakeline_executor::block_on(named), 42);
/// ```
#[derive(Debug, Default, Clone, Copy)]
pub struct Builder<'a> {
    name: Option<&'a str>,
}

impl<'a> Builder<'a> {
    /// A builder of a task without a name: the viewer shows the future's type.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name that the viewer shows.
    pub fn name(self, name: &'a str) -> Self {
        Self { name: Some(name) }
    }

    /// Records a future under this name, to be run by any executor.
    #[track_caller]
    pub fn traced<F: Future>(self, future: F) -> Traced<F> {
        let (site, held) = (Location::caller(), Held::by_program());
        self.wrap(future, task_kind::TASK, site, held)
    }

    pub(crate) fn wrap<F: Future>(
        self,
        future: F,
        task_kind: u64,
        site: &'static Location<'static>,
        held: Held,
    ) -> Traced<F> {
        Traced::new(future, self.name, task_kind, site, held)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn given_name(&self) -> Option<&'a str> {
        self.name
    }
}
