//! Owns the readiness part: the kernel's queue (through `mio`), the sources
//! registered there, and the wakers left with them. It must not know tasks,
//! futures or what a source carries; it calls wakers, no more.
//!
//! Registration is edge-triggered and readiness is not cached, so a poll that got
//! `WouldBlock` must not store its waker after the edge has passed. Each direction
//! counts its edges: the poll reads the count before the system call and hands it
//! in with the waker; if an edge came in between, the call is tried again.
//!
//! ```text
//!   poll      edges = 4 ─ read() WouldBlock ─────────── store(waker, seen 4) refused ─ read() 7 bytes
//!   reactor                                 edges = 5, no waker to call
//! ```

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::task::Waker;
use std::time::Duration;

use mio::event::{Event, Source};
use mio::{Events, Interest, Poll, Registry, Token};

use crate::observe::{self, mask, WakeCause};
use crate::task::store_waker;
use crate::{context, ids, lock};

/// The token of the interrupt; source ids start at 1.
const INTERRUPT: Token = Token(0);

/// Events taken from the kernel in one wait; the rest come with the next. At 12
/// bytes each this is 12 KiB per runtime.
const EVENTS_PER_WAIT: usize = 1024;

/// What one direction of a source has to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// One direction of a source.
#[derive(Default)]
struct Side {
    edges: u64,
    waker: Option<Waker>,
}

/// A registered source, as the reactor and its owner share it.
pub(crate) struct SourceEntry {
    pub(crate) id: u64,
    read: Mutex<Side>,
    write: Mutex<Side>,
}

impl SourceEntry {
    fn side(&self, direction: Direction) -> &Mutex<Side> {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    /// The number of edges so far, to be read before the system call.
    pub(crate) fn edges(&self, direction: Direction) -> u64 {
        lock(self.side(direction)).edges
    }

    /// Stores the waker, unless an edge came after `seen` was read: then false, and
    /// the system call is to be tried again.
    pub(crate) fn store(&self, direction: Direction, seen: u64, waker: &Waker) -> bool {
        let mut side = lock(self.side(direction));
        if side.edges != seen {
            return false;
        }
        store_waker(&mut side.waker, waker);
        true
    }

    fn edge(&self, direction: Direction) -> Option<Waker> {
        let mut side = lock(self.side(direction));
        side.edges += 1;
        side.waker.take()
    }
}

/// One event, copied out of the kernel's buffer.
pub(crate) struct Ready {
    token: usize,
    mask: u8,
}

impl Ready {
    /// The source's id.
    pub(crate) fn id(&self) -> u64 {
        self.token as u64
    }
}

struct Waiting {
    poll: Poll,
    events: Events,
}

/// Tells the observer by which descriptors this reactor registers and waits.
fn tell_descriptors(poll: &Poll, registry: &Registry) {
    #[cfg(unix)]
    if let Some(observer) = observe::observer() {
        use std::os::fd::AsRawFd;
        observer.reactor_opened(poll.as_raw_fd());
        observer.reactor_opened(registry.as_raw_fd());
    }
    #[cfg(not(unix))]
    let _ = (poll, registry);
}

/// The reactor of one runtime.
pub(crate) struct Reactor {
    waiting: Mutex<Waiting>,
    registry: Registry,
    interrupt: mio::Waker,
    sources: Mutex<HashMap<usize, Arc<SourceEntry>>>,
    source_count: AtomicUsize,
}

impl Reactor {
    pub(crate) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        tell_descriptors(&poll, &registry);
        let interrupt = mio::Waker::new(&registry, INTERRUPT)?;
        Ok(Reactor {
            waiting: Mutex::new(Waiting {
                poll,
                events: Events::with_capacity(EVENTS_PER_WAIT),
            }),
            registry,
            interrupt,
            sources: Mutex::new(HashMap::new()),
            source_count: AtomicUsize::new(0),
        })
    }

    /// Ends the wait of whoever is in the reactor, or the next wait if nobody is.
    pub(crate) fn interrupt(&self) {
        // It fails only if the kernel refuses a write of eight bytes to the eventfd;
        // a worker that then slept on would hang the program without a word.
        if let Err(error) = self.interrupt.wake() {
            panic!("the reactor could not be interrupted: {error}");
        }
    }

