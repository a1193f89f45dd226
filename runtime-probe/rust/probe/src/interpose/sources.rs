//! Owns which descriptors and tokens are registered with a reactor, and as which sources, and
//! which descriptors are copies of such.
//! It must not know of system calls other than those that tell what a descriptor is.

use std::collections::HashMap;
use std::ffi::c_int;
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use wakeline_wire::source_kind;

/// Descriptors from this number on are not looked up: their operations are not recorded.
/// 2^17 × 8 bytes are 1 MiB of zero pages, of which the system gives those that are used.
const DESCRIPTORS: usize = 1 << 17;

/// What is known of each descriptor in one word: 0 nothing, [`LEFT_ALONE`], a [`Connect`],
/// else a source's id above its kind's five bits.
static TABLE: [AtomicU64; DESCRIPTORS] = [const { AtomicU64::new(0) }; DESCRIPTORS];
/// A reactor of our own executor, which tells for itself.
const LEFT_ALONE: u64 = 1;
const KIND_BITS: u32 = 5;

/// A connect that a socket has made and that is not told yet, because it is no source.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(super) enum Connect {
    /// It takes its time.
    Begun = 2,
    Done = 3,
}

/// What a descriptor's number meant when it became a source: device and inode. Each socket
/// and pipe has its own; what the kernel makes without a file system (an eventfd) shares one.
pub(super) type Identity = (u64, u64);

/// A registered descriptor, or a copy of one.
#[derive(Clone, Copy)]
pub(super) struct Registered {
    pub(super) source: u64,
    pub(super) kind: u64,
    pub(super) identity: Identity,
    /// What stands for it in its reactor; none of a copy that is not registered.
    token: Option<u64>,
    /// Whether the other end is known: a socket that still connects has none.
    pub(super) has_peer: bool,
}

impl Registered {
    /// Whether it is registered with a reactor.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// A source that no token stands for yet.
    pub(super) fn of(source: u64, kind: u64, identity: Identity) -> Self {
        Self {
            source,
            kind,
            identity,
            token: None,
            has_peer: false,
        }
    }
}

/// What a token stands for.
#[derive(Clone, Copy)]
enum Token {
    One(c_int),
    /// So many descriptors, of several reactors, have it now: which one is meant cannot be
    /// told, because the descriptor that a runtime waits on is a duplicate of the one that
    /// it registers with.
    Several(u32),
}

#[derive(Default)]
pub(super) struct Sources {
    by_descriptor: HashMap<c_int, Registered>,
    by_token: HashMap<u64, Token>,
}

static SOURCES: Mutex<Option<Sources>> = Mutex::new(None);

