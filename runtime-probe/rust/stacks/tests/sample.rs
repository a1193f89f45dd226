//! Stacks of threads that compute, sleep, change and end, taken from another thread.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wakeline_stacks::{
    cpu_ns, own_cpu_ns, own_stack, Frame, NoSample, Sampler, Symbols, Target, Unwinder,
};

const PATIENCE: Duration = Duration::from_secs(120);

/// There is one sampler for the process, so for all tests.
fn sampler() -> MutexGuard<'static, Option<Sampler>> {
    static SAMPLER: Mutex<Option<Sampler>> = Mutex::new(None);
    let mut sampler = SAMPLER.lock().unwrap_or_else(PoisonError::into_inner);
    if sampler.is_none() {
        *sampler = Some(Sampler::install().expect("a real-time signal is free"));
    }
    sampler
}

/// A thread that works until it is told to stop.
struct Worker {
    os_id: u64,
    stack: std::ops::Range<usize>,
    guard: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Worker {
    fn start(work: impl FnOnce(&AtomicU64, &AtomicBool) + Send + 'static) -> Self {
        let guard = Arc::new(AtomicU64::new(1));
        let stop = Arc::new(AtomicBool::new(false));
        let (tell, told) = channel();
        let (its_guard, its_stop) = (Arc::clone(&guard), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            // SAFETY: takes nothing and cannot fail.
            let os_id = unsafe { libc::syscall(libc::SYS_gettid) } as u64;
            tell.send((os_id, own_stack())).unwrap();
            work(&its_guard, &its_stop);
        });
        let (os_id, stack) = told.recv().unwrap();
        Self {
            os_id,
            stack,
            guard,
            stop,
            thread: Some(thread),
        }
    }

    fn target(&self) -> Target<'_> {
        Target {
            os_id: self.os_id,
            stack: &self.stack,
            guard: &self.guard,
            expected: 1,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(std::thread::JoinHandle::join);
        assert!(ended.is_some_and(|ended| ended.is_ok()));
    }
}

