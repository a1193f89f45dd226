//! tracing-chrome: tokio's own spans as a Chrome trace. The text goes to a counter and not
//! to a disk, which would be measured too.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_chrome::ChromeLayerBuilder;
use tracing_subscriber::prelude::*;

use super::{measure, Tokio};
use crate::programs::Program;

static BYTES: AtomicU64 = AtomicU64::new(0);

struct Counter;

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        BYTES.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn run(program: &Program) {
    let (layer, guard) = ChromeLayerBuilder::new().writer(Counter).build();
    tracing_subscriber::registry().with(layer).init();
    let runtime = program.runtime().build().expect("a runtime");
    measure(runtime, program, Tokio, || {
        drop(guard);
        BYTES.load(Ordering::Relaxed)
    });
}
