//! Owns what not every tokio has: which of it there is, found by how names are looked up, so
//! that the lowest version need not be raised for it. It must not know what is recorded.
//!
//! A name that a glob import brings into a block hides the one of the module around the block.
//! So in a block with `use ::tokio::task::*` a name means tokio's own where tokio has it, and
//! else the stand-in of this module. A stand-in compiles wherever it is only written, and stops
//! the build with a sentence where a program uses it.

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

/// Stops the build where the program uses what its tokio lacks. It asks for a size that is
/// known for a use only: an optimising build evaluates before that what it can.
#[allow(dead_code, clippy::empty_loop)] // No type is that large.
const fn lacks<T>(what: &str) -> ! {
    if size_of::<T>() != usize::MAX {
        panic!("{}", what)
    }
    loop {}
}

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
