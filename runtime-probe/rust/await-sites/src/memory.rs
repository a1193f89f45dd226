//! Owns where a walk reads from: a future that the calling thread has for itself, or a copy
//! that was taken of one. It must not know what is read.

use crate::plans::{plan_of, Planned};

/// What a walk reads.
pub(crate) trait Memory {
    /// The integer of 1, 2, 4 or 8 bytes there.
    ///
    /// # Safety
    /// `at` lies, with this many bytes, in a value that this memory has.
    unsafe fn integer(&mut self, at: *const u8, size_bytes: usize) -> Option<u64>;

    /// What the pointer that lies there points to, of which this many bytes can be read from
    /// now on. None where there is nothing, or nothing that can be read any more.
    ///
    /// # Safety
    /// As for [`Self::integer`]; the pointer owns what it points to or is the only one in use.
    unsafe fn follow(&mut self, at: *const u8, size_bytes: usize) -> Option<*const u8>;

    /// How to read the future with this poll function.
    fn plan_of(&mut self, poll: usize, size_bytes: usize) -> Planned;
}

/// A future that is alive, suspended, and the calling thread's for the time of the walk.
pub(crate) struct Live;

impl Memory for Live {
    #[inline]
    unsafe fn integer(&mut self, at: *const u8, size_bytes: usize) -> Option<u64> {
        // SAFETY: told to the caller.
        Some(unsafe {
            match size_bytes {
                1 => u64::from(at.read()),
                2 => u64::from(at.cast::<u16>().read_unaligned()),
                4 => u64::from(at.cast::<u32>().read_unaligned()),
                _ => at.cast::<u64>().read_unaligned(),
            }
        })
    }

    #[inline]
    unsafe fn follow(&mut self, at: *const u8, _size_bytes: usize) -> Option<*const u8> {
        // SAFETY: told to the caller.
        let to = unsafe { at.cast::<*const u8>().read_unaligned() };
        (!to.is_null()).then_some(to)
    }

    #[inline]
    fn plan_of(&mut self, poll: usize, size_bytes: usize) -> Planned {
        plan_of(poll, size_bytes)
    }
}
