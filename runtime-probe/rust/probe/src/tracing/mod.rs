//! All tasks of tokio, those that libraries spawn included, with nothing replaced in the
//! program: tokio tells of them itself, through spans of the crate `tracing`.
//!
//! ```toml
//! # Cargo.toml
//! wakeline = { version = "0.1", features = ["tracing"] }
//! # .cargo/config.toml, or RUSTFLAGS in the environment
//! [build]
//! rustflags = ["--cfg", "tokio_unstable"]
//! ```
//!
//! Then [`init!`](crate::init!) does the rest, where the program has no `tracing` subscriber of
//! its own: there can be one in a process, and the one that is set first stays. A program that
//! sets one itself has two ways: the feature `tracing-layer` with `layer` for a registry of
//! `tracing-subscriber` (with this feature `init!` sets no subscriber), or to set [`subscriber`]
//! by hand. **A program whose own subscriber is set after `init!` and panics when it cannot be
//! set (`fmt().init()` does) needs `tracing-layer`.**
//!
//! What is seen: polls and wakes of every task, with the line of its spawn; `tokio::time`
//! timers; mutex, rwlock, semaphore, barrier, oneshot, and the places of a bounded channel, with
//! who holds or sends; blocking closures, among them the operations of `tokio::fs` and look-ups
//! of names. Of a wait for a task's end, the task. What tokio does not tell and is said to be
//! not recorded: whether a wake queued the task, the line of an await, and what a task waits on
//! with notify, watch, broadcast or a channel's receiver, of which only who ended the wait is
//! known. Below full detail tokio is not asked who takes and gives back. Whether a
//! poll was ready is known when the future is dropped right after and nobody could have polled
//! it again; how a task ended is said to be unknown where a drop cannot be told from an end. A
//! task that waits for nothing and is dropped within a microsecond after its poll can pass
//! for one that was ready.
//!
//! A task that is spawned through this crate is recorded once, by its wrapper, which tells more.
//! A future given to `block_on` is recorded with its polls, but nobody tells its wakes: give
//! it as `wakeline::tokio::root(future)` for these.
//!
//! With tokio built otherwise, or so old that its spans tell less (1.8 is), nothing of this is
//! recorded, which the greeting says; `init!` asks a runtime of its own for that.
//!
//! Owns whether tokio tells, and how its spans and events come here. It must not know what
//! is recorded of them.

mod context;
mod fields;
mod jobs;
#[cfg(feature = "tracing-layer")]
mod layer;
mod resources;
mod spans;
mod subscriber;
mod tasks;
mod wakers;

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicU8, Ordering};
use std::sync::OnceLock;

use tracing_core::dispatcher::{self, Dispatch};
use tracing_core::{span, Event, Interest, Metadata, Subscriber};
use wakeline_wire::detail;

use self::context::context;
use self::fields::{callsite, least_detail, Callsite, SpanFields, WakerFields};
use self::spans::{Key, Kind, Spans};
use crate::gate::{detail_of, gate};
use crate::recorder::ToldSite;
use crate::session::{seen, Session};
use crate::this_thread::with_recorder;

#[cfg(feature = "tracing-layer")]
pub use self::layer::layer;
pub use self::subscriber::TokioSubscriber;

static SPANS: Spans = Spans::new();
static TOLD: OnceLock<Told> = OnceLock::new();

/// How the tier stands in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    /// tokio was built without it.
    Absent,
    /// tokio tells, and nobody of us listens.
    Unheard,
    /// tokio tells us.
    Heard,
}

static TIER: AtomicU8 = AtomicU8::new(Tier::Absent as u8);

/// How the tier stands.
pub(crate) fn tier() -> Tier {
    match TIER.load(Ordering::Relaxed) {
        tier if tier == Tier::Heard as u8 => Tier::Heard,
        tier if tier == Tier::Unheard as u8 => Tier::Unheard,
        _ => Tier::Absent,
    }
}

