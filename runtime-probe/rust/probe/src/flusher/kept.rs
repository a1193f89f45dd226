//! Owns the flusher's turns as a flight recorder: what is published is kept in memory, and
//! written when somebody asks. It must not know who asks.

use std::io;
use std::path::Path;

use wakeline_wire::frame::append_frame;
use wakeline_wire::{end_reason, frame_kind};

use super::{Flusher, Turn};
use crate::destination::Destination;
use crate::file::{expand, RecordingFile};
use crate::flight_triggers;
use crate::session::{complain_of, session_id};

impl Flusher {
    pub(super) fn round_kept(&mut self) -> Turn {
        let more = self.keep_published();
        while let Some(request) = self.session.flight_requests.take() {
            let written = self.write_flight(&request.path);
            // Whoever asked may have stopped waiting.
            let _ = request.answer.try_send(written);
        }
        if flight_triggers::take_asked() {
            self.write_unasked();
            self.session.flight_written.set();
        }
        if more {
            Turn::More
        } else {
            Turn::Idle
        }
    }

    /// Takes what is published into the memory. True when there is more.
    fn keep_published(&mut self) -> bool {
        let mut frames = Vec::new();
        let (flight, more) = self.load(&mut frames);
        self.flight = Some(flight);
        let dead = self.land();
        if let Destination::Flight(kept) = &mut self.destination {
            kept.keep(&frames, dead);
        }
        more
    }

    /// A signal or a panic asked: the pattern says where to.
    fn write_unasked(&mut self) {
        let Destination::Flight(flight) = &mut self.destination else {
            return;
        };
        flight.written += 1;
        let path = expand(&flight.pattern, Some(flight.written)).map_err(io::Error::other);
        if let Err(error) = path.and_then(|path| self.write_flight(&path)) {
            complain_of(&format!("the flight recording was not written: {error}"));
        }
    }

    fn write_flight(&mut self, path: &Path) -> io::Result<()> {
        while self.keep_published() {}
        let mut file = RecordingFile::create(path.to_owned(), usize::MAX)?;
        // Each file is a recording of its own.
        self.session_id = session_id();
        self.greet(file.outbound());
        self.session.dictionary.resend_living();
        let (segments, _) = self.session.dictionary.pending(usize::MAX, |segment| {
            append_frame(file.outbound(), frame_kind::DICTIONARY, |out| {
                out.extend_from_slice(&[0, 0]);
                out.extend_from_slice(segment);
            });
        });
        self.session.dictionary.sent(segments);
        let mut end = self.end_frame(end_reason::FLIGHT);
        let Destination::Flight(flight) = &self.destination else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let told = flight.append(file.outbound());
        end.threads
            .retain(|total| told.get(&total.thread) == Some(&total.sequence));
        append_frame(file.outbound(), frame_kind::END, |out| end.encode(out));
        file.write()
    }
}
