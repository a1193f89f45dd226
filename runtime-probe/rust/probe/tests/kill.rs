//! `kill -9`: what was published and not sent is read back from the ring file.
#![cfg(target_os = "linux")]

mod support;

use std::io::{BufRead, BufReader};
use std::time::Duration;

use support::{
    child, connected, expected, finish, record, ring_files, role, Collector, Folder, Trace,
};
use wakeline_wire::frame::{
    append_frame, read_recording_head, FrameSplitter, RECORDING_HEAD_BYTES,
};
use wakeline_wire::payload::ChunkHead;
use wakeline_wire::ring::{read_ring, ring_recording, slot_state};
use wakeline_wire::stream::{Item, Shapes};
use wakeline_wire::{frame_kind, Reader};

const THREADS: u64 = 2;
const EVENTS: u64 = 150_000;

/// Records, says so, and waits to be killed.
fn program() {
    let observer = wakeline::init().observer().unwrap();
    std::thread::scope(|scope| {
        for seed in 0..THREADS {
            let thread = std::thread::Builder::new().name(format!("killed {seed}"));
            let work = move || {
                record(observer, seed, EVENTS);
                println!("\nrecorded");
                std::thread::sleep(Duration::from_secs(3600));
            };
            thread.spawn_scoped(scope, work).unwrap();
        }
    });
}

#[test]
fn a_killed_program_loses_no_published_event() {
    if role().is_some() {
        return program();
    }
    let collector = Collector::start();
    collector.set_stalled(true);
    let name = "a_killed_program_loses_no_published_event";
    let mut running = connected(child(name, "killed"), &collector)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    for _ in 0..THREADS {
        assert!(lines.any(|line| line.unwrap() == "recorded"));
    }
    running.kill().unwrap();
    running.wait().unwrap();
    let files = ring_files(running.id());
    assert_eq!(files.len(), 1, "{files:?}");
    let bytes = std::fs::read(&files[0]).unwrap();
    std::fs::remove_file(&files[0]).unwrap();
    collector.set_stalled(false);

    // What came over the socket, without the frame that the kill has cut.
    let mut recording = collector.trace_bytes();
    let sent = Trace::decode(&recording).all().count();
    assert!(
        (sent as u64) < THREADS * EVENTS,
        "the stall kept a part back"
    );
    append_ring(&bytes, &mut recording);
    let trace = Trace::decode(&recording);
    for seed in 0..THREADS {
        assert!(
            trace.of_thread(&format!("killed {seed}")) == expected(seed, EVENTS),
            "thread {seed} lost something"
        );
    }
    assert_eq!(trace.broken_watermarks, []);
    assert!(trace.end.is_none());
}

#[test]
fn a_killed_program_that_records_itself_loses_no_published_event() {
    if role().is_some() {
        return program();
    }
    let folder = Folder::new();
    let file = folder.0.join("killed.wakeline");
    let name = "a_killed_program_that_records_itself_loses_no_published_event";
    let mut running = child(name, "killed")
        .env("WAKELINE_FILE", &file)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    for _ in 0..THREADS {
        assert!(lines.any(|line| line.unwrap() == "recorded"));
    }
    running.kill().unwrap();
    running.wait().unwrap();
    let files = ring_files(running.id());
    assert_eq!(files.len(), 1, "{files:?}");
    let bytes = std::fs::read(&files[0]).unwrap();
    std::fs::remove_file(&files[0]).unwrap();
    assert_eq!(ring_recording(&bytes), file.to_str());

    let mut recording = std::fs::read(&file).unwrap();
    read_recording_head(&recording).unwrap();
    recording.drain(..RECORDING_HEAD_BYTES);
    // The kill may have cut the last frame: what it held is in the ring still.
    recording.truncate(whole_frame_bytes(&recording));
    append_ring(&bytes, &mut recording);
    let trace = Trace::decode(&recording);
    for seed in 0..THREADS {
        assert!(
            trace.of_thread(&format!("killed {seed}")) == expected(seed, EVENTS),
            "thread {seed} lost something"
        );
    }
    assert!(trace.end.is_none());
}

#[test]
fn a_program_that_records_itself_leaves_no_ring_at_its_end() {
    if role().is_some() {
        wakeline::init!();
        return support::say("done");
    }
    let folder = Folder::new();
    let name = "a_program_that_records_itself_leaves_no_ring_at_its_end";
    let running = child(name, "ends")
        .env("WAKELINE_FILE", folder.0.join("ended.wakeline"))
        .spawn()
        .unwrap();
    let id = running.id();
    assert!(finish(running).status.success());
    assert_eq!(ring_files(id), Vec::<std::path::PathBuf>::new());
}

/// How many bytes the frames have that are whole.
fn whole_frame_bytes(stream: &[u8]) -> usize {
    let mut splitter = FrameSplitter::new();
    splitter.push(stream, |_| Ok(())).unwrap();
    splitter.consumed_bytes() as usize
}

/// Makes ordinary frames of what the ring holds, as a collector does: dictionary first,
/// then each thread's slots in order, without those that were sent.
fn append_ring(bytes: &[u8], recording: &mut Vec<u8>) {
    let shapes = Shapes::default();
    let mut slots = read_ring(bytes).unwrap();
    slots.sort_by_key(|slot| (slot.state, slot.thread, slot.sequence));
    let before = Trace::decode(recording);
    for slot in slots {
        if slot.state == slot_state::DICTIONARY {
            let records = shapes.dictionary(&mut Reader::new(slot.records)).unwrap();
            let (sequence, offset) = (slot.sequence, 0);
            Item::Dictionary {
                sequence,
                offset,
                records,
            }
            .encode(recording);
            continue;
        }
        if slot.sequence < before.sequence_of(slot.thread) {
            continue;
        }
        let events = shapes.events(&mut Reader::new(slot.records), slot.first_tick);
        let events = events.unwrap();
        let head = ChunkHead {
            thread: slot.thread,
            sequence: slot.sequence,
            offset: 0,
            dropped: slot.dropped,
            first_tick: slot.first_tick,
            last_tick: events.last().map_or(slot.first_tick, |event| event.tick),
            context: slot.context.clone(),
        };
        // The bytes as they are: decoded and encoded again they would be longer.
        append_frame(recording, frame_kind::CHUNK, |out| {
            head.encode(out);
            out.extend_from_slice(slot.records);
        });
    }
}
