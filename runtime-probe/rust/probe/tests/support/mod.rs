//! Owns what the probe's tests share: a collector that records, and children that the test
//! program starts of itself. It must not know what a test expects.
#![allow(dead_code, unreachable_pub)] // Each test uses its part.

#[cfg(target_os = "linux")]
pub mod reactor;
mod trace;

pub use trace::Trace;

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, Once};
use std::time::{Duration, Instant};

use wakeline_executor::observe::{Observer, Outcome};
use wakeline_wire::frame::{Frame, FrameSplitter, PREAMBLE_BYTES, REPLY_HEAD_BYTES};
use wakeline_wire::payload::{ChunkHead, Control, End, Hello};
use wakeline_wire::stream::{Item, StreamDecoder, TimedEvent};
use wakeline_wire::{
    frame_kind, poll_outcome, DictionaryRecord, EventRecord, PollEnd, PollStart, Readiness,
    TimerCancel,
};

/// The token that collectors of tests expect.
pub const TOKEN: &str = "00112233445566778899aabbccddeeff";
/// Set in children: what they are to do.
pub const ROLE: &str = "WAKELINE_TEST_ROLE";
/// Set in children: the file for whose appearance they wait.
pub const GO: &str = "WAKELINE_TEST_GO";
/// Nothing in these tests takes that long, on however busy a machine; what does is stuck.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// The longest life of a child: longer than the longest test that starts one.
const CHILD_LIFE: Duration = Duration::from_secs(600);
/// How long a child's end waits for its collector here, as `WAKELINE_EXIT_MS`: what a test
/// expects must arrive, where in use 300 ms are all that a program may lose.
const EXIT_MS: &str = "60000";

/// A folder that is removed at the end of the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wakeline-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One accepted connection after the other, each with the bytes that followed its preamble.
#[derive(Default)]
struct Received {
    connections: Vec<Vec<u8>>,
    closed: usize,
    refused: usize,
    watermark_frames: usize,
}

/// A collector: accepts, checks the token, keeps what comes.
pub struct Collector {
    folder: Folder,
    received: Arc<(Mutex<Received>, Condvar)>,
    streams: Arc<Mutex<Vec<UnixStream>>>,
    stalled: Arc<AtomicBool>,
}

impl Collector {
    pub fn start() -> Self {
        let collector = Self::stopped();
        collector.listen();
        collector
    }

