//! Attribute values: JSON, plus times.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::invalid::{Invalid, Reason};
use super::time::Time;

/// Named values: the traits of an identify, the properties of an event.
pub type Values = BTreeMap<String, Value>;

/// How deep lists and objects may nest in a value.
pub const MAX_DEPTH: usize = 8;
/// How many names a [`Values`] of a fact may have.
pub const MAX_NAMES: usize = 256;
/// How long a name may be, in bytes.
pub const MAX_NAME_BYTES: usize = 128;

/// A value. `Debug` prints its shape and never what it holds.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// JSON null; as an attribute: unset.
    Null,
    /// True or false.
    Bool(bool),
    /// A finite number.
    Number(f64),
    /// Text.
    Text(String),
    /// A moment; in JSON its RFC 3339 text.
    Time(Time),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Object(Values),
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Bool(_) => "Bool",
            Self::Number(_) => "Number",
            Self::Text(_) => "Text",
            Self::Time(_) => "Time",
            Self::List(_) => "List",
            Self::Object(_) => "Object",
        })
    }
}

impl Value {
    /// The order in which `min` and `max` see scalars: by type, then by value. `None` for null, lists and objects.
    pub fn scalar_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            _ => self.scalar_rank()?.cmp(&other.scalar_rank()?),
        })
    }

    fn scalar_rank(&self) -> Option<u8> {
        match self {
            Self::Bool(_) => Some(0),
            Self::Number(_) => Some(1),
            Self::Text(_) => Some(2),
            Self::Time(_) => Some(3),
            Self::Null | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// True for values that `min` and `max` can order.
    pub fn is_scalar(&self) -> bool {
        self.scalar_rank().is_some()
    }
}

/// Checks names, numbers and nesting of `values`; `field` is their path.
pub fn check(values: &Values, field: &str) -> Result<(), Invalid> {
    if values.len() > MAX_NAMES {
        return Err(Invalid::new(Reason::TooLarge, field, format!("has more than {MAX_NAMES} names; send fewer")));
    }
    for (name, value) in values {
        if name.is_empty() {
            return Err(Invalid::new(Reason::Missing, field, "has an empty name"));
        }
        if name.len() > MAX_NAME_BYTES {
            let text = format!("has a name longer than {MAX_NAME_BYTES} bytes");
            return Err(Invalid::new(Reason::TooLarge, field, text));
        }
        check_value(value, field, 1)?;
    }
    Ok(())
}

fn check_value(value: &Value, field: &str, depth: usize) -> Result<(), Invalid> {
    match value {
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::Time(_) => Ok(()),
        Value::Number(number) if number.is_finite() => Ok(()),
        Value::Number(_) => Err(Invalid::new(Reason::BadValue, field, "has a number that is NaN or infinite")),
        Value::List(_) | Value::Object(_) if depth > MAX_DEPTH => {
            Err(Invalid::new(Reason::TooLarge, field, format!("nests deeper than {MAX_DEPTH}; flatten it")))
        }
        Value::List(items) => items.iter().try_for_each(|item| check_value(item, field, depth + 1)),
        Value::Object(values) => values.values().try_for_each(|item| check_value(item, field, depth + 1)),
    }
}
