//! Owns the session's clock: ticks since an origin, at one fixed rate. It must not know
//! who asks or what is recorded.
//!
//! Where the processor's time-stamp counter runs at one rate on all cores, a tick is eight
//! of its counts, 2 to 4 ns (about 10 ns to read), else a nanosecond of `CLOCK_MONOTONIC`
//! (about 24 ns).

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long the counter is compared with `CLOCK_MONOTONIC` before its rate is fixed. A
/// reading is off by some 30 ns, so 10 ms give the rate to about 6 parts in a million.
const CALIBRATION: Duration = Duration::from_millis(10);
/// Readings of both clocks per end of the comparison; the tightest one counts.
const READINGS: usize = 16;
/// The counters of two cores may differ by some 100 ns on a virtual machine; what is
/// claimed about all threads is claimed for a moment this much earlier.
const SKEW_ALLOWANCE_NS: u64 = 1_000;

/// A tick is this power of two of the counter's counts. A reading costs three ticks, so two
/// events of a thread still have different ones; and a distance of up to 0.3 µs is one byte
/// on the wire and up to 40 µs two, where single counts would take one byte more.
#[cfg(target_arch = "x86_64")]
const COUNTS_SHIFT: u32 = 3;

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
struct Pair {
    raw: u64,
    monotonic_ns: u64,
}

/// The session's clock. Copied into each thread's recorder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    counter: bool,
    origin: Pair,
    wall_us: u64,
}

impl Clock {
    /// A clock whose tick 0 is now.
    pub(crate) fn start() -> Self {
        let counter = counter_is_invariant();
        Self {
            counter,
            origin: read_pair(counter),
            wall_us: wall_us(),
        }
    }

    /// Ticks since the origin.
    #[inline(always)]
    pub(crate) fn now(&self) -> u64 {
        read_raw(self.counter).saturating_sub(self.origin.raw)
    }

    /// [`Clock::now`], read neither before what precedes it in this thread has taken
    /// effect nor after what follows it has begun. About 20 ns more.
    #[inline]
    pub(crate) fn now_fenced(&self) -> u64 {
        fence_instructions();
        let now = self.now();
        fence_instructions();
        now
    }

    /// Fixes the rate: ticks per second. Takes up to 10 ms from the origin on; called
    /// on the flusher's thread.
    pub(crate) fn calibrate(&self) -> u64 {
        if !self.counter {
            return 1_000_000_000;
        }
        static RATE: OnceLock<u64> = OnceLock::new();
        *RATE.get_or_init(|| {
            let end_ns = self.origin.monotonic_ns + CALIBRATION.as_nanos() as u64;
            let left_ns = end_ns.saturating_sub(read_pair(true).monotonic_ns);
            std::thread::sleep(Duration::from_nanos(left_ns));
            let end = read_pair(true);
            let ticks = u128::from(end.raw - self.origin.raw);
            let ns = u128::from(end.monotonic_ns - self.origin.monotonic_ns).max(1);
            (ticks * 1_000_000_000 / ns) as u64
        })
    }

    /// Ticks by which two cores' readings may differ.
    pub(crate) fn skew_allowance(&self, rate: u64) -> u64 {
        (u128::from(rate) * u128::from(SKEW_ALLOWANCE_NS) / 1_000_000_000) as u64
    }

    /// The raw value at tick 0.
    pub(crate) fn origin_raw(&self) -> u64 {
        self.origin.raw
    }

    /// `CLOCK_MONOTONIC` at tick 0, in ns.
    pub(crate) fn origin_monotonic_ns(&self) -> u64 {
        self.origin.monotonic_ns
    }

    /// Wall clock at tick 0, in µs since 1970.
    pub(crate) fn origin_wall_us(&self) -> u64 {
        self.wall_us
    }

    /// Tick, `CLOCK_MONOTONIC` in ns and wall clock in µs of now.
    pub(crate) fn anchor(&self) -> (u64, u64, u64) {
        let pair = read_pair(self.counter);
        let tick = pair.raw.saturating_sub(self.origin.raw);
        (tick, pair.monotonic_ns, wall_us())
    }
}

fn wall_us() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as u64)
}

/// Reads both clocks; of several readings the one whose two counter values are closest.
fn read_pair(counter: bool) -> Pair {
    let mut best = (
        u64::MAX,
        Pair {
            raw: 0,
            monotonic_ns: 0,
        },
    );
    for _ in 0..READINGS {
        let before = read_raw(counter);
        fence_instructions();
        let monotonic_ns = read_monotonic_ns();
        fence_instructions();
        let after = read_raw(counter);
        let width = after.saturating_sub(before);
        if width < best.0 {
            let raw = if counter {
                before + width / 2
            } else {
                monotonic_ns
            };
            best = (width, Pair { raw, monotonic_ns });
        }
    }
    best.1
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn read_raw(counter: bool) -> u64 {
    if counter {
        // SAFETY: every x86-64 processor has the instruction; systems that trap it for
        // user code are excluded by the check of the clock source.
        unsafe { std::arch::x86_64::_rdtsc() >> COUNTS_SHIFT }
    } else {
        read_monotonic_ns()
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn read_raw(_counter: bool) -> u64 {
    read_monotonic_ns()
}

/// Waits until everything before it is done: the counter may otherwise be read before
/// an earlier store is visible or after a later load.
#[inline(always)]
fn fence_instructions() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of x86-64.
    unsafe {
        std::arch::x86_64::_mm_mfence();
        std::arch::x86_64::_mm_lfence();
    }
    #[cfg(not(target_arch = "x86_64"))]
    // Ordering: SeqCst, the strongest that is portable.
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

/// Whether the counter runs at one rate, in all power states and on all cores: the
/// processor says so, and the kernel has not found otherwise.
#[cfg(target_arch = "x86_64")]
#[allow(unused_unsafe)] // The intrinsic is safe from Rust 1.94 on and unsafe before.
fn counter_is_invariant() -> bool {
    use std::arch::x86_64::__cpuid;
    const ADVANCED_POWER_LEAF: u32 = 0x8000_0007;
    const INVARIANT_BIT: u32 = 1 << 8;
    // SAFETY: every x86-64 processor has the instruction; the leaf is asked for only
    // where the processor says that it has it.
    let invariant = unsafe {
        __cpuid(0x8000_0000).eax >= ADVANCED_POWER_LEAF
            && __cpuid(ADVANCED_POWER_LEAF).edx & INVARIANT_BIT != 0
    };
    const SOURCES: &str = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
    let kernel_agrees = std::fs::read_to_string(SOURCES).map_or(true, |names| {
        names.split_whitespace().any(|name| name == "tsc")
    });
    invariant && kernel_agrees
}

#[cfg(not(target_arch = "x86_64"))]
fn counter_is_invariant() -> bool {
    false
}

/// `CLOCK_MONOTONIC` in ns, the one that other processes of this machine read too.
#[cfg(unix)]
fn read_monotonic_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec of ours; the clock exists on every Unix.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Nanoseconds since the first reading: there is no clock shared with others.
#[cfg(not(unix))]
fn read_monotonic_ns() -> u64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// From now to a deadline, in ns; 0 when it has passed.
pub(crate) fn delay_ns(deadline: Instant) -> u64 {
    deadline
        .saturating_duration_since(Instant::now())
        .as_nanos()
        .min(u128::from(wakeline_wire::codec::UINT_MAX)) as u64
}
