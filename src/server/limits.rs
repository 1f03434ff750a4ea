//! The limits of a call: how many are in flight, and how long one may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderMap;

use super::status::Refusal;
use crate::domain::invalid::{Invalid, Reason};

/// The header by which a client sets a deadline.
const TIMEOUT_HEADER: &str = "grpc-timeout";

/// Counts the calls in flight on all cores against the cap.
#[derive(Debug)]
pub struct InFlight {
    now: AtomicUsize,
    cap: usize,
}

/// One call in flight, until dropped.
#[derive(Debug)]
pub struct Permit(Arc<InFlight>);

impl InFlight {
    /// Permits `cap` calls at once.
    pub fn new(cap: usize) -> Self {
        Self { now: AtomicUsize::new(0), cap }
    }

    /// How many calls are in flight.
    pub fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    /// Takes a call in, unless the cap is reached.
    pub fn enter(self: &Arc<Self>) -> Result<Permit, Refusal> {
        let before = self.now.fetch_add(1, Ordering::Relaxed);
        // Dropped on refusal, so that the count is right again.
        let permit = Permit(Arc::clone(self));
        if before >= self.cap {
            let text = "the server has as many calls in flight as it may; come back later";
            return Err(Refusal::limit_reached("max_in_flight", text));
        }
        Ok(permit)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long the client gives the call; `None` if it does not say.
pub fn client_timeout(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let Some(value) = headers.get(TIMEOUT_HEADER) else { return Ok(None) };
    let timeout = value.to_str().ok().and_then(parse_timeout);
    let text = "is no timeout; write 1 to 8 digits and one of H, M, S, m, u, n";
    timeout.map(Some).ok_or_else(|| Invalid::new(Reason::BadValue, TIMEOUT_HEADER, text).into())
}

fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_in_every_unit() {
        assert_eq!(parse_timeout("2H"), Some(Duration::from_secs(7_200)));
        assert_eq!(parse_timeout("3M"), Some(Duration::from_secs(180)));
        assert_eq!(parse_timeout("15S"), Some(Duration::from_secs(15)));
        assert_eq!(parse_timeout("99999999m"), Some(Duration::from_millis(99_999_999)));
        assert_eq!(parse_timeout("7u"), Some(Duration::from_micros(7)));
        assert_eq!(parse_timeout("0n"), Some(Duration::ZERO));
        for malformed in ["", "S", "5", "5s", "-1S", "+1S", "1.5S", "123456789S", "5é", "é"] {
            assert_eq!(parse_timeout(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn the_cap_is_kept_and_given_back() {
        let in_flight = Arc::new(InFlight::new(1));
        let first = in_flight.enter().unwrap();
        assert!(in_flight.enter().is_err());
        assert_eq!(in_flight.now(), 1);
        drop(first);
        assert!(in_flight.enter().is_ok());
    }
}
