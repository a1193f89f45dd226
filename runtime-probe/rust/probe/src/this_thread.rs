//! Owns which recorder belongs to the calling thread, from its first event to its last
//! destructor. It must not know what is recorded.

use std::cell::Cell;

use crate::recorder::Recorder;
use crate::session::Session;

/// Not a recorder: one is being made on this thread.
const OPENING: *mut Recorder = std::ptr::without_provenance_mut(1);
/// Not a recorder: the thread's destructors have run.
const GONE: *mut Recorder = std::ptr::without_provenance_mut(2);

thread_local! {
    // Without a destructor, so that it may be read at any time of a thread's life.
    static RECORDER: Cell<*mut Recorder> = const { Cell::new(std::ptr::null_mut()) };
    static CLOSER: Closer = const { Closer };
}

/// Closes the thread's recorder when the thread ends.
struct Closer;

impl Drop for Closer {
    fn drop(&mut self) {
        let recorder = RECORDER.replace(GONE);
        if recorder > GONE {
            // SAFETY: made by `open` from a box, and nobody else has it any more.
            unsafe { Box::from_raw(recorder) }.close();
        }
    }
}

/// Runs `record` with this thread's recorder, which is made at the first call. Does
/// nothing where there cannot be one: inside its making.
#[inline(always)]
pub(crate) fn with_recorder<T: Default>(
    session: &'static Session,
    record: impl FnOnce(&mut Recorder) -> T,
) -> T {
    let recorder = RECORDER.get();
    if recorder > GONE {
        // SAFETY: a pointer above the marks is a recorder of this thread. There is no
        // second reference: `record` runs code of this file and the dictionary only,
        // which call no hooks.
        return record(unsafe { &mut *recorder });
    }
    with_new_recorder(session, recorder, record)
}

#[cold]
#[inline(never)]
fn with_new_recorder<T: Default>(
    session: &'static Session,
    mark: *mut Recorder,
    record: impl FnOnce(&mut Recorder) -> T,
) -> T {
    if mark == OPENING {
        return T::default();
    }
    if mark == GONE {
        // Another destructor of this thread still records: a recorder for one event.
        RECORDER.set(OPENING);
        let mut recorder = Recorder::open(session);
        let result = record(&mut recorder);
        recorder.close();
        RECORDER.set(GONE);
        return result;
    }
    RECORDER.set(OPENING);
    let recorder = Box::into_raw(Recorder::open(session));
    RECORDER.set(recorder);
    // Registers the destructor; fails only in a thread that is ending.
    if CLOSER.try_with(|_| ()).is_err() {
        RECORDER.set(GONE);
        // SAFETY: just made, and no longer known to the thread.
        let mut recorder = unsafe { Box::from_raw(recorder) };
        let result = record(&mut recorder);
        recorder.close();
        return result;
    }
    // SAFETY: as in `with_recorder`.
    record(unsafe { &mut *recorder })
}
