//! Times.

use prost_types::Timestamp;

use crate::domain::invalid::{Invalid, Reason};
use crate::domain::time::Time;

/// Reads the time in `field`.
pub fn read(timestamp: &Timestamp, field: &str) -> Result<Time, Invalid> {
    let Timestamp { seconds, nanos } = timestamp;
    let text = "is before 1970, past the year 9999, or has more than a second of nanoseconds";
    Time::from_seconds(*seconds, *nanos).ok_or_else(|| Invalid::new(Reason::TimeOutOfRange, field, text))
}

/// Writes a time.
pub fn write(time: Time) -> Timestamp {
    const MICROS_PER_SECOND: u64 = 1_000_000;
    let seconds = i64::try_from(time.micros() / MICROS_PER_SECOND).unwrap_or(i64::MAX);
    let nanos = i32::try_from(time.micros() % MICROS_PER_SECOND * 1_000).unwrap_or_default();
    Timestamp { seconds, nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_there_and_back_to_the_microsecond() {
        let time = Time::from_micros(852_076_800_123_456);
        assert_eq!(read(&write(time), "time"), Ok(time));
        let refused = read(&Timestamp { seconds: -1, nanos: 0 }, "time").unwrap_err();
        assert_eq!((refused.reason, refused.field.as_str()), (Reason::TimeOutOfRange, "time"));
    }
}
