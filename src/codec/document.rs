//! The fields of a profile as lookups read them: any field is found without decoding the others.
//!
//! ```text
//! version:1 = 02 | time count:4 | time 0 :8 | time 1 :8 | … | places | columns      in name order
//! place:width = 0 live, 1 computed of no time, 2 + 2 n of stamp n, 3 + 2 n computed of time n
//! ```
//!
//! Times are event times in microseconds, the stamps' first: once for each fact and not for each field, and here as well as in
//! the stamps, so that a lookup that wants to know how old a value is need not read the rest of the record. The number of a
//! stamp is the number of its time. What begins with 00 is of the layout before, see `rows`.

mod rows;

use std::borrow::Borrow;
use std::ops::Range;

use self::rows::Rows;
use super::Error;
use super::columns::{Builder, Cell, Columns, Numbers};
use super::read::Cursor;
use crate::domain::time::Time;
use crate::domain::value::Value;

const WHAT: &str = "document";
const VERSION: u8 = 2;

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
    let mut layout = Layout::new(stamps.to_vec(), fields.len(), 16 * fields.len());
    fields.iter().for_each(|field| layout.add(field));
    layout.finish()
}

/// Where a field comes from, as it is stored; times by their numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Live,
    ComputedOfNow,
    Stamp(u32),
    Computed(u32),
}

impl Place {
    fn encode(self) -> u32 {
        match self {
            Self::Live => 0,
            Self::ComputedOfNow => 1,
            Self::Stamp(number) => number.saturating_mul(2).saturating_add(2),
            Self::Computed(number) => number.saturating_mul(2).saturating_add(3),
        }
    }

    fn decode(stored: usize) -> Self {
        let number = u32::try_from(stored / 2).unwrap_or(u32::MAX).saturating_sub(1);
        match stored {
            0 => Self::Live,
            1 => Self::ComputedOfNow,
            _ if stored.is_multiple_of(2) => Self::Stamp(number),
            _ => Self::Computed(number),
        }
    }

    /// True if it is of one of so many stamps, or of one of so many times.
    fn is_known(self, stamps: usize, times: usize) -> bool {
        let is_below = |number: u32, count| usize::try_from(number).is_ok_and(|number| number < count);
        match self {
            Self::Live | Self::ComputedOfNow => true,
            Self::Stamp(number) => is_below(number, stamps),
            Self::Computed(number) => is_below(number, times),
        }
    }

    fn origin(self, times: &[u8]) -> Result<Origin, Error> {
        Ok(match self {
            Self::Live => Origin::Live,
            Self::ComputedOfNow => Origin::Computed(None),
            Self::Stamp(number) => Origin::Stamp(number),
            Self::Computed(number) => Origin::Computed(Some(time(times, number)?)),
        })
    }
}

fn time(times: &[u8], number: u32) -> Result<Time, Error> {
    let at = usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(8);
    let micros = times.get(at..).ok_or(Error::Short { what: WHAT })?;
    Ok(Time::from_micros(Cursor::new(micros, WHAT).u64()?))
}

/// A document that is being laid out.
struct Layout {
    times: Vec<Time>,
    places: Vec<u32>,
    columns: Builder,
}

impl Layout {
    /// Nothing yet but the times of the stamps, with room for so many fields whose values take about `bytes`.
    fn new(stamps: Vec<Time>, fields: usize, bytes: usize) -> Self {
        Self { times: stamps, places: Vec::with_capacity(fields), columns: Builder::new(fields, bytes) }
    }

    fn add<V: Borrow<Value>>(&mut self, Field { name, origin, value }: &Field<'_, V>) {
        let place = self.place(*origin);
        self.places.push(place.encode());
        self.columns.add(name, value.borrow());
    }

    /// Adds fields as another document with the same stamps has them.
    fn copy(&mut self, places: &Numbers<'_>, columns: &Columns<'_>, run: Range<usize>) -> Result<(), Error> {
        let places = places.range(run.clone()).map(|place| u32::try_from(place).unwrap_or(u32::MAX));
        self.places.extend(places);
        self.columns.copy(columns, run)
    }

    /// The place of a field; the time of a computed one goes to the times.
    fn place(&mut self, origin: Origin) -> Place {
        match origin {
            Origin::Live => Place::Live,
            Origin::Stamp(number) => Place::Stamp(number),
            Origin::Computed(None) => Place::ComputedOfNow,
            Origin::Computed(Some(time)) => {
                self.times.push(time);
                Place::Computed(u32::try_from(self.times.len() - 1).unwrap_or(u32::MAX))
            }
        }
    }

    fn finish(self) -> Vec<u8> {
        let Self { times, places, columns } = self;
        let mut out = Vec::with_capacity(16 + 8 * times.len() + 4 * places.len() + columns.bytes());
        out.push(VERSION);
        out.extend_from_slice(&u32::try_from(times.len()).unwrap_or(u32::MAX).to_be_bytes());
        times.iter().for_each(|time| out.extend_from_slice(&time.micros().to_be_bytes()));
        Numbers::put(&mut out, &places);
        columns.finish(&mut out);
        out
    }
}

/// Laid-out fields.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    times: &'a [u8],
    fields: Fields<'a>,
}

