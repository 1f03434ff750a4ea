//! Bytes: how keys and records are laid out on disk.
//!
//! Keys are order-preserving and of fixed width where possible; records carry a version byte. Decoding anything at all
//! gives a value or an [`Error`], never a panic.

mod columns;
pub mod document;
pub mod key;
pub mod read;
pub mod record;
pub mod value;

/// Bytes that are not what they should be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// They end too early.
    #[error("{what} ends too early")]
    Short {
        /// What was being read.
        what: &'static str,
    },
    /// They go on after the end.
    #[error("{what} has {extra} bytes too many")]
    Long {
        /// What was being read.
        what: &'static str,
        /// How many bytes are left over.
        extra: usize,
    },
    /// They were written by a version of kith that this one does not know.
    #[error("{what} has version {version}, which this version of kith does not know")]
    Version {
        /// What was being read.
        what: &'static str,
        /// The version byte.
        version: u8,
    },
    /// They hold what their type cannot.
    #[error("{what} is malformed: {why}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// What is wrong; never a stored value.
        why: String,
    },
}

impl Error {
    /// A record that holds what its type cannot.
    pub fn malformed(what: &'static str, why: impl ToString) -> Self {
        Self::Malformed { what, why: why.to_string() }
    }
}
