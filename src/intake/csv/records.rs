//! Cuts a CSV file into records, each with the text it was read from, in bounded memory.
//!
//! Only the ends of records are found here (a quoted cell may hold line breaks); the `csv` crate reads what is inside.
//! A quote that is never closed costs the line it is on and not the file: reading goes on with the line after it.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use crate::intake::lines::{Line, Lines};
use crate::intake::{MAX_ROW_BYTES, Refusal};

/// What some programs put before the first line of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The text of one record.
#[derive(Debug)]
pub(super) struct Record {
    /// The line it starts on, from 1.
    pub line: u64,
    /// Its bytes; line breaks inside quotes are `\n`.
    pub raw: Vec<u8>,
    /// Why it is not whole.
    pub problem: Option<Refusal>,
}

/// The records of a reader.
#[derive(Debug)]
pub(super) struct Records<R> {
    lines: Lines<R>,
    /// Lines that were read in search of a closing quote that never came.
    returned: VecDeque<Line>,
    delimiter: u8,
}

impl<R: BufRead> Records<R> {
    pub fn new(reader: R, delimiter: u8) -> Self {
        Self { lines: Lines::new(reader), returned: VecDeque::new(), delimiter }
    }

    fn next_line(&mut self) -> io::Result<Option<Line>> {
        match self.returned.pop_front() {
            Some(line) => Ok(Some(line)),
            None => self.lines.next().transpose(),
        }
    }

    /// The next record that is not blank.
    fn read(&mut self) -> io::Result<Option<Record>> {
        while let Some(mut first) = self.next_line()? {
            if first.number == 1 && first.bytes.starts_with(BYTE_ORDER_MARK) {
                first.bytes.drain(..BYTE_ORDER_MARK.len());
            }
            if !first.bytes.is_empty() {
                return self.complete(first).map(Some);
            }
        }
        Ok(None)
    }

    /// The record that starts with this line: the line alone, or with those that its quotes reach over.
    fn complete(&mut self, first: Line) -> io::Result<Record> {
        if first.cut {
            return Ok(broken(first, format!("longer than {MAX_ROW_BYTES} bytes")));
        }
        let mut place = Place::CellStart.after(&first.bytes, self.delimiter);
        let mut raw = first.bytes.clone();
        let mut further = VecDeque::new();
        while place == Place::Quoted {
            let next = self.next_line()?;
            let fits = |line: &Line| !line.cut && raw.len() + 1 + line.bytes.len() <= MAX_ROW_BYTES;
            let Some(line) = next.as_ref().filter(|line| fits(line)) else {
                further.extend(next);
                further.append(&mut self.returned);
                self.returned = further;
                return Ok(broken(first, format!("a quote that is not closed within {MAX_ROW_BYTES} bytes")));
            };
            raw.push(b'\n');
            raw.extend_from_slice(&line.bytes);
            place = place.after(&line.bytes, self.delimiter);
            further.extend(next);
        }
        Ok(Record { line: first.number, raw, problem: None })
    }
}

fn broken(line: Line, problem: String) -> Record {
    Record { line: line.number, raw: line.bytes, problem: Some(Refusal::new(problem)) }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = io::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Where in a record a byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    CellStart,
    Plain,
    Quoted,
    /// After a quote inside quotes: their end, or the first half of an escaped one.
    AfterQuote,
}

impl Place {
    fn after(self, bytes: &[u8], delimiter: u8) -> Self {
        bytes.iter().fold(self, |place, byte| match (place, *byte) {
            (Self::Quoted, b'"') => Self::AfterQuote,
            (Self::Quoted, _) | (Self::AfterQuote | Self::CellStart, b'"') => Self::Quoted,
            (_, byte) if byte == delimiter => Self::CellStart,
            _ => Self::Plain,
        })
    }
}
