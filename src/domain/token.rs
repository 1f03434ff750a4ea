//! Tokens: a place in the log as opaque text, so that a read can ask to see at least that write.

use std::fmt;

use super::ids::Seq;
use super::invalid::{Invalid, Reason};

/// A place in the log. As text: 16 hex digits of the place and 8 of their CRC-32, which catches what was typed wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(pub Seq);

impl Token {
    /// Reads a token; `None` for empty text.
    pub fn parse(text: &str) -> Result<Option<Self>, Invalid> {
        if text.is_empty() {
            return Ok(None);
        }
        let read = |text: &str| {
            let (place, sum) = text.is_ascii().then(|| text.split_at_checked(16))??;
            let place = u64::from_str_radix(place, 16).ok()?;
            (sum.len() == 8 && u32::from_str_radix(sum, 16).ok()? == checksum(place)).then_some(Self(Seq(place)))
        };
        let malformed = || Invalid::new(Reason::MalformedToken, "token", "is no token of this server");
        read(text).map(Some).ok_or_else(malformed)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Seq(place)) = self;
        write!(f, "{place:016x}{:08x}", checksum(*place))
    }
}

fn checksum(place: u64) -> u32 {
    crc32fast::hash(&place.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_garbage() {
        let token = Token(Seq(77));
        assert_eq!(Token::parse(&token.to_string()), Ok(Some(token)));
        assert_eq!(Token::parse(""), Ok(None));
        for garbage in ["77", "zz", "000000000000004d00000000", "ééééééééé", "000000000000004d+a5b6c7d"] {
            assert!(Token::parse(garbage).is_err());
        }
    }
}
