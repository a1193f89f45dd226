//! Owns the thread `wakeline-watch`: it looks for polls that are open for long, and has the
//! stack and the processor time of each told. It must not know how a stack is taken or named.
//!
//! ```text
//!   a thread's poll ── start, task, epoch ──► Watched ◄── every few ms ── wakeline-watch
//!        ▲                                                                   │ a long one
//!        └───────────── signal: copy registers and stack ◄───────────────────┤
//!                                                                            ▼ addresses
//!                     pollSample ◄── names, dictionary ◄───────────── wakeline-names
//! ```
//!
//! A poll is looked at when it has been open for the threshold, then at twice that, four
//! times and so on: few looks for a poll of any length, and the first ones where they tell
//! most. Looking at it costs the polling thread some 10 µs.

mod naming;
mod sleep;
mod watched;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wakeline_executor::observe::OpenPoll;
use wakeline_stacks::{cpu_ns, Sampler, Target, Unwinder};
use wakeline_wire::{detail, kind};

use crate::gate::{detail_of, gate};
use crate::recorder::Recorder;
use crate::session::Session;
use crate::this_thread::with_recorder;
use crate::threads::ThreadShared;
use naming::Naming;
pub(crate) use naming::Pending;
use sleep::Sleep;
use watched::Base;
pub(crate) use watched::Watched;

/// Looks for open polls per threshold: a long poll is seen at the latest at 1.5 thresholds.
const ROUNDS_PER_THRESHOLD: u32 = 2;
/// How often is looked at least, and at most: below 1 ms looking would cost what it finds.
const ROUND_LIMITS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));
/// How long a thread may take to answer. One that the machine does not run has not been
/// computing either.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long of a round stacks may be taken: where hundreds of polls are long at once, the rest
/// waits for the next rounds, and the watchdog goes on seeing which polls are open.
const SAMPLING_PER_ROUND: Duration = Duration::from_millis(50);

/// Rounds in which a stack is asked for before the look is told without one.
const TRIES: u32 = 4;

/// One look at an open poll: all of an event but the stack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    task: u64,
    epoch: u64,
    wall_ns: u64,
    watched_ns: u64,
    cpu_ns: u64,
}

impl Look {
    pub(crate) fn record(&self, session: &'static Session, stack: u64) {
        if detail_of(gate()) < detail::LEAN {
            return;
        }
        let fields = [
            self.task,
            self.epoch,
            self.wall_ns,
            self.watched_ns,
            self.cpu_ns,
            stack,
        ];
        with_recorder(session, |r| r.event(kind::POLL_SAMPLE, fields));
    }
}

/// What is known of a thread's open poll from earlier rounds.
struct Seen {
    start_tick: u64,
    base: Option<Base>,
    /// The next look is due when the poll has been open for this long.
    next_ns: u64,
    /// How often that look has been tried.
    tries: u32,
    round: u64,
}

/// A watchdog that could be had, before it runs.
pub(crate) struct Watchdog {
    sampler: Sampler,
    threshold: Duration,
}

impl Watchdog {
    /// `None` where there is no signal to be had.
    pub(crate) fn prepare(threshold: Duration) -> Option<Self> {
        Some(Self {
            sampler: Sampler::install()?,
            threshold,
        })
    }

    /// Starts it. It ends by itself when the recording does.
    pub(crate) fn start(self, session: &'static Session) -> io::Result<()> {
        spawn_quietly("wakeline-watch", move || {
            Watch {
                session,
                rate: session.clock.calibrate(),
                threshold: self.threshold,
                sampler: self.sampler,
                unwinder: Unwinder::default(),
                naming: Naming::new(session),
                // Before the clock is read: what comes between is seen as a stop, if it is one.
                sleep: Sleep::new(),
                resumed_tick: session.clock.now(),
                seen: HashMap::new(),
                threads: Vec::new(),
                round: 0,
            }
            .run();
        })
    }
}

/// Starts a thread that takes none of the program's signals: who waits for a signal on a
/// thread of its own has blocked it on all others, but not on one that it does not know of.
pub(crate) fn spawn_quietly(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = std::thread::Builder::new().name(name.into());
    // SAFETY: all zero is a valid set, and is filled by the next call.
    let (mut all, mut before) = unsafe { std::mem::zeroed::<(libc::sigset_t, libc::sigset_t)>() };
    // SAFETY: the sets are ours; only the calling thread's mask changes.
    unsafe {
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
    }
    let spawned = builder.spawn(run);
    // SAFETY: as above; the mask is again what it was.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
    spawned.map(drop)
}

struct Watch {
    session: &'static Session,
    rate: u64,
    threshold: Duration,
    sampler: Sampler,
    unwinder: Unwinder,
    naming: Naming,
    sleep: Sleep,
    /// Since when the process is known to have run without a stop; not before the clock's rate was
    /// known.
    resumed_tick: u64,
    /// By thread.
    seen: HashMap<u32, Seen>,
    threads: Vec<Arc<ThreadShared>>,
    round: u64,
}

impl Watch {
    fn run(mut self) {
        let (least, most) = ROUND_LIMITS;
        let pause = (self.threshold / ROUNDS_PER_THRESHOLD).clamp(least, most);
        loop {
            let was_held = self.sleep.was_held_during(pause);
            if gate() == 0 {
                return;
            }
            if was_held {
                self.resumed_tick = self.session.clock.now();
                self.seen.clear();
            }
            if detail_of(gate()) >= detail::LEAN {
                self.look_at_all();
            }
        }
    }

