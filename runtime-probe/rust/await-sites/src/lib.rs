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
//! `join!`, `timeout`, and of `futures` the joins, `join_all`, `select_all`, `FuturesUnordered`
//! and what is made of it. At anything else the chain ends with the type that is awaited.
//! Elsewhere than on 64-bit Linux nothing is read.

mod copied;
mod dwarf;
mod image;
mod kept;
mod layout;
mod memory;
mod names;
mod node;
mod own_memory;
mod plans;
mod reader;
mod walk;

pub use image::Unreadable;
pub use kept::{are_kept, keep, Kept};
pub use names::is_own;
pub use node::Frame;
pub use reader::{Answered, Reader};
pub use walk::{BRANCH_LIMIT, CHAIN_LIMIT};

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use memory::Live;
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
/// branch that is known. None where the debug information does not tell.
///
/// False when there may be more to tell later, as nobody has read yet what this type, or one
/// in it, looks like; the first call for a type asks for it. [`keep`] has it told then.
///
/// # Safety
/// `future` points to a live future of this type, whose last poll returned pending, and
/// nothing polls or changes it during the call.
#[inline]
pub unsafe fn chains(
    of: FutureType,
    future: *const u8,
    tell: &mut dyn FnMut(&[Option<&'static Frame>]),
) -> bool {
    // SAFETY: told to the caller.
    unsafe { Walk::new(Live, tell).future(of.poll, of.size_bytes, future) }
}

/// This thread, which has or makes a [`Reader`], answers what is asked from here on; it is
/// unparked when there is something to do. False when another one does.
pub fn answered_by(thread: std::thread::Thread) -> bool {
    plans::answered_by(thread)
}

/// Nobody answers from here on, and what was kept is forgotten.
pub fn close() {
    plans::close();
    drop(kept::take());
}
