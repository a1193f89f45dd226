//! Owns reading the futures of a test program by the program's own debug information, and
//! which line a mark stands on. Each await that is expected is marked `@name`.

// Not every test program uses all of it.
#![allow(dead_code)]

use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Waker};

use wakeline_await_sites::{answered_by, are_kept, chains, keep, Frame, FutureType, Kept, Reader};

/// Boxes in boxes are found one after the other.
pub(crate) const ROUNDS: usize = 8;

/// The test program's own source.
pub(crate) struct Source {
    pub(crate) text: &'static str,
    pub(crate) name: &'static str,
}

impl Source {
    fn file(&self) -> String {
        format!("{}.rs", self.name)
    }
}

/// The line that ends with this mark.
pub(crate) fn line(source: &Source, mark: &str) -> u32 {
    let ending = format!("// @{mark}");
    let lines = source.text.lines();
    let mut found = lines.zip(1..).filter(|(text, _)| text.ends_with(&ending));
    let (_, line) = found.next().expect("a marked line");
    assert!(found.next().is_none(), "two lines are marked @{mark}");
    line
}

/// What stands in the chain: a marked await of a function here, or a type's name.
fn described(source: &Source, frame: &Frame) -> String {
    let own = format!("{}::", source.name);
    let function = frame.function.strip_prefix(&own).unwrap_or(&frame.function);
    let own_file = source.file();
    let own_path = format!("tests/{own_file}");
    if frame.line == 0 {
        return function.to_owned();
    }
    let file = frame.file.rsplit('/').next().unwrap_or_default();
    assert!(frame.defined_in.ends_with(&own_path) || file != own_file);
    if file != own_file {
        return format!("{function} in {file}");
    }
    assert!(
        frame.file.ends_with(&own_path),
        "the file is told as the compiler was given it: {frame:?}"
    );
    format!("{function}:{}", frame.line)
}

pub(crate) fn reader() -> &'static Mutex<Reader> {
    static READER: OnceLock<Mutex<Reader>> = OnceLock::new();
    READER.get_or_init(|| {
        let reader = Reader::open().expect("tests are built with debug information");
        assert!(answered_by(std::thread::current()));
        Mutex::new(reader)
    })
}

/// Polls once and gives the chains of awaits, each innermost last.
pub(crate) fn chains_of<F: Future>(source: &Source, future: F) -> Vec<Vec<String>> {
    chains_after(source, future, 1)
}

pub(crate) fn chains_after<F: Future>(
    source: &Source,
    future: F,
    polls: usize,
) -> Vec<Vec<String>> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let polled = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    let at: *const F = &raw const *future;
    let late = read_kept(source, &keep_one(FutureType::of::<F>(), at.cast()), true);
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        found.clear();
        let mut tell = |chain: &[Option<&'static Frame>]| {
            found.push(
                chain
                    .iter()
                    .flatten()
                    .map(|frame| described(source, frame))
                    .collect(),
            );
        };
        // Before the look, so that this call asks for what the next round has.
        let reader = reader();
        // SAFETY: alive, polled, and pending.
        unsafe { chains(FutureType::of::<F>(), at.cast(), &mut tell) };
        let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.answer();
    }
    // A copy, read when the plans were not made yet, tells the same.
    assert_eq!(late, found);
    found
}

/// Keeps a future that is alive, polled and pending.
pub(crate) fn keep_one(of: FutureType, at: *const u8) -> Kept {
    let mut reader = reader().lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: told to the caller: alive, polled, and pending.
    assert!(unsafe { keep(of, at, 7, 9) });
    // Nobody else keeps without the lock.
    let mut kept = reader.kept();
    assert_eq!((kept.len(), are_kept()), (1, true));
    let kept = kept.remove(0);
    assert_eq!((kept.task, kept.epoch), (7, 9));
    kept
}

/// The chains that a copy of a future tells.
pub(crate) fn read_kept(source: &Source, kept: &Kept, fetches: bool) -> Vec<Vec<String>> {
    let mut reader = reader().lock().unwrap_or_else(PoisonError::into_inner);
    let mut found = Vec::new();
    let frames = |chain: &[Option<&'static Frame>]| {
        let frames = chain.iter().flatten();
        frames.map(|frame| described(source, frame)).collect()
    };
    reader.chains_of(kept, fetches, &mut |chain| found.push(frames(chain)));
    found
}

/// `function:mark` with the mark's line.
pub(crate) fn at(source: &Source, place: &str) -> String {
    let (function, mark) = place.rsplit_once(':').expect("a function and a mark");
    format!("{function}:{}", line(source, mark))
}
