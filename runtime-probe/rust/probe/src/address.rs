//! Owns what the environment says of the collector: where it listens, and the token.
//! It must not open sockets.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use wakeline_wire::frame::parse_token;

/// Where the collector listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl Address {
    /// Reads `unix:<path>` or `tcp://<address>:<port>`, loopback only.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err("WAKELINE=unix: names no path; give unix:<path of a socket>".into());
            }
            return Ok(Self::Unix(path.into()));
        }
        if let Some(address) = text.strip_prefix("tcp://") {
            let address: SocketAddr = address.trim_end_matches('/').parse().map_err(|_| {
                format!("WAKELINE={text} is no address; give tcp://127.0.0.1:<port>")
            })?;
            // The token goes over this connection in clear, so it stays on the machine.
            if !address.ip().is_loopback() {
                return Err(format!(
                    "WAKELINE={text} is not a loopback address; give tcp://127.0.0.1:<port>"
                ));
            }
            return Ok(Self::Tcp(address));
        }
        Err(format!(
            "WAKELINE={text} is not known; give unix:<path> or tcp://127.0.0.1:<port>"
        ))
    }
}

/// The connection's token. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(pub(crate) [u8; 16]);

impl Token {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // The text itself is not repeated: a message may end up in a log.
        parse_token(text)
            .map(Self)
            .ok_or_else(|| "WAKELINE_TOKEN is not 32 hexadecimal digits".into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
