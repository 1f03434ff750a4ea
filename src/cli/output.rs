//! Printing on stdout: tables for people, JSON for machines.
//!
//! Invariant: what comes from the data is printed without control characters, so that a profile cannot move the
//! cursor or colour the terminal. Nothing is coloured, whatever NO_COLOR says.

use std::io::{self, Write as _};

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use serde_json::Value as Json;

use super::exit::Failure;

/// How tables look: a rule below the header, and the data.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A terminal that says it is narrower than this is not believed: some say 0.
const MIN_WIDTH: u16 = 40;

/// Writes text to stdout at once.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Failure::Output)
}

/// Writes one JSON value on a line of its own.
pub fn print_json(json: &Json) -> Result<(), Failure> {
    print(&format!("{json}\n"))
}

/// Writes a table.
pub fn print_table(table: &Table) -> Result<(), Failure> {
    print(&format!("{}\n", table.trim_fmt()))
}

/// An empty table with these columns. On a terminal it is at most as wide as that.
pub fn table<'a>(columns: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    if table.width().is_some_and(|width| width >= MIN_WIDTH) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    let header: Vec<String> = columns.into_iter().map(plain).collect();
    table.set_header(header);
    table
}

/// Names with values below each other, without a frame.
pub fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let pairs: Vec<_> = pairs.into_iter().collect();
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    pairs.iter().map(|(name, value)| format!("{name:width$}  {}\n", plain(value))).collect()
}

/// A value in a cell: text as it is, everything else as JSON.
pub fn cell(json: &Json) -> String {
    match json {
        Json::String(text) => plain(text),
        other => other.to_string(),
    }
}

/// The text with its control characters escaped.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => plain.extend(character.escape_default()),
            false => plain.push(character),
        }
    }
    plain
}

/// The name of an enum value without the prefix that protobuf gives it.
pub fn enum_name<'a>(name: &'a str, prefix: &str) -> &'a str {
    name.strip_prefix(prefix).unwrap_or(name)
}

/// A number for people: `35,304`.
pub fn count(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_cannot_drive_the_terminal() {
        assert_eq!(cell(&json!("a\u{1b}[31m\nb")), "a\\u{1b}[31m\\nb");
        assert_eq!(cell(&json!({"a": "\u{7}"})), r#"{"a":"\u0007"}"#);
        assert_eq!(pairs([("key", "x\ty".into()), ("id", "z".into())]), "key  x\\ty\nid   z\n");
    }

    #[test]
    fn a_table_has_its_columns_and_rows() {
        let mut table = table(["field", "value"]);
        table.add_row(["orders.count", "6"]);
        let printed = table.trim_fmt();
        assert!(printed.contains("field") && printed.contains("orders.count"), "{printed}");
        assert!(!printed.contains('\u{1b}'));
    }
}
