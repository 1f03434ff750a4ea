//! Whole days: since the first event, since the last, and from the one to the other.
//!
//! A day is 24 hours, counted from the event on and rounded down. So no time zone matters, and a day on which clocks are
//! changed is as long as any other.

use crate::domain::time::Time;

/// A day in microseconds.
const DAY: u64 = 24 * 60 * 60 * 1_000_000;

/// The times that a number of days is told from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    /// Since the earliest event.
    SinceFirst(Time),
    /// Since the latest event.
    SinceLast(Time),
    /// From the earliest event to the latest.
    Between(Time, Time),
}

impl Days {
    /// Takes in other events; `self` where the two are told from different ones.
    #[must_use]
    pub(super) fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::SinceFirst(a), Self::SinceFirst(b)) => Self::SinceFirst(a.min(b)),
            (Self::SinceLast(a), Self::SinceLast(b)) => Self::SinceLast(a.max(b)),
            (Self::Between(a, b), Self::Between(c, d)) => Self::Between(a.min(c), b.max(d)),
            (kept, _) => kept,
        }
    }

    /// The number, if it is the same at any time; `None` if it goes up without any event.
    pub(super) fn fixed(self) -> Option<u64> {
        match self {
            Self::SinceFirst(_) | Self::SinceLast(_) => None,
            Self::Between(first, last) => Some(whole(first, last)),
        }
    }

    /// The number at the time `now`, at least 0: an event may be dated ahead.
    pub(super) fn at(self, now: Time) -> u64 {
        match self {
            Self::SinceFirst(event) | Self::SinceLast(event) => whole(event, now),
            Self::Between(first, last) => whole(first, last),
        }
    }

    /// The moment after `now` at which one more day is over; `None` if that never happens without a new event.
    pub(super) fn changes_at(self, now: Time) -> Option<Time> {
        match self {
            Self::SinceFirst(event) | Self::SinceLast(event) => {
                let over = whole(event, now).saturating_add(1);
                Some(event.plus_micros(over.saturating_mul(DAY)))
            }
            Self::Between(..) => None,
        }
    }
}

/// How many whole days there are from `from` to `to`; none if `to` is earlier.
fn whole(from: Time, to: Time) -> u64 {
    to.micros().saturating_sub(from.micros()) / DAY
}
