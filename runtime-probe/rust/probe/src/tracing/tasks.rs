//! Owns tasks as the runtime's spans tell them: which events follow from a span that is
//! entered, left or closed, and from what is done to its waker. It must not know how spans
//! come here.
//!
//! The runtime enters a task's span for a poll, and once more to drop the future:
//!
//! ```text
//!   poll, pending          enter exit
//!   poll, ready            enter exit   enter exit close     one thread, nothing between
//!   dropped while pending  enter exit close
//! ```
//!
//! Nothing says which of the two an entry is. No wake since the last poll began, and that
//! poll ended here with nothing recorded since: it is the drop. Else it is told as a poll, and
//! taken back when the span is closed right after it.
//!
//! Nor does anything say whether the poll before a drop was ready. It is told so where all of
//! this holds, and else the task's end is said to be unknown: nothing was recorded on the
//! thread between the two; nobody has woken the task since that poll began; nobody keeps a
//! waker of it, so that nobody could ever poll it again; and it took no longer than one call
//! takes. A task that waits for nothing (`std::future::pending`) passes for ready if it is
//! dropped as soon as that: by an abort during its poll, or with a `LocalSet`.

use std::sync::atomic::Ordering;

use wakeline_executor::observe::{
    close_poll, innermost_poll, is_innermost_poll, new_ids, open_poll,
};
use wakeline_wire::{
    cause_kind, detail, end_outcome, kind, poll_outcome, task_kind, thread_role, Task,
};

use super::context::{context, Context, LastExit};
use super::fields::{SpanFields, WakerOp};
use super::spans::{Key, Kind, Span};
use super::Told;
use crate::breakpoints;
use crate::dictionary::Living;
use crate::foreign::ForeignWake;
use crate::gate::{detail_of, gate, has_conditions};
use crate::held::Held;
use crate::recorder::Recorder;
use crate::this_thread::with_recorder;
use crate::tokio::present::{own_root_begins, own_root_ends};

/// The longest time from a ready poll's return to its future's drop, in ticks: 270 ns, and
/// 1.35 µs without optimisation. Measured at 2.6 GHz on ready polls, 9 of 10: 20 ns (without
/// optimisation 270 ns), through a registry's layer 200 ns (1 µs), each for outputs of up to
/// 4 KiB; one of 64 KiB takes 2.7 µs without optimisation, and its end is not told then. The
/// shortest of 1400 from a pending poll that waits for nothing to the drop by a runtime that
/// shuts down meanwhile: 280 ns (2.7 µs).
const ONE_CALL_TICKS: u64 = match (cfg!(debug_assertions), cfg!(target_arch = "x86_64")) {
    (false, true) => 88,
    (false, false) => 270,
    (true, true) => 440,
    (true, false) => 1350,
};

/// Flags of a task's span.
mod flag {
    /// The last entry was recognised as the drop of the future.
    pub(super) const DROPPED: u32 = 1;
    /// The last entry came directly after a poll's end on the same thread,
    pub(super) const DIRECT: u32 = 2;
    /// and what is known of the task says that this poll was ready.
    pub(super) const READY: u32 = 4;
    /// The last poll panicked.
    pub(super) const PANICKED: u32 = 8;
    /// The last poll ended while recording was off: nobody hears who wakes the task then.
    pub(super) const UNHEARD: u32 = 16;
}

impl Told {
    /// A task, or the future of a `block_on`.
    pub(super) fn task_spawned(&self, fields: &SpanFields) -> Key {
        let leave = |here: &Context| match fields.kind.get() {
            "block_on" => here.leave_root.replace(false),
            _ => here.leave_spawns.get(),
        };
        if context(leave) {
            return Key::UNSEEN;
        }
        let (span_kind, task_kind) = match fields.kind.get() {
            "block_on" => (Kind::Root, task_kind::ROOT_UNHEARD),
            "local" => (Kind::Task, task_kind::LOCAL),
            _ => (Kind::Task, task_kind::TASK),
        };
        let id = new_ids::task();
        let key = self.spans.add(span_kind, |span| {
            span.id.store(id, Ordering::Relaxed);
        });
        let Some(key) = key else {
            return Key::UNSEEN;
        };
        let site = self.site(fields);
        let (parent, runtime) = with_recorder(self.session, |r| (r.current_task(), r.runtime_id()));
        let record = Task {
            id,
            parent,
            site,
            task_kind,
            runtime,
            ..Task::default()
        };
        self.session.dictionary.told_task(record, fields.name.get());
        if detail_of(gate()) >= detail::LEAN {
            with_recorder(self.session, |r| r.event(kind::TASK_SPAWN, [id, parent]));
        }
        key
    }

