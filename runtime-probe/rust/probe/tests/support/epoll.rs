//! Owns an epoll by hand, for the tests that need no runtime. It stands beside `mod.rs`, not
//! in it, because some tests forbid unsafe code. It must not know what a test expects.

use std::ffi::c_int;

/// An epoll by hand: no runtime is needed for what is below it.
pub(crate) struct Epoll(pub(crate) c_int);

impl Epoll {
    pub(crate) fn new() -> Self {
        // SAFETY: it takes no pointer.
        Self(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })
    }

    pub(crate) fn add(&self, fd: c_int, token: u64) -> c_int {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token,
        };
        // SAFETY: the event is ours.
        unsafe { libc::epoll_ctl(self.0, libc::EPOLL_CTL_ADD, fd, &mut event) }
    }

    pub(crate) fn wait(&self, timeout_ms: c_int) -> c_int {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 4];
        // SAFETY: the buffer is ours and of the size stated.
        unsafe { libc::epoll_wait(self.0, events.as_mut_ptr(), 4, timeout_ms) }
    }
}
