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
    // Set while the recorder is used: a signal handler that interrupts that, and calls what
    // is recorded too, must find this out.
    #[cfg(wakeline_reactor)]
    static IN_USE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `record` with this thread's recorder where there is one, it is not in use, and
/// events are recorded. Never makes one and takes no lock, so that it may be called from a
/// signal handler.
#[cfg(wakeline_reactor)]
#[inline]
pub(crate) fn with_free_recorder(record: impl FnOnce(&mut Recorder)) {
    let recorder = RECORDER.get();
    if recorder > GONE && !IN_USE.get() {
        // SAFETY: a recorder of this thread, and `IN_USE` says that nobody has a reference.
        used(|| record(unsafe { &mut *recorder }));
    }
}

/// Whether this thread is inside its recorder.
#[cfg(wakeline_reactor)]
#[inline]
pub(crate) fn is_in_use() -> bool {
    IN_USE.get()
}

/// Runs what a signal handler on this thread must not run again inside of it.
#[inline(always)]
pub(crate) fn used<T>(record: impl FnOnce() -> T) -> T {
    #[cfg(wakeline_reactor)]
    let was = IN_USE.replace(true);
    let result = record();
    #[cfg(wakeline_reactor)]
    IN_USE.set(was);
    result
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
        return used(|| record(unsafe { &mut *recorder }));
    }
    used(|| with_new_recorder(session, recorder, record))
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