/// All sources. Taken at registrations and once per turn that has events, never by a read
/// or a write.
pub(super) struct Locked(MutexGuard<'static, Option<Sources>>);

pub(super) fn lock() -> Locked {
    Locked(SOURCES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Takes the lock, as a registration on another thread does.
#[cfg(all(test, not(loom)))]
pub(crate) fn taken() -> impl Sized {
    lock()
}

/// What a descriptor is to us; see [`TABLE`]. `None` for impossible ones.
#[inline]
fn word(fd: c_int) -> Option<&'static AtomicU64> {
    TABLE.get(usize::try_from(fd).ok()?)
}

/// The source behind a descriptor and its kind.
#[inline]
pub(super) fn source_of(fd: c_int) -> Option<(u64, u64)> {
    let word = word(fd)?;
    // Ordering: none needed; who uses a descriptor has synchronised with who registered it.
    let word = word.load(Ordering::Relaxed);
    let is_source = word >> KIND_BITS != 0;
    is_source.then_some((word >> KIND_BITS, word & ((1 << KIND_BITS) - 1)))
}

/// Remembers the connect of a descriptor that means nothing yet.
pub(super) fn set_connect(fd: c_int, connect: Connect) {
    if let Some(word) = word(fd).filter(|word| word.load(Ordering::Relaxed) != LEFT_ALONE) {
        word.store(connect as u64, Ordering::Relaxed);
    }
}

/// The connect that was remembered.
pub(super) fn take_connect(fd: c_int) -> Option<Connect> {
    let found = word(fd)?.load(Ordering::Relaxed);
    let all = [Connect::Begun, Connect::Done];
    all.into_iter().find(|connect| *connect as u64 == found)
}

/// Whether the number means anything here: one load.
#[inline]
pub(super) fn is_known(fd: c_int) -> bool {
    word(fd).is_some_and(|word| word.load(Ordering::Relaxed) != 0)
}

/// The numbers from `first` to `last` that mean something here.
pub(super) fn numbers_in_use(first: u32, last: u32) -> impl Iterator<Item = c_int> {
    let end = (last as usize).min(DESCRIPTORS - 1);
    let numbers = first as usize..=end;
    numbers.map(|fd| fd as c_int).filter(|fd| is_known(*fd))
}

/// What happens on this reactor is told otherwise.
pub(crate) fn leave_alone(fd: c_int) {
    if let Some(word) = word(fd) {
        word.store(LEFT_ALONE, Ordering::Relaxed);
    }
}

pub(super) fn is_left_alone(fd: c_int) -> bool {
    word(fd).is_some_and(|word| word.load(Ordering::Relaxed) == LEFT_ALONE)
}

/// The descriptor is closed, so its number may soon mean something else.
pub(super) fn forget_number(fd: c_int) {
    if let Some(word) = word(fd) {
        word.store(0, Ordering::Relaxed);
    }
}

impl Locked {
    fn sources(&mut self) -> &mut Sources {
        self.0.get_or_insert_with(Sources::default)
    }

    /// The descriptor's source, if it has one.
    pub(super) fn get(&mut self, fd: c_int) -> Option<Registered> {
        self.sources().by_descriptor.get(&fd).copied()
    }

    /// A descriptor that was no source.
    pub(super) fn insert(&mut self, fd: c_int, registered: Registered) {
        let Registered { source, kind, .. } = registered;
        self.sources().by_descriptor.insert(fd, registered);
        if let Some(word) = word(fd) {
            word.store(source << KIND_BITS | kind, Ordering::Relaxed);
        }
    }

    /// The token that stands for the descriptor from now on.
    pub(super) fn set_token(&mut self, fd: c_int, token: u64) {
        let Some(registered) = self.sources().by_descriptor.get_mut(&fd) else {
            return;
        };
        let before = registered.token.replace(token);
        if before != Some(token) {
            self.remove_token(before);
            self.add_token(token, fd);
        }
    }

    pub(super) fn remove(&mut self, fd: c_int) -> Option<Registered> {
        let registered = self.sources().by_descriptor.remove(&fd)?;
        self.remove_token(registered.token);
        forget_number(fd);
        Some(registered)
    }

    pub(super) fn set_peer_known(&mut self, fd: c_int) {
        if let Some(registered) = self.sources().by_descriptor.get_mut(&fd) {
            registered.has_peer = true;
        }
    }

    /// What the kernel means by this token, where there is one answer.
    pub(super) fn by_token(&mut self, token: u64) -> Option<(c_int, Registered)> {
        let sources = self.sources();
        match sources.by_token.get(&token)? {
            Token::One(fd) => Some((*fd, *sources.by_descriptor.get(fd)?)),
            Token::Several(_) => None,
        }
    }

    fn add_token(&mut self, token: u64, fd: c_int) {
        let tokens = &mut self.sources().by_token;
        let now = match tokens.get(&token) {
            None => Token::One(fd),
            Some(Token::One(_)) => Token::Several(2),
            Some(Token::Several(count)) => Token::Several(count + 1),
        };
        tokens.insert(token, now);
    }

    fn remove_token(&mut self, token: Option<u64>) {
        let Some(token) = token else { return };
        let tokens = &mut self.sources().by_token;
        match tokens.get_mut(&token) {
            Some(Token::Several(count)) if *count > 1 => *count -= 1,
            _ => drop(tokens.remove(&token)),
        }
    }
}

/// What kind of thing a descriptor is.
pub(super) fn kind_of(fd: c_int) -> u64 {
    let (family, kind) = (option(fd, libc::SO_DOMAIN), option(fd, libc::SO_TYPE));
    let listens = option(fd, libc::SO_ACCEPTCONN) == Some(1);
    match (family, kind, listens) {
        (Some(libc::AF_UNIX), Some(libc::SOCK_DGRAM), _) => source_kind::UNIX_DATAGRAM,
        (Some(libc::AF_UNIX), _, true) => source_kind::UNIX_LISTENER,
        (Some(libc::AF_UNIX), _, false) => source_kind::UNIX_STREAM,
        (Some(libc::AF_INET | libc::AF_INET6), Some(libc::SOCK_DGRAM), _) => {
            source_kind::UDP_SOCKET
        }
        (Some(libc::AF_INET | libc::AF_INET6), Some(libc::SOCK_STREAM), true) => {
            source_kind::TCP_LISTENER
        }
        (Some(libc::AF_INET | libc::AF_INET6), Some(libc::SOCK_STREAM), false) => {
            source_kind::TCP_STREAM
        }
        (Some(_), _, _) => source_kind::UNKNOWN,
        (None, _, _) => kind_of_no_socket(fd),
    }
}

fn kind_of_no_socket(fd: c_int) -> u64 {
    let link = std::fs::read_link(format!("/proc/self/fd/{fd}"));
    let name = link.map_or_else(
        |_| String::new(),
        |link| link.to_string_lossy().into_owned(),
    );
    match name.as_str() {
        "anon_inode:[eventfd]" => source_kind::EVENT_FD,
        "anon_inode:[io_uring]" => source_kind::IO_URING,
        "anon_inode:[pidfd]" => source_kind::CHILD,
        "anon_inode:[signalfd]" => source_kind::SIGNAL,
        "anon_inode:[timerfd]" => source_kind::TIMER_FD,
        name if name.starts_with("pipe:") => source_kind::PIPE,
        _ => source_kind::UNKNOWN,
    }
}

fn option(fd: c_int, name: c_int) -> Option<c_int> {
    let mut value: c_int = 0;
    let mut size = size_of::<c_int>() as libc::socklen_t;
    let to = std::ptr::from_mut(&mut value).cast();
    // SAFETY: both pointers are to values of ours, of the size stated.
    let result = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, name, to, &mut size) };
    (result == 0).then_some(value)
}

