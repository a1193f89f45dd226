//! Two tasks that hold up the one thread of tokio: one computes in a poll, one blocks in it.
//!
//! What to look for: on a lane both are one long running span, and every other task is
//! scheduled for as long. The marks on the span are looks of the watchdog; the details say
//! which of the two used the processor, and where in this file each of them was.

use std::hint::black_box;
use std::io;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::time::sleep;
use wakeline_examples::number_option;

/// How long each poll holds the thread.
const HOLD: Duration = Duration::from_millis(60);
/// Between two rounds.
const PAUSE: Duration = Duration::from_millis(20);

fn main() -> io::Result<()> {
    wakeline::init!();
    let rounds = number_option("--rounds", 10).map_err(io::Error::other)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        for _ in 0..rounds {
            let parse = wakeline::task::Builder::new().name("parse");
            let save = wakeline::task::Builder::new().name("save");
            let (parse, save) = (parse.spawn(parse_request())?, save.spawn(save_answer())?);
            parse.await?;
            save.await?;
            sleep(PAUSE).await;
        }
        Ok(())
    })
}

/// Work that has no await in it belongs on the blocking pool.
async fn parse_request() {
    let end = Instant::now() + HOLD;
    while Instant::now() < end {
        count_words();
    }
}

#[inline(never)]
fn count_words() {
    for number in 0..2_000_000_u64 {
        black_box(number);
    }
}

/// The sleep of a thread in place of a task's.
async fn save_answer() {
    std::thread::sleep(HOLD);
}
