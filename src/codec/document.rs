//! The fields of a profile as lookups read them: any field is found without decoding the others.
//!
//! ```text
//! count:4 | times:4 | offset of field 0 :4 | … | time 0 :8 | time 1 :8 | … | fields, in name order
//! field: place:4 | name length:4 | name | value
//! ```
//!
//! Offsets count from the first field. Times are event times in microseconds, the stamps' first: once for each fact and not
//! for each field, and here as well as in the stamps, so that a lookup that wants to know how old a value is need not read
//! the rest of the record. The place of an attribute is the number of its stamp, and so of its time. That of a computed
//! attribute has the highest bit set and, below it, the number of its time, or all bits where it has none, or all but the
//! lowest where it is live.

use std::borrow::Borrow;
use std::cmp::Ordering;

use super::Error;
use super::read::{Cursor, put_block};
use super::value;
use crate::domain::time::Time;
use crate::domain::value::Value;

const WHAT: &str = "document";
/// Marks the place of a computed attribute.
const COMPUTED: u32 = 1 << 31;
/// The place of a computed attribute that has no time.
const COMPUTED_OF_NOW: u32 = u32::MAX;
/// The place of a live attribute.
const LIVE: u32 = u32::MAX - 1;

/// A field: one that was read has its value, one that is to be written may borrow it.
#[derive(Clone, Debug)]
pub struct Field<'a, V = Value> {
    /// Its name.
    pub name: &'a str,
    /// Where it comes from.
    pub origin: Origin,
    /// Its value.
    pub value: V,
}

/// Where a field comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A fact: the number of its stamp in the rest of the record.
    Stamp(u32),
    /// It is computed; of one event, if it has a time.
    Computed(Option<Time>),
    /// It is computed from when and for whom it is read, out of a state that is not here: the value says nothing.
    Live,
}

