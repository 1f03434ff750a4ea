//! One value in columns: a tag, and a payload whose size is known. Tags never change their meaning.
//!
//! ```text
//! 00 null
//! 01 flag           | 00 or 01
//! 02 decimal number | places:1 | mantissa, big-endian two's complement, without bytes that its sign repeats
//! 03 other number   | f64:8, IEEE 754, big-endian
//! 04 text           | UTF-8
//! 05 time           | microseconds since 1970:8
//! 06 list, object   | as codec::value has it
//! 07 moment as text | seconds since 1970, as a mantissa
//! ```
//!
//! A decimal number is its mantissa divided by ten to the power of its places. Most numbers of customers are amounts and
//! counts, of which the eight bytes of a float are mostly noise that no compression can take out. A moment as text is one that
//! looks like `2026-11-24T18:39:13Z`, the form in which JSON has times.

use jiff::Timestamp;

use super::WHAT;
use crate::codec::Error;
use crate::codec::read::Cursor;
use crate::codec::value;
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Divisors of decimal numbers by their places.
const POWERS: [f64; 5] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0];

/// Appends the payload of `value` and returns its tag.
pub(super) fn put(out: &mut Vec<u8>, value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(flag) => {
            out.push(u8::from(*flag));
            1
        }
        Value::Number(number) => put_number(out, *number),
        Value::Text(text) => put_text(out, text),
        Value::Time(time) => {
            out.extend_from_slice(&time.micros().to_be_bytes());
            5
        }
        Value::List(_) | Value::Object(_) => {
            value::put(out, value);
            6
        }
    }
}

fn put_number(out: &mut Vec<u8>, number: f64) -> u8 {
    match (0_u8..).zip(POWERS).find_map(|(places, power)| decimal(number, power).map(|mantissa| (places, mantissa))) {
        Some((places, mantissa)) => {
            out.push(places);
            out.extend_from_slice(shortest(&mantissa.to_be_bytes()));
            2
        }
        None => {
            out.extend_from_slice(&number.to_be_bytes());
            3
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) -> u8 {
    match moment(text) {
        Some(seconds) => {
            out.extend_from_slice(shortest(&seconds.to_be_bytes()));
            7
        }
        None => {
            out.extend_from_slice(text.as_bytes());
            4
        }
    }
}

/// The seconds of a moment that is written exactly so.
fn moment(text: &str) -> Option<i64> {
    let [_, _, _, _, b'-', _, _, b'-', _, _, b'T', .., b'Z'] = text.as_bytes() else { return None };
    let moment: Timestamp = text.parse().ok()?;
    (moment.to_string() == text && moment.subsec_nanosecond() == 0).then(|| moment.as_second())
}

/// The mantissa that gives exactly `number` when divided by `power`, if it takes less room.
fn decimal(number: f64, power: f64) -> Option<i64> {
    /// Past it a mantissa takes as much room as the number.
    const MOST: f64 = (1_u64 << 47) as f64;
    let mantissa = (number * power).round();
    let is_exact = mantissa.abs() < MOST && (mantissa / power).to_bits() == number.to_bits();
    // A zero below zero has a bit that no mantissa has.
    #[allow(clippy::cast_possible_truncation, reason = "a whole number below 2^47")]
    (is_exact && !(mantissa == 0.0 && number.is_sign_negative())).then_some(mantissa as i64)
}

/// Without the bytes at the front that only repeat the sign.
fn shortest(bytes: &[u8; 8]) -> &[u8] {
    let mut rest = bytes.as_slice();
    while let [first, tail @ ..] = rest
        && let Some(second) = tail.first()
        && *first == (if second & 0x80 == 0 { 0 } else { 0xFF })
    {
        rest = tail;
    }
    rest
}

/// Reads a value.
pub(super) fn read(tag: u8, payload: &[u8]) -> Result<Value, Error> {
    let mut cursor = Cursor::new(payload, WHAT);
    let value = match tag {
        0 => Value::Null,
        1 => Value::Bool(flag(&mut cursor)?),
        2 => return decimal_number(cursor).map(Value::Number),
        3 => Value::Number(cursor.array().map(f64::from_be_bytes)?),
        4 => return text(payload).map(|text| Value::Text(text.to_owned())),
        5 => Value::Time(Time::from_micros(cursor.u64()?)),
        6 => value::take(&mut cursor)?,
        7 => return moment_of(payload).map(|moment| Value::Text(moment.to_string())),
        tag => return Err(unknown(tag)),
    };
    cursor.end().map(|()| value)
}

/// Fails if [`read`] would.
pub(super) fn check(tag: u8, payload: &[u8]) -> Result<(), Error> {
    match tag {
        4 => text(payload).map(drop),
        7 => moment_of(payload).map(drop),
        0..=3 | 5 => read(tag, payload).map(drop),
        6 => {
            let mut cursor = Cursor::new(payload, WHAT);
            value::check(&mut cursor)?;
            cursor.end()
        }
        tag => Err(unknown(tag)),
    }
}

fn flag(cursor: &mut Cursor<'_>) -> Result<bool, Error> {
    match cursor.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::malformed(WHAT, "flag is neither yes nor no")),
    }
}

