//! Owns the primitive types of the wire: `uint`, `sint`, `text`, `list`, `wide`.
//! It must not know of records or frames.

use std::fmt;

use crate::generated::limits;

/// The greatest `uint`: 2^53 − 1, so that a JavaScript number holds it exactly.
pub const UINT_MAX: u64 = (1 << 53) - 1;
/// The longest coded `uint`: 53 bits in groups of 7.
pub const UINT_BYTES: usize = 8;
/// The longest coded `wide`: 64 bits in groups of 7.
pub const WIDE_BYTES: usize = 10;

/// Maps a signed number to an unsigned one so that small magnitudes stay short.
///
/// Magnitudes from 2^52 on would not fit a `uint`; they are clamped.
#[inline]
pub const fn zigzag(value: i64) -> u64 {
    let limit = (UINT_MAX >> 1) as i64;
    let clamped = if value > limit {
        limit
    } else if value < -limit {
        -limit
    } else {
        value
    };
    ((clamped << 1) ^ (clamped >> 63)) as u64
}

/// Undoes [`zigzag`].
#[inline]
pub const fn unzigzag(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}

/// Takes the bytes of primitive types.
pub trait Writer {
    /// Takes bytes as they are.
    fn raw(&mut self, bytes: &[u8]);

    /// Writes an unsigned number; what is above [`UINT_MAX`] is written as that.
    #[inline]
    fn uint(&mut self, value: u64) {
        self.wide(value.min(UINT_MAX));
    }

    /// Writes a signed number.
    #[inline]
    fn sint(&mut self, value: i64) {
        self.wide(zigzag(value));
    }

    /// Writes an unsigned number of up to 64 bits.
    #[inline]
    fn wide(&mut self, value: u64) {
        let mut bytes = [0_u8; WIDE_BYTES];
        let mut rest = value;
        let mut length = 0;
        while rest >= 0x80 {
            bytes[length] = (rest as u8) | 0x80;
            rest >>= 7;
            length += 1;
        }
        bytes[length] = rest as u8;
        self.raw(&bytes[..=length]);
    }

    /// Writes a text. One over the limit is cut before the character that passes it:
    /// a name that is too long must not cost the trace.
    fn text(&mut self, value: &str) {
        let limit = limits::TEXT_BYTES as usize;
        let mut end = value.len().min(limit);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        self.uint(end as u64);
        self.raw(&value.as_bytes()[..end]);
    }

    /// Writes a list; items over the limit are left off.
    fn list(&mut self, values: &[u64]) {
        let kept = &values[..values.len().min(limits::LIST_ITEMS as usize)];
        self.uint(kept.len() as u64);
        for value in kept {
            self.uint(*value);
        }
    }
}

impl Writer for Vec<u8> {
    #[inline]
    fn raw(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Bytes that are not what the wire allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// What is wrong and what it should have been.
    pub what: String,
    /// Where, counted from the start of the bytes that were given to the reader.
    pub at_byte: usize,
}

impl DecodeError {
    pub(crate) fn new(what: impl Into<String>, at_byte: usize) -> Self {
        Self {
            what: what.into(),
            at_byte,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.what, self.at_byte)
    }
}

impl std::error::Error for DecodeError {}

/// A cursor over bytes. Reading past the end is an error, never a panic.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// How many bytes were read so far.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Whether all bytes were read.
    pub fn at_end(&self) -> bool {
        self.position >= self.bytes.len()
    }

