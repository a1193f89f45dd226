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

/// Sets the level of detail.
pub(crate) fn set_detail(detail: u64) {
    let generation = (gate() >> 8).wrapping_add(1) & 0x00ff_ffff;
    GATE.store(generation << 8 | detail as u32, Ordering::Relaxed);
}

/// Ends recording for good. Also called in a fork's child, so it only stores.
pub(crate) fn shut_gate() {
    GATE.store(0, Ordering::Relaxed);
}
