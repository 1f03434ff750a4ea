//! Page tokens: a place in the history of a profile as opaque text, 8 hex digits of a CRC-32 before the place.

use crate::domain::invalid::{Invalid, Reason};
use crate::domain::link::Moment;
use crate::domain::time::Time;

/// Reads a page token; `None` for empty text.
pub fn read(token: &str) -> Result<Option<Moment>, Invalid> {
    if token.is_empty() {
        return Ok(None);
    }
    let text = "is no page token of this server";
    parse(token).map(Some).ok_or_else(|| Invalid::new(Reason::MalformedToken, "page_token", text))
}

/// Writes the place of an event, for the page after it.
pub fn write(moment: &Moment) -> String {
    let Moment { time, message_id } = moment;
    let place = format!("{:016x}{message_id}", time.micros());
    let hex: String = place.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{:08x}{hex}", crc32fast::hash(place.as_bytes()))
}

fn parse(token: &str) -> Option<Moment> {
    let (sum, hex) = token.is_ascii().then(|| token.split_at_checked(8))??;
    let bytes = hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let place: Vec<u8> = bytes.collect::<Option<_>>()?;
    if u32::from_str_radix(sum, 16).ok()? != crc32fast::hash(&place) {
        return None;
    }
    let place = String::from_utf8(place).ok()?;
    let (micros, message_id) = place.split_at_checked(16)?;
    let time = Time::from_micros(u64::from_str_radix(micros, 16).ok()?);
    Some(Moment { time, message_id: message_id.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_garbage() {
        let moment = Moment { time: Time::from_micros(77), message_id: "é-1".to_owned() };
        assert_eq!(read(&write(&moment)), Ok(Some(moment)));
        assert_eq!(read(""), Ok(None));
        for garbage in ["77", "zzzzzzzz", "00000000", "000000000", "0000000g00", "éééééééééé"] {
            assert_eq!(read(garbage).unwrap_err().reason, Reason::MalformedToken, "{garbage}");
        }
    }
}
