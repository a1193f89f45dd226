//! Owns what the probe finds out of itself: which symbols are ours, for whose calls, and
//! what else watches them. It must not know what is recorded.

use std::ffi::{c_int, c_void, CStr};
use std::sync::atomic::Ordering;
use std::sync::OnceLock;

use libc::{dl_phdr_info, epoll_event, sigset_t, size_t, timespec};

use super::real::{errno, set_errno, Symbol};
use super::{IS_OFF, NO_TEST, TESTED};

extern "C" {
    // The lowest libc crate that the probe builds with does not know these.
    fn epoll_pwait2(
        epfd: c_int,
        events: *mut epoll_event,
        most: c_int,
        timeout: *const timespec,
        mask: *const sigset_t,
    ) -> c_int;
    fn close_range(first: u32, last: u32, flags: c_int) -> c_int;
    fn fcntl64(fd: c_int, command: c_int, ...) -> c_int;
}

/// What of the reactor is seen, with what is to be said of it.
#[derive(Clone, Default)]
pub(crate) struct Sight {
    /// The waits for readiness.
    pub(crate) waits: bool,
    /// What is registered, and what became ready.
    pub(crate) sources: bool,
    /// Reads and writes.
    pub(crate) operations: bool,
    /// Why not, or of which part only; empty when everything is seen.
    pub(crate) note: String,
}

static SIGHT: OnceLock<Sight> = OnceLock::new();

/// What [`prepare`] has found.
pub(crate) fn sight() -> Sight {
    SIGHT.get().cloned().unwrap_or_default()
}

/// Proves symbol by symbol that a call of the program comes here, and looks at who shares
/// the process. `runtime` is the address of a function of the runtime, where there is one
/// that is known.
pub(crate) fn prepare(runtime: Option<*const c_void>) {
    for symbol in Symbol::ALL {
        symbol.set_ours(test(*symbol));
    }
    let _ = SIGHT.set(look(runtime));
}

/// Calls the function of this name as the program would, with an impossible descriptor.
fn test(symbol: Symbol) -> bool {
    const BAD: c_int = -1;
    let nothing = std::ptr::null_mut::<c_void>();
    let saved = errno();
    TESTED.store(symbol as usize, Ordering::Relaxed);
    // SAFETY: a descriptor of -1 makes each of these fail with EBADF (or EINVAL) before it
    // looks at anything else; none touches memory.
    let result = unsafe {
        match symbol {
            Symbol::EpollWait => libc::epoll_wait(BAD, nothing.cast(), 1, 0) as isize,
            Symbol::EpollPwait => {
                libc::epoll_pwait(BAD, nothing.cast(), 1, 0, nothing.cast()) as isize
            }
            Symbol::EpollPwait2 => {
                epoll_pwait2(BAD, nothing.cast(), 1, nothing.cast(), nothing.cast()) as isize
            }
            Symbol::EpollCtl => {
                libc::epoll_ctl(BAD, libc::EPOLL_CTL_DEL, BAD, nothing.cast()) as isize
            }
            Symbol::Read => libc::read(BAD, nothing, 0),
            Symbol::Write => libc::write(BAD, nothing, 0),
            Symbol::Readv => libc::readv(BAD, nothing.cast(), 0),
            Symbol::Writev => libc::writev(BAD, nothing.cast(), 0),
            Symbol::Recv => libc::recv(BAD, nothing, 0, 0),
            Symbol::Send => libc::send(BAD, nothing, 0, 0),
            Symbol::Recvfrom => libc::recvfrom(BAD, nothing, 0, 0, nothing.cast(), nothing.cast()),
            Symbol::Sendto => libc::sendto(BAD, nothing, 0, 0, nothing.cast(), 0),
            Symbol::Recvmsg => libc::recvmsg(BAD, nothing.cast(), 0),
            Symbol::Sendmsg => libc::sendmsg(BAD, nothing.cast(), 0),
            Symbol::Recvmmsg => libc::recvmmsg(BAD, nothing.cast(), 0, 0, nothing.cast()) as isize,
            Symbol::Sendmmsg => libc::sendmmsg(BAD, nothing.cast(), 0, 0) as isize,
            Symbol::Sendfile => libc::sendfile(BAD, BAD, nothing.cast(), 0),
            Symbol::Sendfile64 => libc::sendfile64(BAD, BAD, nothing.cast(), 0),
            Symbol::Splice => libc::splice(BAD, nothing.cast(), BAD, nothing.cast(), 1, 0),
            Symbol::Pread => libc::pread(BAD, nothing, 0, 0),
            Symbol::Pread64 => libc::pread64(BAD, nothing, 0, 0),
            Symbol::Pwrite => libc::pwrite(BAD, nothing, 0, 0),
            Symbol::Pwrite64 => libc::pwrite64(BAD, nothing, 0, 0),
            Symbol::Fsync => libc::fsync(BAD) as isize,
            Symbol::Fdatasync => libc::fdatasync(BAD) as isize,
            Symbol::Connect => libc::connect(BAD, nothing.cast(), 0) as isize,
            Symbol::Accept => libc::accept(BAD, nothing.cast(), nothing.cast()) as isize,
            Symbol::Accept4 => libc::accept4(BAD, nothing.cast(), nothing.cast(), 0) as isize,
            Symbol::Close => libc::close(BAD) as isize,
            Symbol::CloseRange => close_range(u32::MAX, 0, 0) as isize,
            Symbol::Shutdown => libc::shutdown(BAD, 0) as isize,
            Symbol::Dup => libc::dup(BAD) as isize,
            Symbol::Dup2 => libc::dup2(BAD, 0) as isize,
            Symbol::Dup3 => libc::dup3(BAD, 0, 0) as isize,
            Symbol::Fcntl => libc::fcntl(BAD, libc::F_GETFD) as isize,
            Symbol::Fcntl64 => fcntl64(BAD, libc::F_GETFD) as isize,
        }
    };
    std::hint::black_box(result);
    set_errno(saved);
    // The function, if it is ours, has taken the number away.
    TESTED.swap(NO_TEST, Ordering::Relaxed) == NO_TEST
}