    /// The right to wait, unless another worker has it.
    pub(crate) fn try_take(&self) -> Option<Turn<'_>> {
        match self.waiting.try_lock() {
            Ok(waiting) => Some(Turn(waiting)),
            Err(TryLockError::Poisoned(poisoned)) => Some(Turn(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Whether there is no source; a mere look at the kernel would find nothing.
    pub(crate) fn is_unused(&self) -> bool {
        self.source_count.load(Ordering::Relaxed) == 0
    }

    /// Registers a source. `announce` gets its id and runs before the kernel knows
    /// the source, so that no readiness of it can be told first.
    pub(crate) fn register(
        &self,
        source: &mut impl Source,
        interest: Interest,
        announce: impl FnOnce(u64),
    ) -> io::Result<Arc<SourceEntry>> {
        let id = ids::SOURCES.next();
        let token = token_of(id)?;
        let entry = Arc::new(SourceEntry {
            id,
            read: Mutex::default(),
            write: Mutex::default(),
        });
        announce(id);
        lock(&self.sources).insert(token.0, Arc::clone(&entry));
        self.source_count.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = self.registry.register(source, token, interest) {
            self.deregister(source, &entry);
            return Err(error);
        }
        Ok(entry)
    }

    pub(crate) fn deregister(&self, source: &mut impl Source, entry: &SourceEntry) {
        if let Some(observer) = observe::observer() {
            observer.source_deregistered(entry.id);
        }
        if let Ok(token) = token_of(entry.id) {
            let forgotten = lock(&self.sources).remove(&token.0);
            drop(forgotten);
        }
        self.source_count.fetch_sub(1, Ordering::Relaxed);
        // It is closed next, which takes it out of the kernel's queue in any case.
        let _ = self.registry.deregister(source);
    }

    /// Tells each readiness and calls the wakers that it concerns.
    pub(crate) fn dispatch(&self, ready: &mut Vec<Ready>) {
        for event in ready.drain(..) {
            let entry = lock(&self.sources).get(&event.token).cloned();
            // Ids are not reused, so an event of a source that was closed meanwhile
            // finds nothing rather than another source.
            let Some(entry) = entry else { continue };
            if let Some(observer) = observe::observer() {
                observer.readiness(entry.id, event.mask);
            }
            let _cause = context::enter_cause(WakeCause::Source(entry.id));
            if event.mask & (mask::READABLE | mask::READ_CLOSED | mask::ERROR) != 0 {
                wake(entry.edge(Direction::Read));
            }
            if event.mask & (mask::WRITABLE | mask::WRITE_CLOSED | mask::ERROR) != 0 {
                wake(entry.edge(Direction::Write));
            }
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

fn token_of(id: u64) -> io::Result<Token> {
    usize::try_from(id).map(Token).map_err(|_| {
        io::Error::other("more sources were registered than this machine's word can count")
    })
}

/// The right to wait in the reactor; given back when dropped.
pub(crate) struct Turn<'a>(MutexGuard<'a, Waiting>);

impl Turn<'_> {
    /// Waits in the kernel until a source is ready, the time-out is over or another
    /// thread interrupts. Fills `ready` and returns the number of events.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> u32 {
        let Waiting { poll, events } = &mut *self.0;
        if let Err(error) = poll.poll(events, timeout) {
            // A signal ends a wait early; the worker's loop simply comes again.
            if error.kind() == io::ErrorKind::Interrupted {
                return 0;
            }
            panic!("the reactor's wait failed: {error}");
        }
        let mut count = 0;
        for event in events.iter() {
            count += 1;
            if event.token() != INTERRUPT {
                ready.push(Ready {
                    token: event.token().0,
                    mask: mask_of(event),
                });
            }
        }
        count
    }
}

fn mask_of(event: &Event) -> u8 {
    let bit = |set: bool, bit: u8| if set { bit } else { 0 };
    bit(event.is_readable(), mask::READABLE)
        | bit(event.is_writable(), mask::WRITABLE)
        | bit(event.is_read_closed(), mask::READ_CLOSED)
        | bit(event.is_write_closed(), mask::WRITE_CLOSED)
        | bit(event.is_error(), mask::ERROR)
}
