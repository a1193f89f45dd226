//! Owns timers and locks as the runtime's spans and events tell them: what is waited for,
//! held and given back. It must not know how spans come here.
//!
//! ```text
//!   runtime.resource          a timer, a lock; or a semaphore inside of a lock
//!     └ runtime.resource.async_op          one wait or use of it
//!          └ …poll, with an event poll_op that says whether it was ready
//! ```

use std::sync::atomic::Ordering;
use std::sync::OnceLock;
use std::time::Instant;

use tracing_core::Event;
use wakeline_executor::observe::new_ids;
use wakeline_wire::{cause_kind, detail, kind, resource_kind, Resource};

use super::context::{context, Context};
use super::fields::{Change, PollOpFields, SpanFields, StateFields};
use super::spans::{Key, Kind, Span};
use super::Told;
use crate::dictionary::Living;
use crate::gate::{detail_of, gate};
use crate::recorder::Recorder;
use crate::this_thread::with_recorder;

/// What a resource's span is, in `Span::count` below the site.
mod class {
    /// Known by what is inside of it.
    pub(super) const NOTHING: u64 = 0;
    pub(super) const TIMER: u64 = 1;
    /// From here on plus the wire's kind of resource.
    pub(super) const RESOURCE: u64 = 16;
    pub(super) const BITS: u32 = 8;
}

/// What a resource's flags say.
mod flag {
    /// A mutex, or a lock for writing, is held.
    pub(super) const HELD: u32 = 1;
    /// A value is in the channel.
    pub(super) const SENT: u32 = 2;
}

/// A timer of tokio fires at the next whole millisecond of its clock, and tells its delay in
/// such: it may be due this much before what the delay says.
const TIMER_GRAIN_NS: u64 = 1_000_000;

/// Nanoseconds since the first call.
fn now_ns() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let elapsed = ORIGIN.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

fn class_of(span: &Span) -> (u64, u64) {
    let both = span.count.load(Ordering::Relaxed);
    (both & ((1 << class::BITS) - 1), both >> class::BITS)
}

impl Told {
    pub(super) fn resource_made(&self, fields: &SpanFields) -> Key {
        let outer = context(Context::innermost);
        let outer = match outer.kind() {
            Kind::Resource => outer,
            _ => Key::NONE,
        };
        let concrete = fields.concrete.get();
        let (class, name) = match concrete {
            "Sleep" => (class::TIMER, ""),
            // A sleep inside of it tells all.
            "Interval" => (class::NOTHING, ""),
            "Mutex" => (class::RESOURCE + resource_kind::MUTEX, ""),
            "RwLock" => (class::RESOURCE + resource_kind::RW_LOCK, ""),
            "Barrier" => (class::RESOURCE + resource_kind::BARRIER, ""),
            "Sender|Receiver" => (class::RESOURCE + resource_kind::ONESHOT, ""),
            // tokio uses bare semaphores for the places of a bounded channel.
            "Semaphore" if fields.is_internal && outer == Key::NONE => (
                class::RESOURCE + resource_kind::CHANNEL,
                "places of a bounded channel",
            ),
            "Semaphore" => (class::RESOURCE + resource_kind::SEMAPHORE, ""),
            other => (class::RESOURCE + resource_kind::UNKNOWN, other),
        };
        let site = self.site(fields);
        let is_part = fields.is_internal && outer != Key::NONE;
        let is_resource = class >= class::RESOURCE && !is_part;
        let id = if is_resource { new_ids::resource() } else { 0 };
        let key = self.spans.add(Kind::Resource, |span| {
            span.id.store(id, Ordering::Relaxed);
            span.count
                .store(site << class::BITS | class, Ordering::Relaxed);
            if class == class::RESOURCE + resource_kind::ONESHOT {
                // Its sender has a clone, which may tell of the value when the receiver,
                // which has the first, is gone already.
                span.clones.store(1, Ordering::Relaxed);
            }
            if is_part {
                span.link.store(outer.0, Ordering::Relaxed);
            }
        });
        let Some(key) = key else {
            return Key::UNSEEN;
        };
        if is_resource {
            let record = Resource {
                id,
                resource_kind: class - class::RESOURCE,
                site,
                ..Resource::default()
            };
            self.session.dictionary.told_resource(record, name);
        }
        key
    }

    pub(super) fn resource_closed(&self, span: &Span) {
        let id = span.id.load(Ordering::Relaxed);
        let now = detail_of(gate());
        if id == 0 || now == 0 {
            return;
        }
        match class_of(span).0 {
            class::TIMER => self.timer_over(span, kind::TIMER_CANCEL),
            _ => {
                if now >= detail::FULL {
                    with_recorder(self.session, |r| r.event(kind::RESOURCE_DROP, [id]));
                }
                self.session.dictionary.ended(Living::Resource(id));
            }
        }
    }

