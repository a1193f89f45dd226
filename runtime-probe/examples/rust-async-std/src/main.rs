//! Clients and a server on async-std, each task wrapped by `wakeline::traced`; the server then
//! reads a file, which async-std does on a pool of its own. Prints what the program itself
//! counts.
//!
//! async-std's reactor is smol's and makes raw system calls, unless it is built with
//! `RUSTFLAGS="--cfg rustix_use_libc"`: only then is it seen from below.

use std::io;

use async_std::io::{ReadExt, WriteExt};
use async_std::net::{TcpListener, TcpStream};
use async_std::task;

const CLIENTS: usize = 20;
const MESSAGE: &[u8] = b"sixteen bytes...";

fn main() -> io::Result<()> {
    wakeline::init!();
    task::block_on(wakeline::traced(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = task::spawn(wakeline::traced(async move {
            for _ in 0..CLIENTS {
                let (stream, _) = listener.accept().await?;
                task::spawn(wakeline::traced(echo(stream)));
            }
            async_std::fs::read(std::env::current_exe()?).await?;
            io::Result::Ok(())
        }));
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(task::spawn(wakeline::traced(async move {
                let mut stream = TcpStream::connect(address).await?;
                stream.write_all(MESSAGE).await?;
                let mut reply = [0; MESSAGE.len()];
                stream.read_exact(&mut reply).await?;
                io::Result::Ok(())
            })));
        }
        for client in clients {
            client.await?;
        }
        server.await?;
        println!("{{\"clients\":{CLIENTS},\"messageBytes\":{}}}", MESSAGE.len());
        Ok(())
    }))
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut message = [0; MESSAGE.len()];
    stream.read_exact(&mut message).await?;
    stream.write_all(&message).await
}
