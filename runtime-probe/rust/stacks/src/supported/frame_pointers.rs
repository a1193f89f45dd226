//! Owns walking the calling thread's frames by their frame pointers, which a program has that
//! is built with `-C force-frame-pointers=yes`. It must not know what the walk is for.

use std::hint::black_box;

/// Return addresses of the frames from here out to `base`, the address of a local of an outer
/// function of this thread, innermost first; how many there are in `into`. `None` where the
/// frames do not hold.
///
/// Nothing outside of the thread's own stack between here and `base` is read.
#[inline(never)]
pub fn return_addresses(base: usize, into: &mut [u64]) -> Option<usize> {
    let here = 0_usize;
    let lowest = (&raw const here).addr();
    let mut frame = frame_pointer();
    let mut count = 0;
    while frame < base {
        let last = frame.checked_add(2 * size_of::<usize>())?;
        if frame < lowest || last > base || frame % size_of::<usize>() != 0 {
            return None;
        }
        let at = std::ptr::with_exposed_provenance::<usize>(frame);
        // SAFETY: both words lie between this function's frame and that of a function that
        // has called it, on the stack of this thread.
        let (outer, back) = unsafe { (at.read(), at.add(1).read()) };
        if let Some(place) = into.get_mut(count) {
            *place = back as u64;
            count += 1;
        }
        if outer <= frame {
            return None;
        }
        frame = outer;
    }
    (count > 0).then_some(count)
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn frame_pointer() -> usize {
    let frame: usize;
    // SAFETY: reads a register.
    unsafe {
        std::arch::asm!("mov {}, rbp", out(reg) frame, options(nomem, nostack, preserves_flags));
    }
    frame
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn frame_pointer() -> usize {
    let frame: usize;
    // SAFETY: reads a register.
    unsafe {
        std::arch::asm!("mov {}, x29", out(reg) frame, options(nomem, nostack, preserves_flags));
    }
    frame
}

/// Whether the program's frames hold: found out by three functions that call each other.
pub fn frame_pointers_hold() -> bool {
    /// More than such a small function takes.
    const FUNCTION_BYTES: u64 = 1024;
    #[inline(never)]
    fn middle(base: usize, into: &mut [u64; 4]) -> Option<usize> {
        let count = return_addresses(black_box(base), into);
        black_box(count)
    }
    #[inline(never)]
    fn outer(into: &mut [u64; 4]) -> Option<usize> {
        let local = black_box(0_usize);
        let count = middle((&raw const local).addr(), into);
        black_box(local);
        black_box(count)
    }
    let mut found = [0; 4];
    let inside = |address: u64, function: usize| {
        address
            .checked_sub(function as u64)
            .is_some_and(|offset| offset < FUNCTION_BYTES)
    };
    // The local of `outer` may lie above or below the words of its frame.
    let count = outer(&mut found);
    matches!(count, Some(2..)) && {
        let middle: fn(usize, &mut [u64; 4]) -> Option<usize> = middle;
        let outer: fn(&mut [u64; 4]) -> Option<usize> = outer;
        inside(found[0], middle as usize) && inside(found[1], outer as usize)
    }
}
