//! Owns which wrapped futures are alive, for a recording that begins, or goes on, late. It must
//! not know how they are told.
//!
//! A future is put in when it is wrapped and taken out when it ends; its polls touch nothing
//! here. What is kept is one entry for each that is alive.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use wakeline_wire::task_state;

use super::identity::{Identity, ENDED, UNTOLD};
use super::off_polls::OffState;
use crate::gate::gate;

/// Parts of the list, each with a lock of its own, so that spawns on several threads seldom
/// meet, and none of them long the snapshot: of 50,000 tasks it holds 800 at a time.
const SHARDS: usize = 64;

type Shard = Mutex<BTreeMap<u64, Arc<Identity>>>;

static ALIVE: [Shard; SHARDS] = [const { Mutex::new(BTreeMap::new()) }; SHARDS];

fn shard(task: u64) -> &'static Shard {
    &ALIVE[task as usize % SHARDS]
}

/// Takes all its locks, as spawns on other threads do.
#[cfg(all(test, not(loom)))]
pub(super) fn taken() -> impl Sized {
    ALIVE.iter().map(lock).collect::<Vec<_>>()
}

pub(super) fn begin(identity: &Arc<Identity>) {
    let mut shard = lock(shard(identity.task));
    shard.insert(identity.task, Arc::clone(identity));
}

fn lock(shard: &Shard) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Identity>>> {
    // A panic under the lock cannot come from here; what is there is whole.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn end(identity: &Identity) {
    let shard = shard(identity.task);
    // With the gate shut this may be a fork's child, in which another thread of the parent may
    // have left the lock taken: nobody else looks there. In the program itself somebody may
    // look at the future at this moment, which must stay until then.
    let taken = match (gate(), shard.try_lock()) {
        (_, Ok(shard)) => Some(shard),
        (0, Err(_)) if identity.session.is_in_child() => None,
        (_, Err(_)) => Some(lock(shard)),
    };
    // Dropped after the lock is free.
    let _identity = taken.and_then(|mut shard| shard.remove(&identity.task));
}

/// Runs this while the list of those alive is locked, if the task is on it.
pub(super) fn while_alive<T>(task: u64, look: impl FnOnce() -> T) -> Option<T> {
    let shard = lock(shard(task));
    shard.contains_key(&task).then(look)
}

/// One future that is alive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AliveFuture {
    pub(crate) task: u64,
    /// Polls begun so far.
    pub(crate) epoch: u64,
    /// A value of the wire's `task_state`.
    pub(crate) state: u64,
}

/// Tells every future that is alive. They go on meanwhile, so two of them may be told as of two
/// moments.
pub(crate) fn each_alive(mut tell: impl FnMut(AliveFuture)) {
    for shard in &ALIVE {
        let shard = lock(shard);
        // SAFETY: each is on the list.
        let told = shard.values().filter_map(|each| unsafe { each.now() });
        let told: Vec<_> = told.collect();
        drop(shard);
        told.into_iter().for_each(&mut tell);
    }
}

impl Identity {
    /// What the future does now; nothing when it has just ended.
    ///
    /// # Safety
    /// It is on the list, which is locked.
    unsafe fn now(&self) -> Option<AliveFuture> {
        // The marks of the polls before this epoch are seen. A poll that begins or ends
        // meanwhile makes this the state of a moment ago.
        // SAFETY: told to the caller.
        let epoch = match unsafe { self.look() } {
            Ok(OffState { epoch, is_open }) => {
                // The executor's own waker may have been called, which nobody sees.
                let state = match is_open {
                    true => task_state::RUNNING,
                    false => task_state::UNKNOWN,
                };
                return Some(AliveFuture {
                    task: self.task,
                    epoch,
                    state,
                });
            }
            Err(epoch) => epoch,
        };
        if epoch & ENDED != 0 {
            return None;
        }
        // Ordering: none needed beside that.
        let left = self.left.load(Ordering::Relaxed);
        let state = if left >> 1 < epoch {
            task_state::RUNNING
        } else if left & UNTOLD != 0 {
            // The executor's own waker may have been called, which nobody sees.
            task_state::UNKNOWN
        } else if self.woken_at.load(Ordering::Relaxed) == epoch {
            task_state::SCHEDULED
        } else if epoch == 0 {
            self.held.state_before_first_poll()
        } else {
            task_state::IDLE
        };
        Some(AliveFuture {
            task: self.task,
            epoch,
            state,
        })
    }
}
