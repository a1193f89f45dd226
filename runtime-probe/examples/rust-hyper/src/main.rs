//! Requests over hyper, none of whose tasks is spawned through wakeline: the connections'
//! tasks of the client are spawned by hyper-util. Prints what the program itself counts.
//!
//! Needs `RUSTFLAGS="--cfg tokio_unstable"`.

use std::convert::Infallible;
use std::error::Error;
use std::future::{poll_fn, Future};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::{connect::HttpConnector, Client};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

const CLIENTS: usize = 20;
const REQUESTS: usize = 5;
/// How long a request is worked on.
const WORK: Duration = Duration::from_millis(2);

type Failure = Box<dyn Error + Send + Sync>;

/// What the program counts.
#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    requests: AtomicU64,
}

fn main() -> Result<(), Failure> {
    wakeline::init!();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        // tokio's count of polls leaves those out that come from there.
        .disable_lifo_slot()
        .build()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Failure> {
    let counts = Arc::new(Counts::default());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(serve(listener, Arc::clone(&counts)));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut clients = Vec::new();
    let mut polls = Vec::new();
    for _ in 0..CLIENTS {
        let own = Arc::new(AtomicU64::new(0));
        polls.push(Arc::clone(&own));
        clients.push(tokio::spawn(counted(own, ask(client.clone(), address))));
    }
    for task in clients {
        task.await??;
    }
    drop(client);
    server.abort();
    let _ = server.await;
    // The connections end by themselves; the workers add their counts when they park.
    let metrics = Handle::current().metrics();
    while metrics.num_alive_tasks() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let of_workers = (0..metrics.num_workers()).map(|worker| metrics.worker_poll_count(worker));
    let polls: Vec<u64> = polls.iter().map(|own| own.load(Relaxed)).collect();
    println!(
        r#"{{"clientPolls":{polls:?},"polls":{},"spawned":{},"connections":{},"requests":{}}}"#,
        of_workers.sum::<u64>(),
        metrics.spawned_tasks_count(),
        counts.connections.load(Relaxed),
        counts.requests.load(Relaxed),
    );
    Ok(())
}

async fn serve(listener: TcpListener, counts: Arc<Counts>) -> Result<(), Failure> {
    loop {
        let (stream, _) = listener.accept().await?;
        counts.connections.fetch_add(1, Relaxed);
        let counts = Arc::clone(&counts);
        tokio::spawn(async move {
            let answers = service_fn(|request| answer(request, &counts));
            let connection = hyper::server::conn::http1::Builder::new();
            // A client that goes away ends its connection, which is no error of this program.
            let _ = connection
                .serve_connection(TokioIo::new(stream), answers)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    counts: &Counts,
) -> Result<Response<Full<Bytes>>, Infallible> {
    counts.requests.fetch_add(1, Relaxed);
    tokio::time::sleep(WORK).await;
    let text = format!("you asked for {}\n", request.uri().path());
    Ok(Response::new(Full::new(Bytes::from(text))))
}

async fn ask(
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
) -> Result<usize, Failure> {
    let mut bytes = 0;
    for number in 0..REQUESTS {
        let uri = format!("http://{address}/page/{number}").parse()?;
        let response = client.get(uri).await?;
        bytes += response.into_body().collect().await?.to_bytes().len();
    }
    Ok(bytes)
}

/// Counts the polls of a future.
async fn counted<F: Future>(polls: Arc<AtomicU64>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.fetch_add(1, Relaxed);
        future.as_mut().poll(cx)
    })
    .await
}
