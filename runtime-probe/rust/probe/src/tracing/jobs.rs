//! Owns blocking jobs as the runtime's spans tell them: submitted, begun, done. It must not
//! know how spans come here.
//!
//! A job's span is entered to run it and once more to drop it, or only to drop it when the
//! pool is shut down before. Which it was shows when the span is closed: the first is taken
//! for the run, and a job that was dropped is said to be cancelled then.

use std::sync::atomic::Ordering;

use wakeline_executor::observe::new_ids;
use wakeline_wire::{detail, end_outcome, job_kind, kind};

use super::context::context;
use super::fields::SpanFields;
use super::spans::{Key, Kind, Span};
use super::Told;
use crate::dictionary::Living;
use crate::gate::{detail_of, gate};
use crate::this_thread::with_recorder;
use crate::tokio::QUEUED;

impl Told {
    pub(super) fn job_submitted(&self, fields: &SpanFields) -> Key {
        if context(|here| here.leave_spawns.get()) || is_a_workers_loop(fields.function.get()) {
            return Key::UNSEEN;
        }
        let id = new_ids::job();
        let key = self
            .spans
            .add(Kind::Job, |span| span.id.store(id, Ordering::Relaxed));
        let Some(key) = key else {
            return Key::UNSEEN;
        };
        // Ordering: none needed; the number is shown, nothing is decided by it.
        let queued = QUEUED.fetch_add(1, Ordering::Relaxed) + 1;
        if detail_of(gate()) >= detail::LEAN {
            let site = self.site(fields);
            let function = fields.function.get();
            let name = self.session.dictionary.string(function);
            with_recorder(self.session, |r| {
                let (task, runtime) = (r.current_task(), r.runtime_id());
                let kind_of_job = job_kind_of(function);
                let fields = [id, kind_of_job, task, site, name, queued, runtime];
                r.event(kind::JOB_SUBMIT, fields);
            });
        }
        key
    }

    pub(super) fn job_entered(&self, span: &Span) {
        if span.count.fetch_add(1, Ordering::Relaxed) > 0 {
            return;
        }
        let queued = QUEUED.fetch_sub(1, Ordering::Relaxed) - 1;
        let now = detail_of(gate());
        if now != 0 {
            let id = span.id.load(Ordering::Relaxed);
            with_recorder(self.session, |r| {
                r.foreign_job_start(now >= detail::LEAN, id, queued);
            });
        }
    }

    pub(super) fn job_left(&self, span: &Span) {
        let now = detail_of(gate());
        if now == 0 || span.count.load(Ordering::Relaxed) > 1 {
            return;
        }
        let id = span.id.load(Ordering::Relaxed);
        let outcome = match std::thread::panicking() {
            true => end_outcome::PANICKED,
            false => end_outcome::COMPLETED,
        };
        with_recorder(self.session, |r| {
            r.foreign_job_end(now >= detail::LEAN, id, outcome);
        });
    }

    pub(super) fn job_closed(&self, span: &Span) {
        let entries = span.count.load(Ordering::Relaxed);
        if entries == 0 {
            QUEUED.fetch_sub(1, Ordering::Relaxed);
        }
        let never_ran = entries == u64::from(self.enters_to_drop);
        let now = detail_of(gate());
        let id = span.id.load(Ordering::Relaxed);
        if now != 0 {
            if never_ran {
                with_recorder(self.session, |r| {
                    r.job_end(now >= detail::LEAN, id, end_outcome::CANCELLED, 0);
                });
            }
            self.session.dictionary.ended(Living::Job(id));
        }
    }
}

/// Whether a closure of this type is the loop of a runtime's worker, which tokio runs on its
/// blocking pool: it is no job of the program's, and what it wakes it wakes for the runtime.
fn is_a_workers_loop(function: &str) -> bool {
    function.starts_with("tokio::runtime::") && function.contains("::worker::")
}

/// What a closure of this type does, where it is tokio's own: tokio runs the operations of
/// `tokio::fs` and the look-up of names as blocking closures.
fn job_kind_of(function: &str) -> u64 {
    if function.contains("ToSocketAddrs") && function.contains("tokio::net") {
        return job_kind::DNS;
    }
    // A closure inside a trait's function reads `<tokio::fs::file::File as …>::poll_read::…`.
    let path = function.trim_start_matches('<');
    let Some(path) = path.strip_prefix("tokio::fs::") else {
        return job_kind::OTHER;
    };
    // Modules and functions are named after what they do; these are no reads or writes of a
    // file, or name a trait.
    const OTHERS: [&str; 4] = ["read_dir", "read_link", "async_read", "async_write"];
    let words = path.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let parts = words
        .filter(|word| !OTHERS.contains(word))
        .flat_map(|word| word.split('_'));
    let does = |part: &str| match part {
        "read" => Some(job_kind::FILE_READ),
        "write" => Some(job_kind::FILE_WRITE),
        _ => None,
    };
    parts
        .filter_map(does)
        .next()
        .unwrap_or(job_kind::FILE_OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_of_a_worker_is_no_job() {
        let launch = "tokio::runtime::scheduler::multi_thread::worker::Launch::launch::{{closure}}";
        assert!(is_a_workers_loop(launch));
        let older = "tokio::runtime::thread_pool::worker::Launch::launch::{{closure}}";
        assert!(is_a_workers_loop(older));
        assert!(!is_a_workers_loop("program::worker::run::{{closure}}"));
        assert!(!is_a_workers_loop("tokio::fs::read::read::{{closure}}"));
    }

    #[test]
    fn closures_of_tokio_fs_are_known_by_their_type() {
        let check = |function: &str, wanted: u64| assert_eq!(job_kind_of(function), wanted);
        check(
            "tokio::fs::read::read::{{closure}}::{{closure}}",
            job_kind::FILE_READ,
        );
        check(
            "<tokio::fs::file::File as tokio::io::async_read::AsyncRead>::poll_read::{{closure}}",
            job_kind::FILE_READ,
        );
        check(
            "<tokio::fs::file::File as tokio::io::async_write::AsyncWrite>::poll_write::{{closure}}",
            job_kind::FILE_WRITE,
        );
        check(
            "tokio::fs::file::Inner::spawn_blocking_read::{{closure}}",
            job_kind::FILE_READ,
        );
        check(
            "tokio::fs::read_dir::read_dir::{{closure}}",
            job_kind::FILE_OTHER,
        );
        check(
            "tokio::fs::metadata::metadata::{{closure}}",
            job_kind::FILE_OTHER,
        );
        check(
            "<str as tokio::net::addr::sealed::ToSocketAddrsPriv>::to_socket_addrs::{{closure}}",
            job_kind::DNS,
        );
        check("my_crate::tokio::fs::write::{{closure}}", job_kind::OTHER);
    }
}
