//! The probe in programs that are put together in other ways than an executable of its own:
//! in a shared library, beside a definition of the program's, behind preloaded neighbours,
//! in the company of a sanitizer. Each says in its hello what it sees.
#![cfg(wakeline_reactor)] // A build with a sanitizer has nothing to link otherwise.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use support::reactor::{bytes, operations, sources};
use support::{connected, finish, Collector, Folder, Trace};
use wakeline_wire::payload::Capability;
use wakeline_wire::{operation_kind, source_kind, visibility, EventRecord};

/// A program of `tests/programs`; `cargo test` builds them with the tests.
fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --examples --all-features` first",
        path.display()
    );
    path
}

/// Compiles a text in C, which every machine that links Rust can.
fn compile(folder: &Folder, name: &str, text: &str, options: &[&str]) -> PathBuf {
    let (source, result) = (folder.0.join("source.c"), folder.0.join(name));
    std::fs::write(&source, text).unwrap();
    let mut command = Command::new("cc");
    command.arg("-o").arg(&result).arg(&source).args(options);
    let output = command.output().expect("cc, which rustc links with too");
    assert!(output.status.success(), "{output:?}");
    result
}

/// Runs a program with a collector; gives what it printed and its trace.
fn trace_of(path: &Path, change: impl FnOnce(&mut Command)) -> (Output, Trace) {
    let collector = Collector::start();
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    change(&mut command);
    let output = finish(connected(command, &collector).spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    (output, trace)
}

fn capability(trace: &Trace, name: &str) -> Capability {
    let hello = trace.hellos.last().expect("a hello");
    let mut named = hello.capabilities.iter().filter(|each| each.name == name);
    named.next().expect("the capability").clone()
}

fn is_recorded(trace: &Trace, name: &str) -> bool {
    capability(trace, name).visibility == visibility::RECORDED
}

/// Calls the library as a plug-in's host does, and reads and writes a socket of its own.
const HOST: &str = r#"
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <stdio.h>
    #include <sys/epoll.h>
    #include <sys/socket.h>
    #include <unistd.h>
    #ifdef LINKED
    int pass_one_message(void);
    #endif
    int main(int count, char **arguments) {
    #ifndef LINKED
        void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) { fputs(dlerror(), stderr); return 2; }
        int (*pass_one_message)(void) = (int (*)(void))dlsym(library, "pass_one_message");
    #endif
        int ends[2], epoll = epoll_create1(0);
        struct epoll_event event = { EPOLLIN, { .u64 = 1 } };
        char buffer[100];
        socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
        epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
        int passed = pass_one_message();
        write(ends[1], buffer, 100);
        epoll_wait(epoll, &event, 1, -1);
        read(ends[0], buffer, 100);
        printf("%d\n", passed);
        return 0;
    }
"#;

/// What a trace of the library holds: its own socket's message, and nothing of the host.
fn check_library(output: &Output, trace: &Trace) {
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "16");
    for name in ["reactor", "sources", "readiness", "operations"] {
        let found = capability(trace, name);
        assert_eq!(found.visibility, visibility::RECORDED, "{name}");
        let tells = "only what that library calls itself is seen";
        assert!(found.note.contains("libin_library.so"), "{}", found.note);
        assert!(found.note.contains(tells), "{}", found.note);
    }
    assert_eq!(bytes(&operations(trace, operation_kind::WRITE)), 16);
    assert_eq!(bytes(&operations(trace, operation_kind::READ)), 16);
    // The message's two ends, and the pair by which the runtime hears of signals, of which it
    // registers one.
    assert_eq!(sources(trace, source_kind::UNIX_STREAM).len(), 3);
}

#[test]
fn a_library_that_is_loaded_sees_its_own_calls_and_says_so() {
    let folder = Folder::new();
    let host = compile(&folder, "host", HOST, &["-ldl"]);
    let (output, trace) = trace_of(&host, |command| {
        command.arg(program("libin_library.so"));
    });
    check_library(&output, &trace);
}

#[test]
fn a_library_that_is_linked_takes_no_call_of_its_host() {
    let folder = Folder::new();
    let library = program("libin_library.so");
    let library = library.to_str().unwrap();
    let host = compile(&folder, "host", HOST, &["-DLINKED", library]);
    let (output, trace) = trace_of(&host, |_| ());
    check_library(&output, &trace);
}

/// Counts the calls that come by and passes them on, as tools that are preloaded do.
const NEIGHBOUR: &str = r#"
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <sys/epoll.h>
    #include <sys/types.h>
    #include <sys/socket.h>
    static long receives, sends, waits;
    ssize_t recv(int fd, void *buffer, size_t size, int flags) {
        ssize_t (*next)(int, void *, size_t, int) = dlsym(RTLD_NEXT, "recv");
        ssize_t got = next(fd, buffer, size, flags);
        if (got == 11) receives++; /* The probe talks to its collector too. */
        return got;
    }
    ssize_t send(int fd, const void *buffer, size_t size, int flags) {
        ssize_t (*next)(int, const void *, size_t, int) = dlsym(RTLD_NEXT, "send");
        ssize_t sent = next(fd, buffer, size, flags);
        if (sent == 11) sends++;
        return sent;
    }
    int epoll_wait(int fd, struct epoll_event *events, int most, int timeout) {
        int (*next)(int, struct epoll_event *, int, int) = dlsym(RTLD_NEXT, "epoll_wait");
        waits++;
        return next(fd, events, most, timeout);
    }
    __attribute__((destructor)) static void tell(void) {
        fprintf(stderr, "%ld %ld %ld\n", receives, sends, waits);
    }
"#;

#[test]
fn a_preloaded_neighbour_sees_what_the_probe_sees() {
    let folder = Folder::new();
    let neighbour = compile(
        &folder,
        "neighbour.so",
        NEIGHBOUR,
        &["-shared", "-fPIC", "-ldl"],
    );
    let (output, trace) = trace_of(&program("messages"), |command| {
        command.env("LD_PRELOAD", neighbour);
    });
    let told = String::from_utf8_lossy(&output.stderr);
    let told: Vec<u64> = told
        .split_whitespace()
        .map(|each| each.parse().unwrap())
        .collect();
    let (receives, sends, waits) = (told[0], told[1], told[2]);
    // Of 11 bytes each: a connected datagram socket's echo, a stream's answer, and three copies.
    assert_eq!((receives, sends), (2 * 20 + 3, 2 * 20 + 3));
    let parks = trace.count(|event| matches!(event, EventRecord::Park(_)));
    assert_eq!(waits, parks as u64);
    assert!(is_recorded(&trace, "operations") && is_recorded(&trace, "reactor"));
    let said = format!(
        r#"{{"bytesRead":{},"bytesWritten":{}}}"#,
        bytes(&operations(&trace, operation_kind::READ)),
        bytes(&operations(&trace, operation_kind::WRITE)),
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), said);
}

#[test]
fn beside_a_sanitizer_nothing_is_taken_and_that_is_said() {
    let folder = Folder::new();
    let text = "void __tsan_init(void) {}";
    let sanitizer = compile(&folder, "sanitizer.so", text, &["-shared", "-fPIC"]);
    let (_, trace) = trace_of(&program("messages"), |command| {
        command.env("LD_PRELOAD", sanitizer);
    });
    for name in ["reactor", "sources", "readiness", "operations"] {
        let found = capability(&trace, name);
        assert_eq!(found.visibility, visibility::NOT_RECORDED, "{name}");
        assert!(found.note.contains("ThreadSanitizer"), "{}", found.note);
    }
    let of_reactor = |event: &EventRecord| {
        matches!(
            event,
            EventRecord::Park(_) | EventRecord::Readiness(_) | EventRecord::Operation(_)
        )
    };
    assert_eq!(trace.count(of_reactor), 0);
    assert!(trace.count(|event| matches!(event, EventRecord::PollStart(_))) > 0);
}

#[test]
fn a_program_that_defines_a_call_itself_keeps_its_own_and_that_is_said() {
    let (output, trace) = trace_of(&program("own_definitions"), |_| ());
    let calls = String::from_utf8_lossy(&output.stdout);
    assert_eq!(calls.trim(), "1", "the program's own function was called");
    let found = capability(&trace, "operations");
    assert_eq!(found.visibility, visibility::RECORDED);
    let tells = "another definition comes first, so these calls are not seen: recv";
    assert!(found.note.ends_with(tells), "{}", found.note);
    // It goes on to `recvfrom`, which is the probe's.
    assert_eq!(bytes(&operations(&trace, operation_kind::READ)), 5);
    assert_eq!(bytes(&operations(&trace, operation_kind::WRITE)), 5);
}
