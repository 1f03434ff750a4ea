//! Lines of a file, with their numbers, in bounded memory.
//!
//! Invariant: at most [`MAX_ROW_BYTES`] of a line are ever held; the rest of a longer one is read past.

use std::io::{self, BufRead};

use super::MAX_ROW_BYTES;

/// One line without its end (`\n` or `\r\n`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// Its bytes, or the first of them.
    pub bytes: Vec<u8>,
    /// There were more bytes than are held.
    pub cut: bool,
}

/// The lines of a reader.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    /// Reads up to the end of the line and keeps what may be kept. None: there is no further line.
    fn read(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let mut cut = false;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let at_end = chunk.is_empty();
            let end_of_line = chunk.iter().position(|byte| *byte == b'\n');
            let length = end_of_line.unwrap_or(chunk.len());
            let room = MAX_ROW_BYTES - bytes.len();
            bytes.extend(chunk.iter().take(length.min(room)));
            cut |= length > room;
            let consumed = end_of_line.map_or(length, |end| end + 1);
            self.reader.consume(consumed);
            if at_end && bytes.is_empty() {
                return Ok(None);
            }
            if at_end || end_of_line.is_some() {
                break;
            }
        }
        if !cut && bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        self.number += 1;
        Ok(Some(Line { number: self.number, bytes, cut }))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<(u64, String, bool)> {
        let read = Lines::new(io::BufReader::with_capacity(7, text)).map(Result::unwrap);
        read.map(|line| (line.number, String::from_utf8(line.bytes).unwrap(), line.cut)).collect()
    }

    #[test]
    fn ends_of_lines_are_taken_off() {
        let expected = [(1, "a".into(), false), (2, String::new(), false), (3, "long enough".into(), false)];
        assert_eq!(lines(b"a\r\n\nlong enough"), expected);
        assert_eq!(lines(b"a\n\nlong enough\n"), expected);
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn a_line_past_the_limit_is_cut_and_the_next_one_is_whole() {
        let text = format!("{}\nb\n", "x".repeat(MAX_ROW_BYTES + 1));
        let read = lines(text.as_bytes());
        assert_eq!(
            read.iter().map(|(_, text, cut)| (text.len(), *cut)).collect::<Vec<_>>(),
            [(MAX_ROW_BYTES, true), (1, false)]
        );
        let fits = format!("{}\n", "x".repeat(MAX_ROW_BYTES));
        assert!(!lines(fits.as_bytes())[0].2);
    }
}
