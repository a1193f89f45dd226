//! Owns the hot path: one recorder per thread that writes events into its slot. It must
//! not know of sockets or of what an executor's hooks are called.
//!
//! One event is a clock read, some bytes and one release store. It never waits, never
//! allocates and never takes a lock; where no slot is free the event is counted instead.

mod short_forms;
mod thread_context;

use std::panic::Location;
use std::sync::atomic::{compiler_fence, Ordering};
use std::sync::Arc;

#[cfg(wakeline_stacks)]
use wakeline_executor::observe::OpenPoll;
use wakeline_executor::observe::{innermost_poll, open_poll_depth, open_polls};
use wakeline_wire::codec::UINT_MAX;
use wakeline_wire::ring::SLOT_PAYLOAD_BYTES;
use wakeline_wire::{detail, kind, limits, park_kind, short_kind, thread_role};

use crate::clock::Clock;
use crate::dictionary::Living;
use crate::gate::{detail_of, gate, turns};
use crate::ring::{os_thread_id, os_thread_name, Slot};
use crate::session::Session;
use crate::threads::ThreadShared;
pub(crate) use short_forms::ToldWake;
pub(crate) use thread_context::{outside, RuntimeSeen};

/// The longest event: kind, tick delta and seven fields of up to 8 bytes, rounded up.
const EVENT_BYTES: usize = 1 + 8 + 8 * 8;
const OPEN_FRAMES: usize = limits::OPEN_FRAMES as usize;
/// Sites remembered per thread, so that an await in a loop does not take the
/// dictionary's lock: 256 × 16 bytes.
const SITE_CACHE: usize = 256;

/// Reasons for which a thread does not count as quiet.
mod hold {
    /// It serves a runtime and is not parked.
    pub(super) const WORKER: u8 = 1;
    /// A poll is open.
    pub(super) const POLL: u8 = 2;
    /// A blocking job runs.
    pub(super) const JOB: u8 = 4;
    /// A stamp was taken whose event is not published yet.
    pub(super) const STAMP: u8 = 8;
    /// One event is being written.
    pub(super) const EVENT: u8 = 16;
}

/// One thread's writer. Only its thread touches it.
#[cfg_attr(not(all(feature = "tokio", wakeline_reactor)), allow(dead_code))]
pub(crate) struct Recorder {
    /// Where the next event goes.
    cursor: *mut u8,
    /// An event may begin up to here; below `cursor` when there is no slot.
    limit: *mut u8,
    slot: Option<Slot>,
    payload: *mut u8,
    last_tick: u64,
    clock: Clock,
    has_barrier: bool,
    gate: u32,
    /// How often recording had gone off or on when the slot was taken.
    turns: u32,
    holds: u8,
    /// What `holds` was when the thread parked.
    parked_holds: u8,
    thread: u32,
    sequence: u64,
    dropped: u64,
    shared: Arc<ThreadShared>,
    session: &'static Session,
    os_id: u64,
    started: bool,
    frames: [u64; OPEN_FRAMES],
    frame_depth: usize,
    job: u64,
    /// The chain of awaits with which the poll ends that is about to end; 0 for none.
    #[cfg(any(wakeline_stacks, feature = "await-sites"))]
    ends_at: u64,
    /// On whose behalf code outside any poll and job runs here: see [`outside`].
    outside: u64,
    /// The runtime that this thread was started by or serves, where its builder told.
    runtime: Option<Arc<RuntimeSeen>>,
    /// The park that is open was told as one on a lock.
    parked_on_lock: bool,
    sites: [(usize, u64); SITE_CACHE],
    #[cfg(feature = "tracing")]
    told_sites: [(ToldSite, u64); TOLD_SITE_CACHE],
}

/// A place as tokio tells it: the address of the file's name, line and column.
#[cfg(feature = "tracing")]
pub(crate) type ToldSite = (usize, u32, u32);
/// The same as `SITE_CACHE` for these: 64 × 24 bytes.
#[cfg(feature = "tracing")]
const TOLD_SITE_CACHE: usize = 64;

