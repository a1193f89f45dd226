//! Owns that there is no io_uring in this build: the type of the ring has no value, so
//! none of this is ever called. It must not know the operations.

use std::panic::Location;
use std::sync::Arc;

use super::Boxed;
use crate::scheduler::Shared;

pub(super) trait OnRing<T> {
    fn on_ring(self: Box<Self>, shared: Arc<Shared>, site: &'static Location<'static>) -> Boxed<T>;
}

impl<T, R> OnRing<T> for R {
    fn on_ring(self: Box<Self>, shared: Arc<Shared>, _: &'static Location<'static>) -> Boxed<T> {
        match &shared.ring {
            Some(ring) => match *ring {},
            None => unreachable!("a runtime without a ring does not use it"),
        }
    }
}
