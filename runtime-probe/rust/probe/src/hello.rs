//! Owns what the probe says of itself and of the process at the start of a connection, and
//! again when a kind of runtime is first seen. It must not know how it is sent.

use wakeline_wire::payload::{own_shapes, Capability, Family, Hello};
use wakeline_wire::visibility;

use crate::session::{seen, Session};

/// The hello of a session whose clock has this rate, that records this much, and that has
/// seen these kinds of runtime.
pub(crate) fn hello(session: &Session, tick_rate: u64, detail: u64, runtimes: u8) -> Hello {
    let text = |path: Option<std::path::PathBuf>| {
        path.map_or_else(String::new, |path| path.to_string_lossy().into_owned())
    };
    let is_reactor_seen = runtimes & seen::REACTOR != 0;
    let (tier, mut capabilities) = match runtimes & !(seen::AWAITS | seen::REACTOR) {
        runtimes if runtimes & seen::TRACING != 0 => (
            match runtimes & seen::EXECUTOR {
                0 => "tokio tracing",
                _ => "wakeline-executor and tokio tracing",
            },
            told_capabilities(is_reactor_seen),
        ),
        seen::WRAPPED => (wrapped_tier(), wrapped_capabilities(is_reactor_seen)),
        // A note in place of a capability: what is missing is so for some tasks only.
        runtimes if runtimes & seen::WRAPPED != 0 => (
            "wakeline-executor and wrapped futures",
            mixed_capabilities(),
        ),
        _ => ("wakeline-executor", executor_capabilities("")),
    };
    let (visibility, note) = poll_samples(session);
    capabilities.push(Capability {
        name: "pollSamples".into(),
        visibility,
        note,
    });
    Hello {
        session: session.id.clone(),
        tick_rate,
        origin_tick: session.clock.origin_raw(),
        anchor_monotonic_ns: session.clock.origin_monotonic_ns(),
        anchor_wall_us: session.clock.origin_wall_us(),
        pid: u64::from(session.pid),
        language: "rust".into(),
        program: text(std::env::current_exe().ok()),
        working_folder: text(std::env::current_dir().ok()),
        source_root: text(session.source_root.clone()),
        probe: concat!("wakeline ", env!("CARGO_PKG_VERSION")).into(),
        tier: tier.into(),
        launch: session.launch.clone(),
        ring_file: text(session.ring.file().map(Into::into)),
        detail,
        capabilities,
        shapes: own_shapes(),
        family: session.family.clone(),
    }
}

/// What the recorded process that started this one left in `WAKELINE_FAMILY`: the group,
/// that process's session and its id, with dots between. None of what is malformed.
pub(crate) fn family_of(text: &str) -> Option<Family> {
    let is_id = |text: &str| {
        text.len() == 32
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = text.split('.');
    let (group, parent) = (parts.next()?, parts.next()?);
    if !is_id(group) || !(parent.is_empty() || is_id(parent)) {
        return None;
    }
    Some(Family {
        group: group.into(),
        parent: parent.into(),
        part: "child process".into(),
    })
}

/// Whether the hello of a process that has seen these kinds of runtime differs from that of
/// one that had seen those.
pub(crate) fn says_otherwise(told: u8, seen_now: u8) -> bool {
    // With none seen the hello is that of the executor alone.
    let meaning = |runtimes: u8| match runtimes {
        runtimes if runtimes & !seen::AWAITS == 0 => runtimes | seen::EXECUTOR,
        runtimes => runtimes,
    };
    meaning(told) != meaning(seen_now)
}

fn wrapped_tier() -> &'static str {
    if cfg!(feature = "tokio") {
        "tokio stable"
    } else {
        "wrapped futures"
    }
}

const NO_CPU_TIME: (&str, u64, &str) = (
    "cpuTime",
    visibility::NOT_RECORDED,
    "this probe samples processor time of long polls only, see pollSamples",
);

/// Whether long polls are looked at, and from which length on.
#[cfg(wakeline_stacks)]
fn poll_samples(session: &Session) -> (u64, String) {
    match session.long_poll.get() {
        Some(threshold) => {
            let ms = threshold.as_millis();
            let note = format!("of polls that are open for {ms} ms and more");
            (visibility::RECORDED, note)
        }
        None => (
            visibility::NOT_RECORDED,
            "switched off by WAKELINE_LONG_POLL_MS=0, or no real-time signal was free".into(),
        ),
    }
}

