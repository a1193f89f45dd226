//! Takes the stack of a thread that runs, from another thread, and names its frames.
//!
//! Three steps, so that only the first touches the program's threads:
//!
//! 1. [`Sampler`] sends the thread a signal; its handler copies registers and a part of the
//!    stack, which takes some 10 µs, and changes nothing.
//! 2. [`Unwinder`] finds the return addresses in the copy by the modules' unwind tables.
//! 3. [`Symbols`] turns addresses into functions, files and lines.
//!
//! Owns how that is done. It must not know what is sampled or why, nor of any wire. On other
//! systems than Linux on x86-64 and aarch64 the crate is empty.

#[cfg(all(
    target_os = "linux",
    target_pointer_width = "64",
    target_endian = "little",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod supported {
    mod capture;
    mod frame_pointers;
    mod modules;
    mod registers;
    mod symbols;
    mod thread;
    mod unwind;

    pub use capture::{Capture, NoSample, Sampler, Target};
    pub use frame_pointers::{frame_pointers_hold, return_addresses};
    pub use symbols::{Frame, Symbols};
    pub use thread::{cpu_ns, own_cpu_ns, own_stack};
    pub use unwind::Unwinder;
}

#[cfg(all(
    target_os = "linux",
    target_pointer_width = "64",
    target_endian = "little",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub use supported::*;
