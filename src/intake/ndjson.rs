//! A file with one tracking message a line. Blank lines are skipped.

use std::io::{self, BufRead};

use super::lines::{Line, Lines};
use super::{MAX_ROW_BYTES, Refusal, Row, tracking};

/// The rows of an NDJSON file, lazily. An error is one of the file itself; nothing follows it that can be relied on.
#[derive(Debug)]
pub struct Rows<R> {
    lines: Lines<R>,
}

impl<R: BufRead> Rows<R> {
    /// Reads from here on.
    pub fn new(reader: R) -> Self {
        Self { lines: Lines::new(reader) }
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let is_blank = |line: &io::Result<Line>| line.as_ref().is_ok_and(|line| line.bytes.trim_ascii().is_empty());
        let line = self.lines.by_ref().find(|line| !is_blank(line))?;
        Some(line.map(row))
    }
}

fn row(line: Line) -> Row {
    let fact = match line.cut {
        true => Err(Refusal::new(format!("the line is longer than {MAX_ROW_BYTES} bytes"))),
        false => tracking::parse(&line.bytes),
    };
    Row { line: line.number, raw: line.bytes, fact }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_does_not_hide_the_next() {
        let text = b"{\"type\":\"track\",\"messageId\":\"1\",\"event\":\"e\",\"userId\":\"u\"}\n\nnonsense\n\xff\n  \n{\"type\":\"track\",\"messageId\":\"2\",\"event\":\"e\",\"userId\":\"u\"}";
        let rows: Vec<_> = Rows::new(text.as_slice()).map(Result::unwrap).collect();
        let outcome: Vec<_> = rows.iter().map(|row| (row.line, row.fact.is_ok())).collect();
        assert_eq!(outcome, [(1, true), (3, false), (4, false), (6, true)]);
        assert_eq!(rows[1].raw, b"nonsense");
    }
}
