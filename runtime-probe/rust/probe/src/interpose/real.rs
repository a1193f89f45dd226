//! Owns the way to the C library's own functions, and `errno`. It must not know what is
//! recorded.

use std::ffi::CStr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use libc::c_void;

/// The functions that are replaced, with the library's names of them.
macro_rules! symbols {
    ($($symbol:ident = $name:literal,)*) => {
        /// A function that is replaced.
        #[derive(Clone, Copy, PartialEq, Eq)]
        #[repr(usize)]
        pub(super) enum Symbol { $($symbol),* }

        impl Symbol {
            /// All of them, in the order of their numbers.
            pub(super) const ALL: &'static [Self] = &[$(Self::$symbol),*];

            fn c_name(self) -> &'static CStr {
                match self { $(Self::$symbol => $name),* }
            }
        }
    };
}

symbols! {
    EpollWait = c"epoll_wait",
    EpollPwait = c"epoll_pwait",
    EpollPwait2 = c"epoll_pwait2",
    EpollCtl = c"epoll_ctl",
    Read = c"read",
    Write = c"write",
    Readv = c"readv",
    Writev = c"writev",
    Recv = c"recv",
    Send = c"send",
    Recvfrom = c"recvfrom",
    Sendto = c"sendto",
    Recvmsg = c"recvmsg",
    Sendmsg = c"sendmsg",
    Recvmmsg = c"recvmmsg",
    Sendmmsg = c"sendmmsg",
    Sendfile = c"sendfile",
    Sendfile64 = c"sendfile64",
    Splice = c"splice",
    Pread = c"pread",
    Pread64 = c"pread64",
    Pwrite = c"pwrite",
    Pwrite64 = c"pwrite64",
    Fsync = c"fsync",
    Fdatasync = c"fdatasync",
    Connect = c"connect",
    Accept = c"accept",
    Accept4 = c"accept4",
    Close = c"close",
    CloseRange = c"close_range",
    Shutdown = c"shutdown",
    Dup = c"dup",
    Dup2 = c"dup2",
    Dup3 = c"dup3",
    Fcntl = c"fcntl",
    Fcntl64 = c"fcntl64",
}

const COUNT: usize = Symbol::ALL.len();

/// Where the library's functions are: null before it was asked for, [`NOT_THERE`] where the
/// library has none.
static ADDRESSES: [AtomicPtr<c_void>; COUNT] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; COUNT];
const NOT_THERE: *mut c_void = std::ptr::without_provenance_mut(1);

/// Symbols that the self-test found to be ours, a bit each.
static OURS: AtomicU64 = AtomicU64::new(0);

impl Symbol {
    pub(super) fn name(self) -> &'static str {
        self.c_name().to_str().unwrap_or_default()
    }

    /// The next definition of the symbol after this program's: the library's, or that of a
    /// preloaded neighbour, which goes on to the library's. None in a static program, which
    /// has no second definition, and where the library is too old to have it: then the
    /// system is called without the library.
    #[inline]
    pub(super) fn address(self) -> Option<*mut c_void> {
        // Ordering: none needed; whoever finds it finds the same.
        let known = ADDRESSES[self as usize].load(Ordering::Relaxed);
        let address = if known.is_null() { self.find() } else { known };
        (address != NOT_THERE).then_some(address)
    }

    #[cold]
    fn find(self) -> *mut c_void {
        let error = errno();
        // SAFETY: the name ends with a zero byte.
        let mut address = unsafe { libc::dlsym(libc::RTLD_NEXT, self.c_name().as_ptr()) };
        if address.is_null() {
            address = NOT_THERE;
        }
        ADDRESSES[self as usize].store(address, Ordering::Relaxed);
        set_errno(error);
        address
    }

    /// Whether the self-test found that the program's calls come here.
    pub(super) fn is_ours(self) -> bool {
        OURS.load(Ordering::Relaxed) & 1 << self as usize != 0
    }

    pub(super) fn set_ours(self, is_ours: bool) {
        let bit = 1 << self as usize;
        match is_ours {
            true => OURS.fetch_or(bit, Ordering::Relaxed),
            false => OURS.fetch_and(!bit, Ordering::Relaxed),
        };
    }
}

/// Finds all of them before `main`: to look one up takes the loader's lock, which a signal
/// handler, or the child of a fork in a program with threads, must not.
extern "C" fn find_all() {
    for symbol in Symbol::ALL {
        let _ = symbol.address();
    }
}

#[used]
#[link_section = ".init_array"]
static FIND_ALL: extern "C" fn() = find_all;

/// The type of a function of the library's; of one that takes what its caller gives
/// (`...`) where a type for that stands behind the named arguments.
///
/// Rust cannot define such a function. One of ours takes one more argument of a register's
/// size instead, which on Linux, on x86-64 and aarch64, is where the caller has put it; where
/// the caller gave none it holds whatever was there, which the library does not look at.
macro_rules! library_type {
    (($($type:ty),*), $result:ty) => {
        unsafe extern "C" fn($($type),*) -> $result
    };
    (($($type:ty),*) $rest:ty, $result:ty) => {
        unsafe extern "C" fn($($type,)* ...) -> $result
    };
}
pub(super) use library_type;

/// Defines functions that stand under the names of the library's. `system` is what they
/// call where the library cannot be asked, `recorded` what they do with a call that goes on
/// to the library. A call of the self-test ends before both, with the answer that the
/// system would give.
macro_rules! interposed {
    ($(
        $(#[$attribute:meta])*
        fn $function:ident(
            $first:ident: $first_type:ty $(, $argument:ident: $type:ty)* $(,)?
            $(; $rest:ident: $rest_type:ty)?
        ) -> $result:ty
            as $symbol:ident, $name:literal;
        system $system:expr;
        recorded |$call:ident| $body:expr;
    )*) => {$(
        $(#[$attribute])*
        ///
        /// # Safety
        /// As the library's.
        unsafe extern "C" fn $function(
            $first: $first_type $(, $argument: $type)* $(, $rest: $rest_type)?
        ) -> $result {
            const SYMBOL: $crate::interpose::real::Symbol = $crate::interpose::real::Symbol::$symbol;
            if $crate::interpose::is_impossible($first) && $crate::interpose::is_self_test(SYMBOL) {
                $crate::interpose::real::set_errno(libc::EBADF);
                return -1;
            }
            let $call = || -> $result {
                match SYMBOL.address() {
                    // SAFETY: the symbol is a function of this type in every glibc, and the
                    // arguments are the caller's own.
                    Some(address) => unsafe {
                        std::mem::transmute::<
                            *mut libc::c_void,
                            $crate::interpose::real::library_type!(
                                ($first_type $(, $type)*) $($rest_type)?, $result
                            ),
                        >(address)($first $(, $argument)* $(, $rest)?)
                    },
                    // SAFETY: the arguments are the caller's own, and those that the library
                    // hands on.
                    None => unsafe { ($system) as $result },
                }
            };
            $body
        }
        $crate::interpose::export::export!($name, $function);
    )*};
}
pub(super) use interposed;

/// The calling thread's error number.
pub(super) fn errno() -> i32 {
    // SAFETY: the library gives a pointer to the thread's own.
    unsafe { *libc::__errno_location() }
}

/// Sets it back to what the system said.
pub(super) fn set_errno(value: i32) {
    // SAFETY: the library gives a pointer to the thread's own.
    unsafe { *libc::__errno_location() = value }
}
