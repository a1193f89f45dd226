//! tokio-metrics: every task instrumented by one monitor, read at the end.

use std::future::Future;
use std::sync::OnceLock;

use tokio::task::JoinHandle;
use tokio_metrics::TaskMonitor;

use super::measure;
use crate::programs::{Program, Spawn};

static MONITOR: OnceLock<TaskMonitor> = OnceLock::new();

#[derive(Clone, Copy)]
struct Monitored;

impl Spawn for Monitored {
    fn spawn<F>(self, future: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(MONITOR.get_or_init(TaskMonitor::new).instrument(future))
    }
}

pub(crate) fn run(program: &Program) {
    let runtime = program.runtime().build().expect("a runtime");
    measure(runtime, program, Monitored, || {
        let monitor = MONITOR.get_or_init(TaskMonitor::new);
        assert!(
            monitor.cumulative().total_poll_count > 0,
            "nothing was seen"
        );
        0
    });
}
