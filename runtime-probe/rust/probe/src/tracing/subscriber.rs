//! Owns the subscriber: hands what tokio tells on, and refuses all else, so that other
//! callsites cost what they cost without a subscriber. It must not know what is recorded.

use std::fmt;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Interest, LevelFilter, Metadata, Subscriber};

use super::spans::Key;
use super::Told;

/// A `tracing` subscriber that records what tokio tells of its tasks, timers, locks and
/// blocking jobs, and nothing else; see [`subscriber`](super::subscriber).
pub struct TokioSubscriber {
    told: &'static Told,
}

impl TokioSubscriber {
    pub(super) fn new(told: &'static Told) -> Self {
        Self { told }
    }
}

impl fmt::Debug for TokioSubscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokioSubscriber")
    }
}

#[inline]
fn key_of(id: &Id) -> Key {
    Key(id.into_u64()).first()
}

impl Subscriber for TokioSubscriber {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        Told::interest(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        Told::wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let parent = attributes.parent().map_or(Key::NONE, key_of);
        Id::from_u64(self.told.opened(attributes, parent).0)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    #[inline]
    fn event(&self, event: &Event<'_>) {
        self.told.happened(event, Key);
    }

    #[inline]
    fn enter(&self, id: &Id) {
        self.told.entered(key_of(id));
    }

    #[inline]
    fn exit(&self, id: &Id) {
        self.told.left(key_of(id));
    }

    #[inline]
    fn clone_span(&self, id: &Id) -> Id {
        let key = self.told.spans.clone_handle(Key(id.into_u64()));
        Id::from_u64(key.0)
    }

    #[inline]
    fn try_close(&self, id: Id) -> bool {
        let key = Key(id.into_u64());
        let is_over = self.told.spans.drop_handle(key);
        if is_over {
            self.told.closed(key);
        }
        is_over
    }
}
