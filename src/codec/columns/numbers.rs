//! Numbers of one width, which is that of the largest.
//!
//! ```text
//! count:4 | width:1 = 1, 2 or 4 | number:width …
//! ```

use std::ops::Range;

use super::WHAT;
use crate::codec::Error;
use crate::codec::read::Cursor;

/// Numbers, as they are stored.
#[derive(Clone, Copy)]
pub(in crate::codec) struct Numbers<'a> {
    width: usize,
    bytes: &'a [u8],
}

impl<'a> Numbers<'a> {
    /// Appends `numbers`.
    pub(in crate::codec) fn put(out: &mut Vec<u8>, numbers: &[u32]) {
        out.extend_from_slice(&super::number(numbers.len()).to_be_bytes());
        let (width, skipped) = match numbers.iter().max() {
            None | Some(0..=0xFF) => (1, 3),
            Some(0x100..=0xFFFF) => (2, 2),
            Some(_) => (4, 0),
        };
        out.push(width);
        for number in numbers {
            out.extend_from_slice(number.to_be_bytes().get(skipped..).unwrap_or_default());
        }
    }

    /// Reads where they are.
    pub(in crate::codec) fn read(cursor: &mut Cursor<'a>) -> Result<Self, Error> {
        let count = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
        let width = match cursor.u8()? {
            width @ (1 | 2 | 4) => usize::from(width),
            _ => return Err(Error::malformed(WHAT, "width of numbers is unknown")),
        };
        Ok(Self { width, bytes: cursor.take(count.saturating_mul(width))? })
    }

    /// How many there are.
    pub(in crate::codec) fn len(&self) -> usize {
        self.bytes.len() / self.width
    }

    /// The number at a place.
    pub(in crate::codec) fn get(&self, at: usize) -> Option<usize> {
        match self.width {
            1 => self.bytes.get(at).map(|byte| usize::from(*byte)),
            width => self.bytes.get(at * width..(at + 1) * width).map(joined),
        }
    }

    /// Those at a range of places, as far as they are there.
    pub(in crate::codec) fn range(&self, places: Range<usize>) -> impl Iterator<Item = usize> {
        let numbers = self.bytes.chunks_exact(self.width).map(joined);
        numbers.skip(places.start).take(places.len())
    }

    /// All of them.
    pub(in crate::codec) fn iter(&self) -> impl Iterator<Item = usize> {
        self.range(0..self.len())
    }

    /// The last.
    pub(super) fn last(&self) -> Option<usize> {
        self.len().checked_sub(1).and_then(|last| self.get(last))
    }

    /// The sum of the first `count`.
    pub(super) fn sum(&self, count: usize) -> usize {
        match self.width {
            1 => self.bytes.iter().take(count).map(|byte| usize::from(*byte)).sum(),
            width => self.bytes.chunks_exact(width).take(count).map(joined).sum(),
        }
    }
}

fn joined(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}