/// Finds out whether tokio tells, and listens if nobody else does and the program has no
/// registry for the layer.
pub(crate) fn begin(session: &'static Session) {
    let entries = entries_of_a_ready_future();
    if entries == 0 {
        return;
    }
    let told = Told {
        session,
        spans: &SPANS,
        enters_to_drop: entries > 1,
    };
    if TOLD.set(told).is_err() {
        return;
    }
    TIER.store(Tier::Unheard as u8, Ordering::SeqCst);
    if cfg!(not(feature = "tracing-layer")) {
        // Fails where the program has set another one.
        let _ = TOLD.get().map(|told| {
            let subscriber = Dispatch::new(TokioSubscriber::new(told));
            dispatcher::set_global_default(subscriber).map(|()| heard())
        });
    }
}

/// The subscriber that records what tokio tells, for a program that sets it itself, with
/// `tracing::subscriber::set_global_default`. [`init!`](crate::init!) does so where no other
/// subscriber is set. None where nothing is recorded or tokio does not tell.
pub fn subscriber() -> Option<TokioSubscriber> {
    let told = heard()?;
    Some(TokioSubscriber::new(told))
}

/// The level of detail of which tokio is asked to tell; 0 while nobody has set one.
static ASKED: AtomicU64 = AtomicU64::new(0);

fn asked_detail() -> u64 {
    match ASKED.load(Ordering::SeqCst) {
        0 => detail_of(gate()).max(detail::OFF),
        asked => asked,
    }
}

/// `change` sets the level of detail. tokio is asked to tell as much before it rises, so that
/// no wake is missed, and to tell less after it has fallen.
pub(crate) fn with_detail(wanted: u64, change: impl FnOnce()) {
    let rises = wanted > detail_of(gate());
    if rises {
        ask_for(wanted);
    }
    change();
    if !rises {
        ask_for(wanted);
    }
}

fn ask_for(detail: u64) {
    // Ordering: SeqCst, here and where the tier is set: either this finds the tier, or whoever
    // is to hear tokio finds the level.
    ASKED.store(detail, Ordering::SeqCst);
    if TIER.load(Ordering::SeqCst) != Tier::Absent as u8 {
        tracing_core::callsite::rebuild_interest_cache();
    }
}

/// From here on tokio is heard.
fn heard() -> Option<&'static Told> {
    let told = TOLD.get()?;
    TIER.store(Tier::Heard as u8, Ordering::Relaxed);
    told.session.saw(seen::TRACING);
    Some(told)
}

/// While this lives, what this thread spawns is recorded already.
pub(crate) struct Unheard(bool);

/// What is spawned next is recorded already.
#[inline]
pub(crate) fn unheard() -> Unheard {
    Unheard(context(|here| here.leave_spawns.replace(true)))
}

impl Drop for Unheard {
    fn drop(&mut self) {
        context(|here| here.leave_spawns.set(self.0));
    }
}

/// The next `block_on` of this thread runs a future that is recorded already.
#[inline]
pub(crate) fn leave_next_root() {
    if tier() == Tier::Heard {
        context(|here| here.leave_root.set(true));
    }
}

/// What tokio tells, on its way to the recorder.
pub(crate) struct Told {
    session: &'static Session,
    spans: &'static Spans,
    /// Whether a task's span is entered once more to drop its future: so since tracing 0.1.38.
    enters_to_drop: bool,
}

impl Told {
    /// Whether tokio tells something by this callsite that is recorded at this level of detail.
    fn wants(metadata: &Metadata<'_>) -> bool {
        least_detail(metadata).is_some_and(|least| least <= asked_detail())
    }

    fn interest(metadata: &Metadata<'_>) -> Interest {
        match Self::wants(metadata) {
            true => Interest::always(),
            false => Interest::never(),
        }
    }

    /// The place in the dictionary.
    fn site(&self, fields: &SpanFields) -> u64 {
        if fields.file_address == 0 {
            return 0;
        }
        let told: ToldSite = (fields.file_address, fields.line, fields.column);
        with_recorder(self.session, |r| r.told_site(told, fields.file.get()))
    }