#[derive(Clone, Copy)]
enum Fields<'a> {
    Rows(Rows<'a>),
    Columns(Numbers<'a>, Columns<'a>),
}

impl<'a> Document<'a> {
    /// Reads where the fields are; they are read when asked for.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        match bytes.split_first() {
            Some((&VERSION, rest)) => {
                let mut cursor = Cursor::new(rest, WHAT);
                let times = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
                let times = cursor.take(times.saturating_mul(8))?;
                let places = Numbers::read(&mut cursor)?;
                Ok(Self { times, fields: Fields::Columns(places, Columns::read(cursor)?) })
            }
            Some((0, _)) => Rows::read(bytes).map(|(rows, times)| Self { times, fields: Fields::Rows(rows) }),
            Some((&version, _)) => Err(Error::Version { what: WHAT, version }),
            None => Err(SHORT),
        }
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        match &self.fields {
            Fields::Rows(rows) => rows.len(),
            Fields::Columns(_, columns) => columns.len(),
        }
    }

    /// True without fields.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The field called `name`: a binary search, and one decode.
    pub fn get(&self, name: &str) -> Result<Option<Field<'a>>, Error> {
        match &self.fields {
            Fields::Rows(rows) => rows.get(name, self.times),
            Fields::Columns(places, columns) => {
                let found = columns.find(name)?;
                found.map(|at| self.decode(place(places, at)?, columns.cell(at)?)).transpose()
            }
        }
    }

    /// All fields in name order.
    pub fn fields(&self) -> impl Iterator<Item = Result<Field<'a>, Error>> {
        let document = *self;
        let (rows, columns) = match self.fields {
            Fields::Rows(rows) => (Some((0..rows.len()).map(move |at| rows.field(at, document.times))), None),
            Fields::Columns(places, columns) => (None, Some(cells(places, columns))),
        };
        let columns = columns.into_iter().flatten();
        rows.into_iter()
            .flatten()
            .chain(columns.map(move |field| field.and_then(|(place, cell)| document.decode(place, cell))))
    }

    /// Fails if there are no times of so many `stamps`, or if one of the fields cannot be read, names a stamp that is none
    /// of them, or is not where [`encode`] would have put it.
    pub fn check(&self, stamps: usize) -> Result<(), Error> {
        let times = self.times.len() / 8;
        let is_known = |place: Place| times >= stamps && place.is_known(stamps, times);
        match self.fields {
            Fields::Rows(rows) => rows.check(is_known),
            Fields::Columns(places, columns) => {
                if places.len() != columns.len() || !places.iter().all(|stored| is_known(Place::decode(stored))) {
                    return Err(Error::malformed(WHAT, "field is of a fact that is not there"));
                }
                columns.check()
            }
        }
    }

    /// This document, which was checked, with other computed attributes, which must come in name order. `None` if one of
    /// them has the name of an attribute that facts have set, or if it is of the layout before.
    pub fn with_computed<'f, V: Borrow<Value>>(
        &self,
        stamps: usize,
        computed: impl Iterator<Item = Field<'f, V>>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Fields::Columns(places, columns) = self.fields else { return Ok(None) };
        let times = (0..stamps).map(|number| time(self.times, u32::try_from(number).unwrap_or(u32::MAX)));
        let mut layout = Layout::new(times.collect::<Result<_, _>>()?, columns.len() + 4, columns.bytes() + 64);
        let mut computed = computed.peekable();
        let mut copied = 0;
        for at in 0..columns.len() {
            let name = columns.name(at)?;
            let is_of_fact = matches!(place(&places, at)?, Place::Stamp(_));
            if is_of_fact && computed.peek().is_none_or(|field| field.name > name) {
                continue;
            }
            layout.copy(&places, &columns, copied..at)?;
            copied = if is_of_fact { at } else { at + 1 };
            while let Some(field) = computed.next_if(|field| is_of_fact && field.name < name) {
                layout.add(&field);
            }
            if is_of_fact && computed.peek().is_some_and(|field| field.name == name) {
                return Ok(None);
            }
        }
        layout.copy(&places, &columns, copied..columns.len())?;
        computed.for_each(|field| layout.add(&field));
        Ok(Some(layout.finish()))
    }

    /// The event time of the fact that set a field of this origin, if it is one.
    pub fn as_of(&self, origin: Origin) -> Result<Option<Time>, Error> {
        match origin {
            Origin::Stamp(number) => time(self.times, number).map(Some),
            Origin::Computed(time) => Ok(time),
            Origin::Live => Ok(None),
        }
    }

    fn decode(&self, place: Place, cell: Cell<'a>) -> Result<Field<'a>, Error> {
        Ok(Field { name: cell.name, origin: place.origin(self.times)?, value: cell.value()? })
    }
}

const SHORT: Error = Error::Short { what: WHAT };

fn place(places: &Numbers<'_>, at: usize) -> Result<Place, Error> {
    places.get(at).map(Place::decode).ok_or(SHORT)
}

/// The fields in name order, not decoded yet.
fn cells<'a>(places: Numbers<'a>, columns: Columns<'a>) -> impl Iterator<Item = Result<(Place, Cell<'a>), Error>> {
    columns.cells().enumerate().map(move |(at, cell)| Ok((place(&places, at)?, cell?)))
}
