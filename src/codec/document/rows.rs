//! Documents of the first layout, which kith still reads and no longer writes.
//!
//! ```text
//! count:4 | times:4 | offset of field 0 :4 | … | time 0 :8 | time 1 :8 | … | fields, in name order
//! field: place:4 | name length:4 | name | value (see codec::value)
//! ```
//!
//! Offsets count from the first field. The place of a computed attribute has the highest bit set and, below it, the number of
//! its time, or all bits where it has none, or all but the lowest where it is live; any other place is the number of a stamp.

use super::{Field, Place, WHAT};
use crate::codec::Error;
use crate::codec::read::Cursor;
use crate::codec::value;

/// The fields of such a document.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    directory: &'a [u8],
    body: &'a [u8],
}

impl<'a> Rows<'a> {
    /// Reads the directory, and the times.
    pub(super) fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Error> {
        let mut cursor = Cursor::new(bytes, WHAT);
        let count = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
        let times = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
        let directory = cursor.take(count.saturating_mul(4))?;
        let times = cursor.take(times.saturating_mul(8))?;
        Ok((Self { directory, body: cursor.rest() }, times))
    }

    /// How many fields there are.
    pub(super) fn len(&self) -> usize {
        self.directory.len() / 4
    }

    /// The field called `name`. They are few, or will be written anew, so that a search is not worth its lines.
    pub(super) fn get(&self, name: &str, times: &[u8]) -> Result<Option<Field<'a>>, Error> {
        for at in 0..self.len() {
            let field = self.field(at, times)?;
            if field.name == name {
                return Ok(Some(field));
            }
        }
        Ok(None)
    }

    /// The field at a place.
    pub(super) fn field(&self, at: usize, times: &[u8]) -> Result<Field<'a>, Error> {
        let short = || Error::Short { what: WHAT };
        let offset = Cursor::new(self.directory.get(4 * at..).ok_or_else(short)?, WHAT).u32()?;
        let rest = usize::try_from(offset).ok().and_then(|offset| self.body.get(offset..)).ok_or_else(short)?;
        let mut cursor = Cursor::new(rest, WHAT);
        let (place, name) = (place(cursor.u32()?), cursor.text()?);
        Ok(Field { name, origin: place.origin(times)?, value: value::take(&mut cursor)? })
    }

    /// Fails if a field cannot be read, is not where it should be, or has a place that is not known.
    pub(super) fn check(&self, is_known: impl Fn(Place) -> bool) -> Result<(), Error> {
        let mut cursor = Cursor::new(self.body, WHAT);
        let mut last: Option<&str> = None;
        for offset in self.directory.chunks_exact(4) {
            let begins = self.body.len() - cursor.rest().len();
            let is_in_place = usize::try_from(Cursor::new(offset, WHAT).u32()?) == Ok(begins);
            let (place, name) = (place(cursor.u32()?), cursor.text()?);
            value::check(&mut cursor)?;
            if !is_in_place || last >= Some(name) || !is_known(place) {
                return Err(Error::malformed(WHAT, "field is not where it should be"));
            }
            last = Some(name);
        }
        cursor.end()
    }
}

fn place(stored: u32) -> Place {
    const COMPUTED: u32 = 1 << 31;
    match stored {
        u32::MAX => Place::ComputedOfNow,
        place if place == u32::MAX - 1 => Place::Live,
        place if place & COMPUTED == 0 => Place::Stamp(place),
        place => Place::Computed(place & !COMPUTED),
    }
}

#[cfg(test)]
mod tests {
    use crate::codec::document::Document;

    /// Two fields, `a` and `b`, both true, of so many stamps; the second as told.
    fn document(offset: u32, place: u32, name: u8) -> Vec<u8> {
        let numbers = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>();
        let field = |place, name| [numbers(&[place, 1]), vec![name, 2]].concat();
        [numbers(&[2, 1, 0, offset, 0, 9]), field(0, b'a'), field(place, name)].concat()
    }

    #[test]
    fn a_field_that_is_not_as_it_was_written_is_refused() {
        let check = |bytes: &[u8], stamps| Document::read(bytes).and_then(|document| document.check(stamps)).is_ok();
        let sound = document(10, 0, b'b');
        assert!(check(&sound, 1));
        assert!(!check(&sound, 0), "a stamp that is not there");
        assert!(!check(&sound, 2), "fewer times than stamps");
        assert!(!check(&document(10, 7, b'b'), 1), "another stamp that is not there");
        assert!(!check(&document(10, 1 << 31 | 1, b'b'), 1), "a time that is not there");
        assert!(!check(&document(0, 0, b'b'), 1), "two entries for one field");
        assert!(!check(&document(10, 0, b'a'), 1), "two fields of one name");
        assert!(!check(&[sound.as_slice(), &[0]].concat(), 1), "a byte too many");
        assert!((0..sound.len()).all(|length| !check(sound.get(..length).unwrap(), 1)), "bytes too few");
    }
}