#[cfg(not(wakeline_stacks))]
fn poll_samples(_session: &Session) -> (u64, String) {
    let note = "needs the feature stacks, on Linux on x86-64 or aarch64, without a sanitizer";
    (visibility::NOT_RECORDED, note.into())
}

fn list(each: &[(&str, u64, &str)]) -> Vec<Capability> {
    let one = |&(name, visibility, note): &(&str, u64, &str)| Capability {
        name: name.into(),
        visibility,
        note: note.into(),
    };
    each.iter().map(one).collect()
}

fn executor_capabilities(note: &str) -> Vec<Capability> {
    let recorded = [
        "polls",
        "wakes",
        "wakeEffects",
        "sources",
        "operations",
        "readiness",
        "reactor",
        "parkTimeouts",
        "timers",
        "jobs",
        "jobThreads",
        "submissions",
        "resources",
        "frames",
        "awaitSites",
        "cancelCauses",
    ];
    let mut all = recorded
        .map(|name| (name, visibility::RECORDED, note))
        .to_vec();
    all.push(NO_CPU_TIME);
    list(&all)
}

/// Both kinds of runtime in one process: everything can appear, but not of every task.
fn mixed_capabilities() -> Vec<Capability> {
    let mut all = executor_capabilities("recorded for the tasks of wakeline-executor");
    for capability in &mut all {
        // An effect that is missing must not be taken for one that did not happen.
        if capability.name == "wakeEffects" {
            capability.visibility = visibility::NOT_RECORDED;
            capability.note = "known for the tasks of wakeline-executor only".into();
        }
    }
    all
}

fn wrapped_capabilities(is_reactor_seen: bool) -> Vec<Capability> {
    use visibility::{NOT_RECORDED as NOT, RECORDED};
    let cancel_causes = match cfg!(feature = "tokio-1-47") {
        true => (RECORDED, "of futures spawned through wakeline"),
        false => (NOT, "the runtime does not tell an abort from its shutdown; known for wakeline's JoinSet, LocalSet and main, and, with the crate's feature tokio-1-47, for all that is spawned through wakeline"),
    };
    #[cfg(wakeline_stacks)]
    let (awaits, awaits_note) =
        crate::frames::visibility().unwrap_or_else(crate::awaits::visibility);
    #[cfg(not(wakeline_stacks))]
    let (awaits, awaits_note) = crate::awaits::visibility();
    let below = below().unless_silent(is_reactor_seen);
    let seen = |is_seen: bool| if is_seen { RECORDED } else { NOT };
    let note = below.note.as_str();
    let (waits, sources, operations) = (
        seen(below.waits),
        seen(below.sources),
        seen(below.operations),
    );
    list(&[
        ("polls", RECORDED, of_wrapped()),
        ("wakes", RECORDED, "of futures spawned or wrapped through wakeline; outside any such poll, what is woken between the reactor's return and the next poll is told as woken by the turn, and who joins a task by its end, where tokio (from 1.41 on) says that no other code runs"),
        ("wakeEffects", NOT, "the runtime keeps to itself whether a wake queued the task"),
        ("sources", sources, note),
        ("operations", operations, note),
        ("readiness", sources, note),
        ("reactor", waits, note),
        ("parkTimeouts", waits, note),
        ("timers", NOT, "timers are inside the runtime; the park's time-out shows the next one"),
        ("jobs", RECORDED, of_closures()),
        ("jobThreads", RECORDED, ""),
        ("submissions", NOT, "what goes through an io_uring passes no function that is watched"),
        ("resources", NOT, "locks and channels of the runtime are not seen"),
        ("frames", NOT, "parts of a task are not seen"),
        ("awaitSites", awaits, awaits_note),
        ("cancelCauses", cancel_causes.0, cancel_causes.1),
        NO_CPU_TIME,
    ])
}

