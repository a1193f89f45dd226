//! A program records itself into a file, with no collector: the file is what one would have
//! written, ends in bounds, and whatever is wrong with it the program goes on.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use support::{child, finish, role, Folder, Trace};
use wakeline_executor::{spawn, yield_now, Runtime};
use wakeline_wire::frame::{read_recording_head, RECORDING_HEAD_BYTES};
use wakeline_wire::stream::StreamDecoder;
use wakeline_wire::{end_reason, EventRecord};

const TASKS: u64 = 20;

/// As many polls as the role says, of 20 tasks.
fn program(polls: &str) {
    wakeline::init!();
    let polls: u64 = polls.parse().unwrap();
    let runtime = Runtime::multi(2).build().unwrap();
    runtime.block_on(async {
        let work = || async move {
            for poll in 1..polls / TASKS {
                if poll % 10_000 == 0 {
                    // So that the flusher keeps up.
                    wakeline_executor::time::sleep(Duration::from_millis(5)).await;
                }
                yield_now().await;
            }
        };
        let tasks: Vec<_> = (0..TASKS).map(|_| spawn(work())).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    support::say("done");
}

fn recorded(test: &str, polls: u64, file: &Path) -> Command {
    let mut command = child(test, &polls.to_string());
    command.env("WAKELINE_FILE", file);
    command
}

fn run(mut command: Command) -> Output {
    let output = finish(command.spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("done"), "the program went to its end: {said}");
    output
}

fn trace_of(bytes: &[u8]) -> Trace {
    read_recording_head(bytes).unwrap();
    Trace::decode(&bytes[RECORDING_HEAD_BYTES..])
}

fn polls(trace: &Trace) -> usize {
    trace.count(|event| matches!(event, EventRecord::PollStart(_)))
}

fn complaints(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().filter(|line| line.starts_with("wakeline:"));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_file_holds_all_and_any_prefix_can_be_read() {
    if let Some(polls) = role() {
        return program(&polls);
    }
    let folder = Folder::new();
    let pattern = folder.0.join("trace-%p.wakeline");
    let test = "a_file_holds_all_and_any_prefix_can_be_read";
    // An address beside it is not asked, and no token is needed.
    let mut command = recorded(test, 20_000, &pattern);
    command.env("WAKELINE", "unix:/nowhere");
    let running = command.spawn().unwrap();
    let file = folder.0.join(format!("trace-{}.wakeline", running.id()));
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(complaints(&output), Vec::<String>::new());
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let bytes = std::fs::read(&file).unwrap();
    let trace = trace_of(&bytes);
    trace.check();
    assert_eq!(trace.end.as_ref().unwrap().reason, end_reason::EXIT);
    assert!(polls(&trace) >= 20_000, "{} polls", polls(&trace));
    for cut in (RECORDING_HEAD_BYTES..bytes.len()).step_by(bytes.len() / 50) {
        let mut decoder = StreamDecoder::new();
        decoder
            .push(&bytes[RECORDING_HEAD_BYTES..cut], |_| ())
            .unwrap();
    }
}

#[test]
fn a_file_ends_at_its_bound_and_says_so() {
    if let Some(polls) = role() {
        return program(&polls);
    }
    let folder = Folder::new();
    let file = folder.0.join("trace.wakeline");
    let mut command = recorded("a_file_ends_at_its_bound_and_says_so", 200_000, &file);
    let output = run({
        command.env("WAKELINE_FILE_MIB", "1");
        command
    });
    let told = complaints(&output);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("WAKELINE_FILE_MIB"), "{told:?}");
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.len() <= 1 << 20, "{} bytes", bytes.len());
    let trace = trace_of(&bytes);
    trace.check();
    assert_eq!(trace.end.as_ref().unwrap().reason, end_reason::FULL);
    assert!(polls(&trace) > 1000, "{} polls", polls(&trace));
}

#[test]
fn a_file_that_cannot_be_written_is_told_once() {
    if let Some(polls) = role() {
        return program(&polls);
    }
    let folder = Folder::new();
    let test = "a_file_that_cannot_be_written_is_told_once";
    for (place, reason) in [
        ("no/such/folder/trace.wakeline", "No such file"),
        ("trace-%q.wakeline", "%q is not known"),
        (".", "directory"),
    ] {
        let output = run(recorded(test, 2000, &folder.0.join(place)));
        let told = complaints(&output);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(reason), "{told:?}");
        assert!(told[0].contains("goes on unrecorded"), "{told:?}");
    }
}

#[test]
fn two_processes_do_not_write_into_one_file() {
    if let Some(polls) = role() {
        return program(&polls);
    }
    let folder = Folder::new();
    let file = folder.0.join("trace.wakeline");
    let test = "two_processes_do_not_write_into_one_file";
    // Held as a process that records would.
    let held = std::fs::File::create(&file).unwrap();
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open.
    assert_eq!(unsafe { libc::flock(held.as_raw_fd(), libc::LOCK_EX) }, 0);
    let told = complaints(&run(recorded(test, 2000, &file)));
    assert!(told.len() == 1 && told[0].contains("%p"), "{told:?}");
    assert_eq!(file.metadata().unwrap().len(), 0);
    drop(held);
    assert!(complaints(&run(recorded(test, 2000, &file))).is_empty());
    assert!(polls(&trace_of(&std::fs::read(&file).unwrap())) >= 2000);
}