impl Recorder {
    pub(crate) fn open(session: &'static Session) -> Box<Self> {
        let os_id = os_thread_id();
        let shared = session.threads.register();
        // Read after the registration: a flusher that did not find the thread has read
        // its clock before, so its watermarks are below every event of this thread.
        let tick = session.clock.now_fenced();
        // Ordering: none needed; too low a value only makes a watermark lower.
        shared.opened_tick.store(tick, Ordering::Relaxed);
        let thread = shared.id;
        session.dictionary.thread(
            u64::from(thread),
            os_id,
            &os_thread_name(),
            0,
            thread_role::UNKNOWN,
        );
        let recorder = Box::new(Self {
            cursor: std::ptr::without_provenance_mut(1),
            limit: std::ptr::null_mut(),
            slot: None,
            payload: std::ptr::null_mut(),
            last_tick: tick,
            clock: session.clock,
            has_barrier: session.has_barrier,
            gate: gate(),
            turns: turns(),
            holds: 0,
            parked_holds: 0,
            thread,
            sequence: 0,
            dropped: 0,
            shared,
            session,
            os_id,
            started: false,
            frames: [0; OPEN_FRAMES],
            frame_depth: 0,
            job: 0,
            #[cfg(any(wakeline_stacks, feature = "await-sites"))]
            ends_at: 0,
            outside: outside::NOTHING,
            runtime: None,
            parked_on_lock: false,
            sites: [(0, 0); SITE_CACHE],
            #[cfg(feature = "tracing")]
            told_sites: [((0, 0, 0), 0); TOLD_SITE_CACHE],
        });
        // Ordering: Release, the tick comes before.
        recorder.shared.quiet.store(true, Ordering::Release);
        recorder
    }

    pub(crate) fn close(mut self: Box<Self>) {
        if gate() == 0 {
            // Ended, or a fork's child: the slot and the dictionary are the parent's.
            return;
        }
        // Also while nothing else is recorded, and for a thread that serves no runtime: a
        // reader would wait for what a thread that has not stopped may still publish.
        self.event(kind::THREAD_STOP, []);
        self.seal();
        self.session
            .dictionary
            .ended(Living::Thread(u64::from(self.thread)));
        // Ordering: Release, the last slot is sealed before.
        self.shared.closed.store(true, Ordering::Release);
    }

    /// Writes an event that happens now.
    #[inline(always)]
    pub(crate) fn event<const N: usize>(&mut self, kind: u64, fields: [u64; N]) {
        if self.holds != 0 {
            let tick = self.clock.now();
            self.put(kind, tick, fields);
        } else {
            self.quiet_event(kind, fields);
        }
    }

    #[inline(never)]
    fn quiet_event<const N: usize>(&mut self, kind: u64, fields: [u64; N]) {
        let tick = self.hold(hold::EVENT);
        self.put(kind, tick, fields);
        self.release(hold::EVENT);
    }

    /// Reads the clock, with a reason not to count as quiet.
    #[inline(always)]
    fn hold(&mut self, reason: u8) -> u64 {
        let was = self.holds;
        self.holds |= reason;
        if was != 0 {
            return self.clock.now();
        }
        if self.has_barrier {
            // Ordering: in this thread's program order only; the rest is the flusher's
            // barrier, see there.
            self.shared.quiet.store(false, Ordering::Relaxed);
            compiler_fence(Ordering::SeqCst);
            return self.clock.now();
        }
        // Ordering: SeqCst and a fence before the clock: a flusher that still sees the
        // thread quiet has read its own clock before this one is read.
        self.shared.quiet.store(false, Ordering::SeqCst);
        self.clock.now_fenced()
    }

    #[inline(always)]
    fn release(&mut self, reason: u8) {
        let was = self.holds;
        self.holds &= !reason;
        if was != 0 && self.holds == 0 {
            // Ordering: Release, a flusher that sees the thread quiet sees its events.
            self.shared.quiet.store(true, Ordering::Release);
        }
    }