/// tokio tells of its tasks itself.
fn told_capabilities(is_reactor_seen: bool) -> Vec<Capability> {
    const EVERY_TASK: &str = "of every task of tokio, those that libraries spawn included";
    const LOCKS: &str = "mutex, rwlock, semaphore, barrier, oneshot, and the places of bounded channels; tokio tells nothing of notify, watch, broadcast and of a channel's receiver, but who ends a wait on these is known, as is the task that a join waits for";
    let told = [
        ("polls", visibility::RECORDED, EVERY_TASK),
        ("wakes", visibility::RECORDED, "of every task of tokio, but not of a future given to block_on without wakeline::tokio::root"),
        ("timers", visibility::INFERRED, "set and fired as tokio's sleep tells it; a wake outside of any poll, of a task whose timer is due, is taken for the timer's"),
        ("jobs", visibility::RECORDED, "of every blocking closure of tokio, file operations of tokio::fs included"),
        ("resources", visibility::RECORDED, LOCKS),
    ];
    let mut all = wrapped_capabilities(is_reactor_seen);
    for capability in &mut all {
        if (&*capability.name, capability.visibility) == ("awaitSites", visibility::RECORDED) {
            capability.note = format!("of wrapped futures only; {}", capability.note);
        }
        let told = told.iter().find(|(name, _, _)| *name == capability.name);
        if let Some(&(_, visibility, note)) = told {
            capability.visibility = visibility;
            capability.note = note.into();
        }
    }
    all
}

/// Of which tasks polls are recorded where tokio itself is not heard, and why it is not.
fn of_wrapped() -> &'static str {
    #[cfg(feature = "tracing")]
    return match crate::tracing::tier() {
        crate::tracing::Tier::Absent => "of futures spawned or wrapped through wakeline; for all others tokio must be built with RUSTFLAGS=\"--cfg tokio_unstable\"",
        _ => "of futures spawned or wrapped through wakeline; others are not seen, because the program has a tracing subscriber of its own: add wakeline::tracing::layer() to it",
    };
    #[cfg(not(feature = "tracing"))]
    "of futures spawned or wrapped through wakeline; others are not seen"
}

/// Of which blocking closures jobs are recorded where tokio itself is not heard.
fn of_closures() -> &'static str {
    #[cfg(all(feature = "tokio", wakeline_reactor))]
    if crate::tokio::present::tells_workers() {
        return "of closures given to wakeline's spawn_blocking; of others, those of tokio::fs among them, each read, write and sync of a file: when and on which thread it ran, not who asked for it and how long it was queued";
    }
    "of closures given to wakeline's spawn_blocking; others are not seen"
}

/// What is seen from below, with the note for it.
struct Below {
    waits: bool,
    sources: bool,
    operations: bool,
    note: String,
}

impl Below {
    /// That a call would be seen does not say that the runtime makes it: some ask the kernel
    /// without the C library.
    fn unless_silent(self, is_reactor_seen: bool) -> Self {
        if is_reactor_seen || !(self.waits || self.sources) {
            return self;
        }
        Self {
            waits: false,
            sources: false,
            operations: false,
            note: "no runtime has registered anything through the C library so far; smol and async-std do when they are built with RUSTFLAGS=\"--cfg rustix_use_libc\"".into(),
        }
    }
}

#[cfg(wakeline_reactor)]
fn below() -> Below {
    let sight = crate::interpose::sight();
    const FROM_BELOW: &str = "as seen where the runtime calls the system; the poll that made an operation is known, the line is not";
    Below {
        waits: sight.waits,
        sources: sight.sources,
        operations: sight.operations,
        note: match sight.note.as_str() {
            "" => FROM_BELOW.into(),
            note if sight.waits || sight.sources => format!("{FROM_BELOW}; {note}"),
            note => note.into(),
        },
    }
}

#[cfg(not(wakeline_reactor))]
fn below() -> Below {
    const UNSEEN: &str = if cfg!(feature = "reactor") {
        "the reactor is seen on Linux with glibc on x86-64 and aarch64 only, and not in builds with a sanitizer"
    } else {
        "needs the crate's feature reactor"
    };
    Below {
        waits: false,
        sources: false,
        operations: false,
        note: UNSEEN.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::family_of;

    #[test]
    fn a_family_is_what_the_starting_process_told_and_nothing_of_what_is_malformed() {
        let (group, parent) = ("a".repeat(32), "b".repeat(32));
        let family = family_of(&format!("{group}.{parent}.77")).expect("well formed");
        assert_eq!((family.group, family.parent), (group.clone(), parent));
        let family = family_of(&format!("{group}..77")).expect("no parent is recorded");
        assert_eq!(family.parent, "");
        for text in ["", "x", &group, &format!("{group}.x.1"), "A.B.1"] {
            assert_eq!(family_of(text), None, "{text}");
        }
    }
}
