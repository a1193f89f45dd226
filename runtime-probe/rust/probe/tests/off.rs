//! While recording is off a wrapped future is polled as if it were not wrapped: with the
//! executor's own waker, and no event. Its polls are counted all the same.

mod support;

use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use support::{child, connected, finish, role, say, Collector, Trace, PATIENCE};
use wakeline_wire::{detail, wake_effect, DictionaryRecord, EventRecord};

/// An executor's waker, which counts.
#[derive(Default)]
struct Woken(AtomicU64);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A wrapped future that is always pending, polled by hand.
struct Polled {
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Woken>,
    executors: Waker,
    polls: u64,
}

thread_local! {
    static SEEN: std::cell::RefCell<Option<Waker>> = const { std::cell::RefCell::new(None) };
}

impl Polled {
    fn new(name: &str) -> Self {
        let future = poll_fn(|cx| {
            SEEN.set(Some(cx.waker().clone()));
            Poll::Pending
        });
        let builder = wakeline::task::Builder::new().name(name);
        let woken = Arc::new(Woken::default());
        Self {
            future: Box::pin(builder.traced(future)),
            executors: Waker::from(Arc::clone(&woken)),
            woken,
            polls: 0,
        }
    }

    /// The waker that the future was given.
    fn poll(&mut self) -> Waker {
        self.polls += 1;
        let mut cx = Context::from_waker(&self.executors);
        assert!(self.future.as_mut().poll(&mut cx).is_pending());
        SEEN.take().expect("the future was polled")
    }

    fn is_executors(&self, waker: &Waker) -> bool {
        waker.will_wake(&self.executors)
    }
}

/// Polls until recording is off, or on: what was asked for takes the flusher a round.
fn poll_until(probe: &mut Polled, is_on: bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        let seen = probe.poll();
        if probe.is_executors(&seen) != is_on {
            return;
        }
        assert!(Instant::now() < end, "recording does not change");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Prints what the trace must say: which polls were recorded, and after how many a task was
/// woken.
fn program() {
    let recording = wakeline::init_with(wakeline::Config::from_env()).expect("recording begins");
    let mut probe = Polled::new("probe");
    let mut task = Polled::new("task");
    let mut ended = Polled::new("ended");
    let mut recorded = Vec::new();
    let mut kept = Vec::new();
    for _ in 0..3 {
        recording.set_detail(detail::FULL);
        poll_until(&mut probe, true);
        // Of a waker that was given out before recording went off.
        for (waker, polls) in kept.drain(..) {
            let (waker, polls): (Waker, u64) = (waker, polls);
            let woken = task.woken.0.load(Ordering::Relaxed);
            waker.wake();
            assert_eq!(task.woken.0.load(Ordering::Relaxed), woken + 1);
            say(&format!("wake {polls}"));
        }
        for _ in 0..2 {
            let seen = task.poll();
            assert!(!task.is_executors(&seen), "the poll is recorded");
            recorded.push(task.polls);
        }
        let before = task.poll();
        recorded.push(task.polls);
        recording.set_detail(detail::OFF);
        poll_until(&mut probe, false);
        for _ in 0..100 {
            let seen = task.poll();
            assert!(task.is_executors(&seen), "the poll is not recorded");
        }
        kept.push((before, task.polls));
    }
    // The same of a task that is over by then.
    recording.set_detail(detail::FULL);
    poll_until(&mut probe, true);
    let waker = ended.poll();
    recording.set_detail(detail::OFF);
    poll_until(&mut probe, false);
    ended.poll();
    let woken = Arc::clone(&ended.woken);
    drop(ended);
    recording.set_detail(detail::FULL);
    poll_until(&mut probe, true);
    waker.wake();
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    for poll in recorded {
        say(&format!("poll {poll}"));
    }
}

fn told(trace: &Trace, name: &str) -> Vec<(&'static str, u64, u64)> {
    let id = trace.dictionary.iter().find_map(|record| match record {
        DictionaryRecord::Task(task) if trace.text(task.name) == name => Some(task.id),
        _ => None,
    });
    let id = id.expect("the dictionary knows the task");
    let about = |event: &EventRecord| match event {
        EventRecord::PollStart(start) if start.task == id => Some(("poll", start.epoch, 0)),
        EventRecord::Wake(wake) if wake.task == id => Some(("wake", wake.epoch, wake.effect)),
        EventRecord::WakeFrom(wake) if wake.task == id => Some(("wake", wake.epoch, wake.effect)),
        _ => None,
    };
    trace.all().filter_map(about).collect()
}

#[test]
fn polls_that_are_not_recorded_have_the_executors_waker_and_are_counted() {
    if role().is_some() {
        return program();
    }
    let collector = Collector::start();
    let name = "polls_that_are_not_recorded_have_the_executors_waker_and_are_counted";
    let output = finish(
        connected(child(name, "program"), &collector)
            .spawn()
            .unwrap(),
    );
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    let said = String::from_utf8(output.stdout).unwrap();
    let numbers = |what: &str| -> Vec<u64> {
        let said = said.lines().filter_map(|line| line.strip_prefix(what));
        said.map(|number| number.trim().parse().unwrap()).collect()
    };
    let told_of_task = told(&trace, "task");
    let epochs = |what: &str| -> Vec<u64> {
        let of = |told: &&(&str, u64, u64)| told.0 == what;
        told_of_task.iter().filter(of).map(|told| told.1).collect()
    };
    let polls = numbers("poll ");
    assert_eq!(polls, [1, 2, 3, 104, 105, 106, 207, 208, 209]);
    assert_eq!(epochs("poll"), polls);
    // The polls that follow had no wake but these, by hand: where a waker that tells nothing may
    // be about, each poll that nobody was seen to wake says so.
    let wakes = numbers("wake ");
    assert_eq!(wakes, [103, 206]);
    let epochs = epochs("wake");
    assert!(wakes.iter().all(|wake| epochs.contains(wake)), "{epochs:?}");
    let (_, epoch, effect) = *told(&trace, "ended").last().expect("its wake");
    assert_eq!((epoch, effect), (2, wake_effect::AFTER_COMPLETION));
}
