//! Owns the futures that wait for time. It must not know how the queue is kept or
//! who fires it.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::context;
use crate::observe::{self, WaitTarget};
use crate::scheduler::Shared;
use crate::timers::TimerEntry;

/// Waits for `duration` from now.
///
/// The kernel's wait counts in milliseconds and is rounded up, so the wake comes up
/// to about one millisecond late, never early.
///
/// ```
/// use std::time::{Duration, Instant};
/// use wakeline_executor::{block_on, time::sleep};
///
/// let start = Instant::now();
/// block_on(sleep(Duration::from_millis(5)));
/// assert!(start.elapsed() >= Duration::from_millis(5));
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    // A deadline that no clock can reach is the same as none for 100 years.
    let now = Instant::now();
    let deadline = now
        .checked_add(duration)
        .unwrap_or(now + Duration::from_secs(100 * 365 * 24 * 3600));
    sleep_until(deadline)
}

/// Waits until `deadline`. One that has passed still goes through the timer queue
/// once, and so yields to the other tasks.
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep {
        deadline,
        site: Location::caller(),
        timer: None,
    }
}

/// Made by [`sleep`] and [`sleep_until`]. The timer is set at the first poll and
/// cancelled when this is dropped before it fired.
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    deadline: Instant,
    site: &'static Location<'static>,
    timer: Option<(Arc<Shared>, Arc<TimerEntry>)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        let mut first_deadline = false;
        let (shared, entry) = self.timer.get_or_insert_with(|| {
            let shared = context::expect_runtime("a timer");
            let (entry, first) = shared.timers.set(deadline);
            first_deadline = first;
            (shared, entry)
        });
        if first_deadline {
            shared.deadline_moved();
        }
        let polled = entry.poll(cx);
        if polled.is_pending() {
            if let Some(observer) = observe::observer() {
                let target = WaitTarget::Timer(entry.id);
                observer.wait_started(context::frame(), target, self.site);
            }
        }
        polled
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some((shared, entry)) = self.timer.take() {
            shared.timers.cancel(&entry);
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline)
            .finish()
    }
}

/// Waits for `future`, but no longer than `duration`; then drops it.
///
/// ```
/// use std::time::Duration;
/// use wakeline_executor::{block_on, time::{sleep, timeout, Elapsed}};
///
/// let outcome = block_on(timeout(Duration::from_millis(1), sleep(Duration::from_secs(60))));
/// assert_eq!(outcome, Err(Elapsed));
/// ```
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout {
        future: Box::pin(future.into_future()),
        sleep: sleep(duration),
    }
}

/// Made by [`timeout`].
#[must_use = "futures do nothing unless awaited"]
pub struct Timeout<F> {
    future: Pin<Box<F>>,
    sleep: Sleep,
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(output) = self.future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(&mut self.sleep).poll(cx).map(|()| Err(Elapsed))
    }
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("deadline", &self.sleep.deadline)
            .finish_non_exhaustive()
    }
}

/// Ticks at once and then every `period`, each tick a timer of its own. A tick that
/// comes too late is not made up for: the next one is the first whose time is still to
/// come, in step with the beginning.
///
/// ```
/// use std::time::Duration;
/// use wakeline_executor::{block_on, time::interval};
///
/// block_on(async {
///     let mut ticks = interval(Duration::from_millis(2));
///     let first = ticks.tick().await;
///     let second = ticks.tick().await;
///     assert!(second >= first + Duration::from_millis(2));
/// });
/// ```
///
/// # Panics
///
/// When the period is zero.
#[must_use]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "the period of an interval is zero");
    Interval {
        next: Instant::now(),
        period,
    }
}

/// Made by [`interval`].
#[derive(Debug)]
pub struct Interval {
    next: Instant,
    period: Duration,
}

impl Interval {
    /// Waits for the next tick and gives the instant for which it was set.
    #[track_caller]
    pub fn tick(&mut self) -> Tick<'_> {
        Tick {
            sleep: sleep_until(self.next),
            interval: self,
        }
    }
}

/// Made by [`Interval::tick`]. Dropped before it is ready, it uses no tick up.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Tick<'a> {
    interval: &'a mut Interval,
    sleep: Sleep,
}

impl Future for Tick<'_> {
    type Output = Instant;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        let this = &mut *self;
        if Pin::new(&mut this.sleep).poll(cx).is_pending() {
            return Poll::Pending;
        }
        let Interval { next, period } = this.interval;
        let set_for = *next;
        let late = Instant::now().saturating_duration_since(set_for);
        // Whole periods that have passed, and one more.
        let periods = late.as_nanos() / period.as_nanos() + 1;
        let periods = u32::try_from(periods).unwrap_or(u32::MAX);
        *next = set_for + period.saturating_mul(periods);
        Poll::Ready(set_for)
    }
}

/// The time of a [`timeout`] was over first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time-out was over before the future was ready")
    }
}

impl std::error::Error for Elapsed {}
