//! Owns which form an event takes: the whole record, or a kind of its own that leaves out
//! what nearly always is the same. It must not know when events happen.
//!
//! A reader puts the whole record in the place of a short one, so nothing is lost by it. It
//! saves one to five of 3 to 11 bytes, and the time to write them.

use wakeline_wire::{
    cause_kind, kind, operation_kind, operation_maker, operation_outcome, park_kind, poll_outcome,
    short_kind, wake_effect,
};

use super::Recorder;

/// One wake, as `wakeFrom` has it.
pub(crate) struct ToldWake {
    pub(crate) task: u64,
    pub(crate) epoch: u64,
    pub(crate) effect: u64,
    pub(crate) cause: u64,
    pub(crate) cause_id: u64,
    pub(crate) epoch_after: u64,
}

impl Recorder {
    /// Writes the wake of a stamp.
    #[inline]
    pub(crate) fn wake(&mut self, stamp: u64, wake: &ToldWake) {
        let &ToldWake {
            task,
            epoch,
            effect,
            cause,
            cause_id,
            epoch_after,
        } = wake;
        if epoch == epoch_after {
            let short = match (cause, effect) {
                (cause_kind::UNKNOWN, wake_effect::UNKNOWN) => short_kind::WAKE_UNHEARD,
                (cause_kind::UNKNOWN, wake_effect::SCHEDULED) => short_kind::WAKE_SCHEDULED,
                (cause_kind::TURN, wake_effect::UNKNOWN) => short_kind::WAKE_IN_TURN,
                (cause_kind::UNKNOWN, _) => {
                    return self.stamped_event(kind::WAKE, stamp, [task, epoch, effect]);
                }
                _ => 0,
            };
            if short != 0 {
                return self.stamped_event(short, stamp, [task, epoch]);
            }
        }
        let fields = [task, epoch, effect, cause, cause_id, epoch_after];
        self.stamped_event(kind::WAKE_FROM, stamp, fields);
    }

    /// Writes the end of a poll.
    #[inline(always)]
    pub(super) fn poll_end_event(&mut self, outcome: u64) {
        match outcome {
            poll_outcome::PENDING => self.event(short_kind::POLL_PENDING, []),
            outcome => self.event(kind::POLL_END, [outcome]),
        }
    }

    /// Writes an operation on a source.
    #[inline]
    pub(crate) fn operation(&mut self, source: u64, operation: u64, result: [u64; 2], maker: u64) {
        let [outcome, bytes] = result;
        match (operation, outcome, maker) {
            (operation_kind::READ, operation_outcome::DONE, operation_maker::POLL) => {
                self.event(short_kind::READ_DONE, [source, bytes]);
            }
            (operation_kind::WRITE, operation_outcome::DONE, operation_maker::POLL) => {
                self.event(short_kind::WRITE_DONE, [source, bytes]);
            }
            (operation_kind::READ, operation_outcome::WOULD_BLOCK, operation_maker::POLL)
                if bytes == 0 =>
            {
                self.event(short_kind::READ_BLOCKED, [source]);
            }
            _ => {
                let fields = [source, operation, outcome, bytes, maker];
                self.event(kind::OPERATION, fields);
            }
        }
    }

    /// Writes the beginning of a park.
    #[inline]
    pub(super) fn park_event(&mut self, fields: [u64; 3]) {
        match fields {
            [park_kind::REACTOR, timeout_ns, 0] => {
                self.event(short_kind::PARK_IN_REACTOR, [timeout_ns]);
            }
            fields => self.event(kind::PARK, fields),
        }
    }

    /// Writes the end of a park in the reactor.
    #[inline]
    pub(crate) fn reactor_unpark_event(&mut self, events: u64) {
        self.event(short_kind::UNPARK_IN_REACTOR, [events]);
    }
}
