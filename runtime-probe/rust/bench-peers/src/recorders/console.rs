//! console-subscriber, with a client connected that reads. The harness starts the client
//! and then writes a line to standard input.

use std::net::Ipv4Addr;

use console_subscriber::ConsoleLayer;

use super::{measure, Tokio};
use crate::programs::Program;

pub(crate) fn run(program: &Program) {
    let port: u16 = std::env::var("CONSOLE_PORT")
        .ok()
        .and_then(|port| port.parse().ok())
        .expect("CONSOLE_PORT is a port");
    ConsoleLayer::builder()
        .server_addr((Ipv4Addr::LOCALHOST, port))
        .init();
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .expect("a line when the client is there");
    let runtime = program.runtime().build().expect("a runtime");
    measure(runtime, program, Tokio, || 0);
}
