//! Owns spans and markers that the program puts into its trace by hand. It must not know how
//! events are written.
//!
//! A span belongs to the task in whose poll it begins, and ends by its own number: so it is
//! right when the task goes on on another thread, and when other tasks run in between.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use wakeline_wire::{detail, kind};

use crate::gate::{detail_of, gate};
use crate::recorder::Recorder;
use crate::session::Session;
use crate::this_thread::with_recorder;

/// A section of the program, to be shown in the trace: by [`Span::enter`] for code that does
/// not await, by [`Span::wrap`] for a future. The line of this call is the span's.
///
/// While nothing is recorded each costs one load and one branch.
///
/// ```
/// wakeline::init!();
/// let sum: u64 = {
///     let _open = wakeline::span("sum").enter();
///     (1..=10).sum()
/// };
/// let twice = wakeline::span("double").wrap(async { 2 * sum });
/// assert_eq!(wakeline_executor::block_on(twice), 110);
/// ```
#[inline]
#[track_caller]
pub fn span(name: &'static str) -> Span {
    Span {
        name,
        site: Location::caller(),
    }
}

/// [`span()`], begun: `span!("name")` gives the guard of code that does not await,
/// `span!("name", future)` the future in its span.
///
/// ```
/// wakeline::init!();
/// let _open = wakeline::span!("all");
/// let answer = wakeline::span!("answer", async { 42 });
/// assert_eq!(wakeline_executor::block_on(answer), 42);
/// ```
#[macro_export]
macro_rules! span {
    ($name:expr $(,)?) => {
        $crate::span($name).enter()
    };
    ($name:expr, $future:expr $(,)?) => {
        $crate::span($name).wrap($future)
    };
}

/// Marks an instant, with a number of the program's own, in the task that runs here. Numbers
/// beyond ±2^52 are told as that.
///
/// ```
/// wakeline::init!();
/// wakeline::marker("queue length", 17);
/// ```
#[inline]
pub fn marker(name: &'static str, value: i64) {
    const MOST: i64 = (1 << 52) - 1;
    if detail_of(gate()) < detail::LEAN {
        return;
    }
    record(|session, r| {
        let value = value.clamp(-MOST, MOST);
        let zigzag = (value << 1 ^ value >> 63) as u64;
        let fields = [name_id(session, name), r.current_task(), zigzag];
        r.event(kind::MARKER, fields);
    });
}

/// A section that has not begun; see [`span()`].
#[derive(Debug, Clone, Copy)]
#[must_use = "a span begins when it is entered, or when the future that it wraps is polled"]
pub struct Span {
    name: &'static str,
    site: &'static Location<'static>,
}

impl Span {
    /// Begins the span here; it ends when the guard is dropped. For code that does not await:
    /// the guard is not `Send`, so a future that holds it across an await cannot be spawned on
    /// several threads. Where a future of one thread does so, the span lasts through the wait.
    #[inline]
    pub fn enter(self) -> SpanGuard {
        SpanGuard {
            _open: Open::begin(&self),
            _of_this_thread: PhantomData,
        }
    }

    /// The future in this span, which lasts from its first poll to its end, or to its drop.
    pub fn wrap<F: Future>(self, future: F) -> InSpan<F> {
        InSpan {
            future,
            span: Some(self),
            open: Open { span: 0 },
        }
    }
}

/// A span that has begun on this thread; see [`Span::enter`].
#[derive(Debug)]
#[must_use = "the span ends when this is dropped"]
pub struct SpanGuard {
    _open: Open,
    _of_this_thread: PhantomData<*const ()>,
}

/// A future in a span; see [`Span::wrap`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct InSpan<F> {
    // Dropped in this order: what the future's drop does is inside of the span.
    future: F,
    open: Open,
    /// Until the first poll.
    span: Option<Span>,
}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future is not moved out of the pin, and has no other drop than its own;
        // the other fields are not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        if let Some(span) = this.span.take() {
            this.open = Open::begin(&span);
        }
        // SAFETY: it is a part of a pinned value.
        let polled = unsafe { Pin::new_unchecked(&mut this.future) }.poll(cx);
        if polled.is_ready() {
            this.open = Open { span: 0 };
        }
        polled
    }
}

impl<F> fmt::Debug for InSpan<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InSpan").field("open", &self.open).finish()
    }
}

/// A span that ends when this is dropped; 0 where none began.
#[derive(Debug)]
struct Open {
    span: u64,
}

impl Open {
    #[inline]
    fn begin(span: &Span) -> Self {
        match detail_of(gate()) < detail::LEAN {
            true => Self { span: 0 },
            false => Self::record(span),
        }
    }

    #[cold]
    fn record(of: &Span) -> Self {
        let span = new_id();
        record(|session, r| {
            let fields = [
                span,
                r.current_task(),
                name_id(session, of.name),
                r.site(of.site),
            ];
            r.event(kind::SPAN_OPEN, fields);
        });
        Self { span }
    }
}

impl Drop for Open {
    #[inline]
    fn drop(&mut self) {
        if self.span != 0 && detail_of(gate()) >= detail::LEAN {
            record(|_, r| r.event(kind::SPAN_CLOSE, [self.span]));
        }
    }
}

fn record(record: impl FnOnce(&'static Session, &mut Recorder)) {
    if let Some(session) = Session::current() {
        with_recorder(session, |r| record(session, r));
    }
}

/// Names remembered per thread, so that a span does not take the dictionary's lock.
const NAMES: usize = 32;
/// Numbers that a thread takes at once, so that threads do not contend for each.
const BLOCK: u64 = 64;

static NEXT_BLOCK: AtomicU64 = AtomicU64::new(0);

/// A name by its address and length, and its id in the dictionary.
type Known = (usize, usize, u64);

thread_local! {
    // Without destructors, so that they may be used at any time of a thread's life.
    static KNOWN: [Cell<Known>; NAMES] = const { [const { Cell::new((0, 0, 0)) }; NAMES] };
    static NUMBERS: Cell<u64> = const { Cell::new(0) };
}

/// The id of a name. A text that lives for ever is known by its address.
fn name_id(session: &'static Session, name: &'static str) -> u64 {
    let place = (name.as_ptr() as usize, name.len());
    KNOWN.with(|known| {
        let cell = &known[(place.0 >> 2 ^ place.1) % NAMES];
        let (address, length, id) = cell.get();
        if (address, length) == place {
            return id;
        }
        let id = session.dictionary.string(name);
        cell.set((place.0, place.1, id));
        id
    })
}

/// A number that no other span has, from 1.
fn new_id() -> u64 {
    let mut last = NUMBERS.get();
    if last % BLOCK == 0 {
        // Ordering: none needed; only each number's being new counts.
        last = NEXT_BLOCK.fetch_add(BLOCK, Ordering::Relaxed);
    }
    NUMBERS.set(last + 1);
    last + 1
}
