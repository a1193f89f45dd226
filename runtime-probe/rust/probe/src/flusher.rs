//! Owns the thread `wakeline-flush`: when to connect, collect, send and end. It must not
//! know how events are encoded. It is the only reader of the rings in this process.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::thread::park_timeout;
use std::time::{Duration, Instant};

use wakeline_wire::frame::append_frame;
use wakeline_wire::payload::{encode_watermarks, Anchor, End, ThreadTotal, Watermark};
use wakeline_wire::{detail, end_reason, frame_kind, Writer};

use crate::address::{Address, Token};
use crate::barrier;
use crate::batch::{settle, Pieces, Sender};
use crate::connection::{Connection, Heard, Sent};
use crate::dictionary::Living;
use crate::gate::{detail_of, gate, set_detail, shut_gate};
use crate::hello::{hello, says_otherwise};
use crate::ring::SlotView;
use crate::session::Session;
use crate::snapshot;
use crate::threads::ThreadShared;

/// How often what is published is sent.
const ROUND: Duration = Duration::from_millis(10);
/// How often watermarks are sent while nothing happens: often enough for a live view.
const IDLE_WATERMARKS: Duration = Duration::from_millis(30);
/// About how many bytes go out in one send.
const SEND_BYTES: usize = 512 << 10;
/// How long one send waits for a collector that does not read.
const SEND_PATIENCE: Duration = Duration::from_millis(50);
/// How long after the start a first connection is tried for.
const GIVE_UP_FIRST: Duration = Duration::from_secs(10);
/// How long a lost connection is tried again for.
const GIVE_UP_AGAIN: Duration = Duration::from_secs(300);
/// Waits between two tries.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// How often ticks and wall time are related again.
const ANCHOR_EVERY: Duration = Duration::from_secs(10);
/// Of the 300 ms by which an exit may be delayed: for the last events, then for the
/// collector to have read them.
const LAST_SEND: Duration = Duration::from_millis(200);
const LAST_READ: Duration = Duration::from_millis(50);
/// Ended threads that the end frame still names; beyond them the oldest are left off.
const ENDED_THREADS: usize = 10_000;

/// What is on its way to the collector and taken over when it is written.
#[derive(Default)]
struct Flight {
    pieces: Pieces,
    dictionary_segments: usize,
    /// What had ended when the dictionary was taken.
    dying: Vec<Living>,
    closed_threads: Vec<u32>,
}

/// The flusher's state.
pub(crate) struct Flusher {
    session: &'static Session,
    address: Address,
    token: Token,
    rate: u64,
    detail: u64,
    /// What kinds of runtime the last hello spoke of.
    told_runtimes: u8,
    connection: Option<Connection>,
    ever_connected: bool,
    next_try: Instant,
    give_up: Instant,
    retry: Duration,
    sender: Sender,
    flight: Option<Flight>,
    /// Ended one send ago: what refers to it may have been published after that send's
    /// ends were read, but not after those of the next.
    dying: Vec<Living>,
    threads: Vec<Arc<ThreadShared>>,
    views: Vec<SlotView>,
    ended_threads: Vec<ThreadTotal>,
    last_watermarks: Instant,
    last_anchor: Instant,
}

impl Flusher {
    pub(crate) fn new(session: &'static Session, address: Address, token: Token) -> Self {
        let now = Instant::now();
        Self {
            session,
            address,
            token,
            rate: 0,
            detail: detail::FULL,
            told_runtimes: 0,
            connection: None,
            ever_connected: false,
            next_try: now,
            give_up: now + GIVE_UP_FIRST,
            retry: RETRY_MIN,
            sender: Sender::default(),
            flight: None,
            dying: Vec::new(),
            threads: Vec::new(),
            views: Vec::new(),
            ended_threads: Vec::new(),
            last_watermarks: now,
            last_anchor: now,
        }
    }

    /// Runs until the program ends, the collector refuses, or nobody listens.
    pub(crate) fn run(mut self) {
        self.rate = self.session.clock.calibrate();
        while !self.session.is_finishing() {
            match self.session.take_asked_detail() {
                0 => {}
                asked => self.set_detail(asked),
            }
            if self.connection.is_none() && !self.try_connect() {
                self.abandon();
                return;
            }
            let more = match self.round(SEND_PATIENCE) {
                Turn::Idle => false,
                Turn::More => true,
                Turn::Refused => {
                    self.abandon();
                    return;
                }
            };
            self.session.greeted();
            if !more && !self.session.is_finishing() {
                park_timeout(ROUND);
            }
            self.session.rearm_nudge();
        }
        self.finish();
    }

    /// Tries to connect when it is time. False when there is no use in trying on.
    fn try_connect(&mut self) -> bool {
        let now = Instant::now();
        if now < self.next_try {
            return true;
        }
        match Connection::open(&self.address, &self.token) {
            Ok(mut connection) => {
                self.greet(connection.outbound());
                if self.ever_connected {
                    self.session.dictionary.resend_living();
                }
                self.connection = Some(connection);
                self.ever_connected = true;
                self.retry = RETRY_MIN;
                true
            }
            Err(_) => {
                self.next_try = now + self.retry;
                self.retry = (self.retry * 2).min(RETRY_MAX);
                now < self.give_up
            }
        }
    }

