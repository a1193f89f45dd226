//! One measurement: a program on tokio under one recorder, in a process of its own.
//! `wakeline-bench-peers <program> <recorder> [polls]` prints one line of JSON.
//!
//! The harness is `test/bench/rust.ts`; this knows nothing of runs, pairs or other recorders.

mod programs;
mod recorders;

use programs::Program;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().unwrap_or_default();
    let recorder = arguments.next().unwrap_or_default();
    let polls = arguments.next().and_then(|polls| polls.parse().ok());
    if program == "echo-client" {
        return programs::echo::client(&recorder, polls.unwrap_or(10_000));
    }
    let Some(program) = Program::named(&program, polls.unwrap_or(1_000_000)) else {
        fail(&format!(
            "there is no program '{program}'; there are {}",
            Program::NAMES.join(", ")
        ));
    };
    if !recorders::run(&recorder, &program) {
        fail(&format!(
            "this build has no recorder '{recorder}'; it has {}",
            recorders::NAMES.join(", ")
        ));
    }
}

fn fail(message: &str) -> ! {
    eprintln!("{message}");
    std::process::exit(2);
}
