//! A program listens, and a collector attaches: only with the token, one at a time, and each
//! attachment sees everything that is alive. Nothing is recorded between them.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use support::{child, finish, role, wait_to_hear, Folder, Trace, GO, PATIENCE, TOKEN};
use wakeline_executor::time::sleep;
use wakeline_executor::{spawn_named, Runtime};
use wakeline_wire::frame::{parse_token, preamble, PREAMBLE_BYTES, REPLY_HEAD_BYTES};
use wakeline_wire::stream::StreamDecoder;
use wakeline_wire::{role as peer, task_state, DictionaryRecord, EventRecord};

fn program() {
    let recording = wakeline::init!();
    assert!(recording.is_active());
    let go = PathBuf::from(std::env::var(GO).unwrap());
    let runtime = Runtime::single().build().unwrap();
    runtime.block_on(async {
        let waits = spawn_named("waits", async { sleep(Duration::from_secs(3600)).await });
        let busy = spawn_named("busy", async move {
            // The one before it has been polled, too.
            support::say("runs");
            while !go.exists() {
                sleep(Duration::from_millis(1)).await;
            }
        });
        busy.await.unwrap();
        waits.abort();
    });
    support::say(&format!("refused {}", recording.refused_peers()));
}

/// Connects as soon as the program listens.
fn connect(socket: &PathBuf) -> UnixStream {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Ok(stream) = UnixStream::connect(socket) {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            return stream;
        }
        assert!(Instant::now() < end, "the program does not listen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What the program answers to this preamble: its status and message.
fn answer(stream: &mut UnixStream, preamble: &[u8; PREAMBLE_BYTES]) -> (u8, String) {
    stream.write_all(preamble).unwrap();
    let mut head = [0; REPLY_HEAD_BYTES];
    stream.read_exact(&mut head).unwrap();
    let mut message = vec![0; usize::from(u16::from_le_bytes([head[2], head[3]]))];
    stream.read_exact(&mut message).unwrap();
    (head[0], String::from_utf8(message).unwrap())
}

/// Attaches as soon as the program has noticed that whoever was attached has gone. Adds how
/// often it was refused until then.
fn attach(socket: &PathBuf, refused: &mut usize) -> UnixStream {
    let token = parse_token(TOKEN).unwrap();
    let end = Instant::now() + PATIENCE;
    loop {
        let mut stream = connect(socket);
        let (status, message) = answer(&mut stream, &preamble(peer::COLLECTOR, &token));
        if status == 0 {
            assert_eq!(message, "");
            return stream;
        }
        assert!(message.contains("attached"), "{message}");
        assert!(
            Instant::now() < end,
            "it never notices that nobody is attached"
        );
        *refused += 1;
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Reads until what came makes `is_there` true.
fn read_until(stream: &mut UnixStream, bytes: &mut Vec<u8>, is_there: impl Fn(&Trace) -> bool) {
    let mut piece = [0; 65536];
    loop {
        let count = match stream.read(&mut piece) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.unwrap(),
        };
        assert!(count > 0, "the program has hung up");
        bytes.extend_from_slice(&piece[..count]);
        let mut decoder = StreamDecoder::new();
        decoder.push(bytes, |_| ()).unwrap();
        if is_there(&Trace::decode(&bytes[..decoder.consumed_bytes() as usize])) {
            return;
        }
    }
}

fn polls(trace: &Trace) -> usize {
    trace.count(|event| matches!(event, EventRecord::PollStart(_)))
}

/// The task of this name, and the state in which the snapshot has it.
fn snapshot_of(trace: &Trace, name: &str) -> Option<u64> {
    let id = trace.dictionary.iter().find_map(|record| match record {
        DictionaryRecord::Task(task) if task.name != 0 && trace.text(task.name) == name => {
            Some(task.id)
        }
        _ => None,
    })?;
    trace.all().find_map(|event| match event {
        EventRecord::SnapshotTask(told) if told.task == id => Some(told.state),
        _ => None,
    })
}

#[test]
fn who_has_the_token_attaches_and_sees_all_that_is_alive() {
    if role().is_some() {
        return program();
    }
    let folder = Folder::new();
    let socket = folder.0.join("program.sock");
    // A socket that a killed program has left is in nobody's way.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let go = folder.0.join("go");
    let mut command = child(
        "who_has_the_token_attaches_and_sees_all_that_is_alive",
        "listen",
    );
    command
        .env(GO, &go)
        .env("WAKELINE_LISTEN", format!("unix:{}", socket.display()))
        .env("WAKELINE_TOKEN", TOKEN);
    let mut running = command.spawn().unwrap();
    let mut output = wait_to_hear(&mut running, "runs");

    let token = parse_token(TOKEN).unwrap();
    let mut wrong = token;
    wrong[15] ^= 1;
    for (preamble, reason) in [
        (preamble(peer::COLLECTOR, &wrong), "WAKELINE_TOKEN"),
        (preamble(peer::COLLECTOR, &[0; 16]), "WAKELINE_TOKEN"),
        (preamble(peer::PROGRAM, &token), "collector"),
    ] {
        let (status, message) = answer(&mut connect(&socket), &preamble);
        assert_eq!(status, 1);
        assert!(message.contains(reason), "{message}");
    }

    let mut refused = 3;
    let mut sessions = Vec::new();
    for attachment in 0..2 {
        let mut stream = attach(&socket, &mut refused);
        let mut bytes = Vec::new();
        read_until(&mut stream, &mut bytes, |trace| polls(trace) > 20);
        // Whoever comes meanwhile is told why not.
        let second = preamble(peer::COLLECTOR, &token);
        let (status, message) = answer(&mut connect(&socket), &second);
        assert_eq!(status, 1);
        assert!(message.contains("attached"), "{message}");
        refused += 1;
        let mut decoder = StreamDecoder::new();
        decoder.push(&bytes, |_| ()).unwrap();
        let trace = Trace::decode(&bytes[..decoder.consumed_bytes() as usize]);
        trace.check();
        let of_snapshot = snapshot_of(&trace, "waits");
        assert_eq!(
            of_snapshot,
            Some(task_state::IDLE),
            "attachment {attachment}"
        );
        assert!(trace.hellos[0].ring_file.is_empty());
        sessions.push(trace.hellos[0].session.clone());
        // The program notices, and goes on unrecorded.
        drop(stream);
    }
    assert_ne!(sessions[0], sessions[1], "each attachment is a session");

    let mut last = attach(&socket, &mut refused);
    let mut bytes = Vec::new();
    read_until(&mut last, &mut bytes, |trace| polls(trace) > 5);
    std::fs::write(&go, "").unwrap();
    last.read_to_end(&mut bytes).unwrap();
    // The program waits until both sides are closed.
    drop(last);
    let mut said = String::new();
    output.read_to_string(&mut said).unwrap();
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");
    assert!(said.contains(&format!("refused {refused}\n")), "{said}");
    let trace = Trace::decode(&bytes);
    trace.check();
    assert!(
        trace.end.is_some(),
        "the program's end is the attachment's end"
    );
    assert!(!socket.exists(), "the socket is removed");
}

#[test]
fn listening_needs_a_token_and_stays_on_the_machine() {
    if role().is_some() {
        wakeline::init!();
        return support::say("done");
    }
    let test = "listening_needs_a_token_and_stays_on_the_machine";
    for (address, token, reason) in [
        ("tcp://127.0.0.1:0", "", "WAKELINE_TOKEN"),
        ("tcp://0.0.0.0:0", TOKEN, "loopback"),
        ("unix:/no/such/folder/socket", TOKEN, "cannot listen"),
    ] {
        let mut command = child(test, "refused");
        command
            .env("WAKELINE_LISTEN", address)
            .env("WAKELINE_TOKEN", token);
        let output = finish(command.spawn().unwrap());
        assert!(output.status.success());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            told.contains("wakeline:") && told.contains(reason),
            "{told}"
        );
        assert!(String::from_utf8_lossy(&output.stdout).contains("done"));
    }
}