    /// A collector that does not listen yet.
    pub fn stopped() -> Self {
        Self {
            folder: Folder::new(),
            received: Arc::default(),
            streams: Arc::default(),
            stalled: Arc::default(),
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.0.join("collector.sock")
    }

    pub fn address(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    pub fn listen(&self) {
        let _ = std::fs::remove_file(self.socket());
        let listener = UnixListener::bind(self.socket()).unwrap();
        let received = Arc::clone(&self.received);
        let streams = Arc::clone(&self.streams);
        let stalled = Arc::clone(&self.stalled);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                streams.lock().unwrap().push(stream.try_clone().unwrap());
                let received = Arc::clone(&received);
                let stalled = Arc::clone(&stalled);
                std::thread::spawn(move || serve(stream, &received, &stalled));
            }
        });
    }

    /// Stops or goes on reading.
    pub fn set_stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::SeqCst);
    }

    /// A file by which a test tells its child to go on.
    pub fn go_file(&self) -> PathBuf {
        self.folder.0.join("go")
    }

    /// Breaks all connections.
    pub fn break_connections(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }

    pub fn send_control(&self, control: Control) {
        let mut frame = Vec::new();
        Item::Control(control).encode(&mut frame);
        for stream in self.streams.lock().unwrap().iter_mut() {
            let _ = stream.write_all(&frame);
        }
    }

    /// Waits until what came makes `is_there` true.
    pub fn wait_until(&self, what: &str, mut is_there: impl FnMut(&[Vec<u8>]) -> bool) {
        let (received, changed) = &*self.received;
        let end = Instant::now() + PATIENCE;
        let mut guard = received.lock().unwrap();
        while !is_there(&guard.connections) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for {what}");
            guard = changed.wait_timeout(guard, left).unwrap().0;
        }
    }

    /// Waits for as many watermarks: these follow what they tell of.
    pub fn wait_for_watermarks(&self, frames: usize) {
        let (received, changed) = &*self.received;
        let end = Instant::now() + PATIENCE;
        let mut guard = received.lock().unwrap();
        while guard.watermark_frames < frames {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for watermarks");
            guard = changed.wait_timeout(guard, left).unwrap().0;
        }
    }

    pub fn refused(&self) -> usize {
        self.received.0.lock().unwrap().refused
    }

    /// All bytes so far, of all connections one after the other: the recording.
    pub fn recording(&self) -> Vec<u8> {
        self.received.0.lock().unwrap().connections.concat()
    }

    /// What came over one connection.
    pub fn connection(&self, index: usize) -> Vec<u8> {
        self.received.0.lock().unwrap().connections[index].clone()
    }

    /// Waits until all connections are closed, then decodes.
    pub fn trace(&self) -> Trace {
        self.wait_until_closed();
        Trace::decode(&self.recording())
    }

    /// Waits until all connections are closed, then gives what came in whole frames.
    pub fn trace_bytes(&self) -> Vec<u8> {
        self.wait_until_closed();
        let mut bytes = self.recording();
        let mut decoder = StreamDecoder::new();
        decoder.push(&bytes, |_| ()).unwrap();
        bytes.truncate(decoder.consumed_bytes() as usize);
        bytes
    }

    fn wait_until_closed(&self) {
        let (received, changed) = &*self.received;
        let end = Instant::now() + PATIENCE;
        let mut guard = received.lock().unwrap();
        while guard.closed < guard.connections.len() || guard.connections.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for the program to close");
            guard = changed.wait_timeout(guard, left).unwrap().0;
        }
    }
}

fn serve(mut stream: UnixStream, received: &(Mutex<Received>, Condvar), stalled: &AtomicBool) {
    let mut preamble = [0; PREAMBLE_BYTES];
    if stream.read_exact(&mut preamble).is_err() {
        return;
    }
    let token = wakeline_wire::frame::parse_token(TOKEN).unwrap();
    if preamble[12..] != token {
        received.0.lock().unwrap().refused += 1;
        received.1.notify_all();
        let message = b"wrong token";
        let mut reply = vec![1, 0, message.len() as u8, 0];
        reply.extend_from_slice(message);
        let _ = stream.write_all(&reply);
        return;
    }
    let _ = stream.write_all(&[0; REPLY_HEAD_BYTES]);
    let index = {
        let mut guard = received.0.lock().unwrap();
        guard.connections.push(Vec::new());
        guard.connections.len() - 1
    };
    let mut bytes = [0; 65536];
    let mut splitter = FrameSplitter::new();
    loop {
        while stalled.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let count = stream.read(&mut bytes).unwrap_or(0);
        let mut guard = received.0.lock().unwrap();
        if count == 0 {
            // The other handle of it is kept; the program waits for this.
            let _ = stream.shutdown(std::net::Shutdown::Both);
            guard.closed += 1;
            received.1.notify_all();
            return;
        }
        let count_watermarks = |frame: Frame<'_>| {
            guard.watermark_frames += usize::from(frame.kind == frame_kind::WATERMARKS);
            Ok(())
        };
        splitter.push(&bytes[..count], count_watermarks).unwrap();
        guard.connections[index].extend_from_slice(&bytes[..count]);
        received.1.notify_all();
    }
}

