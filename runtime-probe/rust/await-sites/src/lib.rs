//! Tells where a suspended future awaits: function, file and line of each level, from the
//! future's own bytes. The debug information of the running program says how to read them.
//!
//! ```text
//!   handle_client   src/server.rs:41
//!   └ read_frame    src/frame.rs:12
//!     └ tokio::io::util::read_exact::ReadExact
//! ```
//!
//! An async function's future holds which of its awaits it is suspended at, and the future
//! that it awaits there. The compiler tells the place of both in the debug information of
//! a debug build (`debug = 2`). A thread of its own reads that, for each type of future that
//! is asked for, into a plan ([`Reader`]); the thread that polls walks the plan after a poll
//! that returned pending ([`chains`]), which is a few loads for each level.
//!
//! Owns what of this is public. It must not know what chains are used for.
//!
//! What can be followed: async functions and blocks, `Pin<&mut F>`, `Pin<Box<F>>`, `&mut F`,
//! `dyn Future` behind those, enums and structs that hold one future, tokio's `select!`,
//! `join!`, `timeout`. At anything else the chain ends with the type that is awaited.
//! Elsewhere than on 64-bit Linux nothing is read.

mod dwarf;
mod image;
mod layout;
mod names;
mod node;
mod plans;
mod reader;
mod walk;

pub use image::Unreadable;
pub use names::is_own;
pub use node::Frame;
pub use reader::{Answered, Reader};
pub use walk::{BRANCH_LIMIT, CHAIN_LIMIT};

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use walk::Walk;

/// Which future a plan is for: the address of its poll function, which no other type has
/// in a build without optimisation, and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FutureType {
    /// Address of the function that polls it.
    pub poll: usize,
    /// Its size.
    pub size_bytes: usize,
}

impl FutureType {
    /// That of this type.
    #[inline]
    pub fn of<F: Future>() -> Self {
        let poll: fn(Pin<&mut F>, &mut Context<'_>) -> Poll<F::Output> = F::poll;
        Self {
            poll: poll as usize,
            size_bytes: size_of::<F>(),
        }
    }

    /// That of this value's type.
    pub fn of_val<F: Future>(_future: &F) -> Self {
        Self::of::<F>()
    }
}

/// Tells the chains of awaits of a future, outermost await first: one, or one for each
/// branch that is known. None while the plan is not made or where there cannot be one; the
/// first call for a type asks for it.
///
/// # Safety
/// `future` points to a live future of this type, whose last poll returned pending, and
/// nothing polls or changes it during the call.
#[inline]
pub unsafe fn chains(
    of: FutureType,
    future: *const u8,
    tell: &mut dyn FnMut(&[Option<&'static Frame>]),
) {
    if let Some(node) = plans::plan_of(of.poll, of.size_bytes) {
        // SAFETY: told to the caller; the plan's size is the type's.
        unsafe { Walk::new(tell).value(node, future, 0, 0) };
    }
}
