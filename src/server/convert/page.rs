//! Page tokens: a place in a list as opaque text: 8 hex digits of a CRC-32, then the place as hex.

use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId};
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::link::Moment;
use crate::domain::time::Time;
use crate::engine::{MemberPlace, SegmentPlace};

/// Between an identifier, which has no control characters, and what follows it.
const BETWEEN: char = '\n';

/// Reads the place of an event; `None` for empty text.
pub fn read(token: &str) -> Result<Option<Moment>, Invalid> {
    read_as(token, |place| {
        let (micros, message_id) = place.split_at_checked(16)?;
        let time = Time::from_micros(u64::from_str_radix(micros, 16).ok()?);
        Some(Moment { time, message_id: message_id.to_owned() })
    })
}

/// Writes the place of an event, for the page after it.
pub fn write(moment: &Moment) -> String {
    let Moment { time, message_id } = moment;
    seal(&format!("{:016x}{message_id}", time.micros()))
}

/// Reads the place of a profile; `None` for empty text.
pub fn read_profile(token: &str) -> Result<Option<ProfileId>, Invalid> {
    read_as(token, ProfileId::parse)
}

/// Writes the place of a profile, for the page after it.
pub fn write_profile(id: ProfileId) -> String {
    seal(&id.to_string())
}

/// Reads the place of a member; `None` for empty text.
pub fn read_member(token: &str) -> Result<Option<MemberPlace>, Invalid> {
    read_as(token, |place| {
        let (group, profile) = place.split_once(BETWEEN)?;
        Some(MemberPlace { group: Identifier::from_stored(group)?, profile: ProfileId::parse(profile)? })
    })
}

/// Writes the place of a member, for the page after it.
pub fn write_member(place: &MemberPlace) -> String {
    let MemberPlace { group, profile } = place;
    seal(&format!("{}{BETWEEN}{profile}", group.as_str()))
}

/// Reads the place of a member of a segment of `kind`; `None` for empty text.
pub fn read_segment(token: &str, kind: KindId) -> Result<Option<SegmentPlace>, Invalid> {
    let place = match kind {
        KindId::ADDRESS => read_as(token, |place| Some(SegmentPlace::Address(Identifier::from_stored(place)?))),
        _ => read_as(token, |place| Some(SegmentPlace::Profile(ProfileId::parse(place)?))),
    };
    place.map_err(|invalid| Invalid { field: "after".to_owned(), ..invalid })
}

/// Writes the place of a member of a segment, for the page after it.
pub fn write_segment(place: &SegmentPlace) -> String {
    match place {
        SegmentPlace::Profile(id) => write_profile(*id),
        SegmentPlace::Address(identifier) => seal(identifier.as_str()),
    }
}

fn seal(place: &str) -> String {
    let hex: String = place.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{:08x}{hex}", crc32fast::hash(place.as_bytes()))
}

fn read_as<T>(token: &str, parse: fn(&str) -> Option<T>) -> Result<Option<T>, Invalid> {
    if token.is_empty() {
        return Ok(None);
    }
    let text = "is no page token of this server";
    let place = open(token).as_deref().and_then(parse);
    place.map(Some).ok_or_else(|| Invalid::new(Reason::MalformedToken, "page_token", text))
}

fn open(token: &str) -> Option<String> {
    let (sum, hex) = token.is_ascii().then(|| token.split_at_checked(8))??;
    let bytes = hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let place: Vec<u8> = bytes.collect::<Option<_>>()?;
    if u32::from_str_radix(sum, 16).ok()? != crc32fast::hash(&place) {
        return None;
    }
    String::from_utf8(place).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_garbage() {
        let moment = Moment { time: Time::from_micros(77), message_id: "é-1".to_owned() };
        assert_eq!(read(&write(&moment)), Ok(Some(moment)));
        assert_eq!(read(""), Ok(None));
        assert_eq!(read_profile(&write_profile(ProfileId(77))), Ok(Some(ProfileId(77))));
        for garbage in ["77", "zzzzzzzz", "00000000", "000000000", "0000000g00", "éééééééééé"] {
            assert_eq!(read(garbage).unwrap_err().reason, Reason::MalformedToken, "{garbage}");
            assert_eq!(read_profile(garbage).unwrap_err().reason, Reason::MalformedToken, "{garbage}");
            assert_eq!(read_member(garbage).unwrap_err().reason, Reason::MalformedToken, "{garbage}");
        }
        let identifier = |text: &str| Identifier::from_stored(text).unwrap();
        let place = MemberPlace { group: identifier("account_id:é"), profile: ProfileId(7) };
        assert_eq!(read_member(&write_member(&place)), Ok(Some(place.clone())));
        assert_eq!(read(&write_member(&place)).unwrap_err().reason, Reason::MalformedToken);
    }
}
