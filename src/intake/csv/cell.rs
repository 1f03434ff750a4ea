//! One cell to one value. The errors name the column and never show the cell.

use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use prost_types::Value;
use prost_types::value::Kind;

use super::mapping::{Cell, CellType};
use crate::intake::Refusal;

/// Reads a cell as its declared type.
pub(super) fn value(text: &str, cell: &Cell) -> Result<Value, Refusal> {
    let kind = match cell.cell_type {
        CellType::Text => Kind::StringValue(text.to_owned()),
        CellType::Number => Kind::NumberValue(number(text).ok_or_else(|| wrong(&cell.column, "a number"))?),
        CellType::Bool => Kind::BoolValue(flag(text).ok_or_else(|| wrong(&cell.column, "true or false"))?),
        CellType::Time => Kind::StringValue(time(text, &cell.column, cell.format.as_deref())?.to_string()),
    };
    Ok(Value { kind: Some(kind) })
}

/// Reads an instant; without an offset it is UTC, without a time of day midnight.
pub(super) fn time(text: &str, column: &str, format: Option<&str>) -> Result<Timestamp, Refusal> {
    let Some(format) = format else {
        return text.trim().parse().map_err(|_| wrong(column, "an RFC 3339 time"));
    };
    let read = BrokenDownTime::parse(format, text.trim()).and_then(|parts| {
        if parts.offset().is_some() || parts.timestamp().is_some() {
            return parts.to_timestamp();
        }
        let zoned = parts.to_datetime()?.to_zoned(TimeZone::UTC)?;
        Ok(zoned.timestamp())
    });
    read.map_err(|_| wrong(column, &format!("a time written as `{format}`")))
}

fn number(text: &str) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn wrong(column: &str, expected: &str) -> Refusal {
    Refusal::new(format!("column `{column}` is not {expected}"))
}
