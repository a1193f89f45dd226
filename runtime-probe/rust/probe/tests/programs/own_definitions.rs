//! A program that defines a system call's function itself, as test harnesses and wrappers
//! of the C library do: for the test that it links with the probe, and is told.

use std::ffi::{c_int, c_void};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::Builder;

const MESSAGE: &[u8] = b"12345";
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// The program's own `recv`, which counts the calls for its message: the probe talks to its
/// collector too.
///
/// # Safety
/// As the library's.
#[no_mangle]
unsafe extern "C" fn recv(fd: c_int, buffer: *mut c_void, size: usize, flags: c_int) -> isize {
    if size == MESSAGE.len() {
        CALLS.fetch_add(1, Ordering::Relaxed);
    }
    let nobody = std::ptr::null_mut::<c_void>();
    // SAFETY: the arguments are the caller's own.
    unsafe { libc::recvfrom(fd, buffer, size, flags, nobody.cast(), nobody.cast()) }
}

fn main() -> io::Result<()> {
    wakeline::init!();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(wakeline::tokio::root(async {
        let (mut here, mut there) = UnixStream::pair()?;
        here.write_all(MESSAGE).await?;
        there.read_exact(&mut [0; MESSAGE.len()]).await
    }))?;
    println!("{}", CALLS.load(Ordering::Relaxed));
    Ok(())
}