    /// An operation was polled: it is ready, or the task waits.
    #[inline]
    pub(super) fn operation_polled(&self, event: &Event<'_>) {
        let now = detail_of(gate());
        let (operation, poll_ops) = context(|here| {
            let poll_ops = here.poll_ops.get();
            here.poll_ops.set(poll_ops + 1);
            (here.innermost(), poll_ops)
        });
        // Below full detail operations are not told apart from their resource.
        let is_of_resource = matches!(operation.kind(), Kind::Operation | Kind::Resource);
        if !is_of_resource || now < detail::LEAN {
            return;
        }
        let mut fields = PollOpFields::default();
        event.record(&mut fields);
        let Some(is_ready) = fields.is_ready else {
            return;
        };
        let Some(span) = self.spans.get(operation) else {
            return;
        };
        let (class, site) = class_of(span);
        let id = span.id.load(Ordering::Relaxed);
        if class == class::TIMER {
            // The first event of a timer's poll says whether the task has budget left.
            match is_ready {
                _ if poll_ops == 0 || id == 0 => {}
                true => self.timer_over(span, kind::TIMER_FIRE),
                false => {
                    self.waits(cause_kind::TIMER, id, site);
                    self.may_be_woken_by(operation);
                }
            }
            return;
        }
        if id != 0 && !is_ready {
            self.waits(cause_kind::RESOURCE, id, 0);
        }
        let is_oneshot = class == class::RESOURCE + resource_kind::ONESHOT;
        if is_ready && is_oneshot && now >= detail::FULL {
            // Ready is also a channel whose sender is gone.
            if span.flags.swap(0, Ordering::Relaxed) == flag::SENT {
                self.held(kind::RESOURCE_ACQUIRE, id, 1);
            }
        }
        if now < detail::FULL {
            return;
        }
        let handed = context(|here| here.handed.replace(Key::NONE));
        if is_ready && handed == operation.as_kind(Kind::Resource) {
            // All it asked for was handed to it while it waited; how many that were is not told.
            if let Some(id) = self.counted_resource(span) {
                self.held(kind::RESOURCE_ACQUIRE, id, 0);
            }
        }
    }

    /// The id of the semaphore or channel that this span is or is inside of.
    fn counted_resource(&self, span: &Span) -> Option<u64> {
        let link = Key(span.link.load(Ordering::Relaxed));
        let outer = self.spans.get(link).unwrap_or(span);
        let class = class_of(outer).0.checked_sub(class::RESOURCE)?;
        let is_counted = matches!(class, resource_kind::SEMAPHORE | resource_kind::CHANNEL);
        let id = outer.id.load(Ordering::Relaxed);
        (is_counted && id != 0).then_some(id)
    }

    fn waits(&self, on_kind: u64, on_id: u64, site: u64) {
        with_recorder(self.session, |r| {
            if r.current_task() != 0 {
                r.event(kind::WAIT_START, [0, on_kind, on_id, 0, site, 0]);
            }
        });
    }

    /// The task's next wake may be the timer's.
    fn may_be_woken_by(&self, timer: Key) {
        let task = context(Context::task);
        let current = with_recorder(self.session, |r| r.current_task());
        if let Some(task) = self.spans.get(task) {
            // A wrapped future's poll may stand between.
            if task.id.load(Ordering::Relaxed) == current {
                task.due.store(timer.0, Ordering::Relaxed);
            }
        }
    }

    /// The timer that a task waits for, if its deadline has passed and the wake is made
    /// outside of polls and jobs, which is where the runtime fires timers.
    #[inline]
    pub(super) fn timer_that_is_due(&self, r: &mut Recorder, task: &Span) -> Option<u64> {
        match Key(task.due.load(Ordering::Relaxed)) {
            Key::NONE => None,
            key if r.is_outside() => self.fire_if_due(r, key),
            _ => None,
        }
    }

    fn fire_if_due(&self, r: &mut Recorder, key: Key) -> Option<u64> {
        let timer = self.spans.get(key)?;
        let (id, deadline_ns) = (
            timer.id.load(Ordering::Relaxed),
            timer.due.load(Ordering::Relaxed),
        );
        let lateness = now_ns().checked_sub(deadline_ns.saturating_sub(TIMER_GRAIN_NS))?;
        if deadline_ns == 0 || id == 0 {
            return None;
        }
        // Ordering: none needed; who takes the deadline away tells of it.
        if timer.due.swap(0, Ordering::Relaxed) != 0 {
            let late_ns = lateness.saturating_sub(TIMER_GRAIN_NS);
            r.event(kind::TIMER_FIRE, [id, late_ns]);
        }
        Some(id)
    }

    /// The timer fired, or is dropped or set anew before.
    fn timer_over(&self, timer: &Span, what: u64) {
        let deadline_ns = timer.due.swap(0, Ordering::Relaxed);
        if deadline_ns == 0 || detail_of(gate()) < detail::LEAN {
            return;
        }
        let id = timer.id.load(Ordering::Relaxed);
        with_recorder(self.session, |r| match what {
            kind::TIMER_FIRE => {
                r.event(what, [id, now_ns().saturating_sub(deadline_ns)]);
            }
            _ => r.event(what, [id]),
        });
    }

