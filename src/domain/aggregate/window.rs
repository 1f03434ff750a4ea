//! Sliding windows: an aggregate over the last hours or days, which ages without any event.
//!
//! Events are aggregated in buckets of fixed length since 1970. At the moment of asking a window is the bucket of that
//! moment and as many whole ones before it as make up its length. So it reaches back its length and less than a bucket
//! more, and what it answers is the exact aggregate of the events in these buckets.

use std::collections::BTreeMap;

use super::State;
use crate::domain::time::{MAX_AHEAD_MICROS, Time};

const MINUTE: u64 = 60 * 1_000_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// 24 hours, in buckets of 15 minutes.
    Day,
    /// 7 days, in buckets of an hour.
    Week,
    /// 30 days, in buckets of 6 hours.
    Month,
    /// 90 days, in buckets of a day.
    Quarter,
}

impl Window {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// As the model file writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    /// Its length in microseconds.
    pub const fn micros(self) -> u64 {
        match self {
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Month => 30 * DAY,
            Self::Quarter => 90 * DAY,
        }
    }

    /// The length of a bucket in microseconds; it divides that of the window.
    const fn bucket_micros(self) -> u64 {
        match self {
            Self::Day => 15 * MINUTE,
            Self::Week => HOUR,
            Self::Month => 6 * HOUR,
            Self::Quarter => DAY,
        }
    }

    fn bucket(self, time: Time) -> u64 {
        time.micros() / self.bucket_micros()
    }

    /// How many buckets the window has beside that of the moment of asking.
    const fn buckets(self) -> u64 {
        self.micros() / self.bucket_micros()
    }
}

/// The aggregates of the buckets that have events.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    /// The window they are for.
    pub window: Window,
    /// By the number of the bucket since 1970.
    pub states: BTreeMap<u64, State>,
}

impl Buckets {
    /// What one event leads to that alone leads to `state`.
    pub(super) fn of(window: Window, time: Time, state: State) -> Self {
        Self { window, states: BTreeMap::from([(window.bucket(time), state)]) }
    }

    /// Takes in other events. What no window can reach any more is left out: an event may be dated ahead of its arrival,
    /// so that what it makes old is not yet old.
    #[must_use]
    pub(super) fn merge(mut self, other: Self) -> Self {
        for (bucket, state) in other.states {
            let state = match self.states.remove(&bucket) {
                Some(known) => known.merge(state),
                None => state,
            };
            self.states.insert(bucket, state);
        }
        let newest = self.states.keys().next_back().copied().unwrap_or_default();
        let kept = self.window.buckets() + MAX_AHEAD_MICROS.div_ceil(self.window.bucket_micros());
        self.states = self.states.split_off(&newest.saturating_sub(kept));
        self
    }

    /// The aggregate at the time `now`; `None` if there is no event in the window.
    pub(super) fn at(&self, now: Time) -> Option<State> {
        let last = self.window.bucket(now);
        let first = last.saturating_sub(self.window.buckets());
        self.states.range(first..=last).map(|(_, state)| state.clone()).reduce(State::merge)
    }

    /// The first moment after `now` at which the aggregate is over other events: the oldest bucket of the window leaves
    /// it, or one with events that were dated ahead comes in. `None` if that never happens without a new event.
    pub(super) fn changes_at(&self, now: Time) -> Option<Time> {
        let last = self.window.bucket(now);
        let first = last.saturating_sub(self.window.buckets());
        let leaves = self.states.range(first..=last).next().map(|(bucket, _)| bucket + self.window.buckets() + 1);
        let comes = self.states.range(last + 1..).next().map(|(bucket, _)| *bucket);
        let next = leaves.into_iter().chain(comes).min()?;
        Some(Time::from_micros(next.saturating_mul(self.window.bucket_micros())))
    }

    /// True if no event is needed for there to be a value: of nothing there are none, and they sum up to zero.
    pub(super) fn counts(&self) -> bool {
        self.states.values().next().is_some_and(|state| matches!(state, State::Count(_) | State::Sum(_)))
    }
}
