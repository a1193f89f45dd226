//! Recording goes off and on at any instant, hundreds of times, under busy workers: polls
//! stay in step with what slots say is open, and no wake is lost but in a gap.

mod support;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use support::{child, connected, finish, has_go, role, Collector, Numbers, Trace};
use wakeline_executor::{spawn, yield_now, Runtime};
use wakeline_wire::payload::ChunkHead;
use wakeline_wire::stream::{Item, StreamDecoder, TimedEvent};
use wakeline_wire::{detail, wake_effect, EventRecord};

const TASKS: usize = 16;
/// At least so many.
const SWITCHES: usize = 400;
/// The child's switching is over.
static IS_OVER: AtomicBool = AtomicBool::new(false);

/// Tasks that wake themselves, each with a wrapped future inside, while another thread
/// switches.
fn program() {
    let recording = wakeline::init_with(wakeline::Config::from_env()).expect("recording begins");
    let switching = std::thread::spawn(move || {
        let random = &mut Numbers::new(11);
        for switch in 0.. {
            if switch >= SWITCHES && has_go() {
                break;
            }
            let level = [detail::OFF, detail::FULL, detail::OFF, detail::LEAN][switch % 4];
            recording.set_detail(level);
            std::thread::sleep(Duration::from_micros(random.next() % 1500));
        }
        IS_OVER.store(true, Ordering::Relaxed);
    });
    let runtime = Runtime::multi(2).build().expect("a runtime");
    runtime.block_on(async {
        let work = || async {
            while !IS_OVER.load(Ordering::Relaxed) {
                let twice = async {
                    yield_now().await;
                    yield_now().await;
                };
                wakeline::traced(twice).await;
            }
        };
        let tasks: Vec<_> = (0..TASKS).map(|_| spawn(work())).collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    });
    switching.join().expect("no panic");
}

#[test]
fn a_switch_at_any_instant_leaves_the_trace_right() {
    if role().is_some() {
        return program();
    }
    let collector = Collector::start();
    let name = "a_switch_at_any_instant_leaves_the_trace_right";
    let running = connected(child(name, "switched"), &collector)
        .spawn()
        .unwrap();
    // Several that are asked for before the flusher has its turn are one.
    let (mut decoder, mut decoded, mut switches, mut polls) = (StreamDecoder::new(), 0, 0, 0);
    collector.wait_until("switches", |connections| {
        let Some(bytes) = connections.first() else {
            return false;
        };
        let count = |item| {
            if let Item::Chunk { events, .. } = item {
                for timed in events {
                    switches += usize::from(matches!(timed.event, EventRecord::DetailChange(_)));
                    polls += usize::from(matches!(timed.event, EventRecord::PollStart(_)));
                }
            }
        };
        decoder.push(&bytes[decoded..], count).unwrap();
        decoded = bytes.len();
        switches > 50 && polls > 1000
    });
    std::fs::write(collector.go_file(), "").unwrap();
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    let read = Read::of(&trace);
    assert!(!read.gaps.is_empty(), "off time is a gap");
    read.each_poll_was_woken();
}

/// Polls, wakes and gaps, by the rules of the model.
#[derive(Default)]
struct Read {
    /// By task and epoch: the start's tick.
    polls: BTreeMap<(u64, u64), u64>,
    /// Task and epoch of the poll that was asked for.
    wakes: HashMap<(u64, u64), usize>,
    /// From and to.
    gaps: Vec<(u64, u64)>,
}

impl Read {
    fn of(trace: &Trace) -> Self {
        let mut read = Self::default();
        for (thread, events) in &trace.events {
            let chunks = trace.chunks.iter().zip(&trace.chunk_events);
            let chunks = chunks.filter(|(chunk, _)| chunk.thread == *thread);
            read.take_thread(chunks, events);
        }
        read
    }

    fn take_thread<'a>(
        &mut self,
        chunks: impl Iterator<Item = (&'a ChunkHead, &'a usize)>,
        events: &[TimedEvent],
    ) {
        let mut rest = events.iter();
        let (mut sequence, mut dropped, mut last_tick) = (0, 0, 0);
        let mut open: Vec<(u64, u64)> = Vec::new();
        for (chunk, count) in chunks {
            let context = &chunk.context.open_polls;
            let named: Vec<_> = context.iter().map(|poll| (poll.task, poll.epoch)).collect();
            let is_gap = chunk.sequence > sequence + 1 || chunk.dropped > dropped;
            if is_gap {
                self.gaps.push((last_tick, chunk.first_tick));
            }
            if is_gap || sequence == 0 {
                for poll in context {
                    let key = (poll.task, poll.epoch);
                    self.polls.entry(key).or_insert(poll.start_tick);
                }
            } else {
                assert_eq!(open, named, "{chunk:?}");
            }
            open = named;
            (sequence, dropped) = (chunk.sequence, chunk.dropped);
            for timed in rest.by_ref().take(*count) {
                last_tick = timed.tick;
                match &timed.event {
                    EventRecord::PollStart(e) => {
                        open.push((e.task, e.epoch));
                        self.polls.insert((e.task, e.epoch), timed.tick);
                    }
                    EventRecord::PollEnd(_) => {
                        assert!(open.pop().is_some(), "an end without a beginning");
                    }
                    EventRecord::Wake(e) if counts(e.effect) => self.woken(e.task, e.epoch, 0),
                    EventRecord::WakeFrom(e) if counts(e.effect) => {
                        self.woken(e.task, e.epoch, e.epoch_after - e.epoch);
                    }
                    _ => {}
                }
            }
        }
    }

    fn woken(&mut self, task: u64, epoch: u64, more: u64) {
        for epoch in epoch..=epoch + more {
            *self.wakes.entry((task, epoch + 1)).or_default() += 1;
        }
    }

    /// Each poll whose predecessor is known has a wake, or there is a gap in which it may
    /// have been lost.
    fn each_poll_was_woken(&self) {
        for ((task, epoch), start) in &self.polls {
            let Some(before) = self.polls.get(&(*task, epoch - 1)) else {
                continue;
            };
            let hides = |gap: &&(u64, u64)| gap.0 < *start && gap.1 >= *before;
            assert!(
                self.wakes.contains_key(&(*task, *epoch)) || self.gaps.iter().any(|g| hides(&g)),
                "poll {epoch} of task {task} at {start} has no wake after {before}"
            );
        }
    }
}

fn counts(effect: u64) -> bool {
    effect != wake_effect::REDUNDANT && effect != wake_effect::AFTER_COMPLETION
}
