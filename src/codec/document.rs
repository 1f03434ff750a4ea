//! The fields of a profile as lookups read them: any field is found without decoding the others.
//!
//! ```text
//! count:4 | offset of field 0 :4 | offset of field 1 :4 | …   offsets count from the end of this directory
//! field: stamp:4 | as of:8 | name length:4 | name | value      fields are in name order
//! ```
//!
//! `stamp` is the place of the attribute's provenance in the profile's record, [`COMPUTED`] or [`LIVE`]. `as of` is the event time in
//! microseconds of the fact that set the value, all bits set where there is no such fact; it is here as well, so that a
//! lookup that wants to know how old a value is need not read the rest of the record.

use std::cmp::Ordering;

use super::Error;
use super::read::{Cursor, put_block};
use super::value;
use crate::domain::time::Time;
use crate::domain::value::Value;

const WHAT: &str = "document";
/// The stamp of a computed attribute, which has no single origin.
pub const COMPUTED: u32 = u32::MAX;
/// The stamp of a computed attribute whose value depends on when and for whom it is read. The field has none here.
pub const LIVE: u32 = u32::MAX - 1;
/// The time of a value that is not of one fact.
const NO_TIME: u64 = u64::MAX;

/// A field to be written.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where its provenance is, [`COMPUTED`] or [`LIVE`].
    pub stamp: u32,
    /// The event time of the fact that set it, if it is one.
    pub as_of: Option<Time>,
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
    for Field { name, stamp, as_of, value } in fields {
        put_length(&mut directory, body.len());
        body.extend_from_slice(&stamp.to_be_bytes());
        body.extend_from_slice(&as_of.map_or(NO_TIME, Time::micros).to_be_bytes());
        put_block(&mut body, name.as_bytes());
        value::put(&mut body, value);
    }
    directory.extend_from_slice(&body);
    directory
}

/// A field that is not decoded yet; `rest` begins with its value.
struct Located<'a> {
    stamp: u32,
    as_of: u64,
    name: &'a [u8],
    rest: Cursor<'a>,
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

    /// The value of the field called `name`, its time and its stamp: a binary search, and one decode.
    pub fn get(&self, name: &str) -> Result<Option<(Value, Option<Time>, u32)>, Error> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let Located { stamp, as_of, name: found, mut rest } = self.field(middle)?;
            match found.cmp(name.as_bytes()) {
                Ordering::Equal => return Ok(Some((value::take(&mut rest)?, time(as_of), stamp))),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// All fields in name order.
    pub fn fields(&self) -> impl Iterator<Item = Result<Field<'a>, Error>> {
        let document = *self;
        (0..self.len()).map(move |at| {
            let Located { stamp, as_of, name, mut rest } = document.field(at)?;
            let name = std::str::from_utf8(name).map_err(|_| Error::malformed(WHAT, "name is not UTF-8"))?;
            Ok(Field { name, stamp, as_of: time(as_of), value: value::take(&mut rest)? })
        })
    }

    fn field(&self, at: usize) -> Result<Located<'a>, Error> {
        let offset = self.directory.chunks_exact(4).nth(at).ok_or(Error::Short { what: WHAT })?;
        let offset = Cursor::new(offset, WHAT).u32()?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut cursor = Cursor::new(self.body.get(start..).ok_or(Error::Short { what: WHAT })?, WHAT);
        Ok(Located { stamp: cursor.u32()?, as_of: cursor.u64()?, name: cursor.block()?, rest: cursor })
    }
}

fn time(as_of: u64) -> Option<Time> {
    (as_of != NO_TIME).then(|| Time::from_micros(as_of))
}
