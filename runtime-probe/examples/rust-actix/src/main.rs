//! A server on actix-web, which runs a `current_thread` runtime for each of its workers, and
//! clients on plain threads. Each handler's work is recorded by `wakeline::traced`. Prints what
//! the program itself counts.
#![forbid(unsafe_code)]
#![deny(warnings)]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use actix_web::{get, rt, App, HttpResponse, HttpServer};

const CLIENTS: usize = 20;

#[get("/")]
async fn index() -> HttpResponse {
    let named = wakeline::task::Builder::new;
    let work = async {
        // Another task of the same worker, which this one waits for.
        let part = async {
            rt::task::yield_now().await;
            "what is served"
        };
        rt::spawn(named().name("part").traced(part)).await
    };
    match named().name("work").traced(work).await {
        Ok(body) => HttpResponse::Ok().force_close().body(body),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

fn client(address: SocketAddr) -> io::Result<u16> {
    let mut stream = TcpStream::connect(address)?;
    let port = stream.local_addr()?.port();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.ends_with("what is served") {
        true => Ok(port),
        false => Err(io::Error::other(answer)),
    }
}

fn main() -> io::Result<()> {
    wakeline::init!();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    rt::System::new().block_on(async {
        let server = HttpServer::new(|| App::new().service(index))
            .workers(2)
            .listen(listener)?
            .run();
        let handle = server.handle();
        let clients = thread::spawn(move || {
            let ports: io::Result<Vec<u16>> = (0..CLIENTS).map(|_| client(address)).collect();
            rt::System::new().block_on(handle.stop(true));
            ports
        });
        server.await?;
        let ports = clients
            .join()
            .map_err(|_| io::Error::other("a client panicked"))??;
        println!("{{\"ports\":{ports:?}}}");
        Ok(())
    })
}
