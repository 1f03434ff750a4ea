//! The fields of a profile as lookups read them: any field is found without decoding the others.
//!
//! ```text
//! count:4 | offset of field 0 :4 | offset of field 1 :4 | …   offsets count from the end of this directory
//! field: stamp:4 | name length:4 | name | value                fields are in name order
//! ```
//!
//! `stamp` is the place of the attribute's provenance in the profile's record, or [`COMPUTED`].

use std::cmp::Ordering;

use super::Error;
use super::read::{Cursor, put_block};
use super::value;
use crate::domain::value::Value;

const WHAT: &str = "document";
/// The stamp of a computed attribute, which has no single origin.
pub const COMPUTED: u32 = u32::MAX;

/// A field to be written.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where its provenance is, or [`COMPUTED`].
    pub stamp: u32,
    /// Its value.
    pub value: Value,
}

/// Lays out fields, which must come in name order.
pub fn encode(fields: &[Field<'_>]) -> Vec<u8> {
    let mut directory = Vec::with_capacity(4 + 4 * fields.len());
    let mut body = Vec::with_capacity(32 * fields.len());
    let put_length = |out: &mut Vec<u8>, length: usize| {
        out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    };
    put_length(&mut directory, fields.len());
    for Field { name, stamp, value } in fields {
        put_length(&mut directory, body.len());
        body.extend_from_slice(&stamp.to_be_bytes());
        put_block(&mut body, name.as_bytes());
        value::put(&mut body, value);
    }
    directory.extend_from_slice(&body);
    directory
}

/// Laid-out fields.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    directory: &'a [u8],
    body: &'a [u8],
}

impl<'a> Document<'a> {
    /// Reads the directory; the fields are read when asked for.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes, WHAT);
        let count = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
        let directory = cursor.take(count.saturating_mul(4))?;
        Ok(Self { directory, body: cursor.rest() })
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.directory.len() / 4
    }

    /// True without fields.
    pub fn is_empty(&self) -> bool {
        self.directory.is_empty()
    }

    /// The value of the field called `name`: a binary search, and one decode.
    pub fn get(&self, name: &str) -> Result<Option<Value>, Error> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let (_, found, mut rest) = self.field(middle)?;
            match found.cmp(name.as_bytes()) {
                Ordering::Equal => return value::take(&mut rest).map(Some),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// All fields in name order: stamp, name and value.
    pub fn fields(&self) -> impl Iterator<Item = Result<(u32, &'a str, Value), Error>> {
        let document = *self;
        (0..self.len()).map(move |at| {
            let (stamp, name, mut rest) = document.field(at)?;
            let name = std::str::from_utf8(name).map_err(|_| Error::malformed(WHAT, "name is not UTF-8"))?;
            Ok((stamp, name, value::take(&mut rest)?))
        })
    }

    /// The stamp and name of a field, and a cursor at its value.
    fn field(&self, at: usize) -> Result<(u32, &'a [u8], Cursor<'a>), Error> {
        let offset = self.directory.chunks_exact(4).nth(at).ok_or(Error::Short { what: WHAT })?;
        let offset = Cursor::new(offset, WHAT).u32()?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut cursor = Cursor::new(self.body.get(start..).ok_or(Error::Short { what: WHAT })?, WHAT);
        let stamp = cursor.u32()?;
        let name = cursor.block()?;
        Ok((stamp, name, cursor))
    }
}