fn look(runtime: Option<*const c_void>) -> Sight {
    if let Some(sanitizer) = sanitizer() {
        IS_OFF.store(true, Ordering::Relaxed);
        let note =
            format!("{sanitizer} watches the same system calls, so the probe leaves them to it");
        return Sight {
            note,
            ..Sight::default()
        };
    }
    let own = object_of(test as *const c_void);
    if let (Some(own), Some(runtime)) = (&own, runtime.and_then(object_of)) {
        if !own.is_program && own.start != runtime.start {
            let note = format!(
                "the probe is in {} and the runtime is not, so its calls do not come here; link both into the executable",
                own.name
            );
            return Sight {
                note,
                ..Sight::default()
            };
        }
    }
    use Symbol::{Close, EpollCtl, EpollPwait, EpollPwait2, EpollWait, Read, Write};
    let waits = [EpollWait, EpollPwait, EpollPwait2];
    let missing: Vec<&str> = Symbol::ALL
        .iter()
        .filter(|symbol| !symbol.is_ours())
        .map(|symbol| symbol.name())
        .collect();
    let waits = waits.iter().all(|symbol| symbol.is_ours());
    let sources = EpollCtl.is_ours() && Close.is_ours();
    let mut notes = Vec::new();
    if !missing.is_empty() {
        notes.push(format!(
            "another definition comes first, so these calls are not seen: {}",
            missing.join(", ")
        ));
    }
    if let Some(own) = own.filter(|own| !own.is_program) {
        notes.push(format!(
            "the probe is in {}: only what that library calls itself is seen",
            own.name
        ));
    }
    Sight {
        waits,
        sources: sources && waits,
        operations: sources && (Read.is_ours() || Write.is_ours()),
        note: notes.join("; "),
    }
}

/// A sanitizer's run-time part, where one is in the process: it has functions of the same
/// names, by which it learns that one thread's write comes before another's read.
fn sanitizer() -> Option<&'static str> {
    let marks = [
        (c"__tsan_init", "ThreadSanitizer"),
        (c"__asan_init", "AddressSanitizer"),
        (c"__msan_init", "MemorySanitizer"),
    ];
    let is_there = |name: &CStr| {
        // SAFETY: the name ends with a zero byte.
        !unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }.is_null()
    };
    marks
        .iter()
        .find(|(mark, _)| is_there(mark))
        .map(|(_, name)| *name)
}

/// An executable or shared library of this process.
struct Object {
    is_program: bool,
    name: String,
    start: usize,
}

struct Search {
    address: usize,
    seen: usize,
    found: Option<Object>,
}

/// The object that holds an address.
fn object_of(address: *const c_void) -> Option<Object> {
    let mut search = Search {
        address: address as usize,
        seen: 0,
        found: None,
    };
    // SAFETY: the callback gets the search back, and it outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(look_at_object), std::ptr::from_mut(&mut search).cast()) };
    search.found
}

/// The first object that the loader tells of is the program itself.
unsafe extern "C" fn look_at_object(
    info: *mut dl_phdr_info,
    _size: size_t,
    search: *mut c_void,
) -> c_int {
    // SAFETY: the loader hands in a valid entry, and the search of `object_of`.
    let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
    let is_program = search.seen == 0;
    search.seen += 1;
    for index in 0..usize::from(info.dlpi_phnum) {
        // SAFETY: the entry says how many headers it has.
        let header = unsafe { &*info.dlpi_phdr.add(index) };
        let start = info.dlpi_addr as usize + header.p_vaddr as usize;
        let holds = search.address.wrapping_sub(start) < header.p_memsz as usize;
        if header.p_type == libc::PT_LOAD && holds {
            let name = if info.dlpi_name.is_null() {
                String::new()
            } else {
                // SAFETY: a name ends with a zero byte, and the object stays loaded.
                let name = unsafe { CStr::from_ptr(info.dlpi_name) };
                name.to_string_lossy().into_owned()
            };
            search.found = Some(Object {
                is_program,
                name,
                start: info.dlpi_addr as usize,
            });
            return 1;
        }
    }
    0
}