    #[inline]
    pub(super) fn task_entered(&self, key: Key, span: &Span) {
        let now = detail_of(gate());
        if now == 0 {
            return;
        }
        let id = span.id.load(Ordering::Relaxed);
        let epoch = span.count.load(Ordering::Relaxed);
        if key.kind() == Kind::Root && epoch == 0 {
            own_root_begins();
        }
        let flags = span.flags.load(Ordering::Relaxed);
        // The spawn asks for the first poll; nobody tells the wakes of a root.
        let is_woken = key.kind() == Kind::Root || span.is_woken_in(epoch);
        let is_asked = is_woken || flags & flag::UNHEARD != 0 || now < detail::LEAN;
        with_recorder(self.session, |r| {
            context(|here| {
                let last = here.last_exit.get();
                if last.span == key && last.position == r.position() {
                    if !is_asked {
                        let is_soon = r.now().saturating_sub(last.tick) < ONE_CALL_TICKS;
                        let was_ready = is_soon && !span.is_waker_kept();
                        let ready = if was_ready { flag::READY } else { 0 };
                        here.dropping.set(key);
                        set_flags(span, flag::DROPPED | flag::DIRECT | ready);
                        return;
                    }
                    set_flags(span, flag::DIRECT);
                } else if flags != 0 {
                    set_flags(span, 0);
                }
                if !is_woken && epoch > 0 && now >= detail::LEAN && flags & flag::UNHEARD != 0 {
                    r.unseen_wake(id, epoch);
                }
                // Ordering: Release; a wake that reads the new epoch comes after this poll began.
                span.count.store(epoch + 1, Ordering::Release);
                span.due.store(0, Ordering::Relaxed);
                r.take_role(thread_role::WORKER);
                let start = r.poll_start(now >= detail::LEAN, id, epoch + 1);
                std::mem::forget(open_poll(id, epoch + 1, start));
            });
        });
        // Not where the span is entered to drop the future: then no poll was opened.
        if has_conditions(gate()) && innermost_poll().is_some_and(|poll| poll.task == id) {
            breakpoints::poll_starts(id);
        }
    }

    #[inline]
    pub(super) fn task_left(&self, key: Key, span: &Span) {
        let now = detail_of(gate());
        if now == 0 {
            return;
        }
        with_recorder(self.session, |r| {
            context(|here| {
                if here.dropping.get() == key {
                    here.dropping.set(Key::NONE);
                    if key.kind() == Kind::Task {
                        r.runtime_dropped(span.id.load(Ordering::Relaxed));
                    }
                    return;
                }
                let outcome = if std::thread::panicking() {
                    add_flag(span, flag::PANICKED);
                    poll_outcome::PANICKED
                } else {
                    poll_outcome::RETURNED
                };
                match now {
                    detail::FULL => tell_waker_counts(r, span, true),
                    detail::OFF => add_flag(span, flag::UNHEARD),
                    _ => {}
                }
                r.poll_end(now >= detail::LEAN, outcome);
                if has_conditions(gate()) {
                    breakpoints::poll_ends(self.session);
                }
                close_poll();
                here.last_exit.set(LastExit {
                    span: key,
                    position: r.position(),
                    tick: r.last_tick(),
                });
            });
        });
    }

