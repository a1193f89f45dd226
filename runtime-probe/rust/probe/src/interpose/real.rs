//! Owns the way to the C library's own functions, and `errno`. It must not know what is
//! recorded.

use std::ffi::CStr;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::c_void;

/// The address of a function of the C library, looked up once.
pub(super) struct Real {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
}

impl Real {
    pub(super) const fn new(name: &'static CStr) -> Self {
        Self {
            name,
            address: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// The next definition of the symbol after this program's: the library's, or that of a
    /// preloaded neighbour, which goes on to the library's.
    #[inline]
    pub(super) fn get(&self) -> *mut c_void {
        // Ordering: none needed; whoever finds it finds the same.
        let address = self.address.load(Ordering::Relaxed);
        if address.is_null() {
            return self.find();
        }
        address
    }

    #[cold]
    fn find(&self) -> *mut c_void {
        // SAFETY: the name ends with a zero byte.
        let address = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        if address.is_null() {
            // A dynamically linked glibc has all of these. To return an error instead would
            // change what the program does; there is no program without them.
            std::process::abort();
        }
        self.address.store(address, Ordering::Relaxed);
        address
    }
}

/// Calls the library's own function of this name, the descriptor first. A call that the
/// self-test makes ends here, with the result that the system would give.
macro_rules! real {
    ($name:literal, fn($($type:ty),*) -> $result:ty, $fd:expr, $($argument:expr),*) => {{
        static REAL: $crate::interpose::real::Real = $crate::interpose::real::Real::new($name);
        if $fd < 0 && $crate::interpose::is_self_test() {
            let _ = REAL.get();
            $crate::interpose::real::set_errno(libc::EBADF);
            return -1;
        }
        // SAFETY: the symbol is a function of this type in every glibc, and the arguments
        // are the caller's own.
        unsafe {
            let function = std::mem::transmute::<
                *mut libc::c_void,
                unsafe extern "C" fn($($type),*) -> $result,
            >(REAL.get());
            function($fd, $($argument),*)
        }
    }};
}
pub(super) use real;

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