    /// A span begins; `parent` is the one that it names as its parent.
    fn opened(&self, attributes: &span::Attributes<'_>, parent: Key) -> Key {
        let callsite = callsite(attributes.metadata());
        match callsite {
            Callsite::Operation => {
                let resource = match attributes.is_contextual() {
                    true => context(|here| here.innermost()),
                    false => parent,
                };
                match resource.kind() {
                    Kind::Resource => resource.as_kind(Kind::Operation),
                    _ => Key::UNSEEN,
                }
            }
            Callsite::Spawn | Callsite::SpawnBlocking | Callsite::Resource => {
                let mut fields = SpanFields::default();
                attributes.record(&mut fields);
                match callsite {
                    Callsite::Spawn => self.task_spawned(&fields),
                    Callsite::SpawnBlocking => self.job_submitted(&fields),
                    _ => self.resource_made(&fields),
                }
            }
            _ => Key::UNSEEN,
        }
    }

    #[inline]
    fn entered(&self, key: Key) {
        let kind = key.kind();
        if kind == Kind::Unseen {
            return;
        }
        context(|here| here.enter(key));
        if !matches!(kind, Kind::Resource | Kind::Operation) {
            self.run_entered(key);
        }
    }

    /// A task's or a job's span is entered. Not inlined: of four entries three are a
    /// resource's, and would save registers for this.
    #[inline(never)]
    fn run_entered(&self, key: Key) {
        if let Some(span) = self.spans.get(key) {
            match key.kind() {
                Kind::Job => self.job_entered(span),
                _ => self.task_entered(key, span),
            }
        }
    }

    #[inline]
    fn left(&self, key: Key) {
        let kind = key.kind();
        if kind == Kind::Unseen {
            return;
        }
        if !matches!(kind, Kind::Resource | Kind::Operation) {
            self.run_left(key);
        }
        context(|here| here.leave());
    }

    #[inline(never)]
    fn run_left(&self, key: Key) {
        if let Some(span) = self.spans.get(key) {
            match key.kind() {
                Kind::Job => self.job_left(span),
                _ => self.task_left(key, span),
            }
        }
    }

    /// The last handle of a span is gone.
    fn closed(&self, key: Key) {
        if let Some(span) = self.spans.get(key) {
            match key.kind() {
                Kind::Task | Kind::Root => self.task_closed(key, span),
                Kind::Job => self.job_closed(span),
                Kind::Resource => self.resource_closed(span),
                Kind::Operation | Kind::Unseen => return,
            }
            self.spans.remove(key);
        }
    }

    /// `task_of` finds the key for the id of a task's span.
    #[inline]
    fn happened(&self, event: &Event<'_>, task_of: impl FnOnce(u64) -> Key) {
        match callsite(event.metadata()) {
            Callsite::Waker => {
                let mut fields = WakerFields::default();
                event.record(&mut fields);
                self.waker_used(task_of(fields.span), fields.op);
            }
            Callsite::PollOp => self.operation_polled(event),
            Callsite::ResourceState => self.resource_changed(event),
            Callsite::OperationState => self.operation_changed(event),
            _ => {}
        }
    }
}

/// How often tokio enters the span of a future that is ready at its first poll: never where
/// it was built without, else once, or twice where it enters to drop the future too. Asked
/// of a small runtime on a thread of its own, as the caller may be inside of one.
fn entries_of_a_ready_future() -> u32 {
    static ENTRIES: AtomicU32 = AtomicU32::new(0);
    let ask = || {
        let counting = Dispatch::new(Counting(&ENTRIES));
        dispatcher::with_default(&counting, || {
            let runtime = ::tokio::runtime::Builder::new_current_thread().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {});
            }
        });
    };
    let thread = std::thread::Builder::new().name("wakeline-ask".into());
    if let Ok(thread) = thread.spawn(ask) {
        let _ = thread.join();
    }
    ENTRIES.load(Ordering::Relaxed)
}

/// Counts the entries of spawn spans on one thread.
struct Counting(&'static AtomicU32);

impl Subscriber for Counting {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        callsite(metadata) == Callsite::Spawn
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &span::Id) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn exit(&self, _: &span::Id) {}
}
