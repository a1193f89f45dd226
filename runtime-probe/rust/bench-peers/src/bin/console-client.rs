//! A client of console-subscriber that reads every update, as its viewer does.
//! `console-client <port>` prints `connected`, and at the end what it read.

use std::time::Duration;

use console_api::instrument::instrument_client::InstrumentClient;
use console_api::instrument::InstrumentRequest;

fn main() {
    let port = std::env::args().nth(1).expect("a port");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut client = loop {
            match InstrumentClient::connect(format!("http://127.0.0.1:{port}")).await {
                Ok(client) => break client.max_decoding_message_size(usize::MAX),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let updates = client.watch_updates(InstrumentRequest {}).await;
        let mut updates = updates.expect("a stream of updates").into_inner();
        println!("connected");
        let (mut count, mut dropped) = (0_u64, 0_u64);
        while let Ok(Some(update)) = updates.message().await {
            count += 1;
            dropped += update.task_update.map_or(0, |tasks| tasks.dropped_events);
        }
        println!(r#"{{"updates":{count},"dropped":{dropped}}}"#);
    });
}
