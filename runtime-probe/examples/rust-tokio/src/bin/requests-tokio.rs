//! One hundred requests over TCP, from one thread of tokio.
//!
//! The same program as `requests`, on another runtime. What to look for in the lanes beside
//! what is the same: tokio remembers that a socket is ready and knows when a read has
//! emptied it, so most answers take one read and no `WouldBlock`; and it wakes tasks after
//! `epoll_wait` has returned without saying for which socket, so the viewer infers that and
//! draws the link dashed.
//!
//! The server is plain threads in the same process. What the program prints it has counted
//! itself, so that a trace can be checked against it.

use std::future::{poll_fn, Future};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::sleep;
use wakeline_examples::{json_list, number_option};

const TASKS: u64 = 100;
/// A request is the task's number and the round's, 4 bytes each.
const REQUEST_BYTES: usize = 8;
/// A response is longer than a request, so that bytes read and written tell apart.
const RESPONSE_BYTES: usize = 64;
/// Between two rounds of one task.
const PAUSE: Duration = Duration::from_millis(20);

/// What one task moved.
#[derive(Default)]
struct Totals {
    requests: u64,
    bytes_read: u64,
    bytes_written: u64,
}

fn main() -> io::Result<()> {
    wakeline::init!();
    let rounds = number_option("--rounds", 5).map_err(io::Error::other)?;
    let server = start_server()?;

    let runtime = Builder::new_current_thread().enable_all().build()?;
    let all = run_clients(server, rounds);
    let (totals, polls, alive) = runtime.block_on(wakeline::tokio::root(all))?;

    println!(
        r#"{{"pid":{},"tasks":{TASKS},"aliveTasks":{alive},"polls":{},"requests":{},"bytesRead":{},"bytesWritten":{}}}"#,
        std::process::id(),
        json_list(polls),
        totals.requests,
        totals.bytes_read,
        totals.bytes_written,
    );
    Ok(())
}

/// Starts all tasks, then waits for one after the other. Also gives the runtime's own
/// count of tasks when all were started.
async fn run_clients(server: SocketAddr, rounds: u64) -> io::Result<(Totals, Vec<u64>, usize)> {
    let mut clients = Vec::new();
    for number in 0..TASKS {
        let polls = Arc::new(AtomicU64::new(0));
        let client = count_polls(client(server, number, rounds), Arc::clone(&polls));
        let name = format!("client {number}");
        let task = wakeline::task::Builder::new().name(&name).spawn(client)?;
        clients.push((task, polls));
    }
    let alive = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();

    let mut sum = Totals::default();
    let mut all_polls = Vec::new();
    for (client, polls) in clients {
        let totals = client.await??;
        sum.requests += totals.requests;
        sum.bytes_read += totals.bytes_read;
        sum.bytes_written += totals.bytes_written;
        all_polls.push(polls.load(Ordering::Relaxed));
    }
    Ok((sum, all_polls, alive))
}

/// The future, its polls counted.
async fn count_polls<F: Future>(future: F, polls: Arc<AtomicU64>) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.fetch_add(1, Ordering::Relaxed);
        future.as_mut().poll(cx)
    })
    .await
}

/// One task: a connection, and `rounds` requests over it.
async fn client(server: SocketAddr, number: u64, rounds: u64) -> io::Result<Totals> {
    let mut totals = Totals::default();
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    for round in 0..rounds {
        let mut request = [0; REQUEST_BYTES];
        request[..4].copy_from_slice(&(number as u32).to_le_bytes());
        request[4..].copy_from_slice(&(round as u32).to_le_bytes());
        stream.write_all(&request).await?;
        totals.bytes_written += request.len() as u64;

        // tokio waits for the socket's readiness and reads then. Put a breakpoint here.
        let mut response = [0; RESPONSE_BYTES];
        stream.read_exact(&mut response).await?;
        totals.bytes_read += response.len() as u64;
        assert_eq!(
            response[..REQUEST_BYTES],
            request,
            "a response to another request"
        );
        totals.requests += 1;

        sleep(PAUSE).await;
    }
    Ok(totals)
}

/// Listens on a free port of this machine; one thread per connection answers.
fn start_server() -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::Builder::new()
        .name("server".into())
        .spawn(move || {
            for connection in listener.incoming().flatten() {
                let answer = || answer(connection);
                let thread = thread::Builder::new().name("server connection".into());
                if let Err(error) = thread.spawn(answer) {
                    eprintln!("the server cannot start a thread: {error}");
                }
            }
        })?;
    Ok(address)
}

fn answer(mut connection: std::net::TcpStream) {
    let mut request = [0; REQUEST_BYTES];
    // The client closes its connection when it is done; then there is nothing to answer.
    while connection.read_exact(&mut request).is_ok() {
        let number = u32::from_le_bytes([request[0], request[1], request[2], request[3]]);
        thread::sleep(delay(number));
        let mut response = [0; RESPONSE_BYTES];
        response[..REQUEST_BYTES].copy_from_slice(&request);
        if connection.write_all(&response).is_err() {
            return;
        }
    }
}

/// 5 to 250 ms, all different, and not in the order of the tasks' numbers.
fn delay(number: u32) -> Duration {
    let place = u64::from(number) * 37 % TASKS;
    Duration::from_millis(5 + place * 245 / (TASKS - 1))
}
