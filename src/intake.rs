//! Foreign rows to facts: NDJSON in the shape of the Segment tracking spec, and CSV with a mapping.
//!
//! Invariant: pure conversion in bounded memory; a row that cannot be read is a [`Refusal`] and never stops the rows
//! after it. A refusal names fields, columns and rules, never a value. What a fact must hold beyond its shape is the
//! server's to judge. Used by `cli`; `server` may use [`tracking`] for tools that write over HTTP.

pub mod csv;
mod lines;
pub mod ndjson;
pub mod tracking;
mod value;

use crate::proto::v1;

/// Longest row in bytes, in either format. A fact may be 32 KiB; text takes more room than its encoding.
pub const MAX_ROW_BYTES: usize = 128 * 1024;

/// Why a row is no fact. Holds no value of the row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

impl Refusal {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// One row of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The line it starts on, the first one being 1.
    pub line: u64,
    /// Its bytes as they were read, without the end of the line; no more than [`MAX_ROW_BYTES`] of them.
    pub raw: Vec<u8>,
    /// The fact it stands for.
    pub fact: Result<v1::Fact, Refusal>,
}

/// The time as it goes over the wire, to the microsecond.
fn to_wire(time: jiff::Timestamp) -> prost_types::Timestamp {
    let micros = time.as_microsecond();
    let seconds = micros.div_euclid(1_000_000);
    let nanos = i32::try_from(micros.rem_euclid(1_000_000)).unwrap_or_default() * 1_000;
    prost_types::Timestamp { seconds, nanos }
}