    /// The bytes that were not read yet.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position..]
    }

    /// An error at the current position.
    pub fn error(&self, what: impl Into<String>) -> DecodeError {
        DecodeError::new(what, self.position)
    }

    /// Takes this many bytes.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let taken = self
            .rest()
            .get(..count)
            .ok_or_else(|| self.error(format!("{count} bytes are expected, the input is cut")))?;
        self.position += count;
        Ok(taken)
    }

    #[inline]
    fn leb(&mut self, max_bytes: usize, max: u64) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for index in 0..max_bytes {
            let Some(&byte) = self.bytes.get(self.position + index) else {
                return Err(self.error("a number is cut off"));
            };
            let part = u64::from(byte & 0x7f);
            // The tenth byte of a 64-bit number has room for one bit only.
            if index == WIDE_BYTES - 1 && part > 1 {
                return Err(self.error("a number is above 64 bits"));
            }
            value |= part << (7 * index);
            if byte < 0x80 {
                if value > max {
                    return Err(self.error("a number is above 2^53 - 1"));
                }
                self.position += index + 1;
                return Ok(value);
            }
        }
        Err(self.error(format!("a number has more than {max_bytes} bytes")))
    }

    /// Reads an unsigned number.
    ///
    /// # Errors
    /// When it is cut, longer than 8 bytes or above [`UINT_MAX`].
    #[inline]
    pub fn uint(&mut self) -> Result<u64, DecodeError> {
        match self.bytes.get(self.position) {
            // Most numbers have one byte.
            Some(&byte) if byte < 0x80 => {
                self.position += 1;
                Ok(u64::from(byte))
            }
            _ => self.leb(UINT_BYTES, UINT_MAX),
        }
    }

    /// Reads a signed number.
    ///
    /// # Errors
    /// As [`Reader::uint`].
    #[inline]
    pub fn sint(&mut self) -> Result<i64, DecodeError> {
        self.uint().map(unzigzag)
    }

    /// Reads an unsigned number of up to 64 bits.
    ///
    /// # Errors
    /// When it is cut or above 64 bits.
    #[inline]
    pub fn wide(&mut self) -> Result<u64, DecodeError> {
        self.leb(WIDE_BYTES, u64::MAX)
    }

    fn text_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = self.position;
        let length = self.uint()?;
        if length > limits::TEXT_BYTES {
            return Err(DecodeError::new(
                format!(
                    "a text of {length} bytes is over the limit of {}",
                    limits::TEXT_BYTES
                ),
                start,
            ));
        }
        self.raw(length as usize)
    }

    /// Reads a text; what is not UTF-8 in it becomes the replacement character.
    ///
    /// # Errors
    /// When it is cut or over the limit.
    pub fn text(&mut self) -> Result<String, DecodeError> {
        Ok(String::from_utf8_lossy(self.text_bytes()?).into_owned())
    }

    /// Reads a list.
    ///
    /// # Errors
    /// When it is cut or over the limit.
    pub fn list(&mut self) -> Result<Vec<u64>, DecodeError> {
        self.repeat(limits::LIST_ITEMS, "list", Self::uint)
    }

    /// Reads a count, then that many items. The count is held against `limit` and
    /// against the bytes that are left before any memory is taken: an item has at
    /// least one byte.
    ///
    /// # Errors
    /// When the count is over either, or an item cannot be read.
    pub fn repeat<T>(
        &mut self,
        limit: u64,
        what: &str,
        mut item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let start = self.position;
        let count = self.uint()?;
        if count > limit {
            return Err(DecodeError::new(
                format!("a {what} of {count} items is over the limit of {limit}"),
                start,
            ));
        }
        if count > self.rest().len() as u64 {
            return Err(DecodeError::new(format!("a {what} is cut off"), start));
        }
        let mut items = Vec::with_capacity(count as usize);
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Passes over a field of the type that this code of a hello's shapes names.
    ///
    /// # Errors
    /// When the field is malformed or the code is not known.
    #[inline]
    pub fn skip(&mut self, type_code: u8) -> Result<(), DecodeError> {
        match type_code {
            1 | 2 => self.uint().map(drop),
            3 => self.text_bytes().map(drop),
            4 => self.list().map(drop),
            5 => self.wide().map(drop),
            other => Err(self.error(format!(
                "a field of type {other} cannot be skipped by this reader; update Wakeline"
            ))),
        }
    }
}
