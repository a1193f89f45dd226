//! Owns the thread `wakeline-flush`: when to connect, collect, send and end. It must not
//! know how events are encoded. It is the only reader of the rings in this process.

mod ending;
mod kept;

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::thread::park_timeout;
use std::time::{Duration, Instant};

use wakeline_wire::frame::append_frame;
use wakeline_wire::payload::{encode_watermarks, Anchor, ThreadTotal, Watermark};
use wakeline_wire::{detail, frame_kind, Writer};

use crate::barrier;
use crate::batch::{settle, Pieces, Sender};
use crate::connection::{Heard, Sent};
use crate::destination::Destination;
use crate::dictionary::Living;
use crate::gate::{detail_of, gate, set_detail};
use crate::hello::{hello, says_otherwise};
use crate::link::Link;
use crate::ring::SlotView;
use crate::session::{complain, session_id, Session};
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
    /// What the hello calls this session: a program that listens begins a new one at each
    /// attachment, as what happened between them is not in either.
    session_id: String,
    destination: Destination,
    rate: u64,
    detail: u64,
    /// What kinds of runtime the last hello spoke of.
    told_runtimes: u8,
    link: Option<Link>,
    /// To a program that listens, somebody is attached.
    is_attached: bool,
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
    /// What was told last of how far threads are may be less than is known.
    owes_watermarks: bool,
    last_anchor: Instant,
}

impl Flusher {
    pub(crate) fn new(session: &'static Session, destination: Destination) -> Self {
        let now = Instant::now();
        Self {
            session,
            session_id: session.id.clone(),
            destination,
            rate: 0,
            detail: detail::FULL,
            told_runtimes: 0,
            link: None,
            is_attached: false,
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
            owes_watermarks: false,
            last_anchor: now,
        }
    }