    /// Writes an event with this tick and publishes it.
    #[inline(always)]
    fn put<const N: usize>(&mut self, kind: u64, tick: u64, fields: [u64; N]) {
        const { assert!(N <= 7, "EVENT_BYTES holds seven fields") };
        // Ticks never go back inside a thread.
        let tick = tick.max(self.last_tick);
        let gate = gate();
        if (self.cursor > self.limit || gate != self.gate) && !self.next_slot(tick, gate) {
            return;
        }
        // SAFETY: `cursor <= limit`, so `EVENT_BYTES` fit, and this thread is the slot's
        // only writer.
        unsafe {
            let mut at = self.cursor;
            *at = kind as u8;
            at = put_uint(at.add(1), tick - self.last_tick);
            for field in fields {
                at = put_uint(at, field);
            }
            self.cursor = at;
            self.last_tick = tick;
            let committed = at.offset_from(self.payload) as usize;
            if let Some(slot) = &self.slot {
                slot.commit(committed);
            }
        }
    }

    /// Leaves the slot and takes another one. False, and one more event dropped, when
    /// there is none.
    #[cold]
    #[inline(never)]
    fn next_slot(&mut self, tick: u64, gate: u32) -> bool {
        self.seal();
        let was_off = detail_of(self.gate) == detail::OFF;
        self.gate = gate;
        self.skip_number(was_off);
        let slot = if gate == 0 {
            None
        } else {
            self.session.ring.take()
        };
        let Some(slot) = slot else {
            self.dropped += 1;
            self.shared.dropped.store(self.dropped, Ordering::Relaxed);
            return false;
        };
        self.sequence += 1;
        self.payload = slot.payload();
        // SAFETY: the context has 1 + 16 × 24 + 2 + 256 × 8 + 8 bytes at most, and an
        // event fits behind it; the slot is ours and not visible yet.
        let events = unsafe { self.put_context(self.payload, tick) };
        // SAFETY: both are inside the slot.
        let context_bytes = unsafe { events.offset_from(self.payload) } as usize;
        slot.open_events(
            self.thread,
            self.sequence,
            self.dropped,
            tick,
            context_bytes,
        );
        self.cursor = events;
        // SAFETY: inside the slot.
        self.limit = unsafe { self.payload.add(SLOT_PAYLOAD_BYTES - EVENT_BYTES) };
        self.slot = Some(slot);
        self.last_tick = tick;
        self.session.nudge_flusher();
        true
    }

    /// Leaves out a number, by a slot without events, where recording was off since the
    /// last slot: what happened meanwhile was not told, and so the reader sees a gap.
    ///
    /// `was_off`: when the last slot was taken. The turn to on may have been counted by then.
    fn skip_number(&mut self, was_off: bool) {
        let turns = turns();
        // Of a thread without any slot nothing was told before either.
        if self.sequence == 0 || (turns == self.turns && !was_off) {
            self.turns = turns;
            return;
        }
        // Where no slot is free the next event tries again.
        if let Some(slot) = self.session.ring.take().filter(|_| self.gate != 0) {
            self.sequence += 1;
            slot.open_events(self.thread, self.sequence, self.dropped, self.last_tick, 0);
            slot.seal(self.last_tick);
            self.turns = turns;
        }
    }

    fn seal(&mut self) {
        // With the gate shut this may be a fork's child, and the slot its parent's.
        if let Some(slot) = self.slot.take().filter(|_| gate() != 0) {
            slot.seal(self.last_tick);
        }
        self.cursor = std::ptr::without_provenance_mut(1);
        self.limit = std::ptr::null_mut();
    }

    /// Writes what is open, as at the start of a chunk.
    unsafe fn put_context(&self, at: *mut u8, tick: u64) -> *mut u8 {
        const { assert!(limits::OPEN_POLLS >= 16, "as many polls as are kept") };
        let frames = &self.frames[..self.frame_depth.min(OPEN_FRAMES)];
        // SAFETY: told to the caller: the context fits in what `at` points to.
        unsafe {
            let mut at = put_uint(at, open_polls().count() as u64);
            for poll in open_polls() {
                // A poll that began while nothing was recorded counts from here.
                let start_tick = match poll.start {
                    0 => tick,
                    start => start,
                };
                for value in [poll.task, poll.epoch, start_tick] {
                    at = put_uint(at, value);
                }
            }
            at = put_uint(at, frames.len() as u64);
            for frame in frames {
                at = put_uint(at, *frame);
            }
            put_uint(at, self.job)
        }
    }
}

