//! Clients and a server on smol, each task wrapped by `wakeline::traced`. Prints what the
//! program itself counts.
//!
//! smol's reactor makes raw system calls, unless it is built with
//! `RUSTFLAGS="--cfg rustix_use_libc"`: only then is it seen from below.

use std::io;

use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};

const CLIENTS: usize = 20;
const MESSAGE: &[u8] = b"sixteen bytes...";

fn main() -> io::Result<()> {
    wakeline::init!();
    smol::block_on(wakeline::traced(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = smol::spawn(wakeline::traced(async move {
            for _ in 0..CLIENTS {
                let (stream, _) = listener.accept().await?;
                smol::spawn(wakeline::traced(echo(stream))).detach();
            }
            io::Result::Ok(())
        }));
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(smol::spawn(wakeline::traced(async move {
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
