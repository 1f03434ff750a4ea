//! Attribute values as bytes: a tag, then the value. Tags never change their meaning.
//!
//! ```text
//! 00 null   01 false   02 true
//! 03 number  | f64:8, IEEE 754, big-endian
//! 04 text    | length:4 | UTF-8
//! 05 time    | microseconds since 1970:8
//! 06 list    | count:4 | values
//! 07 object  | count:4 | (name length:4 | name | value) in name order
//! ```

use super::Error;
use super::read::{Cursor, put_block};
use crate::domain::time::Time;
use crate::domain::value::{MAX_DEPTH, Value, Values};

const WHAT: &str = "value";

/// Appends `value`.
pub fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(0),
        Value::Bool(false) => out.push(1),
        Value::Bool(true) => out.push(2),
        Value::Number(number) => {
            out.push(3);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Text(text) => {
            out.push(4);
            put_block(out, text.as_bytes());
        }
        Value::Time(time) => {
            out.push(5);
            out.extend_from_slice(&time.micros().to_be_bytes());
        }
        Value::List(items) => {
            out.push(6);
            put_count(out, items.len());
            items.iter().for_each(|item| put(out, item));
        }
        Value::Object(values) => {
            out.push(7);
            put_values(out, values);
        }
    }
}

/// Appends named values: what an object holds, without its tag.
fn put_values(out: &mut Vec<u8>, values: &Values) {
    put_count(out, values.len());
    for (name, value) in values {
        put_block(out, name.as_bytes());
        put(out, value);
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}

/// Reads one value.
pub fn take(cursor: &mut Cursor<'_>) -> Result<Value, Error> {
    take_at(cursor, 0)
}

/// Reads past one value, which [`take`] could read.
pub fn check(cursor: &mut Cursor<'_>) -> Result<(), Error> {
    match cursor.u8()? {
        0..=2 => {}
        3 | 5 => {
            cursor.array::<8>()?;
        }
        4 => {
            cursor.text()?;
        }
        // Few are that large, so it is not worth a way of its own.
        6 => {
            let count = cursor.u32()?;
            (0..count).try_for_each(|_| take_at(cursor, 1).map(drop))?;
        }
        7 => drop(take_values_at(cursor, 1)?),
        tag => return Err(unknown(tag)),
    }
    Ok(())
}

/// Reads named values.
pub fn take_values(cursor: &mut Cursor<'_>) -> Result<Values, Error> {
    take_values_at(cursor, 0)
}

/// The depth is capped as it is on the way in, so that no bytes can exhaust the stack.
fn take_at(cursor: &mut Cursor<'_>, depth: usize) -> Result<Value, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::malformed(WHAT, "nests too deep"));
    }
    Ok(match cursor.u8()? {
        0 => Value::Null,
        1 => Value::Bool(false),
        2 => Value::Bool(true),
        3 => Value::Number(cursor.array().map(f64::from_be_bytes)?),
        4 => Value::Text(cursor.text()?.to_owned()),
        5 => Value::Time(Time::from_micros(cursor.u64()?)),
        6 => {
            let count = cursor.u32()?;
            Value::List((0..count).map(|_| take_at(cursor, depth + 1)).collect::<Result<_, _>>()?)
        }
        7 => Value::Object(take_values_at(cursor, depth + 1)?),
        tag => return Err(unknown(tag)),
    })
}

fn unknown(tag: u8) -> Error {
    Error::malformed(WHAT, format_args!("tag {tag} is unknown"))
}

fn take_values_at(cursor: &mut Cursor<'_>, depth: usize) -> Result<Values, Error> {
    let count = cursor.u32()?;
    let mut values = Values::new();
    for _ in 0..count {
        let name = cursor.text()?.to_owned();
        values.insert(name, take_at(cursor, depth)?);
    }
    Ok(values)
}
