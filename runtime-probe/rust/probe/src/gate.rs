//! Owns the gate: how much is recorded, in one word that every hook reads. It must not know
//! who opens or shuts it.

use std::sync::atomic::{fence, AtomicU32, Ordering};

use wakeline_executor::observe::set_paused;
use wakeline_wire::detail;

/// What is recorded: the level of detail in the low 7 bits, then [`CONDITIONS`], above it a
/// number that changes with the level, so that a thread notices a change by one comparison.
/// 0 is "nothing, for good". A debugger finds it by its name.
#[export_name = "wakeline_gate"]
static GATE: Page = Page(AtomicU32::new(0));

/// A page of its own, which the system can be asked to empty in a fork's child.
#[repr(align(4096))]
struct Page(AtomicU32);

/// Asks for that: a child that was made without the C library's `fork` runs no handler of
/// ours, and finds the gate shut all the same. Linux before 4.14 refuses.
fn empty_in_children() {
    #[cfg(target_os = "linux")]
    {
        // The lowest libc crate has no name for it.
        const MADV_WIPEONFORK: libc::c_int = 18;
        let page = std::ptr::from_ref(&GATE).cast_mut();
        // SAFETY: the page is ours alone, and zeros in the child are a valid value of it.
        unsafe { libc::madvise(page.cast(), size_of::<Page>(), MADV_WIPEONFORK) };
    }
}

/// How often recording has gone off or on. Between two events that were written at two
/// values of this, others may have happened that were not.
static TURNS: AtomicU32 = AtomicU32::new(0);

/// Set by a debugger that has written a condition of [`crate::breakpoints`].
const CONDITIONS: u32 = 0x80;

/// Whether there are conditions to look at.
#[inline(always)]
pub(crate) fn has_conditions(gate: u32) -> bool {
    gate & CONDITIONS != 0
}

/// There are none any more.
pub(crate) fn drop_conditions() {
    GATE.0.fetch_and(!CONDITIONS, Ordering::Relaxed);
}

/// Level of detail of a gate word.
#[inline(always)]
pub(crate) fn detail_of(gate: u32) -> u64 {
    u64::from(gate & 0x7f)
}

/// The gate word as it is now.
#[inline(always)]
pub(crate) fn gate() -> u32 {
    // Ordering: none needed; a thread that sees a change some events later is no harm.
    GATE.0.load(Ordering::Relaxed)
}

/// Recording begins.
pub(crate) fn open_gate(wanted: u64) {
    empty_in_children();
    GATE.0.store(1 << 8 | wanted as u32, Ordering::Relaxed);
    set_paused(wanted == detail::OFF);
}

/// Sets the level of detail, unless recording has ended. Only the flusher does.
pub(crate) fn set_detail(wanted: u64) {
    let was_off = detail_of(gate()) == detail::OFF;
    if was_off != (wanted == detail::OFF) {
        TURNS.fetch_add(1, Ordering::Relaxed);
    }
    // While the gate is open the hooks are called: the gate alone decides what is recorded.
    if wanted != detail::OFF && gate() != 0 {
        set_paused(false);
    }
    change(|_| wanted as u32);
    if wanted == detail::OFF || gate() == 0 {
        set_paused(true);
    }
}

/// How often recording has gone off or on, as of a gate word that was read before.
pub(crate) fn turns() -> u32 {
    // Ordering: pairs with the release in `change`: whoever has read a gate word that was
    // set after a turn counts the turn.
    fence(Ordering::Acquire);
    TURNS.load(Ordering::Relaxed)
}

/// Makes every thread leave its slot before it writes another event.
pub(crate) fn leave_slots() {
    change(|detail| detail);
}

fn change(detail: impl Fn(u32) -> u32) {
    // Ordering: none needed for the level. Who learns of what this thread does next, a task's spawn for
    // instance, has synchronised with it and so reads the new word.
    // Release for `turns`.
    let _ = GATE
        .0
        .fetch_update(Ordering::Release, Ordering::Relaxed, |word| {
            let generation = (word >> 8).wrapping_add(1) & 0x00ff_ffff;
            (word != 0).then(|| generation << 8 | word & CONDITIONS | detail(word & 0x7f))
        });
}

/// Ends recording for good. Also called in a fork's child, so it only stores.
pub(crate) fn shut_gate() {
    GATE.0.store(0, Ordering::Relaxed);
    set_paused(true);
}
