//! Owns which of our keys belongs to which span of a registry, for the spans met last. It must
//! not know what a registry is.

use std::sync::atomic::{fence, AtomicU64, Ordering};

use super::super::spans::{Key, Kind, Spans};

/// As many as a busy service has tasks alive: 2 MiB of zeros that the system gives when used.
const PLACES: usize = 1 << 16;
/// The registry counts spans of one thread in the bits below, and names the thread and how
/// often the place was used in those above.
const COUNT_BITS: u32 = 38;
/// Any odd number that moves threads apart.
const SPREAD: u64 = 0x9e5f;

static PLACES_OF_KEYS: [Place; PLACES] = [const { Place::new() }; PLACES];

/// A number that a registry has given, and the key; both are 0 at first. Half a cache line.
#[repr(align(32))]
struct Place {
    /// Odd while one thread writes the other two, and higher by two after that.
    version: AtomicU64,
    number: AtomicU64,
    key: AtomicU64,
}

impl Place {
    const fn new() -> Self {
        Self {
            version: AtomicU64::new(0),
            number: AtomicU64::new(0),
            key: AtomicU64::new(0),
        }
    }

    fn of(number: u64) -> &'static Self {
        let spread = (number >> COUNT_BITS).wrapping_mul(SPREAD);
        &PLACES_OF_KEYS[(number ^ spread) as usize % PLACES]
    }
}

/// The key that was remembered for this number, if its span is still there: a registry gives a
/// number again after some thousand spans.
#[inline]
pub(super) fn remembered(number: u64, spans: &Spans) -> Option<Key> {
    let place = Place::of(number);
    // Ordering: Acquire, and a fence before the version is read again: what is read in between
    // was written with that version.
    let version = place.version.load(Ordering::Acquire);
    if version % 2 != 0 || place.number.load(Ordering::Relaxed) != number {
        return None;
    }
    let key = Key(place.key.load(Ordering::Relaxed));
    fence(Ordering::Acquire);
    let is_same = place.version.load(Ordering::Relaxed) == version;
    (is_same && spans.get(key).is_some()).then_some(key)
}

/// Remembers a key. Not an operation's: it finds its resource, also when the operation is gone
/// and its number another's.
pub(super) fn remember(number: u64, key: Key) {
    if matches!(key.kind(), Kind::Operation | Kind::Unseen) {
        return;
    }
    let place = Place::of(number);
    let version = place.version.load(Ordering::Relaxed);
    let order = (Ordering::Acquire, Ordering::Relaxed);
    let is_free = version % 2 == 0
        && place
            .version
            .compare_exchange(version, version + 1, order.0, order.1)
            .is_ok();
    if !is_free {
        // Another thread remembers something here.
        return;
    }
    // Ordering: whoever reads what is written here, and then the version behind a fence, finds
    // it changed.
    fence(Ordering::Release);
    place.number.store(number, Ordering::Relaxed);
    place.key.store(key.0, Ordering::Relaxed);
    place.version.store(version + 2, Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_remembered_for_its_number_alone_and_while_its_span_lives() {
        static SPANS: Spans = Spans::new();
        let first = SPANS.add(Kind::Task, |_| ()).unwrap();
        let second = SPANS.add(Kind::Resource, |_| ()).unwrap();
        let number = 3 << COUNT_BITS | 17;
        remember(number, first);
        assert_eq!(remembered(number, &SPANS), Some(first));
        assert_eq!(remembered(number + PLACES as u64, &SPANS), None);
        // In the same place.
        remember(number + PLACES as u64, second);
        assert_eq!(remembered(number, &SPANS), None);
        assert_eq!(remembered(number + PLACES as u64, &SPANS), Some(second));
        SPANS.remove(second);
        assert_eq!(remembered(number + PLACES as u64, &SPANS), None);
        remember(number, first.as_kind(Kind::Operation));
        assert_eq!(remembered(number, &SPANS), None);
    }

    #[test]
    fn threads_that_share_a_place_never_get_each_others_key() {
        static SPANS: Spans = Spans::new();
        let keys: Vec<Key> = (0..4)
            .map(|_| SPANS.add(Kind::Task, |_| ()).unwrap())
            .collect();
        let number = |of: usize| (of * PLACES + 5) as u64;
        std::thread::scope(|scope| {
            for own in 0..keys.len() {
                let keys = &keys;
                scope.spawn(move || {
                    for round in 0..50_000 {
                        remember(number(own), keys[own]);
                        let asked = (own + round) % keys.len();
                        let found = remembered(number(asked), &SPANS);
                        assert!(found.is_none_or(|found| found == keys[asked]));
                    }
                });
            }
        });
    }
}
