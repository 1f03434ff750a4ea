//! Hours of the day at which events happen, in any time zone.
//!
//! Events are counted by the quarter of an hour since 1970 in UTC, and only a reader brings the time zone: offsets are whole
//! quarters, so each quarter lies in one hour of the local day, on days of daylight saving too, and a customer who moves is
//! read in the new zone throughout.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::domain::time::Time;

/// How many quarters of an hour with events are kept; the oldest are forgotten first.
pub const MAX_QUARTERS: usize = 1_000;
const QUARTER_SECONDS: u64 = 15 * 60;

/// How many events there were in each quarter of an hour, of the newest [`MAX_QUARTERS`] that have any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quarters {
    /// Counts by the number of the quarter since 1970.
    pub counts: BTreeMap<u64, u64>,
    /// True if there were more.
    pub capped: bool,
}

impl Quarters {
    /// What one event leads to.
    pub(super) fn of(time: Time) -> Self {
        let quarter = time.micros() / (QUARTER_SECONDS * 1_000_000);
        Self { counts: BTreeMap::from([(quarter, 1)]), capped: false }
    }

    /// Takes in other events.
    #[must_use]
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.capped |= other.capped;
        for (quarter, count) in other.counts {
            let known = self.counts.entry(quarter).or_default();
            *known = known.saturating_add(count);
        }
        while self.counts.len() > MAX_QUARTERS {
            self.counts.pop_first();
            self.capped = true;
        }
        self
    }

    /// How many events there were in each hour of the day.
    pub(super) fn histogram(&self, zone: &TimeZone) -> [u64; 24] {
        let mut hours = [0_u64; 24];
        for (quarter, count) in &self.counts {
            let second = i64::try_from(quarter.saturating_mul(QUARTER_SECONDS)).unwrap_or(i64::MAX);
            let Ok(time) = Timestamp::from_second(second) else { continue };
            let hour = usize::try_from(zone.to_datetime(time).hour()).unwrap_or_default();
            if let Some(hour) = hours.get_mut(hour) {
                *hour = hour.saturating_add(*count);
            }
        }
        hours
    }
}

/// The hour with the most events; of several the first of the day.
pub(super) fn best(hours: &[u64; 24]) -> usize {
    let most = hours.iter().enumerate().max_by(|(a, m), (b, n)| m.cmp(n).then_with(|| b.cmp(a)));
    most.map_or(0, |(hour, _)| hour)
}

/// The IANA zone called so; UTC where there is none. The zones are part of the program, so that every machine answers the
/// same.
pub fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap_or(TimeZone::UTC)
}
