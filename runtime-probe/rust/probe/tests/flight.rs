//! The flight recorder: memory in bounds, and what is written of it when the program, a
//! signal or a panic asks is a recording that can be read, with a dictionary of all it names.

mod support;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use support::{child, finish, role, Folder, Trace, PATIENCE};
use wakeline_executor::time::sleep;
use wakeline_executor::{spawn_named, yield_now, Runtime};
use wakeline_wire::frame::RECORDING_HEAD_BYTES;
use wakeline_wire::{end_reason, DictionaryRecord, EventRecord};

const FOLDER: &str = "WAKELINE_TEST_FOLDER";
/// Tasks that begin and end, with names of their own, one after the other.
const TASKS: u64 = 8000;

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn own_handler(_signal: i32) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

fn program(role: &str) {
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    // The program's own handler stays in use.
    // SAFETY: the handler only counts.
    unsafe { libc::signal(libc::SIGUSR2, own_handler as extern "C" fn(i32) as usize) };
    assert!(wakeline::init!().is_active());
    let runtime = Runtime::single().build().unwrap();
    let written = folder.join("asked.wakeline");
    runtime.block_on(async {
        let lives = spawn_named("lives", async { sleep(Duration::from_secs(60)).await });
        for number in 0..TASKS {
            let name = format!("short {number}");
            let work = async {
                for _ in 0..20 {
                    yield_now().await;
                }
            };
            spawn_named(&name, work).await.unwrap();
            if number % 500 == 0 {
                // So that the flusher keeps up.
                sleep(Duration::from_millis(5)).await;
            }
        }
        lives.abort();
    });
    match role {
        "program" => wakeline::write_flight_recording(&written).unwrap(),
        "signal" => {
            // SAFETY: the handlers are there.
            unsafe { libc::raise(libc::SIGUSR2) };
            assert_eq!(HANDLED.load(Ordering::Relaxed), 1, "the program's handler");
            wait_for(&folder.join("flight-1.wakeline"));
        }
        _ => {
            let panicked = std::panic::catch_unwind(|| panic!("for the test"));
            assert!(panicked.is_err());
            assert!(folder.join("flight-1.wakeline").exists());
        }
    }
    let elsewhere = wakeline::write_flight_recording(folder.join("no/such/folder"));
    assert_eq!(elsewhere.unwrap_err().kind(), std::io::ErrorKind::NotFound);
    support::say("done");
}

fn wait_for(file: &Path) {
    let end = Instant::now() + PATIENCE;
    let is_whole = || {
        let bytes = std::fs::read(file).unwrap_or_default();
        bytes.len() > RECORDING_HEAD_BYTES
            && Trace::decode(&bytes[RECORDING_HEAD_BYTES..]).end.is_some()
    };
    while !is_whole() {
        assert!(Instant::now() < end, "the signal writes no file");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn check(file: &Path) {
    let bytes = std::fs::read(file).unwrap();
    let trace = Trace::decode(&bytes[RECORDING_HEAD_BYTES..]);
    trace.check();
    assert_eq!(trace.end.as_ref().unwrap().reason, end_reason::FLIGHT);
    // The names of 8,000 tasks are not in it, those of the last ones are.
    let names: Vec<&str> = trace
        .dictionary
        .iter()
        .filter_map(|record| match record {
            DictionaryRecord::Task(task) if task.name != 0 => Some(trace.text(task.name)),
            _ => None,
        })
        .collect();
    let last = format!("short {}", TASKS - 1);
    assert!(names.contains(&last.as_str()) && names.contains(&"lives"));
    assert!(!names.contains(&"short 0"), "the oldest are forgotten");
    let polls = trace.count(|event| matches!(event, EventRecord::PollStart(_)));
    assert!(
        polls > 10_000 && polls < 20 * TASKS as usize,
        "{polls} polls"
    );
    assert!(bytes.len() < 5 << 19, "{} bytes of 1 MiB kept", bytes.len());
    // What came before is a gap: the first slot of the busy thread is not its first.
    let busy = trace.events.iter().max_by_key(|(_, events)| events.len());
    let (thread, _) = busy.unwrap();
    let first = trace.chunks.iter().find(|chunk| chunk.thread == *thread);
    let first = first.unwrap();
    assert!(first.sequence > 1 && first.offset == 0, "{first:?}");
}

fn run(test: &str, role: &str, file: &str) {
    let folder = Folder::new();
    let mut command = child(test, role);
    command
        .env(FOLDER, &folder.0)
        .env("WAKELINE_FLIGHT_MIB", "1")
        .env("WAKELINE_FLIGHT_SIGNAL", "USR2")
        .env("WAKELINE_FLIGHT_ON_PANIC", "1")
        .env("WAKELINE_FLIGHT_FILE", folder.0.join("flight-%n.wakeline"));
    let output = finish(command.spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("done"));
    check(&folder.0.join(file));
}

#[test]
fn the_program_asks() {
    if let Some(role) = role() {
        return program(&role);
    }
    run("the_program_asks", "program", "asked.wakeline");
}

#[test]
fn a_signal_asks_and_the_program_keeps_its_handler() {
    if let Some(role) = role() {
        return program(&role);
    }
    let test = "a_signal_asks_and_the_program_keeps_its_handler";
    run(test, "signal", "flight-1.wakeline");
}

#[test]
fn a_panic_asks() {
    if let Some(role) = role() {
        return program(&role);
    }
    run("a_panic_asks", "panic", "flight-1.wakeline");
}

#[test]
fn without_a_recorder_it_is_said() {
    let error = wakeline::write_flight_recording("nowhere").unwrap_err();
    assert!(error.to_string().contains("WAKELINE_FLIGHT_MIB"), "{error}");
}