/// Device and inode behind a descriptor; zeros when it is not open.
pub(super) fn identity_of(fd: c_int) -> Identity {
    // SAFETY: all zero is a valid value of this plain structure.
    let mut found: libc::stat = unsafe { zeroed() };
    // SAFETY: the pointer is to a value of ours.
    match unsafe { libc::fstat(fd, &mut found) } {
        0 => (found.st_dev, found.st_ino),
        _ => (0, 0),
    }
}

/// How many bytes lie in the kernel's buffer of a source that can be read: of a datagram
/// socket those of the next datagram. None where there is no such number, or the descriptor
/// has become something else meanwhile.
pub(super) fn waiting_bytes(fd: c_int, registered: &Registered) -> Option<u64> {
    use source_kind::{PIPE, TCP_STREAM, UDP_SOCKET, UNIX_DATAGRAM, UNIX_STREAM};
    let has_buffer = [TCP_STREAM, UNIX_STREAM, UDP_SOCKET, UNIX_DATAGRAM, PIPE];
    if !has_buffer.contains(&registered.kind) {
        return None;
    }
    let mut bytes: c_int = 0;
    // SAFETY: the pointer is to a value of ours.
    let result = unsafe { libc::ioctl(fd, libc::FIONREAD, &mut bytes) };
    let is_same = source_of(fd).is_some_and(|(source, _)| source == registered.source);
    u64::try_from(bytes).ok().filter(|_| result == 0 && is_same)
}

/// The socket's own address; empty when it has none that is text.
pub(super) fn local_address(fd: c_int) -> String {
    address(fd, libc::getsockname)
}

/// The address of the other end; empty when there is none, or none yet.
pub(super) fn peer_address(fd: c_int) -> String {
    address(fd, libc::getpeername)
}

type NameCall = unsafe extern "C" fn(c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> c_int;

fn address(fd: c_int, call: NameCall) -> String {
    // SAFETY: all zero is a valid value of this plain structure.
    let mut storage: libc::sockaddr_storage = unsafe { zeroed() };
    let mut size = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: both pointers are to values of ours, of the size stated.
    if unsafe { call(fd, std::ptr::from_mut(&mut storage).cast(), &mut size) } != 0 {
        return String::new();
    }
    let from = std::ptr::from_ref(&storage);
    match c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says what the storage holds.
            let found = unsafe { &*from.cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(found.sin_addr.s_addr));
            SocketAddr::from((ip, u16::from_be(found.sin_port))).to_string()
        }
        libc::AF_INET6 => {
            // SAFETY: the family says what the storage holds.
            let found = unsafe { &*from.cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(found.sin6_addr.s6_addr);
            SocketAddr::from((ip, u16::from_be(found.sin6_port))).to_string()
        }
        libc::AF_UNIX => {
            // SAFETY: the family says what the storage holds.
            let found = unsafe { &*from.cast::<libc::sockaddr_un>() };
            let bytes: Vec<u8> = found.sun_path.iter().map(|byte| *byte as u8).collect();
            let end = bytes
                .iter()
                .position(|byte| *byte == 0)
                .unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        }
        _ => String::new(),
    }
}