    /// Runs until the program ends, the collector refuses, nobody listens, or the file takes
    /// no more.
    pub(crate) fn run(mut self) {
        self.rate = self.session.clock.calibrate();
        // Ordering: none needed; who reads 0 does without.
        self.session.tick_rate.store(self.rate, Ordering::Relaxed);
        while !self.session.is_finishing() {
            match self.session.take_asked_detail() {
                0 => {}
                asked => self.set_detail(asked),
            }
            if !self.try_connect() {
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

    /// Opens the way for frames, if it is not and it is time. False when there is no use in
    /// trying on.
    fn try_connect(&mut self) -> bool {
        let now = Instant::now();
        if self.link.is_some() {
            // Others that come to a program that listens are told that it is taken.
            self.destination.look(true);
            return true;
        }
        if now < self.next_try {
            return true;
        }
        match self.destination.open() {
            Ok(None) => true,
            Ok(Some(link)) => {
                self.begin(link);
                true
            }
            Err(_) => {
                self.next_try = now + self.retry;
                self.retry = (self.retry * 2).min(RETRY_MAX);
                now < self.give_up
            }
        }
    }

    /// Greets whoever is at the other end.
    fn begin(&mut self, mut link: Link) {
        self.is_attached = self.destination.is_listener();
        if self.is_attached {
            if self.ever_connected {
                self.session_id = session_id();
                self.ended_threads.clear();
            }
            self.sender.begin_session();
            self.detail = detail::FULL;
        }
        self.greet(link.outbound());
        if self.ever_connected || self.is_attached {
            self.session.dictionary.resend_living();
        }
        self.link = Some(link);
        self.ever_connected = true;
        self.retry = RETRY_MIN;
        if self.is_attached {
            // Tells of everything alive, too.
            self.set_detail(detail::FULL);
        }
    }

    fn greet(&mut self, out: &mut Vec<u8>) {
        self.told_runtimes = self.session.runtimes_seen();
        let mut hello = hello(self.session, self.rate, self.detail, self.told_runtimes);
        hello.session.clone_from(&self.session_id);
        append_frame(out, frame_kind::HELLO, |out| hello.encode(out));
    }

    fn lose_connection(&mut self) {
        // What was on its way stays where it was: slots and dictionary are sent again.
        self.link = None;
        self.sender.restart_slots();
        if let Some(flight) = self.flight.take() {
            self.dying.extend(flight.dying);
        }
        if self.destination.is_listener() {
            // The program goes on unrecorded until somebody comes again.
            self.is_attached = false;
            change_detail(detail::OFF);
            return;
        }
        self.next_try = Instant::now() + self.retry;
        self.give_up = Instant::now() + GIVE_UP_AGAIN;
    }

    /// Hears, sends what is published, and takes over what was written.
    fn round(&mut self, patience: Duration) -> Turn {
        let Some(mut link) = self.link.take() else {
            return self.round_alone();
        };
        let mut heard = Vec::new();
        let hearing = link.hear(&mut heard);
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
        // The rest of an earlier send comes first: what was published since then is still to come.
        let mut more = link.is_stalled();
        if !more {
            // What can be seen depends on the runtime, which may begin after the greeting.
            if says_otherwise(self.told_runtimes, self.session.runtimes_seen()) {
                self.greet(link.outbound());
            }
            let (flight, cut) = self.load(link.outbound());
            self.flight = Some(flight);
            more = cut;
        }
        match link.send(patience) {
            Ok(Sent::All) => {
                self.link = Some(link);
                self.land();
                if more {
                    Turn::More
                } else {
                    Turn::Idle
                }
            }
            Ok(Sent::Stalled) => {
                self.link = Some(link);
                Turn::Idle
            }
            Ok(Sent::Full) => {
                self.link = Some(link);
                self.end_full_file();
                Turn::Refused
            }
            Err(error) => {
                if let Link::File(file) = &link {
                    let path = file.path().display();
                    complain(&format!("cannot write on to {path}: {error}"));
                    return Turn::Refused;
                }
                // The collector may have said why before it closed.
                let mut heard = Vec::new();
                let _ = link.hear(&mut heard);
                if heard.contains(&Heard::Refused) {
                    return Turn::Refused;
                }
                self.lose_connection();
                Turn::Idle
            }
        }
    }

    /// A round of a program to which nobody is attached: what is published is thrown away, so
    /// that it is not taken for a part of what comes later.
    fn round_alone(&mut self) -> Turn {
        match self.destination {
            Destination::Flight(_) => return self.round_kept(),
            Destination::Listener(_) => {}
            Destination::Collector(..) | Destination::File(_) => return Turn::Idle,
        }
        let mut nowhere = Vec::new();
        let (flight, more) = self.load(&mut nowhere);
        self.flight = Some(flight);
        self.land();
        if more {
            Turn::More
        } else {
            Turn::Idle
        }
    }

    fn set_detail(&mut self, wanted: u64) {
        let now = detail_of(gate());
        if self.destination.is_listener() && !self.is_attached {
            // Nobody would hear it; whoever attaches begins at full detail.
            return;
        }
        if now == 0 || wanted == now || !(detail::OFF..=detail::FULL).contains(&wanted) {
            return;
        }
        self.detail = wanted;
        snapshot::record_detail_change(self.session, wanted, || change_detail(wanted));
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
        // While recording is off nobody knows what happens, so time does not go on, and the
        // barrier, which disturbs every processor that the program has, is needed once.
        let is_off = detail_of(gate()) == detail::OFF;
        let asks_threads = !is_off || self.owes_watermarks;
        let is_ordered = !session.has_barrier || (asks_threads && barrier::raise());
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
            let tells = if is_off {
                self.owes_watermarks
            } else {
                !flight.pieces.is_empty() || self.last_watermarks.elapsed() >= IDLE_WATERMARKS
            };
            if tells {
                self.append_watermarks(now, &states, &mut flight, out);
            }
            self.owes_watermarks = !is_off || !flight.pieces.is_empty();
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
                thread
                    .opened_tick
                    .load(Ordering::Relaxed)
                    .max(sent.last_tick)
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

    /// Everything of the flight is written to the socket. Gives the records of what nothing
    /// refers to any more, where they are kept.
    fn land(&mut self) -> Vec<u8> {
        let Some(flight) = self.flight.take() else {
            return Vec::new();
        };
        let dictionary = &self.session.dictionary;
        dictionary.sent(flight.dictionary_segments);
        self.sender.commit(self.session.ring, flight.pieces);
        let dead = dictionary.forget(&self.dying);
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
        dead
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

/// Sets the level of detail, and what tokio is asked to tell of itself.
fn change_detail(wanted: u64) {
    #[cfg(feature = "tracing")]
    crate::tracing::with_detail(wanted, || set_detail(wanted));
    #[cfg(not(feature = "tracing"))]
    set_detail(wanted);
}

fn total(thread: u32, sent: crate::batch::ThreadProgress, dropped: u64) -> ThreadTotal {
    ThreadTotal {
        thread: u64::from(thread),
        sequence: sent.sequence,
        end: sent.end,
        dropped,
    }
}
