//! Owns how the flusher ends: with the program, at a file's bound, or because nobody wants
//! what it sends. It must not know what is sent until then.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use wakeline_wire::frame::append_frame;
use wakeline_wire::payload::End;
use wakeline_wire::{end_reason, frame_kind};

use super::{total, Flusher, Turn, SEND_PATIENCE};
use crate::awaits;
use crate::batch::Pieces;
use crate::connection::Sent;
use crate::destination::Destination;
use crate::gate::shut_gate;
use crate::link::Link;
use crate::session::{complain, LAST_NAMES};

/// How often it is looked whether the last names have come.
const AFTER_NAMES: Duration = Duration::from_millis(1);

impl Flusher {
    /// Nobody wants the recording: from here on it costs nothing.
    pub(super) fn abandon(self) {
        shut_gate();
        self.session.ring.give_back();
        self.session.dictionary.clear();
        let session = self.session;
        // What listens is closed before the program goes on to its end.
        drop(self);
        session.finished();
    }

    /// The file has reached its bound: it ends here, and says so.
    pub(super) fn end_full_file(&mut self) {
        shut_gate();
        let end = self.end_frame(end_reason::FULL);
        if let Some(Link::File(file)) = &mut self.link {
            append_frame(file.outbound(), frame_kind::END, |out| end.encode(out));
            let path = file.path().display().to_string();
            let why = match file.write() {
                Ok(()) => "it has reached its bound, WAKELINE_FILE_MIB".to_owned(),
                Err(error) => error.to_string(),
            };
            complain(&format!("the recording {path} ends here: {why}"));
        }
    }

    /// Sends what is left and the end frame, and removes the ring file.
    pub(super) fn finish(mut self) {
        if matches!(self.destination, Destination::Flight(_)) {
            // Who asked at the last moment gets it too.
            self.round_kept();
        }
        let more = self.session.await_patience.saturating_sub(LAST_NAMES);
        // Of the 300 ms: 200 for the last events, then 50 for the collector to have read them.
        let exit_delay = self.session.exit_delay;
        let (last_send, last_read) = (exit_delay * 2 / 3, exit_delay / 6);
        let end = Instant::now() + last_send + more;
        self.await_names();
        shut_gate();
        let mut through = false;
        let mut tries = 0;
        while !through && Instant::now() < end {
            if self.link.is_none() {
                // Not connected yet, or the connection broke just now: it is worth two tries.
                tries += 1;
                self.next_try = Instant::now();
                self.try_connect();
                if self.link.is_none() || tries > 2 {
                    break;
                }
            }
            match self.round(SEND_PATIENCE) {
                Turn::Refused => {
                    self.ever_connected = false;
                    self.link = None;
                    break;
                }
                Turn::More => {}
                Turn::Idle => {
                    let link = self.link.as_ref();
                    through = link.is_some_and(|link| !link.is_stalled());
                }
            }
        }
        let mut ended = false;
        if let Some(mut link) = self.link.take().filter(|_| through) {
            let frame = self.end_frame(end_reason::EXIT);
            append_frame(link.outbound(), frame_kind::END, |out| frame.encode(out));
            let left = end.saturating_duration_since(Instant::now());
            ended = matches!(link.send_end(left), Ok(Sent::All));
            link.close(last_read);
        }
        // A collector that took a part only reads the rest from the ring file, and
        // removes it.
        if ended || !self.ever_connected {
            self.session.ring.remove_file();
        }
        let session = self.session;
        // What listens is closed before the program goes on to its end.
        drop(self);
        session.finished();
    }

    /// Goes on sending until the stacks that were taken are named and recorded, and where
    /// tasks awaited is read, or for as long as that is worth it.
    fn await_names(&mut self) {
        let begun = Instant::now();
        loop {
            let for_awaits = awaits::are_pending() && begun.elapsed() < self.session.await_patience;
            #[cfg(wakeline_stacks)]
            let for_looks = self.session.pending_looks.are_some() && begun.elapsed() < LAST_NAMES;
            #[cfg(not(wakeline_stacks))]
            let for_looks = false;
            if !for_awaits && !for_looks {
                return;
            }
            if let Turn::Refused = self.round(AFTER_NAMES) {
                self.link = None;
                return;
            }
            std::thread::park_timeout(AFTER_NAMES);
        }
    }

    pub(super) fn end_frame(&mut self, reason: u64) -> End {
        self.session.threads.list(&mut self.threads);
        let none = Pieces::default();
        let alive = self.threads.iter().map(|thread| {
            let dropped = thread.dropped.load(Ordering::Relaxed);
            total(thread.id, self.sender.thread(thread.id, &none), dropped)
        });
        let mut threads = self.ended_threads.clone();
        threads.extend(alive);
        threads.sort_unstable_by_key(|total| total.thread);
        End { reason, threads }
    }
}
