//! Event and log times: UTC, to the microsecond.

use std::fmt;

use jiff::Timestamp;

/// Microseconds since 1970-01-01T00:00:00Z. Never negative: facts from before 1970 are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

/// How far ahead of its arrival an event time may be, in microseconds: 24 h, for clocks in the wrong time zone.
pub const MAX_AHEAD_MICROS: u64 = 24 * 60 * 60 * 1_000_000;

impl Time {
    /// The time that is `micros` microseconds after 1970.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// A protobuf-style time; `None` before 1970, past the year 9999, or with more than a second of nanoseconds.
    pub fn from_seconds(seconds: i64, nanos: i32) -> Option<Self> {
        const YEAR_10000: u64 = 253_402_300_800;
        let seconds = u64::try_from(seconds).ok().filter(|s| *s < YEAR_10000)?;
        let nanos = u64::try_from(nanos).ok().filter(|n| *n < 1_000_000_000)?;
        Some(Self(seconds * 1_000_000 + nanos / 1_000))
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// This time, `micros` microseconds later; saturates at the end of time.
    pub const fn plus_micros(self, micros: u64) -> Self {
        Self(self.0.saturating_add(micros))
    }
}

/// The earlier of two moments, of which either may never come.
pub fn earlier(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    a.into_iter().chain(b).min()
}

/// The units of durations, in seconds.
const UNITS: [(&str, u64); 5] = [("w", 7 * 24 * 60 * 60), ("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];

/// Reads a duration such as `90d`: a whole number and s, m, h, d or w. In microseconds; `None` if it is none, or longer
/// than 1,000 years. Months and years have no one length.
pub fn duration(text: &str) -> Option<u64> {
    const LONGEST: u64 = 1_000 * 365 * 24 * 60 * 60 * 1_000_000;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| is_number)?;
    number.checked_mul(seconds * 1_000_000).filter(|micros| *micros <= LONGEST)
}

/// A duration in microseconds as [`duration`] reads it, in the largest unit that it is a whole number of; what is less than
/// a second is left out.
pub fn duration_text(micros: u64) -> String {
    let whole = micros / 1_000_000;
    let unit = UNITS.into_iter().find(|(_, seconds)| whole != 0 && whole.is_multiple_of(*seconds));
    let (name, seconds) = unit.unwrap_or(("s", 1));
    format!("{}{name}", whole / seconds)
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC, with as many fractional digits as needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = i64::try_from(self.0).unwrap_or(i64::MAX);
        match Timestamp::from_microsecond(micros) {
            Ok(timestamp) => write!(f, "{timestamp}"),
            Err(_) => write!(f, "{micros} µs since 1970"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protobuf_times_are_bounded() {
        assert_eq!(Time::from_seconds(1, 2_000), Some(Time::from_micros(1_000_002)));
        assert_eq!(Time::from_seconds(-1, 0), None);
        assert_eq!(Time::from_seconds(0, 1_000_000_000), None);
        assert_eq!(Time::from_seconds(253_402_300_800, 0), None);
    }

    #[test]
    fn durations_are_numbers_with_a_unit() {
        assert_eq!(duration("90d"), Some(90 * 24 * 60 * 60 * 1_000_000));
        assert_eq!(duration("1w"), duration("168h"));
        assert_eq!((duration("0s"), duration("60m")), (Some(0), duration("1h")));
        for none in
            ["", "d", "90", "1y", "-1d", "+1d", "1.5h", " 1d", "1 d", "1ü", "99999999999999999999d", "9999999999w"]
        {
            assert_eq!(duration(none), None, "{none}");
        }
    }

    #[test]
    fn durations_are_written_in_their_largest_unit() {
        for text in ["0s", "1s", "90s", "2m", "36h", "1d", "30d", "1w", "52w"] {
            assert_eq!(duration_text(duration(text).unwrap()), text);
        }
        assert_eq!(duration_text(duration("168h").unwrap()), "1w");
    }

    #[test]
    fn prints_rfc_3339() {
        assert_eq!(Time::from_micros(852_076_800_000_000).to_string(), "1997-01-01T00:00:00Z");
        assert_eq!(Time::from_micros(1_500_000).to_string(), "1970-01-01T00:00:01.5Z");
    }
}
