//! A debugger stops all threads, the flusher too: a program that stops at its first line is
//! known to the collector all the same, because `init` waits for the greeting.
#![cfg(target_os = "linux")]

mod support;

use std::time::{Duration, Instant};

use support::{child, connected, finish, role, Collector};

const HELLO_BYTES: usize = 100;

/// Stops as at a breakpoint right behind `init`.
fn program() {
    let _guard = wakeline::init();
    // SAFETY: raise takes a signal's number and touches no memory.
    unsafe { libc::raise(libc::SIGSTOP) };
}

#[test]
fn a_program_that_stops_at_once_has_greeted() {
    if role().is_some() {
        return program();
    }
    // `init` waits 100 ms for the greeting: a machine that stands still for longer stops the
    // program before it, and it is tried again.
    assert!((0..20).any(|_| greets_before_it_stops()));
}

/// Starts a program that stops at once: whether its hello has come while it stands.
fn greets_before_it_stops() -> bool {
    let collector = Collector::start();
    let name = "a_program_that_stops_at_once_has_greeted";
    let mut command = connected(child(name, "stops"), &collector);
    let running = command.env("WAKELINE_LAUNCH", "test").spawn().unwrap();
    let pid = running.id() as libc::pid_t;
    // SAFETY: waits for one child; the status is not asked for.
    let stopped = unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WUNTRACED) };
    assert_eq!(stopped, pid);
    // It stands now, and sends nothing more: what has not come soon never will.
    let end = Instant::now() + Duration::from_secs(5);
    let has_come = || collector.recording().len() > HELLO_BYTES;
    while !has_come() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    let has_greeted = has_come();
    // SAFETY: a signal to a child that was not waited for to its end.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGCONT) }, 0);
    assert!(finish(running).status.success());
    has_greeted
}
