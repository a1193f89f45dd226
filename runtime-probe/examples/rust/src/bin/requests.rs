//! One hundred requests over TCP, from one thread.
//!
//! A hundred tasks each open a connection, send a request and wait for the response. There
//! is one thread: it polls a task until the task would have to wait, then the next one, and
//! when none can go on it parks in the reactor until the kernel says that a socket is ready.
//! What to look for in the lanes: every task is polled a few times only, and each poll after
//! the first one follows a wake.
//!
//! The server is plain threads in the same process, so that the program needs nothing else.
//! It answers each request after its own delay: 5 to 250 ms, always the same for one task.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use wakeline_examples::{count_polls, json_list, number_option};
use wakeline_executor::net::TcpStream;
use wakeline_executor::time::sleep;
use wakeline_executor::{spawn_local_named, Runtime};

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

    let runtime = Runtime::single().name("requests").build()?;
    let (totals, polls) = runtime.block_on(run_clients(server, rounds))?;

    println!(
        r#"{{"pid":{},"tasks":{TASKS},"polls":{},"requests":{},"bytesRead":{},"bytesWritten":{}}}"#,
        std::process::id(),
        json_list(polls),
        totals.requests,
        totals.bytes_read,
        totals.bytes_written,
    );
    Ok(())
}

/// Starts all tasks, then waits for one after the other. They run at the same time all the
/// same: waiting for the first does not keep the others from being polled.
async fn run_clients(server: SocketAddr, rounds: u64) -> io::Result<(Totals, Vec<u64>)> {
    let mut clients = Vec::new();
    for number in 0..TASKS {
        let (client, polls) = count_polls(client(server, number, rounds));
        clients.push((
            spawn_local_named(&format!("client {number}"), client),
            polls,
        ));
    }

    let mut sum = Totals::default();
    let mut all_polls = Vec::new();
    for (client, polls) in clients {
        let totals = client.await.map_err(io::Error::other)??;
        sum.requests += totals.requests;
        sum.bytes_read += totals.bytes_read;
        sum.bytes_written += totals.bytes_written;
        all_polls.push(polls.get());
    }
    Ok((sum, all_polls))
}

/// One task: a connection, and `rounds` requests over it.
async fn client(server: SocketAddr, number: u64, rounds: u64) -> io::Result<Totals> {
    let mut totals = Totals::default();
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    for round in 0..rounds {
        let mut request = [0; REQUEST_BYTES];
        request[..4].copy_from_slice(&(number as u32).to_le_bytes());
        request[4..].copy_from_slice(&(round as u32).to_le_bytes());
        stream.write_all(&request).await?;
        totals.bytes_written += request.len() as u64;

        // Nothing has come yet, so the first read gives WouldBlock: the task leaves its
        // waker with the socket and waits. Put a breakpoint here.
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

/// Listens on a free port of this machine; one thread per connection answers. Threads
/// that wait are what the tasks above do without.
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

/// 5 to 250 ms. 37 and 100 have no common factor, so the hundred tasks get a hundred
/// different delays, spread over the range and not in the order of their numbers.
fn delay(number: u32) -> Duration {
    let place = u64::from(number) * 37 % TASKS;
    Duration::from_millis(5 + place * 245 / (TASKS - 1))
}
