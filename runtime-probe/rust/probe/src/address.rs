//! Owns what the environment says of the collector: its address or ours, and the token.
//! It must not open sockets.

use std::fmt;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;

use wakeline_wire::frame::parse_token;

/// Where the collector listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    #[cfg(unix)]
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl Address {
    /// Reads `unix:<path>`, on Unix, or `tcp://<address>:<port>`, loopback only unless the user
    /// wants it otherwise. `name` is the variable that the text is from.
    pub(crate) fn parse(name: &str, text: &str, may_be_remote: bool) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err(format!(
                    "{name}=unix: names no path; give unix:<path of a socket>"
                ));
            }
            #[cfg(unix)]
            return Ok(Self::Unix(path.into()));
            #[cfg(not(unix))]
            return Err(format!(
                "{name}={text} is a Unix socket, and this system has none for us; give tcp://127.0.0.1:<port>"
            ));
        }
        if let Some(address) = text.strip_prefix("tcp://") {
            let address: SocketAddr = address
                .trim_end_matches('/')
                .parse()
                .map_err(|_| format!("{name}={text} is no address; give tcp://127.0.0.1:<port>"))?;
            // The token goes over this connection in clear, so it stays on the machine.
            if !may_be_remote && !address.ip().is_loopback() {
                return Err(format!(
                    "{name}={text} is not a loopback address; give tcp://127.0.0.1:<port>"
                ));
            }
            return Ok(Self::Tcp(address));
        }
        Err(format!(
            "{name}={text} is not known; give unix:<path> or tcp://127.0.0.1:<port>"
        ))
    }
}

/// The connection's token. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(pub(crate) [u8; 16]);

impl Token {
    /// Compares in a time that does not tell how much of it is the same.
    pub(crate) fn is_same(&self, other: &[u8]) -> bool {
        let pairs = self.0.iter().zip(other);
        let difference = pairs.fold(0, |sum, (one, another)| {
            std::hint::black_box(sum | (one ^ another))
        });
        other.len() == self.0.len() && std::hint::black_box(difference) == 0
    }

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