/// Samples until a stack has a function whose name ends so: a thread that was just started
/// may not be there yet.
fn frames_in(worker: &Worker, function: &str) -> Vec<Frame> {
    let mut sampler = sampler();
    let sampler = sampler.as_mut().unwrap();
    let (mut unwinder, mut symbols) = (Unwinder::default(), Symbols::default());
    let mut last = Vec::new();
    for _ in 0..1000 {
        let capture = sampler.sample(&worker.target(), PATIENCE).unwrap();
        last = symbols.frames(&unwinder.addresses(capture));
        if last.iter().any(|frame| frame.function.ends_with(function)) {
            return last;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("{function} is in no stack; the last was {last:#?}");
}

const COMPUTING_LINE: u32 = line!() + 6;

#[inline(never)]
fn outer_that_computes(stop: &AtomicBool) {
    // In one line, so that the call's line is known.
    #[rustfmt::skip]
    fn inner(stop: &AtomicBool) { while !stop.load(Ordering::Relaxed) { black_box(17); } black_box(()); }
    inner(stop);
    black_box(());
}

#[inline(never)]
fn outer_that_sleeps(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn position(frames: &[Frame], function: &str) -> usize {
    let found = frames.iter().position(|f| f.function.ends_with(function));
    found.unwrap_or_else(|| panic!("no {function} in {frames:#?}"))
}

#[test]
fn a_thread_that_computes_is_seen_in_its_function_and_line() {
    let worker = Worker::start(|_, stop| outer_that_computes(stop));
    let frames = frames_in(&worker, "outer_that_computes::inner");
    let inner = &frames[position(&frames, "outer_that_computes::inner")];
    assert!(inner.file.ends_with("stacks/tests/sample.rs"), "{inner:?}");
    assert_eq!(inner.line, COMPUTING_LINE);
    let outer = &frames[position(&frames, "sample::outer_that_computes")];
    assert_eq!(outer.line, COMPUTING_LINE + 1, "{outer:?}");
    assert!(position(&frames, "inner") < position(&frames, "sample::outer_that_computes"));
    // Up to the thread's own first frames.
    assert!(frames.len() > 5, "{frames:#?}");
}

#[test]
fn a_thread_that_sleeps_is_seen_in_the_call_that_sleeps() {
    let worker = Worker::start(|_, stop| outer_that_sleeps(stop));
    let frames = frames_in(&worker, "outer_that_sleeps");
    let outer = position(&frames, "outer_that_sleeps");
    // Its path within `std::thread` depends on the compiler's version.
    let called = &frames[outer.saturating_sub(1)].function;
    assert!(called.starts_with("std::thread::"), "{frames:#?}");
    assert!(called.ends_with("::sleep"), "{frames:#?}");
    assert!(outer > 1, "{frames:#?}");
}

#[test]
fn a_thread_that_reads_the_time_is_seen_through_the_kernels_library() {
    let worker = Worker::start(|_, stop| {
        while !stop.load(Ordering::Relaxed) {
            black_box(std::time::Instant::now());
        }
    });
    let mut sampler = sampler();
    let sampler = sampler.as_mut().unwrap();
    let (mut unwinder, mut symbols) = (Unwinder::default(), Symbols::default());
    for _ in 0..2000 {
        let capture = sampler.sample(&worker.target(), PATIENCE).unwrap();
        let frames = symbols.frames(&unwinder.addresses(capture));
        if frames[0].file.contains("vdso") {
            let closure = "kernels_library::{{closure}}";
            return assert!(position(&frames, closure) > 0, "{frames:#?}");
        }
    }
    panic!("the thread was never seen in the kernel's library");
}

#[test]
fn a_guard_that_has_changed_gives_no_stack() {
    let worker = Worker::start(|guard, stop| {
        while !stop.load(Ordering::Relaxed) {
            guard.store(2, Ordering::Relaxed);
        }
    });
    while worker.guard.load(Ordering::Relaxed) != 2 {
        std::thread::yield_now();
    }
    let mut sampler = sampler();
    let sampled = sampler.as_mut().unwrap().sample(&worker.target(), PATIENCE);
    assert_eq!(sampled.err(), Some(NoSample::Missed));
}

#[test]
fn a_thread_that_is_gone_or_blocks_the_signal_gives_no_stack() {
    let blocking = Worker::start(|_, stop| {
        // SAFETY: all zero is a valid empty set, filled by the next call.
        let mut all: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: the set is ours; only this thread's mask changes.
        unsafe {
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &all, std::ptr::null_mut());
        }
        outer_that_sleeps(stop);
    });
    let mut sampler = sampler();
    let sampler = sampler.as_mut().unwrap();
    // Until it has blocked its signals it answers.
    let refused = (0..1000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(1));
        sampler.sample(&blocking.target(), PATIENCE).err()
    });
    assert_eq!(refused, Some(NoSample::NoAnswer));
    let gone = Target {
        os_id: u64::from(u32::MAX >> 1),
        ..blocking.target()
    };
    assert_eq!(
        sampler.sample(&gone, PATIENCE).err(),
        Some(NoSample::NoAnswer)
    );
}

#[test]
fn a_call_that_the_signal_interrupts_goes_on_and_errno_stays() {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    let worker = Worker::start(move |_, stop| {
        // SAFETY: the location of this thread's errno.
        unsafe { *libc::__errno_location() = 4242 };
        while !stop.load(Ordering::Relaxed) {
            black_box(17);
        }
        // SAFETY: as above.
        assert_eq!(unsafe { *libc::__errno_location() }, 4242);
        let mut byte = [0];
        // `read`, not `read_exact`, which would try again by itself.
        assert_eq!(theirs.read(&mut byte).unwrap(), 1);
    });
    let mut sampler = sampler();
    let mut sample = |times| {
        for _ in 0..times {
            let sampled = sampler.as_mut().unwrap().sample(&worker.target(), PATIENCE);
            assert!(sampled.is_ok());
        }
    };
    sample(20);
    worker.stop.store(true, Ordering::Relaxed);
    sample(20);
    ours.write_all(&[1]).unwrap();
}

#[test]
fn processor_time_of_a_thread_is_read_from_outside() {
    let before = own_cpu_ns().unwrap();
    let busy = Worker::start(|_, stop| outer_that_computes(stop));
    let idle = Worker::start(|_, stop| outer_that_sleeps(stop));
    // However busy the machine is, the thread gets there.
    while cpu_ns(busy.os_id).unwrap() < 30_000_000 {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(cpu_ns(idle.os_id).unwrap() < 20_000_000);
    assert!(own_cpu_ns().unwrap() >= before);
    assert_eq!(cpu_ns(u64::from(u32::MAX >> 1)), None);
    assert_eq!(cpu_ns(0), None);
}
