//! Owns the watchdog's sleep, and whether the whole process was held meanwhile: by a debugger,
//! by a stop signal, in a suspended machine. It must not know what is watched.
//!
//! A thread that was held sleeps longer than it asked for. So does one on a busy machine, but
//! the kernel counts how long that one stood in the queue of a processor.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// By how much a sleep may be too long before it is said that the process was held. A stop by
/// hand is longer; what is shorter makes no short poll long.
const OVERSLEPT: Duration = Duration::from_millis(10);

pub(super) struct Sleep {
    /// The kernel's account of the watchdog's thread; none where it keeps none.
    account: Option<File>,
    queued: Duration,
    /// Up to when it is known whether the process was held.
    checked: Instant,
    /// Time since then in which the watchdog has waited for others.
    waited: Duration,
}

impl Sleep {
    /// For the calling thread, from now on.
    pub(super) fn new() -> Self {
        let mut sleep = Self {
            account: File::open("/proc/thread-self/schedstat").ok(),
            queued: Duration::ZERO,
            checked: Instant::now(),
            waited: Duration::ZERO,
        };
        sleep.queued = sleep.queued_so_far();
        sleep
    }

    /// Sleeps that long; whether the process was held since this was last asked.
    pub(super) fn was_held_during(&mut self, pause: Duration) -> bool {
        std::thread::sleep(pause);
        let queued = self.queued_so_far();
        let by_others = queued.saturating_sub(self.queued) + self.waited;
        let too_long = self.checked.elapsed().saturating_sub(pause);
        self.queued = queued;
        self.checked = Instant::now();
        self.waited = Duration::ZERO;
        too_long.saturating_sub(by_others) > OVERSLEPT
    }

    /// The watchdog has waited for others since then.
    pub(super) fn waited_since(&mut self, then: Instant) {
        self.waited += then.elapsed();
    }

    /// Whether the process cannot have been held since the last sleep.
    pub(super) fn is_known_to_run(&self) -> bool {
        self.checked.elapsed().saturating_sub(self.waited) <= OVERSLEPT
    }

    /// How long the thread has been ready to run while others did.
    fn queued_so_far(&self) -> Duration {
        let mut text = [0; 80];
        let read = |file: &File| file.read_at(&mut text, 0).ok();
        let length = self.account.as_ref().and_then(read).unwrap_or(0);
        let text = std::str::from_utf8(&text[..length]).unwrap_or("");
        // Time on a processor, time in its queue, number of turns.
        let queued_ns = text
            .split_whitespace()
            .nth(1)
            .and_then(|ns| ns.parse().ok());
        Duration::from_nanos(queued_ns.unwrap_or(0))
    }
}
