//! Six tasks, each of which waits in another way, and nobody who makes them go on for a while.
//!
//! What to look for: click a grey part of a lane, or put the mouse on an `.await` below. The
//! details name each level of the wait, from the task's own function down to what is awaited at
//! last: `handle` awaits `read_frame`, which awaits `read_exact`. A `join!` shows all that is
//! awaited in it; of a `select!` each branch. Put a breakpoint on the line of `release`: the
//! program stands there with all six waiting.
//!
//! The names of the tasks are those of the ways to wait; the program prints how many of them
//! came to their end.

use std::future::Future;
use std::io;
use std::net::{TcpListener, TcpStream as Peer};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::sleep;

const FRAME_BYTES: usize = 16;
/// Long enough for whoever looks; the other branch comes first.
const LONG: Duration = Duration::from_secs(3600);
/// What there is to look at.
const HOLD: Duration = Duration::from_millis(300);

fn main() -> io::Result<()> {
    wakeline::init!();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(wakeline::tokio::root(run()))?;
    println!(r#"{{"pid":{},"ended":{ended}}}"#, std::process::id());
    Ok(())
}

async fn run() -> io::Result<usize> {
    let lock = Arc::new(Mutex::new(()));
    let held = lock.clone().lock_owned().await;
    let mut peers = Vec::new();
    let mut connection = || -> io::Result<TcpStream> {
        let (ours, theirs) = connected()?;
        peers.push(theirs);
        Ok(ours)
    };

    let tasks = [
        spawn("chain", handle(connection()?))?,
        spawn("join", both(connection()?, connection()?))?,
        spawn("select", either(connection()?))?,
        spawn("boxed", boxed(connection()?))?,
        spawn("lock", locked(lock))?,
        spawn("sleep", paused())?,
    ];
    // Meanwhile all of them are polled, and wait.
    sleep(HOLD).await;
    release(peers)?;
    drop(held);
    let mut ended = 0;
    for task in tasks {
        task.await.map_err(io::Error::other)??;
        ended += 1;
    }
    Ok(ended)
}

#[track_caller]
fn spawn<F>(name: &str, future: F) -> io::Result<JoinHandle<io::Result<()>>>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    wakeline::task::Builder::new().name(name).spawn(future)
}

async fn handle(stream: TcpStream) -> io::Result<()> {
    read_frame(stream).await
}

async fn read_frame(mut stream: TcpStream) -> io::Result<()> {
    let mut frame = [0; FRAME_BYTES];
    stream.read_exact(&mut frame).await?;
    Ok(())
}

async fn both(first: TcpStream, second: TcpStream) -> io::Result<()> {
    let (one, other) = tokio::join!(read_frame(first), handle(second));
    one.and(other)
}

async fn either(stream: TcpStream) -> io::Result<()> {
    tokio::select! {
        read = read_frame(stream) => read,
        () = sleep(LONG) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn boxed(stream: TcpStream) -> io::Result<()> {
    let inside: Pin<Box<dyn Future<Output = io::Result<()>> + Send>> = Box::pin(handle(stream));
    inside.await
}

async fn locked(lock: Arc<Mutex<()>>) -> io::Result<()> {
    drop(lock.lock().await);
    Ok(())
}

async fn paused() -> io::Result<()> {
    sleep(2 * HOLD).await;
    Ok(())
}

/// A connection within this process: what the task reads from, and the end that writes.
fn connected() -> io::Result<(TcpStream, Peer)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let theirs = Peer::connect(listener.local_addr()?)?;
    let (ours, _) = listener.accept()?;
    ours.set_nonblocking(true)?;
    Ok((TcpStream::from_std(ours)?, theirs))
}

/// Writes the frame that each reading task waits for.
fn release(peers: Vec<Peer>) -> io::Result<()> {
    for mut peer in peers {
        io::Write::write_all(&mut peer, &[7; FRAME_BYTES])?;
    }
    Ok(())
}
