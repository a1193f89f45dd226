//! Owns what the probe says of itself and of the process at the start of a connection. It
//! must not know how it is sent.

use wakeline_wire::payload::{own_shapes, Capability, Hello};
use wakeline_wire::visibility;

use crate::session::Session;

/// The hello of a session whose clock has this rate and that records this much.
pub(crate) fn hello(session: &Session, tick_rate: u64, detail: u64) -> Hello {
    let text = |path: Option<std::path::PathBuf>| {
        path.map_or_else(String::new, |path| path.to_string_lossy().into_owned())
    };
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
        tier: "wakeline-executor".into(),
        launch: session.launch.clone(),
        ring_file: text(session.ring.file().map(Into::into)),
        detail,
        capabilities: capabilities(),
        shapes: own_shapes(),
    }
}

fn capabilities() -> Vec<Capability> {
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
        "resources",
        "frames",
        "awaitSites",
    ];
    let each = |name: &str, visibility: u64, note: &str| Capability {
        name: name.into(),
        visibility,
        note: note.into(),
    };
    recorded
        .iter()
        .map(|name| each(name, visibility::RECORDED, ""))
        .chain([each(
            "cpuTime",
            visibility::NOT_RECORDED,
            "this probe does not sample processor time",
        )])
        .collect()
}
