//! A debugger stops all threads, the flusher too: a program that stops at its first line is
//! known to the collector all the same, because `init` waits for the greeting.
#![cfg(target_os = "linux")]

mod support;

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
    let collector = Collector::start();
    let test = "a_program_that_stops_at_once_has_greeted";
    let mut command = connected(child(test, "stops"), &collector);
    command.env("WAKELINE_LAUNCH", "test");
    // However long the machine stands still meanwhile.
    command.env("WAKELINE_GREETING_MS", "60000");
    let running = command.spawn().unwrap();
    let pid = running.id() as libc::pid_t;
    // SAFETY: waits for one child; the status is not asked for.
    let stopped = unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WUNTRACED) };
    assert_eq!(stopped, pid);
    // It stands now, and sends nothing more.
    let is_greeted = |connections: &[Vec<u8>]| connections.concat().len() > HELLO_BYTES;
    collector.wait_until("the greeting", is_greeted);
    // SAFETY: a signal to a child that was not waited for to its end.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGCONT) }, 0);
    assert!(finish(running).status.success());
}