/// What the hooks use: events with what they change of the thread's context.
impl Recorder {
    /// The dictionary's id of this thread.
    pub(crate) fn thread(&self) -> u64 {
        u64::from(self.thread)
    }

    /// The task whose poll is open here; 0 for none.
    #[inline]
    pub(crate) fn current_task(&self) -> u64 {
        innermost_poll().map_or(0, |poll| poll.task)
    }

    /// The id of a place, mostly without the dictionary's lock.
    #[inline]
    pub(crate) fn site(&mut self, location: &'static Location<'static>) -> u64 {
        let address = std::ptr::from_ref(location) as usize;
        let place = &mut self.sites[(address >> 3) % SITE_CACHE];
        if place.0 != address {
            *place = (address, self.session.dictionary.site(location));
        }
        place.1
    }

    /// The id of a place that tokio tells, mostly without the dictionary's lock.
    #[cfg(feature = "tracing")]
    pub(crate) fn told_site(&mut self, told: ToldSite, file: &str) -> u64 {
        let (address, line, column) = told;
        let at = (address >> 3) ^ line as usize ^ (column as usize) << 3;
        let place = &mut self.told_sites[at % TOLD_SITE_CACHE];
        if place.0 != told {
            *place = (told, self.session.dictionary.site_at(file, line, column));
        }
        place.1
    }