/// The role that a child was started for; `None` in the test itself. A child whose test failed
/// or was killed, and so never lets it go on, ends by itself.
pub fn role() -> Option<String> {
    static BOUND: Once = Once::new();
    let role = std::env::var(ROLE).ok()?;
    BOUND.call_once(|| {
        std::thread::spawn(|| {
            let test = std::os::unix::process::parent_id();
            let end = Instant::now() + CHILD_LIFE;
            while Instant::now() < end && std::os::unix::process::parent_id() == test {
                std::thread::sleep(Duration::from_secs(1));
            }
            // A test that was killed reads no more: `eprintln!` would panic instead.
            let _ = writeln!(
                std::io::stderr(),
                "the test has let go of its child, which ends itself"
            );
            std::process::abort();
        });
    });
    Some(role)
}

/// A command that runs one test of this program again, as a child with a role.
pub fn child(test: &str, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env_remove("WAKELINE")
        .env_remove("WAKELINE_TOKEN")
        // A test that is not about them counts each event and greeting, and begins at once.
        .env("WAKELINE_AWAIT_SITES", "0")
        .env("WAKELINE_EXIT_MS", EXIT_MS)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn connected(mut command: Command, collector: &Collector) -> Command {
    command
        .env(GO, collector.go_file())
        .env("WAKELINE", collector.address())
        .env("WAKELINE_TOKEN", TOKEN);
    command
}

/// Waits until a child says so: in it, [`say`]. The result must be kept until the child has
/// ended, which cannot write otherwise.
#[must_use]
pub fn wait_to_hear(child: &mut Child, word: &str) -> impl BufRead {
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let heard = output.by_ref().lines().any(|line| line.unwrap() == word);
    assert!(heard, "the child does not say {word}");
    output
}

/// In a child: tells the test. On a line of its own, as the test harness writes too.
pub fn say(word: &str) {
    println!("\n{word}");
}

/// Waits for a child; one that takes too long is killed and fails the test.
pub fn finish(mut child: Child) -> Output {
    let end = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            child.kill().unwrap();
            panic!("the child did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

/// Ring files that a process has left or still has.
pub fn ring_files(pid: u32) -> Vec<PathBuf> {
    let prefix = format!("wakeline-{pid}-");
    let Ok(entries) = std::fs::read_dir(Path::new("/dev/shm")) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .collect()
}

/// In a child: whether the test has said so.
pub fn has_go() -> bool {
    PathBuf::from(std::env::var(GO).unwrap()).exists()
}

/// In a child: waits until the test says so.
pub fn wait_for_go() {
    let end = Instant::now() + PATIENCE;
    while !has_go() {
        assert!(Instant::now() < end, "the test does not say go");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// In a child: numbers that look random and are the same in the test.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// The next one: mostly small, now and then up to 53 bits.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 & ((1 << 53) - 1)) >> (self.0 >> 58).min(52)
    }
}

/// In a child: records `count` events that [`expected`] tells again.
pub fn record(observer: &dyn Observer, seed: u64, count: u64) {
    let numbers = &mut Numbers::new(seed);
    for index in 0..count {
        let (task, value) = (numbers.next(), numbers.next());
        match index % 4 {
            0 => {
                observer.poll_start(task, value);
            }
            1 => observer.readiness(task, value as u8),
            2 => observer.timer_cancelled(value),
            _ => observer.poll_end(task, Outcome::Pending),
        }
    }
}

/// The events that [`record`] records.
pub fn expected(seed: u64, count: u64) -> Vec<EventRecord> {
    let numbers = &mut Numbers::new(seed);
    let mut events = Vec::new();
    for index in 0..count {
        let (task, value) = (numbers.next(), numbers.next());
        events.push(match index % 4 {
            0 => EventRecord::PollStart(PollStart { task, epoch: value }),
            1 => EventRecord::Readiness(Readiness {
                source: task,
                mask: value & 0xff,
                waiting_bytes: 0,
            }),
            2 => EventRecord::TimerCancel(TimerCancel { timer: value }),
            _ => EventRecord::PollEnd(PollEnd {
                outcome: poll_outcome::PENDING,
            }),
        });
    }
    events
}
