//! The cells of a record, by the `csv` crate.
//!
//! One reader of that crate is fed record by record, because it costs more to make than a record costs to read.

use std::io::{self, Read};

use super::records::Record;
use crate::intake::Refusal;

/// Reads the cells of one record at a time.
#[derive(Debug)]
pub(super) struct Cells {
    reader: ::csv::Reader<Feed>,
    delimiter: u8,
}

impl Cells {
    pub fn new(delimiter: u8) -> Self {
        Self { reader: reader(delimiter), delimiter }
    }

    /// The cells of the record.
    pub fn of(&mut self, record: &Record) -> Result<::csv::StringRecord, Refusal> {
        if let Some(problem) = &record.problem {
            return Err(problem.clone());
        }
        let start = self.reader.position().byte();
        let length = self.reader.get_mut().fill(&record.raw);
        let mut cells = ::csv::ByteRecord::new();
        let read = self.reader.read_byte_record(&mut cells);
        // What it left unread would come up as the next record: such a reader is given up.
        if read.is_err() || self.reader.position().byte() - start != length {
            self.reader = reader(self.delimiter);
            return Err(Refusal::new("a carriage return outside of quotes"));
        }
        let not_text = |error: ::csv::FromUtf8Error| {
            Refusal::new(format!("column {} is not UTF-8", error.utf8_error().field() + 1))
        };
        ::csv::StringRecord::from_byte_record(cells).map_err(not_text)
    }
}

fn reader(delimiter: u8) -> ::csv::Reader<Feed> {
    let mut settings = ::csv::ReaderBuilder::new();
    settings.has_headers(false).flexible(true).delimiter(delimiter).from_reader(Feed::default())
}

/// The record that is being read, with an end of line behind it.
#[derive(Debug, Default)]
struct Feed {
    bytes: io::Cursor<Vec<u8>>,
}

impl Feed {
    /// Replaces what was there. Returns how many bytes there are to read.
    fn fill(&mut self, raw: &[u8]) -> u64 {
        self.bytes.set_position(0);
        let bytes = self.bytes.get_mut();
        bytes.clear();
        bytes.extend_from_slice(raw);
        bytes.push(b'\n');
        bytes.len() as u64
    }
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer)
    }
}
