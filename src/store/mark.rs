//! The mark: a small file beside the database that says how much was acknowledged as durable.
//!
//! RocksDB drops a damaged end of its log when it opens, as it must after a power cut; it cannot know that the lost
//! part had been acknowledged. The mark can. It is written in the background, so it may lag: it proves loss, and its
//! silence proves nothing.
//!
//! `ACKNOWLEDGED`: `seq:8 | crc-32 of seq:4`, replaced as a whole.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::Error;
use super::replace::replace;
use crate::codec::read::Cursor;
use crate::domain::ids::Seq;

pub(super) struct Mark {
    path: PathBuf,
    acknowledged: AtomicU64,
}

impl Mark {
    pub(super) fn open(directory: &Path) -> Result<Self, Error> {
        let path = directory.join("ACKNOWLEDGED");
        let acknowledged = match fs::read(&path) {
            Ok(bytes) => parse(&bytes).ok_or_else(|| Error::Io {
                path: path.clone(),
                text: "is damaged; remove it if the database is known to be whole".to_owned(),
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(Error::io(&path, &error)),
        };
        Ok(Self { path, acknowledged: AtomicU64::new(acknowledged) })
    }

    pub(super) fn acknowledged(&self) -> Seq {
        Seq(self.acknowledged.load(Ordering::Acquire))
    }

    /// Moves the mark forward; moving it back is a no-op.
    pub(super) fn advance(&self, seq: Seq) -> Result<(), Error> {
        if seq <= self.acknowledged() {
            return Ok(());
        }
        replace(&self.path, &bytes(seq)).map_err(|error| Error::io(&self.path, &error))?;
        self.acknowledged.store(seq.0, Ordering::Release);
        Ok(())
    }
}

fn bytes(seq: Seq) -> [u8; 12] {
    let place = seq.0.to_be_bytes();
    let sum = crc32fast::hash(&place).to_be_bytes();
    let mut bytes = [0; 12];
    let (front, back) = bytes.split_at_mut(place.len());
    front.copy_from_slice(&place);
    back.copy_from_slice(&sum);
    bytes
}

fn parse(bytes: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(bytes, "mark");
    let place = cursor.u64().ok()?;
    let sum = cursor.u32().ok()?;
    cursor.end().ok()?;
    (sum == crc32fast::hash(&place.to_be_bytes())).then_some(place)
}
