//! Values as expressions see them. Numbers are doubles, as everywhere in kith.

use std::collections::HashMap;
use std::sync::Arc;

use cel::Value as Cel;
use cel::objects::{Key, Map};
use chrono::{DateTime, Datelike as _, FixedOffset};

use super::MAX_ITEMS;
use crate::domain::time::Time;
use crate::domain::value::Value;
use crate::domain::view::Type;

/// The value of an attribute that is declared to be of `value_type`; `None` if it is of another one, or a list or an
/// object with too many items.
pub(super) fn read(value: &Value, value_type: Type) -> Option<Cel> {
    if value_type == Type::Time {
        return match value {
            Value::Text(text) => moment(text),
            Value::Time(time) => self::time(*time),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Object(_) => None,
        };
    }
    // An empty text is a text here, though nothing to greet anybody with.
    let is_text = matches!((value, value_type), (Value::Text(_), Type::Text | Type::Name));
    if is_text || value_type.holds(value) { any(value) } else { None }
}

fn any(value: &Value) -> Option<Cel> {
    Some(match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => Cel::Float(*number),
        Value::Text(text) => Cel::String(Arc::new(text.clone())),
        Value::Time(time) => self::time(*time)?,
        Value::List(items) if items.len() <= MAX_ITEMS => {
            Cel::List(Arc::new(items.iter().map(any).collect::<Option<Vec<_>>>()?))
        }
        Value::Object(values) if values.len() <= MAX_ITEMS => {
            let entry = |(name, value): (&String, &Value)| Some((Key::from(name.clone()), any(value)?));
            let entries = values.iter().map(entry).collect::<Option<HashMap<_, _>>>()?;
            Cel::Map(Map { map: Arc::new(entries) })
        }
        Value::List(_) | Value::Object(_) => return None,
    })
}

/// A moment, if it is of a year that CEL knows: 1 to 9999.
pub(super) fn time(time: Time) -> Option<Cel> {
    let micros = i64::try_from(time.micros()).ok()?;
    of_year(DateTime::from_timestamp_micros(micros)?.fixed_offset())
}

/// The moment that a text names: an RFC 3339 time, or a date, which begins at midnight in UTC.
pub(super) fn moment(text: &str) -> Option<Cel> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return of_year(time);
    }
    let date: chrono::NaiveDate = text.parse().ok()?;
    of_year(date.and_hms_opt(0, 0, 0)?.and_utc().fixed_offset())
}

/// CEL adds durations of up to 292 years before it looks at the bounds, so these have to be kept from the start.
fn of_year(time: DateTime<FixedOffset>) -> Option<Cel> {
    let utc = time.to_utc();
    (1..=9999).contains(&utc.year()).then_some(Cel::Timestamp(time))
}
