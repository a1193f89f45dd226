//! A tokio program whose data lies in the operating system's buffer while its only thread is
//! held up: for the test that asks the viewer's side how long it lay there.
//!
//! Two tasks wait for a message each. Both messages are there when the reactor looks next, so
//! whichever task is polled first holds the thread while the message of the other one waits.

use std::io::Write;
use std::os::unix::net::UnixStream as Peer;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::runtime::Builder;

/// For how long each task holds the thread: the other one's message waits for that at least.
const HOLD: Duration = Duration::from_millis(30);
const MESSAGE: &[u8] = b"nineteen bytes long";

fn main() -> std::io::Result<()> {
    wakeline::init!();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(wakeline::tokio::root(async {
        let mut tasks = Vec::new();
        let mut peers = Vec::new();
        for _ in 0..2 {
            let (peer, mine) = Peer::pair()?;
            mine.set_nonblocking(true)?;
            let mut stream = UnixStream::from_std(mine)?;
            let (ready, waits) = tokio::sync::oneshot::channel();
            let task = wakeline::task::Builder::new()
                .name("reader")
                .spawn(async move {
                    let mut buffer = [0; 64];
                    let look = stream.try_read(&mut buffer);
                    assert!(look.is_err(), "nothing was sent yet");
                    let _ = ready.send(());
                    let bytes = stream.read(&mut buffer).await?;
                    std::thread::sleep(HOLD);
                    std::io::Result::Ok(bytes)
                })?;
            tasks.push(task);
            peers.push((peer, waits));
        }
        let mut sockets = Vec::new();
        for (peer, waits) in peers {
            waits.await.map_err(std::io::Error::other)?;
            sockets.push(peer);
        }
        // In one poll: the reactor has no look between the two.
        for socket in &mut sockets {
            socket.write_all(MESSAGE)?;
        }
        for task in tasks {
            assert_eq!(task.await??, MESSAGE.len());
        }
        Ok(())
    }))
}
