//! A shared library with the probe and a runtime inside, as a plug-in is: for the test of
//! what is seen of it, and what is not of the program that loads it.

use std::ffi::c_int;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::Builder;

const MESSAGE: &[u8] = b"sixteen bytes...";

/// What the host calls: passes one message through a socket. Gives the number of its bytes,
/// or -1.
#[no_mangle]
pub extern "C" fn pass_one_message() -> c_int {
    let recording = wakeline::init();
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        return -1;
    };
    let passed = runtime.block_on(wakeline::tokio::root(async {
        let (mut here, mut there) = UnixStream::pair()?;
        here.write_all(MESSAGE).await?;
        let mut buffer = [0; MESSAGE.len()];
        there.read_exact(&mut buffer).await
    }));
    recording.finish();
    passed.map_or(-1, |bytes| bytes as c_int)
}
