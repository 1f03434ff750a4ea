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
    fn prints_rfc_3339() {
        assert_eq!(Time::from_micros(852_076_800_000_000).to_string(), "1997-01-01T00:00:00Z");
        assert_eq!(Time::from_micros(1_500_000).to_string(), "1970-01-01T00:00:01.5Z");
    }
}
