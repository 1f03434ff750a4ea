//! The one place of the server that reads the clock; everything below takes the time as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::time::Time;

/// The time now; 1970 if the machine's clock is set to before it.
#[allow(clippy::disallowed_methods, reason = "the top floor is where the time comes from")]
pub fn now() -> Time {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(u64::try_from(since_1970.as_micros()).unwrap_or(u64::MAX))
}
