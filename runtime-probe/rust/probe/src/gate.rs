//! Owns the gate: how much is recorded, in one word that every hook reads. It must not know
//! who opens or shuts it.

use std::sync::atomic::{AtomicU32, Ordering};

/// What is recorded: the level of detail in the low byte, above it a number that changes
/// with the level, so that a thread notices a change by one comparison. 0 is "nothing,
/// for good".
static GATE: AtomicU32 = AtomicU32::new(0);

/// Level of detail of a gate word.
#[inline(always)]
pub(crate) fn detail_of(gate: u32) -> u64 {
    u64::from(gate & 0xff)
}

/// The gate word as it is now.
#[inline(always)]
pub(crate) fn gate() -> u32 {
    // Ordering: none needed; a thread that sees a change some events later is no harm.
    GATE.load(Ordering::Relaxed)
}

/// Recording begins.
pub(crate) fn open_gate(detail: u64) {
    GATE.store(1 << 8 | detail as u32, Ordering::Relaxed);
}

/// Sets the level of detail, unless recording has ended.
pub(crate) fn set_detail(detail: u64) {
    change(|_| detail as u32);
}

/// Makes every thread leave its slot before it writes another event.
pub(crate) fn leave_slots() {
    change(|detail| detail);
}

fn change(detail: impl Fn(u32) -> u32) {
    // Ordering: none needed. Who learns of what this thread does next, a task's spawn for
    // instance, has synchronised with it and so reads the new word.
    let _ = GATE.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
        let generation = (word >> 8).wrapping_add(1) & 0x00ff_ffff;
        (word != 0).then(|| generation << 8 | detail(word & 0xff))
    });
}

/// Ends recording for good. Also called in a fork's child, so it only stores.
pub(crate) fn shut_gate() {
    GATE.store(0, Ordering::Relaxed);
}