    fn look_at_all(&mut self) {
        let session = self.session;
        let mut threads = std::mem::take(&mut self.threads);
        session.threads.list(&mut threads);
        self.round += 1;
        let end = Instant::now() + SAMPLING_PER_ROUND;
        // Each round begins with another thread, so that none is always left over.
        let first = self.round as usize % threads.len().max(1);
        for thread in threads[first..].iter().chain(&threads[..first]) {
            let Some(poll) = thread.watched.now() else {
                continue;
            };
            let is_due = self.is_due(thread, poll);
            if is_due && Instant::now() < end && self.sleep.is_known_to_run() {
                let before = Instant::now();
                self.sample(thread, poll);
                self.sleep.waited_since(before);
            }
        }
        let round = self.round;
        self.seen.retain(|_, seen| seen.round == round);
        self.threads = threads;
    }

    /// Whether the poll has been open for long enough to be looked at, again or at all.
    fn is_due(&mut self, thread: &ThreadShared, poll: OpenPoll) -> bool {
        let now = self.session.clock.now();
        let new = || Seen {
            start_tick: poll.start,
            base: cpu_ns(thread.watched.os_id).map(|cpu_ns| Base { tick: now, cpu_ns }),
            next_ns: self.threshold.as_nanos() as u64,
            tries: 0,
            round: 0,
        };
        let seen = self.seen.entry(thread.id).or_insert_with(new);
        if seen.start_tick != poll.start {
            *seen = new();
        }
        seen.round = self.round;
        open_ns(poll, now, self.resumed_tick, self.rate) >= seen.next_ns
    }

    /// Takes the poll's stack and time, and hands them on.
    fn sample(&mut self, thread: &ThreadShared, poll: OpenPoll) {
        let watched = &thread.watched;
        let before = self.session.clock.now();
        let target = Target {
            os_id: watched.os_id,
            stack: &watched.stack,
            guard: watched.guard(),
            expected: poll.start,
        };
        let addresses = match self.sampler.sample(&target, PATIENCE) {
            Ok(capture) => self.unwinder.addresses(capture),
            Err(_) => Vec::new(),
        };
        let Some(seen) = self.seen.get_mut(&thread.id) else {
            return;
        };
        seen.tries += 1;
        if addresses.is_empty() && seen.tries < TRIES {
            return;
        }
        seen.tries = 0;
        let open_ns = open_ns(poll, before, self.resumed_tick, self.rate);
        while seen.next_ns <= open_ns {
            seen.next_ns = seen.next_ns.saturating_mul(2);
        }
        let base = seen.base;
        let now = self.session.clock.now();
        let used = base.and_then(|base| Some((base, cpu_ns(watched.os_id)?)));
        // Asked last: only if the poll is open still is all of that its own.
        let is_open = watched.now() == Some(poll);
        if !is_open && addresses.is_empty() {
            return;
        }
        let used = used.filter(|_| is_open);
        if let Some((base, _)) = used {
            watched.look(poll.start, base);
        }
        let at = if is_open { now } else { before };
        let look = look(poll, at, used, self.rate);
        self.naming.name(look, addresses);
    }
}

/// For how long the poll has been open. A stop of the process is no part of that.
fn open_ns(poll: OpenPoll, now: u64, resumed_tick: u64, rate: u64) -> u64 {
    let from = poll.start.max(resumed_tick);
    ticks_to_ns(now.saturating_sub(from), rate)
}

/// What a look at a poll at that tick says; `used` is since when its thread's processor time is
/// counted, and what that is now.
fn look(poll: OpenPoll, now: u64, used: Option<(Base, u64)>, rate: u64) -> Look {
    let (watched_ns, cpu_ns) = used.map_or((0, 0), |(base, cpu_ns)| {
        let watched_ns = ticks_to_ns(now.saturating_sub(base.tick), rate);
        // The two clocks are read one after the other.
        let cpu_ns = cpu_ns.saturating_sub(base.cpu_ns).min(watched_ns);
        (watched_ns, cpu_ns)
    });
    Look {
        task: poll.task,
        epoch: poll.epoch,
        wall_ns: ticks_to_ns(now.saturating_sub(poll.start), rate),
        watched_ns,
        cpu_ns,
    }
}

fn ticks_to_ns(ticks: u64, rate: u64) -> u64 {
    (u128::from(ticks) * 1_000_000_000 / u128::from(rate.max(1))) as u64
}

/// At the end of a poll that was looked at, on its own thread: what it took in all.
#[cold]
#[inline(never)]
pub(crate) fn tell_end(recorder: &mut Recorder, watched: &Watched, poll: OpenPoll) {
    let Some(used) = watched.end_of_looked_at(poll.start) else {
        return;
    };
    let session = recorder.session();
    // Fixed before the first look.
    let rate = session.clock.calibrate();
    let look = look(poll, session.clock.now(), Some(used), rate);
    let fields = [
        look.task,
        look.epoch,
        look.wall_ns,
        look.watched_ns,
        look.cpu_ns,
        0,
    ];
    recorder.event(kind::POLL_SAMPLE, fields);
}
