//! A CSV file with a mapping: each record becomes one identify or track fact.
//!
//! Invariant: the same file with the same mapping gives the same facts, message ids included, so that importing it
//! again changes nothing. Column names are checked before the first record is read.

mod cell;
mod cells;
mod mapping;
mod records;

use std::io::{self, BufRead};

use prost_types::Struct;
use xxhash_rust::xxh3::xxh3_64;

use self::cells::Cells;
pub use self::mapping::{Cell, CellType, FactType, Mapping, TimeColumn};
use self::records::{Record, Records};
use super::{Refusal, Row};
use crate::proto::v1;
use v1::fact::Body;

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file itself.
    #[error("cannot read it: {0}")]
    Read(#[from] io::Error),
    /// Its header, or the mapping for it.
    #[error("{0}")]
    Header(String),
}

/// The rows of a CSV file, lazily. An error is one of the file itself; nothing follows it.
#[derive(Debug)]
pub struct Rows<R> {
    records: Records<R>,
    cells: Cells,
    plan: Plan,
}

impl<R: BufRead> Rows<R> {
    /// Reads the header and finds the mapping's columns in it.
    pub fn new(reader: R, mapping: &Mapping) -> Result<Self, Error> {
        let mut records = Records::new(reader, mapping.delimiter);
        let first = records.next().ok_or_else(|| Error::Header("the file is empty".into()))??;
        let mut cells = Cells::new(mapping.delimiter);
        let header = cells.of(&first).map_err(|refusal| Error::Header(format!("header: {refusal}")))?;
        let plan = Plan::new(mapping, &header).map_err(Error::Header)?;
        Ok(Self { records, cells, plan })
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.records.next()?;
        Some(record.map(|record| {
            let cells = self.cells.of(&record);
            let fact = cells.and_then(|cells| self.plan.fact(&record, &cells));
            Row { line: record.line, raw: record.raw, fact }
        }))
    }
}

/// A mapping whose columns are positions.
#[derive(Debug)]
struct Plan {
    mapping: Mapping,
    width: usize,
    message_id: Option<usize>,
    time: Option<usize>,
    keys: Vec<(String, usize)>,
    members: Vec<(String, Cell, usize)>,
}

impl Plan {
    fn new(mapping: &Mapping, header: &::csv::StringRecord) -> Result<Self, String> {
        let find = |column: &String| position(header, column);
        let keys = mapping.keys.iter().map(|(kind, column)| Ok((kind.clone(), find(column)?)));
        let members = mapping.members().iter();
        let members = members.map(|(name, cell)| Ok((name.clone(), cell.clone(), find(&cell.column)?)));
        Ok(Self {
            width: header.len(),
            message_id: mapping.message_id.as_ref().map(find).transpose()?,
            time: mapping.time.as_ref().map(|time| find(&time.column)).transpose()?,
            keys: keys.collect::<Result<_, String>>()?,
            members: members.collect::<Result<_, String>>()?,
            mapping: mapping.clone(),
        })
    }

    fn fact(&self, record: &Record, row: &::csv::StringRecord) -> Result<v1::Fact, Refusal> {
        if row.len() != self.width {
            return Err(Refusal::new(format!("{} columns where the header has {}", row.len(), self.width)));
        }
        let members = Some(self.struct_of(row)?);
        let body = match self.mapping.fact_type {
            FactType::Track => {
                Body::Track(v1::Track { event: self.mapping.event.clone().unwrap_or_default(), properties: members })
            }
            FactType::Identify => Body::Identify(v1::Identify { traits: members, address: String::new() }),
        };
        Ok(v1::Fact {
            message_id: self.message_id(record, row)?,
            time: self.time(row)?.map(super::to_wire),
            source: self.mapping.source.clone(),
            keys: self.keys(row)?,
            body: Some(body),
        })
    }

    /// The id from its column, or one that this row of this file always has.
    fn message_id(&self, record: &Record, row: &::csv::StringRecord) -> Result<String, Refusal> {
        let Some(position) = self.message_id else {
            return Ok(format!("{}:{}:{:016x}", self.mapping.source, record.line, xxh3_64(&record.raw)));
        };
        let id = filled(row, position).ok_or_else(|| Refusal::new("the column of the message id is empty"))?;
        Ok(id.to_owned())
    }

    fn time(&self, row: &::csv::StringRecord) -> Result<Option<jiff::Timestamp>, Refusal> {
        let (Some(position), Some(column)) = (self.time, &self.mapping.time) else {
            return Ok(None);
        };
        let text = filled(row, position).ok_or_else(|| Refusal::new(format!("column `{}` is empty", column.column)))?;
        cell::time(text, &column.column, column.format.as_deref()).map(Some)
    }

    /// The identifiers whose columns are filled.
    fn keys(&self, row: &::csv::StringRecord) -> Result<Vec<String>, Refusal> {
        let key = |(kind, position): &(String, usize)| Some(format!("{kind}:{}", filled(row, *position)?));
        let keys: Vec<_> = self.keys.iter().filter_map(key).collect();
        match keys.is_empty() {
            true => Err(Refusal::new("names nobody: every column of the mapping's keys is empty")),
            false => Ok(keys),
        }
    }

    /// The properties or traits whose columns are filled.
    fn struct_of(&self, row: &::csv::StringRecord) -> Result<Struct, Refusal> {
        let member = |(name, cell, position): &(String, Cell, usize)| {
            let text = filled(row, *position)?;
            Some(cell::value(text, cell).map(|value| (name.clone(), value)))
        };
        Ok(Struct { fields: self.members.iter().filter_map(member).collect::<Result<_, _>>()? })
    }
}

/// Where the header has the column, which it must have once.
fn position(header: &::csv::StringRecord, column: &str) -> Result<usize, String> {
    let mut found = header.iter().enumerate().filter(|(_, name)| *name == column);
    let first = found.next().ok_or_else(|| {
        let known = header.iter().collect::<Vec<_>>().join("`, `");
        format!("the mapping names the column `{column}`, the header has `{known}`")
    })?;
    match found.next() {
        Some(_) => Err(format!("the header has the column `{column}` more than once")),
        None => Ok(first.0),
    }
}

/// The cell, unless it is blank.
fn filled(row: &::csv::StringRecord, position: usize) -> Option<&str> {
    row.get(position).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests;