    fn greet(&mut self, out: &mut Vec<u8>) {
        self.told_runtimes = self.session.runtimes_seen();
        let hello = hello(self.session, self.rate, self.detail, self.told_runtimes);
        append_frame(out, frame_kind::HELLO, |out| hello.encode(out));
    }

    fn lose_connection(&mut self) {
        // What was on its way stays where it was: slots and dictionary are sent again.
        self.connection = None;
        self.sender.restart_slots();
        if let Some(flight) = self.flight.take() {
            self.dying.extend(flight.dying);
        }
        self.next_try = Instant::now() + self.retry;
        self.give_up = Instant::now() + GIVE_UP_AGAIN;
    }

    /// Nobody wants the recording: from here on it costs nothing.
    fn abandon(self) {
        shut_gate();
        self.session.ring.give_back();
        self.session.dictionary.clear();
        self.session.finished();
    }

    /// Hears, sends what is published, and takes over what was written.
    fn round(&mut self, patience: Duration) -> Turn {
        let Some(mut connection) = self.connection.take() else {
            return Turn::Idle;
        };
        let mut heard = Vec::new();
        let hearing = connection.hear(&mut heard);
        for each in heard {
            match each {
                Heard::Refused => return Turn::Refused,
                Heard::Control(control) => {
                    self.set_detail(control.detail);
                    if control.snapshot {
                        snapshot::record(self.session);
                    }
                }
            }
        }
        if !matches!(hearing, Ok(true)) {
            self.lose_connection();
            return Turn::Idle;
        }
        let mut more = false;
        if !connection.is_stalled() {
            // What can be seen depends on the runtime, which may begin after the greeting.
            if says_otherwise(self.told_runtimes, self.session.runtimes_seen()) {
                self.greet(connection.outbound());
            }
            let (flight, cut) = self.load(connection.outbound());
            self.flight = Some(flight);
            more = cut;
        }
        match connection.send(patience) {
            Ok(Sent::All) => {
                self.connection = Some(connection);
                self.land();
                if more {
                    Turn::More
                } else {
                    Turn::Idle
                }
            }
            Ok(Sent::Stalled) => {
                self.connection = Some(connection);
                Turn::Idle
            }
            Err(_) => {
                // The collector may have said why before it closed.
                let mut heard = Vec::new();
                let _ = connection.hear(&mut heard);
                if heard.contains(&Heard::Refused) {
                    return Turn::Refused;
                }
                self.lose_connection();
                Turn::Idle
            }
        }
    }

    fn set_detail(&mut self, wanted: u64) {
        let now = detail_of(gate());
        if now == 0 || wanted == now || !(detail::OFF..=detail::FULL).contains(&wanted) {
            return;
        }
        self.detail = wanted;
        snapshot::record_detail_change(self.session, wanted, || set_detail(wanted));
        if now == detail::OFF {
            snapshot::record(self.session);
        }
    }

    /// Appends everything that is published now, in the order that readers need: the ends
    /// of all slots are read first, then the dictionary is taken, and sent before them.
    fn load(&mut self, out: &mut Vec<u8>) -> (Flight, bool) {
        let session = self.session;
        // The clock comes before the threads' states, see `ThreadShared::quiet`.
        let now = session.clock.now_fenced();
        let now = now.saturating_sub(session.clock.skew_allowance(self.rate));
        let is_ordered = !session.has_barrier || barrier::raise();
        session.threads.list(&mut self.threads);
        // Ordering: SeqCst and the barrier pair with the store in `Recorder::hold`; closed is read
        // before the slots, whose last one is sealed before it is set.
        let states: Vec<(bool, bool)> = self
            .threads
            .iter()
            .map(|thread| {
                let closed = thread.closed.load(Ordering::Acquire);
                (is_ordered && thread.quiet.load(Ordering::SeqCst), closed)
            })
            .collect();
        session.ring.event_slots(&mut self.views);
        settle(session.ring, &mut self.views);
        let dying = session.dictionary.take_dying();
        let (dictionary_segments, dictionary_cut) =
            session.dictionary.pending(SEND_BYTES, |segment| {
                append_frame(out, frame_kind::DICTIONARY, |out| {
                    out.uint(0);
                    out.uint(0);
                    out.extend_from_slice(segment);
                });
            });
        let pieces = if dictionary_cut {
            // Events wait until all that they may refer to is on its way.
            Pieces::default()
        } else {
            self.sender
                .collect(session.ring, &self.views, SEND_BYTES, out)
        };
        let mut flight = Flight {
            pieces,
            dictionary_segments,
            dying,
            closed_threads: Vec::new(),
        };
        let more = dictionary_cut || !flight.pieces.cut.is_empty();
        if !dictionary_cut {
            self.append_watermarks(now, &states, &mut flight, out);
        }
        if self.last_anchor.elapsed() >= ANCHOR_EVERY {
            self.last_anchor = Instant::now();
            let (tick, monotonic_ns, wall_us) = session.clock.anchor();
            append_frame(out, frame_kind::ANCHOR, |out| {
                Anchor {
                    tick,
                    monotonic_ns,
                    wall_us,
                }
                .encode(out);
            });
        }
        (flight, more)
    }

