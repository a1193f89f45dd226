//! What the replaced system calls cost: nanoseconds of the calling thread's processor time
//! added to one call, at full detail, at lean detail, and with recording off.
//!
//! One process; the levels take turns. An epoll by hand on a socket that is always ready,
//! so that each `epoll_wait` gives one event, with one byte in the buffer.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use wakeline::Config;
use wakeline_wire::detail;
use wakeline_wire::frame::{PREAMBLE_BYTES, REPLY_HEAD_BYTES};

const RUNS: usize = 15;
const CALLS: u32 = 50_000;
const TOKEN: &str = "00112233445566778899aabbccddeeff";
/// What each figure is of, and at which level.
const LEVELS: &[(&str, u64)] = &[
    ("off", detail::OFF),
    ("lean", detail::LEAN),
    ("full", detail::FULL),
];

fn main() {
    let folder = std::env::temp_dir().join(format!("wakeline-reactor-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a folder for the socket");
    let socket = folder.join("collector.sock");
    let listener = UnixListener::bind(&socket).expect("a socket to listen on");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the probe connects");
        let mut preamble = [0; PREAMBLE_BYTES];
        stream.read_exact(&mut preamble).expect("a preamble");
        stream.write_all(&[0; REPLY_HEAD_BYTES]).expect("a reply");
        std::io::copy(&mut stream, &mut std::io::sink())
    });
    let mut config = Config::from_env();
    config.collector = Some(format!("unix:{}", socket.display()));
    config.token = TOKEN.into();
    config.memory_mib = Some(64);
    let recording = wakeline::init_with(config).expect("recording begins");

    let (here, mut there) = UnixStream::pair().expect("a pair");
    there.write_all(b"1").expect("a byte");
    let epoll = Epoll::watching(&here);
    let runs = if std::env::args().any(|argument| argument == "--bench") {
        RUNS
    } else {
        1
    };
    let mut waits = vec![Vec::new(); LEVELS.len()];
    let mut reads = vec![Vec::new(); LEVELS.len()];
    for _ in 0..runs {
        for (place, (_, level)) in LEVELS.iter().enumerate() {
            recording.set_detail(*level);
            // The flusher sets the level, in its next round, and sends what is left.
            std::thread::sleep(Duration::from_millis(60));
            waits[place].push(per_call(|| epoll.wait()));
            std::thread::sleep(Duration::from_millis(60));
            let mut nothing = [0; 1];
            // Into no space: the call is made, and takes nothing.
            reads[place].push(per_call(|| {
                let _ = (&here).read(&mut nothing[..0]);
            }));
        }
    }
    for (figure, times) in [
        ("epoll_wait with one event", &waits),
        ("read of a source", &reads),
    ] {
        for (place, (level, _)) in LEVELS.iter().enumerate() {
            let pairs = times[place].iter().zip(&times[0]);
            let mut added: Vec<f64> = match place {
                0 => times[0].clone(),
                _ => pairs.map(|(this, off)| this - off).collect(),
            };
            added.sort_by(f64::total_cmp);
            let about = if place == 0 {
                "thread time per call"
            } else {
                "thread time added per call to off"
            };
            println!(
                r#"{{"bench":"reactor","figure":"{about}","variant":"{figure}, {level}","value":{:.1},"unit":"ns","min":{:.1},"runs":{}}}"#,
                added[added.len() / 2],
                added[0],
                added.len(),
            );
        }
    }
    recording.finish();
    let _ = std::fs::remove_dir_all(&folder);
}

struct Epoll(i32);

impl Epoll {
    fn watching(stream: &UnixStream) -> Self {
        // SAFETY: it takes no pointer.
        let epoll = Self(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) });
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: 1,
        };
        let fd = stream.as_raw_fd();
        // SAFETY: the event is ours.
        let result = unsafe { libc::epoll_ctl(epoll.0, libc::EPOLL_CTL_ADD, fd, &mut event) };
        assert_eq!(result, 0, "the socket is registered");
        epoll
    }

    fn wait(&self) {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: there is room for one event.
        let count = unsafe { libc::epoll_wait(self.0, &mut event, 1, 0) };
        assert_eq!(count, 1, "the socket stays ready");
    }
}

fn per_call(call: impl FnMut()) -> f64 {
    let mut call = call;
    let before = thread_ns();
    for _ in 0..CALLS {
        call();
    }
    (thread_ns() - before) as f64 / f64::from(CALLS)
}

fn thread_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec of ours.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
