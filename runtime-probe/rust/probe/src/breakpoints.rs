//! Owns scheduling breakpoints: a debugger writes a condition into these exported words while
//! the program stands, sets a breakpoint on the function, and the program comes to it when
//! the condition is met. It must not know who debugs.
//!
//! Nothing here is a trap: without a debugger the function is an addition. A condition is
//! met once and then gone. While none is set, nothing is read but the gate, which a hook
//! reads anyway; conditions are looked at while recording is on.
//!
//! ```text
//! wakeline_break_on_poll = <task>            wakeline_gate |= 0x80 unless it is 0
//! ```

use std::sync::atomic::{AtomicU64, Ordering};

use wakeline_executor::observe::innermost_poll;

use crate::gate::drop_conditions;
use crate::session::Session;

/// The task at whose next poll to stop; 0 for none.
#[export_name = "wakeline_break_on_poll"]
static ON_POLL: AtomicU64 = AtomicU64::new(0);
/// The task at whose next wake to stop; 0 for none.
#[export_name = "wakeline_break_on_wake"]
static ON_WAKE: AtomicU64 = AtomicU64::new(0);
/// Stop at the end of the next poll that took longer; 0 for none.
#[export_name = "wakeline_break_longer_than_ns"]
static LONGER_THAN_NS: AtomicU64 = AtomicU64::new(0);
/// How often a condition was met. Also makes the function below one that no linker takes
/// for the same as another.
#[export_name = "wakeline_breaks"]
static BREAKS: AtomicU64 = AtomicU64::new(0);

/// Where a debugger stops. Its callers are what the condition is about: the poll of the task,
/// or who wakes it.
#[no_mangle]
#[inline(never)]
extern "C" fn wakeline_breakpoint() {
    BREAKS.fetch_add(1, Ordering::Relaxed);
}

/// Takes the condition away if it is met, and stops.
fn stop_if(condition: &AtomicU64, is_met: impl Fn(u64) -> bool) {
    let wanted = condition.load(Ordering::Relaxed);
    if wanted == 0 || !is_met(wanted) {
        return;
    }
    // Ordering: none needed; of two threads that meet it one stops.
    let taken = condition.compare_exchange(wanted, 0, Ordering::Relaxed, Ordering::Relaxed);
    if taken.is_err() {
        return;
    }
    let all = [&ON_POLL, &ON_WAKE, &LONGER_THAN_NS];
    if all.iter().all(|each| each.load(Ordering::Relaxed) == 0) {
        drop_conditions();
    }
    wakeline_breakpoint();
}

/// A task is about to be polled.
#[cold]
#[inline(never)]
pub(crate) fn poll_starts(task: u64) {
    stop_if(&ON_POLL, |wanted| wanted == task);
}

/// A task is about to be woken.
#[cold]
#[inline(never)]
pub(crate) fn wakes(task: u64) {
    stop_if(&ON_WAKE, |wanted| wanted == task);
}

/// The innermost open poll of this thread ends. One whose beginning was not recorded took
/// nobody knows how long.
#[cold]
#[inline(never)]
pub(crate) fn poll_ends(session: &Session) {
    let start = innermost_poll().map_or(0, |poll| poll.start);
    let rate = session.tick_rate.load(Ordering::Relaxed);
    if start == 0 || rate == 0 {
        return;
    }
    let ticks = session.clock.now().saturating_sub(start);
    let took_ns = u128::from(ticks) * 1_000_000_000 / u128::from(rate);
    stop_if(&LONGER_THAN_NS, |wanted| took_ns > u128::from(wanted));
}