    fn append_watermarks(
        &mut self,
        now: u64,
        states: &[(bool, bool)],
        flight: &mut Flight,
        out: &mut Vec<u8>,
    ) {
        // While recording is off nobody knows what happens, so time does not go on either.
        let tells_nothing = detail_of(gate()) == detail::OFF;
        if flight.pieces.is_empty()
            && (tells_nothing || self.last_watermarks.elapsed() < IDLE_WATERMARKS)
        {
            return;
        }
        self.last_watermarks = Instant::now();
        let mut watermarks = Vec::with_capacity(self.threads.len());
        for (thread, (quiet, closed)) in self.threads.iter().zip(states) {
            let sent = self.sender.thread(thread.id, &flight.pieces);
            let cut = flight.pieces.cut.contains(&thread.id);
            if *closed && !cut {
                flight.closed_threads.push(thread.id);
            }
            let tick = if (*quiet || *closed) && !cut {
                now.max(sent.last_tick)
            } else if sent.sequence > 0 {
                sent.last_tick
            } else {
                thread.opened_tick.load(Ordering::Relaxed)
            };
            watermarks.push(Watermark {
                thread: u64::from(thread.id),
                tick,
                sequence: sent.sequence,
                end: sent.end,
            });
        }
        append_frame(out, frame_kind::WATERMARKS, |out| {
            encode_watermarks(&watermarks, out);
        });
    }

    /// Everything of the flight is written to the socket.
    fn land(&mut self) {
        let Some(flight) = self.flight.take() else {
            return;
        };
        let dictionary = &self.session.dictionary;
        dictionary.sent(flight.dictionary_segments);
        self.sender.commit(self.session.ring, flight.pieces);
        dictionary.forget(&self.dying);
        self.dying = flight.dying;
        for id in &flight.closed_threads {
            let thread = self.threads.iter().find(|thread| thread.id == *id);
            let dropped = thread.map_or(0, |thread| thread.dropped.load(Ordering::Relaxed));
            let total = total(*id, self.sender.remove(*id), dropped);
            self.ended_threads.push(total);
        }
        if self.ended_threads.len() > ENDED_THREADS {
            let surplus = self.ended_threads.len() - ENDED_THREADS;
            self.ended_threads.drain(..surplus);
        }
        if !flight.closed_threads.is_empty() {
            self.session.threads.remove(&flight.closed_threads);
        }
    }

    /// Sends what is left and the end frame, and removes the ring file.
    fn finish(mut self) {
        shut_gate();
        let end = Instant::now() + LAST_SEND;
        let mut through = false;
        let mut tries = 0;
        while !through && Instant::now() < end {
            if self.connection.is_none() {
                // Not connected yet, or the connection broke just now: it is worth two tries.
                tries += 1;
                self.next_try = Instant::now();
                self.try_connect();
                if self.connection.is_none() || tries > 2 {
                    break;
                }
            }
            match self.round(SEND_PATIENCE) {
                Turn::Refused => {
                    self.ever_connected = false;
                    self.connection = None;
                    break;
                }
                Turn::More => {}
                Turn::Idle => {
                    let connection = self.connection.as_ref();
                    through = connection.is_some_and(|connection| !connection.is_stalled());
                }
            }
        }
        let mut ended = false;
        if let Some(mut connection) = self.connection.take().filter(|_| through) {
            let frame = self.end_frame();
            append_frame(connection.outbound(), frame_kind::END, |out| {
                frame.encode(out)
            });
            let left = end.saturating_duration_since(Instant::now());
            ended = matches!(connection.send(left), Ok(Sent::All));
            connection.close(LAST_READ);
        }
        // A collector that took a part only reads the rest from the ring file, and
        // removes it.
        if ended || !self.ever_connected {
            self.session.ring.remove_file();
        }
        self.session.finished();
    }

    fn end_frame(&mut self) -> End {
        self.session.threads.list(&mut self.threads);
        let none = Pieces::default();
        let alive = self.threads.iter().map(|thread| {
            let dropped = thread.dropped.load(Ordering::Relaxed);
            total(thread.id, self.sender.thread(thread.id, &none), dropped)
        });
        let mut threads = self.ended_threads.clone();
        threads.extend(alive);
        threads.sort_unstable_by_key(|total| total.thread);
        End {
            reason: end_reason::EXIT,
            threads,
        }
    }
}

/// How a round ended.
enum Turn {
    /// Nothing more to do before the next round.
    Idle,
    /// More is published than went out.
    More,
    /// The collector does not want this program.
    Refused,
}

fn total(thread: u32, sent: crate::batch::ThreadProgress, dropped: u64) -> ThreadTotal {
    ThreadTotal {
        thread: u64::from(thread),
        sequence: sent.sequence,
        end: sent.end,
        dropped,
    }
}