fn decimal_number(mut cursor: Cursor<'_>) -> Result<f64, Error> {
    let power =
        POWERS.get(usize::from(cursor.u8()?)).ok_or_else(|| Error::malformed(WHAT, "number has many places"))?;
    let mantissa = mantissa(cursor.rest())?;
    #[allow(clippy::cast_precision_loss, reason = "six bytes fit into the 53 bits that a float has")]
    Ok(mantissa as f64 / power)
}

fn moment_of(payload: &[u8]) -> Result<Timestamp, Error> {
    Timestamp::from_second(mantissa(payload)?).map_err(|_| Error::malformed(WHAT, "moment is of no year"))
}

/// The inverse of [`shortest`], of up to six bytes.
fn mantissa(bytes: &[u8]) -> Result<i64, Error> {
    if bytes.is_empty() || bytes.len() > 6 {
        return Err(Error::malformed(WHAT, "mantissa has no size that it can have"));
    }
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    Ok(bytes.iter().fold(if negative { -1 } else { 0 }, |mantissa, byte| mantissa << 8 | i64::from(*byte)))
}

fn text(payload: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(payload).map_err(|_| Error::malformed(WHAT, "text is not UTF-8"))
}

fn unknown(tag: u8) -> Error {
    Error::malformed(WHAT, format_args!("tag {tag} is unknown"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored(number: f64) -> (u8, Vec<u8>) {
        let mut payload = Vec::new();
        (put(&mut payload, &Value::Number(number)), payload)
    }

    #[test]
    fn moments_come_back_as_they_were_written() {
        let short = ["2026-11-24T18:39:13Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z"];
        let long = [
            "2026-11-24T18:39:13.5Z",
            "2026-11-24t18:39:13Z",
            "2026-11-24T18:39:60Z",
            "2026-02-30T00:00:00Z",
            "2026-11-24TZ",
        ];
        for (texts, tag) in [(&short[..], 7), (&long[..], 4)] {
            for text in texts {
                let (mut payload, value) = (Vec::new(), Value::Text((*text).to_owned()));
                assert_eq!(put(&mut payload, &value), tag, "{text}");
                assert!(tag == 4 || payload.len() <= 6);
                assert_eq!(check(tag, &payload), Ok(()));
                assert_eq!(read(tag, &payload), Ok(value));
            }
        }
    }

    #[test]
    fn amounts_and_counts_are_short() {
        assert_eq!(stored(0.0), (2, vec![0, 0]));
        assert_eq!(stored(-1.0), (2, vec![0, 0xFF]));
        assert_eq!(stored(200.0), (2, vec![0, 0, 200]));
        assert_eq!(stored(19.99), (2, vec![2, 0x07, 0xCF]));
        assert_eq!(stored(0.1 + 0.2), (3, (0.1_f64 + 0.2).to_be_bytes().to_vec()));
        assert_eq!(stored(-0.0), (3, (-0.0_f64).to_be_bytes().to_vec()));
    }

    proptest! {
        #[test]
        fn every_number_comes_back_to_the_bit(whole in any::<i64>(), bits in any::<u64>(), places in 0..8_i32) {
            for number in [whole as f64 / 10_f64.powi(places), (whole % 1_000_000) as f64 / 10_f64.powi(places), f64::from_bits(bits)] {
                let (tag, payload) = stored(number);
                prop_assert!(payload.len() <= 8);
                prop_assert!(check(tag, &payload).is_ok());
                let Value::Number(read) = read(tag, &payload).unwrap() else { panic!("no number") };
                prop_assert_eq!(read.to_bits(), number.to_bits());
            }
        }
    }
}
