//! Named values in columns: any one is found without decoding the others, and what many records have alike, the names
//! above all, stands together, so that compression takes it for one repetition and not one for each value.
//!
//! ```text
//! name ends | names | sizes | tags | payloads       one of each for every value, in name order
//! name ends, sizes: see Numbers     tag:1, payload: see cell
//! ```

mod cell;
mod numbers;

use std::cmp::Ordering;
use std::ops::Range;

use super::Error;
use super::read::Cursor;
use crate::domain::value::{Value, Values};

pub(super) use numbers::Numbers;

const WHAT: &str = "columns";

/// Columns that are being laid out.
pub(super) struct Builder {
    ends: Vec<u32>,
    names: Vec<u8>,
    sizes: Vec<u32>,
    tags: Vec<u8>,
    payloads: Vec<u8>,
}

impl Builder {
    /// Nothing yet, with room for so many values that take about `bytes`.
    pub(super) fn new(values: usize, bytes: usize) -> Self {
        Self {
            ends: Vec::with_capacity(values),
            names: Vec::with_capacity(16 * values),
            sizes: Vec::with_capacity(values),
            tags: Vec::with_capacity(values),
            payloads: Vec::with_capacity(bytes),
        }
    }

    /// Adds a value; names must come in order.
    pub(super) fn add(&mut self, name: &str, value: &Value) {
        let begins = self.payloads.len();
        let tag = cell::put(&mut self.payloads, value);
        self.end(name, tag, begins);
    }

    /// Adds values as other columns have them.
    pub(super) fn copy(&mut self, from: &Columns<'_>, run: Range<usize>) -> Result<(), Error> {
        let names = from.begins(run.start)?..from.begins(run.end)?;
        let (before, moved) = (names.start, self.names.len());
        self.names.extend_from_slice(from.names.get(names).ok_or(SHORT)?.as_bytes());
        self.ends.extend(from.ends.range(run.clone()).map(|end| number(end - before + moved)));
        let begins = from.sizes.sum(run.start);
        let (sizes, first) = (from.sizes.range(run.clone()), self.sizes.len());
        self.sizes.extend(sizes.map(number));
        let bytes: usize = self.sizes.iter().skip(first).map(|size| *size as usize).sum();
        self.payloads.extend_from_slice(from.payloads.get(begins..begins + bytes).ok_or(SHORT)?);
        self.tags.extend_from_slice(from.tags.get(run).ok_or(SHORT)?);
        Ok(())
    }

    fn end(&mut self, name: &str, tag: u8, begins: usize) {
        self.names.extend_from_slice(name.as_bytes());
        self.ends.push(number(self.names.len()));
        self.tags.push(tag);
        self.sizes.push(number(self.payloads.len() - begins));
    }

    /// How many bytes [`Builder::finish`] appends, about.
    pub(super) fn bytes(&self) -> usize {
        16 + 9 * self.tags.len() + self.names.len() + self.payloads.len()
    }

    /// Appends the columns.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        let Self { ends, names, sizes, tags, payloads } = self;
        Numbers::put(out, &ends);
        out.extend_from_slice(&names);
        Numbers::put(out, &sizes);
        out.extend_from_slice(&tags);
        out.extend_from_slice(&payloads);
    }
}

/// Lengths of 4 GiB and more do not occur: facts are capped long before.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A value that is not decoded yet.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    /// Its name.
    pub(super) name: &'a str,
    tag: u8,
    payload: &'a [u8],
}

impl Cell<'_> {
    /// Decodes the value.
    pub(super) fn value(&self) -> Result<Value, Error> {
        cell::read(self.tag, self.payload)
    }
}

/// Columns, as they are stored.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    ends: Numbers<'a>,
    names: &'a str,
    sizes: Numbers<'a>,
    tags: &'a [u8],
    payloads: &'a [u8],
}

impl<'a> Columns<'a> {
    /// Reads where the columns are; their values are read when asked for. They are the last there is of `cursor`.
    pub(super) fn read(mut cursor: Cursor<'a>) -> Result<Self, Error> {
        let ends = Numbers::read(&mut cursor)?;
        let names = std::str::from_utf8(cursor.take(ends.last().unwrap_or(0))?);
        let names = names.map_err(|_| Error::malformed(WHAT, "names are not UTF-8"))?;
        let sizes = Numbers::read(&mut cursor)?;
        let tags = cursor.take(ends.len())?;
        Ok(Self { ends, names, sizes, tags, payloads: cursor.rest() })
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.tags.len()
    }

    /// Bytes of all payloads.
    pub(super) fn bytes(&self) -> usize {
        self.payloads.len()
    }

    /// The place of the value called `name`: a binary search.
    pub(super) fn find(&self, name: &str) -> Result<Option<usize>, Error> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.name(middle)?.cmp(name) {
                Ordering::Equal => return Ok(Some(middle)),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// The value at a place. For one after the other, see [`Columns::cells`].
    pub(super) fn cell(&self, at: usize) -> Result<Cell<'a>, Error> {
        self.cell_from(at, self.sizes.sum(at))
    }

    /// All values in name order.
    pub(super) fn cells(self) -> impl Iterator<Item = Result<Cell<'a>, Error>> {
        let mut begins = 0;
        (0..self.len()).map(move |at| {
            let cell = self.cell_from(at, begins)?;
            begins += cell.payload.len();
            Ok(cell)
        })
    }

    fn cell_from(&self, at: usize, begins: usize) -> Result<Cell<'a>, Error> {
        let size = self.sizes.get(at).ok_or(SHORT)?;
        let payload = begins.checked_add(size).and_then(|ends| self.payloads.get(begins..ends)).ok_or(SHORT)?;
        Ok(Cell { name: self.name(at)?, tag: *self.tags.get(at).ok_or(SHORT)?, payload })
    }

    /// The name of the value at a place.
    pub(super) fn name(&self, at: usize) -> Result<&'a str, Error> {
        self.names.get(self.begins(at)?..self.begins(at + 1)?).ok_or(SHORT)
    }

    /// Where the name at a place begins, or would begin if it was there.
    fn begins(&self, at: usize) -> Result<usize, Error> {
        at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before)).ok_or(SHORT)
    }

    /// Fails if one of the values cannot be read, or is not where [`Builder`] would have put it.
    pub(super) fn check(self) -> Result<(), Error> {
        let mut last: Option<&str> = None;
        let mut bytes = 0;
        for cell in self.cells() {
            let cell = cell?;
            cell::check(cell.tag, cell.payload)?;
            if last >= Some(cell.name) {
                return Err(Error::malformed(WHAT, "names are not in order"));
            }
            last = Some(cell.name);
            bytes += cell.payload.len();
        }
        match self.payloads.len() - bytes {
            0 if self.sizes.len() == self.len() => Ok(()),
            extra => Err(Error::Long { what: WHAT, extra }),
        }
    }
}

const SHORT: Error = Error::Short { what: WHAT };

/// Appends named values.
pub(super) fn put(out: &mut Vec<u8>, values: &Values) {
    let mut builder = Builder::new(values.len(), 32 * values.len());
    values.iter().for_each(|(name, value)| builder.add(name, value));
    builder.finish(out);
}

/// Reads named values that [`put`] wrote.
pub(super) fn take(cursor: Cursor<'_>) -> Result<Values, Error> {
    let columns = Columns::read(cursor)?;
    columns.check()?;
    columns.cells().map(|cell| cell.and_then(|cell| Ok((cell.name.to_owned(), cell.value()?)))).collect()
}
