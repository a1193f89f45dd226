//! A program as it was written for tokio 1.8, with the probe's names in place of tokio's.
//!
//! Owns what the program does. It must not know what is recorded of it.
#![forbid(unsafe_code)]
#![deny(warnings)]

use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Bytes that each client sends and gets back.
pub const MESSAGE: [u8; 1000] = [7; 1000];
/// Clients at once.
pub const CLIENTS: usize = 10;

/// Clients and a server that sends back what it gets, on two workers.
#[wakeline::main(worker_threads = 2)]
pub async fn echoes() -> std::io::Result<usize> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = wakeline::task::Builder::new().name("server");
    let server = server.spawn(async move {
        for _ in 0..CLIENTS {
            let (mut stream, _) = listener.accept().await?;
            wakeline::spawn(async move {
                let mut bytes = [0; MESSAGE.len()];
                stream.read_exact(&mut bytes).await?;
                stream.write_all(&bytes).await
            });
        }
        std::io::Result::Ok(())
    })?;
    let client = move || async move {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(&MESSAGE).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await
    };
    let clients: Vec<_> = (0..CLIENTS).map(|_| wakeline::spawn(client())).collect();
    let mut sum = 0;
    for client in clients {
        sum += client.await??;
    }
    server.await??;
    Ok(sum)
}

/// Local tasks, a job of the pool and one that blocks in place.
pub fn by_hand() -> std::io::Result<u32> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = wakeline::tokio::instrument(&mut builder, "by hand").build()?;
    let local = wakeline::LocalSet::new();
    let shared = Rc::new(1);
    let task = local.spawn_local(async move { *shared });
    let sum = local.block_on(&runtime, async {
        let job = wakeline::spawn_blocking(|| 2);
        task.await.unwrap_or(0) + job.await.unwrap_or(0)
    });
    Ok(sum)
}

/// On a worker that lets another take over.
#[wakeline::main(worker_threads = 1)]
pub async fn in_place() -> u32 {
    let task = wakeline::spawn(async { wakeline::block_in_place(|| 3) });
    task.await.unwrap_or(0)
}
