//! Owns ids for an observer that also watches what this executor does not run, such as
//! the tasks of another executor: one process, one sequence of ids of each kind. It must
//! not know what they are used for.

use crate::ids;

/// An id for a task.
pub fn task() -> u64 {
    ids::TASKS.next()
}

/// An id for a runtime.
pub fn runtime() -> u64 {
    ids::RUNTIMES.next()
}

/// An id for a source.
pub fn source() -> u64 {
    ids::SOURCES.next()
}

/// An id for a blocking job.
pub fn job() -> u64 {
    ids::JOBS.next()
}

/// An id for a resource.
pub fn resource() -> u64 {
    ids::RESOURCES.next()
}

/// An id for a timer.
pub fn timer() -> u64 {
    ids::TIMERS.next()
}
