//! Owns the TCP echo: a server on tokio, one task for each connection, and its client, which
//! is plain threads in another process. It must not know of recorders.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::Spawn;

/// Connections at once: enough that a worker finds several ready in one turn.
const CONNECTIONS: u64 = 16;
const MESSAGE_BYTES: usize = 64;

/// Serves until every client has closed. Prints the address first.
pub(crate) async fn serve(spawn: impl Spawn) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    println!(r#"{{"address":"{address}"}}"#);
    let mut tasks = Vec::new();
    for _ in 0..CONNECTIONS {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a TCP option");
        tasks.push(spawn.spawn(async move {
            let mut message = [0; MESSAGE_BYTES];
            while stream.read_exact(&mut message).await.is_ok() {
                stream.write_all(&message).await.expect("the client reads");
            }
        }));
    }
    for task in tasks {
        task.await.expect("no task panics");
    }
}

/// Sends `requests` messages in all and waits for each echo; prints how long that took.
pub(crate) fn client(address: &str, requests: u64) {
    let address: SocketAddr = address.parse().expect("an address");
    let started = Instant::now();
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(address).expect("a server");
                stream.set_nodelay(true).expect("a TCP option");
                let mut message = [7; MESSAGE_BYTES];
                for _ in 0..requests / CONNECTIONS {
                    stream.write_all(&message).expect("the server reads");
                    stream.read_exact(&mut message).expect("an echo");
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no client panics");
    }
    let wall_ns = started.elapsed().as_nanos();
    println!(r#"{{"wallNs":{wall_ns}}}"#);
}