    /// A number that changes with every event of this thread, dropped ones included.
    #[cfg(feature = "tracing")]
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        // The next event's place inside its slot fits in the low bits.
        let inside = (self.cursor as usize).wrapping_sub(self.payload as usize) as u64;
        (self.sequence << 16 | inside) ^ self.dropped << 40
    }

    /// The tick of the last event.
    #[cfg(feature = "tracing")]
    #[inline]
    pub(crate) fn last_tick(&self) -> u64 {
        self.last_tick
    }

    /// The time now.
    #[cfg(feature = "tracing")]
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Takes a time whose event is written later by `stamped_event`.
    #[inline]
    pub(crate) fn stamp(&mut self) -> u64 {
        self.hold(hold::STAMP)
    }

    /// Writes the event of a stamp.
    #[inline]
    pub(crate) fn stamped_event<const N: usize>(&mut self, kind: u64, tick: u64, fields: [u64; N]) {
        // Where a wake is made inside another one, the inner one has let go of the hold. A
        // thread that was quiet meanwhile must not publish a tick from before that.
        let tick = match self.holds {
            0 => self.hold(hold::STAMP),
            _ => tick,
        };
        self.put(kind, tick, fields);
        self.release(hold::STAMP);
    }

    /// A poll begins. It is opened on this thread after that, with the tick that this gives.
    #[inline]
    pub(crate) fn poll_start(&mut self, recorded: bool, task: u64, epoch: u64) -> u64 {
        self.outside = outside::NOTHING;
        if !recorded {
            return 0;
        }
        let tick = self.hold(hold::POLL);
        self.put(kind::POLL_START, tick, [task, epoch]);
        let start = tick.max(1);
        #[cfg(wakeline_stacks)]
        self.show_poll(OpenPoll { task, epoch, start });
        start
    }

    /// The poll that was opened last on this thread ends; it is still open.
    #[inline]
    pub(crate) fn poll_end(&mut self, recorded: bool, outcome: u64) {
        #[cfg(wakeline_stacks)]
        if recorded && self.shared.watched.is_looked_at() {
            self.tell_poll();
        }
        #[cfg(any(wakeline_stacks, feature = "await-sites"))]
        let ends_at = std::mem::take(&mut self.ends_at);
        #[cfg(not(any(wakeline_stacks, feature = "await-sites")))]
        let ends_at = 0;
        if recorded && ends_at != 0 {
            self.event(kind::POLL_END_AT, [ends_at]);
        } else if recorded {
            self.poll_end_event(outcome);
        }
        #[cfg(wakeline_stacks)]
        self.show_enclosing_poll();
        if open_poll_depth() <= 1 {
            // Frames are inside of polls: where a panic has passed over their ends,
            // nothing of them stays.
            self.frame_depth = 0;
            self.release(hold::POLL);
        }
    }

    /// The innermost open poll, whose end comes next, is pending, and its task awaits there.
    #[cfg(any(wakeline_stacks, feature = "await-sites"))]
    #[inline]
    pub(crate) fn poll_ends_at(&mut self, stack: u64) {
        self.ends_at = stack;
    }

    #[inline]
    pub(crate) fn frame_enter(&mut self, recorded: bool, frame: u64) {
        if recorded {
            self.event(kind::FRAME_ENTER, [frame]);
        }
        if let Some(place) = self.frames.get_mut(self.frame_depth) {
            *place = frame;
        }
        self.frame_depth += 1;
    }

    #[inline]
    pub(crate) fn frame_leave(&mut self, recorded: bool, outcome: u64) {
        if recorded {
            self.event(kind::FRAME_LEAVE, [outcome]);
        }
        self.frame_depth = self.frame_depth.saturating_sub(1);
    }

    pub(crate) fn job_start(&mut self, recorded: bool, job: u64, queued: u64) {
        if recorded {
            let tick = self.hold(hold::JOB);
            self.put(kind::JOB_START, tick, [job, queued]);
        }
        self.job = job;
        self.outside = outside::NOTHING;
    }

    /// As `job_start`, of a job that was not submitted before our eyes.
    #[cfg(wakeline_reactor)]
    pub(crate) fn begin_seen_job(&mut self, fields: [u64; 3]) {
        let tick = self.hold(hold::JOB);
        self.put(kind::JOB_SEEN, tick, fields);
        self.job = fields[0];
        self.outside = outside::NOTHING;
    }

    pub(crate) fn job_end(&mut self, recorded: bool, job: u64, outcome: u64, bytes: u64) {
        if recorded {
            self.event(kind::JOB_END, [job, outcome, bytes]);
        }
        // A job that was cancelled in the queue ends on a thread that runs another one.
        if self.job == job {
            self.job = 0;
            self.release(hold::JOB);
        }
    }

    /// The thread begins to serve a runtime. `busy`: it counts as quiet only while it
    /// parks, not between polls or jobs.
    pub(crate) fn thread_start(
        &mut self,
        recorded: bool,
        name: &str,
        runtime: u64,
        role: u64,
        busy: bool,
    ) {
        let os_name;
        let name = if name.is_empty() {
            os_name = os_thread_name();
            &os_name
        } else {
            name
        };
        let thread = u64::from(self.thread);
        self.session
            .dictionary
            .thread(thread, self.os_id, name, runtime, role);
        if busy {
            self.hold(hold::WORKER);
        }
        if recorded && !self.started {
            self.event(kind::THREAD_START, []);
            self.started = true;
        }
    }

    /// The thread no longer serves it. Whether that is its last event shows when it ends.
    pub(crate) fn thread_stop(&mut self) {
        self.release(hold::WORKER);
    }

    #[inline]
    pub(crate) fn park(&mut self, recorded: bool, fields: [u64; 3]) {
        if recorded {
            self.park_event(fields);
        }
        self.parked_holds = self.holds;
        self.release(u8::MAX);
    }

    #[inline]
    pub(crate) fn unpark(&mut self, recorded: bool, parked_in: u64, events: u64) {
        if recorded {
            let tick = self.hold(hold::WORKER);
            match parked_in {
                park_kind::REACTOR => self.put(short_kind::UNPARK_IN_REACTOR, tick, [events]),
                other => self.put(kind::UNPARK, tick, [other, events]),
            }
        } else {
            // Ordering: SeqCst as in `hold`; the clock is read by a later event.
            self.shared.quiet.store(false, Ordering::SeqCst);
        }
        self.holds |= hold::WORKER | self.parked_holds;
        self.parked_holds = 0;
    }
}

/// Writes an unsigned LEB128 of up to 8 bytes; what is above 2^53 − 1 is written as that.
///
/// # Safety
/// Eight bytes at `at` must be writable by this thread alone.
#[inline(always)]
unsafe fn put_uint(mut at: *mut u8, value: u64) -> *mut u8 {
    let mut rest = value.min(UINT_MAX);
    // SAFETY: 53 bits make at most 8 groups of 7.
    unsafe {
        while rest >= 0x80 {
            *at = rest as u8 | 0x80;
            at = at.add(1);
            rest >>= 7;
        }
        *at = rest as u8;
        at.add(1)
    }
}