/// Lays out fields, which must come in name order. `stamps` are the times of the stamps.
pub fn encode<V: Borrow<Value>>(fields: &[Field<'_, V>], stamps: &[Time]) -> Vec<u8> {
    let mut layout = Layout::new(stamps.to_vec(), 32 * fields.len());
    fields.iter().for_each(|field| layout.add(field));
    layout.finish()
}

/// A document that is being laid out.
struct Layout {
    count: usize,
    times: Vec<Time>,
    offsets: Vec<u8>,
    body: Vec<u8>,
}

impl Layout {
    /// Nothing yet but the times of the stamps; its fields will take about `bytes`.
    fn new(stamps: Vec<Time>, bytes: usize) -> Self {
        Self { count: 0, times: stamps, offsets: Vec::with_capacity(bytes / 8), body: Vec::with_capacity(bytes) }
    }

    fn begin(&mut self) {
        self.count += 1;
        put_length(&mut self.offsets, self.body.len());
    }

    fn add<V: Borrow<Value>>(&mut self, Field { name, origin, value }: &Field<'_, V>) {
        self.begin();
        let place = place(*origin, &mut self.times);
        self.body.extend_from_slice(&place.to_be_bytes());
        put_block(&mut self.body, name.as_bytes());
        value::put(&mut self.body, value.borrow());
    }

    /// Adds a field as another document with the same stamps has it.
    fn copy(&mut self, field: &[u8]) {
        self.begin();
        self.body.extend_from_slice(field);
    }

    fn finish(self) -> Vec<u8> {
        let Self { count, times, offsets, body } = self;
        let mut out = Vec::with_capacity(8 + offsets.len() + 8 * times.len() + body.len());
        put_length(&mut out, count);
        put_length(&mut out, times.len());
        out.extend_from_slice(&offsets);
        times.iter().for_each(|time| out.extend_from_slice(&time.micros().to_be_bytes()));
        out.extend_from_slice(&body);
        out
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

/// The place of a field; the time of a computed one goes to `times`.
fn place(origin: Origin, times: &mut Vec<Time>) -> u32 {
    match origin {
        Origin::Stamp(number) => number,
        Origin::Computed(None) => COMPUTED_OF_NOW,
        Origin::Live => LIVE,
        Origin::Computed(Some(time)) => {
            times.push(time);
            u32::try_from(times.len() - 1).map_or(COMPUTED_OF_NOW, |number| COMPUTED | number)
        }
    }
}

/// A field that is not decoded yet; `rest` begins with its value.
struct Located<'a> {
    place: u32,
    name: &'a [u8],
    rest: Cursor<'a>,
}

/// Laid-out fields.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    directory: &'a [u8],
    times: &'a [u8],
    body: &'a [u8],
}

impl<'a> Document<'a> {
    /// Reads the directory; the fields are read when asked for.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes, WHAT);
        let count = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
        let times = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
        let directory = cursor.take(count.saturating_mul(4))?;
        let times = cursor.take(times.saturating_mul(8))?;
        Ok(Self { directory, times, body: cursor.rest() })
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.directory.len() / 4
    }

    /// True without fields.
    pub fn is_empty(&self) -> bool {
        self.directory.is_empty()
    }

    /// The field called `name`: a binary search, and one decode.
    pub fn get(&self, name: &str) -> Result<Option<Field<'a>>, Error> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let located = self.field(middle)?;
            match located.name.cmp(name.as_bytes()) {
                Ordering::Equal => return self.decode(located).map(Some),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// All fields in name order.
    pub fn fields(&self) -> impl Iterator<Item = Result<Field<'a>, Error>> {
        let document = *self;
        (0..self.len()).map(move |at| document.decode(document.field(at)?))
    }

    /// Fails if there are no times of so many `stamps`, or if one of the fields cannot be read, names a stamp that is none
    /// of them, or is not where [`encode`] would have put it.
    pub fn check(&self, stamps: usize) -> Result<(), Error> {
        if self.times.len() / 8 < stamps {
            return Err(Error::Short { what: WHAT });
        }
        let mut cursor = Cursor::new(self.body, WHAT);
        let mut last: Option<&str> = None;
        for offset in self.directory.chunks_exact(4) {
            let begins = self.body.len() - cursor.rest().len();
            let place = cursor.u32()?;
            let name = cursor.text()?;
            value::check(&mut cursor)?;
            let is_in_place = usize::try_from(Cursor::new(offset, WHAT).u32()?) == Ok(begins);
            let is_of_stamp = usize::try_from(place).is_ok_and(|place| place < stamps);
            if !is_in_place || last >= Some(name) || !(is_of_stamp || self.is_computed(place)) {
                return Err(Error::malformed(WHAT, "field is not where it should be"));
            }
            last = Some(name);
        }
        cursor.end()
    }

    fn is_computed(&self, place: u32) -> bool {
        let has_time = || usize::try_from(place & !COMPUTED).is_ok_and(|number| number < self.times.len() / 8);
        place & COMPUTED != 0 && (place >= LIVE || has_time())
    }

    /// This document, which was checked, with other computed attributes, which must come in name order. `None` if one of
    /// them has the name of an attribute that facts have set.
    pub fn with_computed<'f, V: Borrow<Value>>(
        &self,
        stamps: usize,
        computed: impl Iterator<Item = Field<'f, V>>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let times = self.times.chunks_exact(8).take(stamps);
        let times = times.map(|micros| Ok(Time::from_micros(Cursor::new(micros, WHAT).u64()?)));
        let mut layout = Layout::new(times.collect::<Result<_, Error>>()?, self.body.len() + 64);
        let mut computed = computed.peekable();
        for at in 0..self.len() {
            let bytes = self.bytes(at)?;
            let mut cursor = Cursor::new(bytes, WHAT);
            if cursor.u32()? & COMPUTED != 0 {
                continue;
            }
            let name = cursor.text()?;
            while let Some(field) = computed.next_if(|field| field.name < name) {
                layout.add(&field);
            }
            if computed.peek().is_some_and(|field| field.name == name) {
                return Ok(None);
            }
            layout.copy(bytes);
        }
        computed.for_each(|field| layout.add(&field));
        Ok(Some(layout.finish()))
    }

    /// The event time of the fact that set a field of this origin, if it is one.
    pub fn as_of(&self, origin: Origin) -> Result<Option<Time>, Error> {
        match origin {
            Origin::Stamp(number) => self.time(number).map(Some),
            Origin::Computed(time) => Ok(time),
            Origin::Live => Ok(None),
        }
    }

    fn decode(&self, Located { place, name, mut rest }: Located<'a>) -> Result<Field<'a>, Error> {
        let name = std::str::from_utf8(name).map_err(|_| Error::malformed(WHAT, "name is not UTF-8"))?;
        let origin = match place {
            LIVE => Origin::Live,
            COMPUTED_OF_NOW => Origin::Computed(None),
            place if place & COMPUTED == 0 => Origin::Stamp(place),
            place => Origin::Computed(Some(self.time(place & !COMPUTED)?)),
        };
        Ok(Field { name, origin, value: value::take(&mut rest)? })
    }

    fn time(&self, number: u32) -> Result<Time, Error> {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let micros = self.times.chunks_exact(8).nth(number).ok_or(Error::Short { what: WHAT })?;
        Ok(Time::from_micros(Cursor::new(micros, WHAT).u64()?))
    }

    /// Where the field begins in the body.
    fn start(&self, at: usize) -> Result<usize, Error> {
        let offset = self.directory.chunks_exact(4).nth(at).ok_or(Error::Short { what: WHAT })?;
        Ok(usize::try_from(Cursor::new(offset, WHAT).u32()?).unwrap_or(usize::MAX))
    }

    /// The bytes of the field, in a document that was checked.
    fn bytes(&self, at: usize) -> Result<&'a [u8], Error> {
        let end = if at + 1 < self.len() { self.start(at + 1)? } else { self.body.len() };
        self.body.get(self.start(at)?..end).ok_or(Error::Short { what: WHAT })
    }

    fn field(&self, at: usize) -> Result<Located<'a>, Error> {
        let start = self.start(at)?;
        let mut cursor = Cursor::new(self.body.get(start..).ok_or(Error::Short { what: WHAT })?, WHAT);
        Ok(Located { place: cursor.u32()?, name: cursor.block()?, rest: cursor })
    }
}