    /// The future is gone, and the last handle of its span.
    pub(super) fn task_closed(&self, key: Key, span: &Span) {
        let now = detail_of(gate());
        let id = span.id.load(Ordering::Relaxed);
        let epoch = span.count.load(Ordering::Relaxed);
        let flags = span.flags.load(Ordering::Relaxed);
        let dropped_by = match key.kind() {
            Kind::Root => {
                if epoch > 0 {
                    own_root_ends();
                }
                Held::by_program()
            }
            _ => Held::by_runtime(),
        };
        let dropped_by = dropped_by.dropped_by();
        if now >= detail::LEAN {
            with_recorder(self.session, |r| {
                if now >= detail::FULL {
                    tell_waker_counts(r, span, false);
                }
                let is = |wanted: u32| flags & wanted == wanted;
                // What was told as a poll was none, where the runtime enters a span to drop.
                let mut last = epoch;
                if self.enters_to_drop && !is(flag::DROPPED) && epoch > 0 {
                    let fields = [id, epoch, poll_outcome::NONE];
                    r.event(kind::POLL_SETTLED, fields);
                    last = epoch - 1;
                }
                let is_direct = is(flag::DIRECT) || !self.enters_to_drop;
                // What `block_on` runs is dropped when it is ready, or by a panic around it.
                let was_ready = match key.kind() {
                    Kind::Root => !std::thread::panicking(),
                    _ => is(flag::READY),
                };
                let outcome = match (is(flag::PANICKED), is_direct && last > 0) {
                    (true, _) => end_outcome::PANICKED,
                    (false, false) => end_outcome::CANCELLED,
                    (false, true) if was_ready => end_outcome::COMPLETED,
                    (false, true) => end_outcome::UNKNOWN,
                };
                if outcome == end_outcome::COMPLETED {
                    r.event(kind::POLL_SETTLED, [id, last, poll_outcome::READY]);
                }
                match outcome {
                    end_outcome::CANCELLED => r.foreign_cancelled(id, dropped_by),
                    outcome => r.foreign_ended(id, outcome),
                }
            });
        }
        if now != 0 {
            self.session.dictionary.ended(Living::Task(id));
        }
    }

    /// Something was done to the waker of a task.
    #[inline]
    pub(super) fn waker_used(&self, key: Key, op: WakerOp) {
        let Some(span) = self.spans.get(key) else {
            return;
        };
        match op {
            WakerOp::Wake => self.woken(span, true),
            WakerOp::WakeByRef => self.woken(span, false),
            WakerOp::Clone => {
                span.count_clone(is_innermost_poll(span.id.load(Ordering::Relaxed)));
            }
            WakerOp::Drop => span.count_drop(),
            WakerOp::Unknown => {}
        }
    }

    /// Told before the task's state changes.
    #[inline]
    fn woken(&self, span: &Span, is_consumed: bool) {
        if has_conditions(gate()) {
            breakpoints::wakes(span.id.load(Ordering::Relaxed));
        }
        // Ordering: Acquire pairs with the store at a poll's start.
        let epoch = span.count.load(Ordering::Acquire);
        span.count_wake(epoch, is_consumed);
        if detail_of(gate()) < detail::LEAN {
            return;
        }
        with_recorder(self.session, |r| {
            let task = span.id.load(Ordering::Relaxed);
            if let Some(timer) = self.timer_that_is_due(r, span) {
                let unknown = wakeline_wire::wake_effect::UNKNOWN;
                let fields = [task, epoch, unknown, cause_kind::TIMER, timer, epoch];
                r.event(kind::WAKE_FROM, fields);
                return;
            }
            let stamp = r.stamp();
            r.foreign_wake(&ForeignWake {
                stamp,
                task,
                epoch,
                epoch_after: epoch,
                ended: false,
            });
        });
    }
}

/// Sets the flags of the last entry; that of a panic stays.
fn set_flags(span: &Span, flags: u32) {
    let panicked = span.flags.load(Ordering::Relaxed) & flag::PANICKED;
    span.flags.store(panicked | flags, Ordering::Relaxed);
}

/// Only the thread that polls the task writes its flags.
fn add_flag(span: &Span, flag: u32) {
    let flags = span.flags.load(Ordering::Relaxed);
    span.flags.store(flags | flag, Ordering::Relaxed);
}

fn tell_waker_counts(r: &mut Recorder, span: &Span, only_if_changed: bool) {
    if let Some((clones, drops)) = span.waker_counts(only_if_changed) {
        let task = span.id.load(Ordering::Relaxed);
        let fields = [task, u64::from(clones), u64::from(drops)];
        r.event(kind::WAKER_COUNTS, fields);
    }
}
