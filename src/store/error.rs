//! What can go wrong below the engine.

use std::path::{Path, PathBuf};

use rocksdb::ErrorKind;

use crate::codec;
use crate::domain::ids::Seq;

/// A failure of the store. Texts name files and families, never what is stored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data is not in memory, and only memory was to be read.
    #[error("the data is not in memory")]
    NotInMemory,
    /// Stored bytes do not decode.
    #[error("{family}: {source}")]
    Corrupt {
        /// The column family.
        family: &'static str,
        /// What is wrong with the bytes.
        source: codec::Error,
    },
    /// RocksDB found its own files damaged.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The disk is full.
    #[error("the disk is full: {0}")]
    Full(String),
    /// RocksDB failed, or the disk under it.
    #[error("the database failed: {0}")]
    Database(String),
    /// A file beside the database cannot be read or written.
    #[error("{}: {text}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        text: String,
    },
    /// The catalogue and the open database differ; a bug.
    #[error("column family {0} is not open")]
    MissingFamily(&'static str),
    /// The database was written by a newer kith.
    #[error("the database has format {found}; this kith knows formats up to {known}: use a newer kith")]
    NewerFormat {
        /// The format of the database.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// The database ends before what was acknowledged.
    #[error(
        "{}: acknowledged writes are missing: the log ends at {}, {} had been acknowledged; restore a backup, or \
         remove the file ACKNOWLEDGED to accept the loss",
        directory.display(), applied.0, acknowledged.0
    )]
    LostWrites {
        /// The last command that is there.
        applied: Seq,
        /// The last command that was acknowledged as durable.
        acknowledged: Seq,
        /// The data directory.
        directory: PathBuf,
    },
}

impl Error {
    /// True if stored data cannot be read back as it was written.
    pub fn is_corruption(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::Damaged(_) | Self::LostWrites { .. })
    }

    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), text: error.to_string() }
    }
}

impl From<rocksdb::Error> for Error {
    fn from(error: rocksdb::Error) -> Self {
        match error.kind() {
            ErrorKind::Incomplete => Self::NotInMemory,
            ErrorKind::Corruption => Self::Damaged(error.into_string()),
            ErrorKind::IOError if error.as_ref().contains("No space left on device") => Self::Full(error.into_string()),
            _ => Self::Database(error.into_string()),
        }
    }
}