    /// A resource's state changed, told inside of its span.
    pub(super) fn resource_changed(&self, event: &Event<'_>) {
        let innermost = context(Context::innermost);
        let Some(span) = self.spans.get(innermost) else {
            return;
        };
        let (class, _) = class_of(span);
        if class != class::TIMER && detail_of(gate()) < detail::FULL {
            return;
        }
        let fields = &states(event);
        if class == class::TIMER {
            if let Some(delay_ms) = fields.duration {
                self.timer_over(span, kind::TIMER_CANCEL);
                self.timer_set(span, delay_ms.saturating_mul(1_000_000));
            }
            return;
        }
        // What is inside of a lock is told by the lock, but for a semaphore's permits.
        let link = Key(span.link.load(Ordering::Relaxed));
        let (id, class) = match self.spans.get(link) {
            None => (span.id.load(Ordering::Relaxed), class),
            Some(outer) => (outer.id.load(Ordering::Relaxed), class_of(outer).0),
        };
        if fields.permits == Some(0) && fields.op == Change::Sub {
            context(|here| here.handed.set(innermost));
        }
        let Some((what, amount)) = hold_change(class, fields).filter(|_| id != 0) else {
            return;
        };
        if fields.locked.or(fields.write_locked).is_some() {
            // A lock tells at once that it is not held. That is no release.
            let is_taken = match what {
                kind::RESOURCE_ACQUIRE => flag::HELD,
                _ => 0,
            };
            if span.flags.swap(is_taken, Ordering::Relaxed) == is_taken {
                return;
            }
        }
        if fields.value_sent == Some(true) {
            span.flags.store(flag::SENT, Ordering::Relaxed);
        }
        self.held(what, id, amount);
    }

    fn held(&self, what: u64, resource: u64, amount: u64) {
        with_recorder(self.session, |r| {
            r.event(what, [resource, r.current_task(), amount]);
        });
    }

    fn timer_set(&self, timer: &Span, delay_ns: u64) {
        if detail_of(gate()) < detail::LEAN {
            return;
        }
        // A timer that is set again is another one in the trace, where ids end.
        let id = new_ids::timer();
        timer.id.store(id, Ordering::Relaxed);
        timer
            .due
            .store(now_ns().saturating_add(delay_ns).max(1), Ordering::Relaxed);
        with_recorder(self.session, |r| {
            r.event(kind::TIMER_SET, [id, r.current_task(), delay_ns]);
        });
    }

    /// An operation's state changed. Permits that one gets while it is not polled here are
    /// handed to it by whoever runs.
    pub(super) fn operation_changed(&self, event: &Event<'_>) {
        let (operation, is_own) = context(|here| {
            let operation = here.innermost();
            (operation, here.is_inside(operation))
        });
        if operation.kind() != Kind::Operation || is_own || detail_of(gate()) < detail::FULL {
            return;
        }
        let fields = states(event);
        let amount = match (fields.permits_obtained, fields.op) {
            (Some(amount), Change::Add) if amount > 0 => amount,
            _ => return,
        };
        let Some(span) = self.spans.get(operation) else {
            return;
        };
        if let Some(id) = self.counted_resource(span) {
            self.held(kind::RESOURCE_RELEASE, id, amount);
        }
    }
}

fn states(event: &Event<'_>) -> StateFields {
    let mut fields = StateFields::default();
    event.record(&mut fields);
    fields
}

/// What a change of state says of who holds the resource: the event and its amount.
fn hold_change(class: u64, fields: &StateFields) -> Option<(u64, u64)> {
    const TAKEN: u64 = kind::RESOURCE_ACQUIRE;
    const GIVEN: u64 = kind::RESOURCE_RELEASE;
    let either = |taken: bool| if taken { (TAKEN, 1) } else { (GIVEN, 1) };
    let counted = |amount: u64, taken: Change| match fields.op {
        Change::Set => None,
        _ if amount == 0 => None,
        op if op == taken => Some((TAKEN, amount)),
        _ => Some((GIVEN, amount)),
    };
    match class.checked_sub(class::RESOURCE)? {
        resource_kind::MUTEX => fields.locked.map(either),
        resource_kind::RW_LOCK => match (fields.write_locked, fields.current_readers) {
            (Some(locked), _) => Some(either(locked)),
            (None, Some(readers)) => counted(readers, Change::Add),
            (None, None) => None,
        },
        resource_kind::SEMAPHORE | resource_kind::CHANNEL => counted(fields.permits?, Change::Sub),
        // What is sent is given, what is received is taken.
        resource_kind::ONESHOT => match (fields.value_sent, fields.value_received) {
            (Some(true), _) => Some((GIVEN, 1)),
            (_, Some(true)) => Some((TAKEN, 1)),
            _ => None,
        },
        _ => None,
    }
}
