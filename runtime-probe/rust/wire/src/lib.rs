//! Owns the bytes of the wire: primitive types, records, frames, payloads, rings.
//! It must not know of sockets, files, clocks or executors, and has no dependency.
//!
//! The layout is told in `runtime-probe/protocol/WIRE.md`; the records come from
//! `schema.json` beside it. Everything that decodes treats its bytes as hostile:
//! limits and counts are checked before memory is taken, and nothing panics.

pub mod codec;
pub mod frame;
// The generator writes this file; rustfmt has no say in it.
#[rustfmt::skip]
pub mod generated;
pub mod payload;
pub mod ring;
pub mod stream;

pub use codec::{DecodeError, Reader, Writer};
pub use generated::*;
