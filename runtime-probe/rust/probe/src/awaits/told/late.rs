//! Owns the thread that finds out how futures are read, and tells of those that suspended before
//! it had. It must not know how futures are laid out.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::thread::{park, sleep};
use std::time::Duration;

use wakeline_await_sites::{are_kept, close, Frame, Kept, Reader};
use wakeline_executor::observe::{alive_tasks, TaskPhase};
use wakeline_wire::{kind, task_state};

use super::{chain_of, state, told_count, Found, REASONS, STATE};
use crate::barrier;
use crate::session::{seen, Session};
use crate::this_thread::with_recorder;
use crate::traced::each_alive;

/// How the reading thread's priority stands below the program's, in the system's steps.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// A poll that keeps its future ends some 50 ns later, if its thread is not taken off the
/// processor.
const POLL_END: Duration = Duration::from_millis(1);

/// What was asked for comes first, then what was kept, then what may be asked for.
pub(super) fn serve(session: &'static Session) {
    // SAFETY: changes the priority of this thread alone, which Linux takes 0 for.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
    }
    let mut reader = match Reader::open() {
        Ok(reader) => reader,
        Err(why) => {
            close();
            let place = REASONS.iter().position(|reason| *reason == why);
            let reason = state::UNREADABLE + place.unwrap_or(0) as u8;
            STATE.store(reason, Ordering::Relaxed);
            session.saw(seen::AWAITS);
            return;
        }
    };
    STATE.store(state::OPEN, Ordering::Relaxed);
    let mut kept = Vec::new();
    loop {
        let answered = reader.answer();
        if answered.asked > 0 {
            learned(session, answered.made > 0);
        }
        kept.append(&mut reader.kept());
        kept = tell_kept(session, &mut reader, kept);
        if !kept.is_empty() {
            sleep(POLL_END);
        }
        if are_kept() {
            continue;
        }
        if session.is_finishing() {
            return close();
        }
        match reader.survey() {
            Some(made) if made > 0 => learned(session, true),
            Some(_) => {}
            // Unparked by what is asked for; a thread that waits here ends with the process.
            None => park(),
        }
    }
}

/// Says whether futures can be read, as soon as that is known.
fn learned(session: &'static Session, reads: bool) {
    let now = match reads {
        true => state::READS,
        false => state::NOTHING_FOUND,
    };
    let before = STATE.load(Ordering::Relaxed);
    if before != state::READS && before != now {
        STATE.store(now, Ordering::Relaxed);
        session.saw(seen::AWAITS);
    }
}

/// Tells of what was kept, and gives back that of which the poll has not ended yet.
///
/// What lies behind a future's pointers is looked at while the future is the task's own, so
/// that is believed only of a task that has stood still: no poll of it has begun since the one
/// after which it was kept, and it was not dropped, before the look and after.
fn tell_kept(session: &'static Session, reader: &mut Reader, kept: Vec<Kept>) -> Vec<Kept> {
    if kept.is_empty() {
        return kept;
    }
    let before = alive();
    let ends = |kept: &Kept| before.get(&kept.task) == Some(&(kept.epoch, true));
    let (not_yet, kept): (Vec<_>, Vec<_>) = kept.into_iter().partition(ends);
    let looked: Vec<(Kept, Vec<Frames>)> = kept
        .into_iter()
        .map(|kept| {
            let stands = before.get(&kept.task) == Some(&(kept.epoch, false));
            let chains = chains_of(reader, &kept, stands);
            (kept, chains)
        })
        .collect();
    // What another thread wrote into a future is seen by the look only if the beginning of the
    // poll that wrote it is seen after this.
    let has_barrier = session.has_barrier && barrier::raise();
    let after = alive();
    for (kept, mut chains) in looked {
        let suspended = Some(&(kept.epoch, false));
        let stood = before.get(&kept.task) == suspended;
        let stands = after.get(&kept.task) == suspended;
        if stood && !(stands && has_barrier) {
            chains = chains_of(reader, &kept, false);
        }
        let mut found = Found::default();
        for chain in chains {
            found.add(chain_of(session, &chain));
        }
        for each in found.each() {
            let fields = [kept.task, kept.epoch, each.stack, told_count(each.count)];
            with_recorder(session, |r| r.event(kind::WAIT_FOUND, fields));
        }
    }
    not_yet
}

type Frames = Vec<Option<&'static Frame>>;

fn chains_of(reader: &mut Reader, kept: &Kept, fetches: bool) -> Vec<Frames> {
    let mut found = Vec::new();
    reader.chains_of(kept, fetches, &mut |chain| found.push(chain.to_vec()));
    found
}

/// The tasks that are alive: the number of their polls, and whether somebody polls or drops
/// them at the moment.
fn alive() -> HashMap<u64, (u64, bool)> {
    let own = alive_tasks().into_iter().map(|alive| {
        let is_running = alive.phase == TaskPhase::Running;
        (alive.task, (alive.epoch, is_running))
    });
    let mut found: HashMap<_, _> = own.collect();
    each_alive(|alive| {
        let is_running = alive.state == task_state::RUNNING;
        found.insert(alive.task, (alive.epoch, is_running));
    });
    found
}
