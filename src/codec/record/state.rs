//! States of computed attributes, as parts of records.

use serde::{Deserialize, Serialize};

use super::holdings::{bytes, read};
use super::parts::StoredMoment;
use crate::codec::Error;
use crate::domain::aggregate::{Buckets, Counts, Days, Decimal, Quarters, Recent, Scalar, State, Unique, Window};
use crate::domain::link::Moment;
use crate::domain::time::Time;
use crate::domain::value::Value;

const WHAT: &str = "state of a computed attribute";

#[derive(Serialize, Deserialize)]
pub(super) enum StoredState {
    Count(u64),
    Sum(i128),
    Min(Vec<u8>),
    Max(Vec<u8>),
    First(StoredMoment, Vec<u8>),
    Last(StoredMoment, Vec<u8>),
    Average(i128, u64),
    Unique {
        limit: u32,
        seen: Vec<(Vec<u8>, u64)>,
        capped: bool,
    },
    Counts {
        counts: Vec<(Vec<u8>, u64)>,
        capped: bool,
    },
    /// Each event with its properties as an object.
    Recent {
        limit: u32,
        events: Vec<(StoredMoment, Vec<u8>)>,
    },
    Quarters {
        counts: Vec<(u64, u64)>,
        capped: bool,
    },
    Buckets {
        window: StoredWindow,
        states: Vec<(u64, StoredCell)>,
    },
    Days(StoredDays),
}

/// Times in microseconds since 1970.
#[derive(Serialize, Deserialize)]
pub(super) enum StoredDays {
    SinceFirst(u64),
    SinceLast(u64),
    Between(u64, u64),
}

/// The state of one bucket of a window.
#[derive(Serialize, Deserialize)]
pub(super) enum StoredCell {
    Count(u64),
    Sum(i128),
    Average(i128, u64),
    Min(Vec<u8>),
    Max(Vec<u8>),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) enum StoredWindow {
    Day,
    Week,
    Month,
    Quarter,
}

impl From<&State> for StoredState {
    fn from(state: &State) -> Self {
        match state {
            State::Count(count) => Self::Count(*count),
            State::Sum(sum) => Self::Sum(sum.billionths()),
            State::Average(sum, count) => Self::Average(sum.billionths(), *count),
            State::Min(value) => Self::Min(bytes(value)),
            State::Max(value) => Self::Max(bytes(value)),
            State::First(moment, value) => Self::First(moment.into(), bytes(value)),
            State::Last(moment, value) => Self::Last(moment.into(), bytes(value)),
            State::Unique(Unique { limit, seen, capped }) => Self::Unique {
                limit: stored_limit(*limit),
                seen: seen.iter().map(|(value, time)| (bytes(value.value()), time.micros())).collect(),
                capped: *capped,
            },
            State::Counts(Counts { counts, capped }) => Self::Counts {
                counts: counts.iter().map(|(value, count)| (bytes(value.value()), *count)).collect(),
                capped: *capped,
            },
            State::Recent(Recent { limit, events }) => Self::Recent {
                limit: stored_limit(*limit),
                events: events
                    .iter()
                    .map(|(moment, values)| (moment.into(), bytes(&Value::Object(values.clone()))))
                    .collect(),
            },
            State::Quarters(Quarters { counts, capped }) => {
                Self::Quarters { counts: counts.iter().map(|(at, count)| (*at, *count)).collect(), capped: *capped }
            }
            State::Buckets(Buckets { window, states }) => Self::Buckets {
                window: (*window).into(),
                states: states.iter().filter_map(|(at, state)| Some((*at, cell(state)?))).collect(),
            },
            State::Days(days) => Self::Days((*days).into()),
        }
    }
}

/// Limits are far below what four bytes hold.
fn stored_limit(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

fn limit(stored: u32) -> Result<usize, Error> {
    usize::try_from(stored).map_err(|_| Error::malformed(WHAT, "limit is out of range"))
}

/// `None` for what no window is of.
fn cell(state: &State) -> Option<StoredCell> {
    Some(match state {
        State::Count(count) => StoredCell::Count(*count),
        State::Sum(sum) => StoredCell::Sum(sum.billionths()),
        State::Average(sum, count) => StoredCell::Average(sum.billionths(), *count),
        State::Min(value) => StoredCell::Min(bytes(value)),
        State::Max(value) => StoredCell::Max(bytes(value)),
        _ => return None,
    })
}

fn read_cell(stored: StoredCell) -> Result<State, Error> {
    Ok(match stored {
        StoredCell::Count(count) => State::Count(count),
        StoredCell::Sum(billionths) => State::Sum(Decimal::from_billionths(billionths)),
        StoredCell::Average(billionths, count) => State::Average(Decimal::from_billionths(billionths), count),
        StoredCell::Min(bytes) => State::Min(read(&bytes)?),
        StoredCell::Max(bytes) => State::Max(read(&bytes)?),
    })
}

pub(super) fn state(stored: StoredState) -> Result<State, Error> {
    Ok(match stored {
        StoredState::Count(count) => State::Count(count),
        StoredState::Sum(billionths) => State::Sum(Decimal::from_billionths(billionths)),
        StoredState::Average(billionths, count) => State::Average(Decimal::from_billionths(billionths), count),
        StoredState::Min(bytes) => State::Min(read(&bytes)?),
        StoredState::Max(bytes) => State::Max(read(&bytes)?),
        StoredState::First(moment, bytes) => State::First(moment.into(), read(&bytes)?),
        StoredState::Last(moment, bytes) => State::Last(moment.into(), read(&bytes)?),
        StoredState::Unique { limit: most, seen, capped } => {
            let seen = seen.into_iter().map(|(bytes, time)| Ok((scalar(&bytes)?, Time::from_micros(time))));
            State::Unique(Unique { limit: limit(most)?, seen: seen.collect::<Result<_, Error>>()?, capped })
        }
        StoredState::Counts { counts, capped } => {
            let counts = counts.into_iter().map(|(bytes, count)| Ok((scalar(&bytes)?, count)));
            State::Counts(Counts { counts: counts.collect::<Result<_, Error>>()?, capped })
        }
        StoredState::Recent { limit: most, events } => {
            let events = events.into_iter().map(|(moment, bytes)| match read(&bytes)? {
                Value::Object(values) => Ok((Moment::from(moment), values)),
                _ => Err(Error::malformed(WHAT, "event is no object")),
            });
            State::Recent(Recent { limit: limit(most)?, events: events.collect::<Result<_, Error>>()? })
        }
        StoredState::Quarters { counts, capped } => {
            State::Quarters(Quarters { counts: counts.into_iter().collect(), capped })
        }
        StoredState::Buckets { window, states } => {
            let states = states.into_iter().map(|(at, stored)| Ok((at, read_cell(stored)?)));
            State::Buckets(Buckets { window: window.into(), states: states.collect::<Result<_, Error>>()? })
        }
        StoredState::Days(days) => State::Days(days.into()),
    })
}

fn scalar(bytes: &[u8]) -> Result<Scalar, Error> {
    Scalar::of(&read(bytes)?).ok_or_else(|| Error::malformed(WHAT, "value is no scalar"))
}

impl From<Days> for StoredDays {
    fn from(days: Days) -> Self {
        match days {
            Days::SinceFirst(first) => Self::SinceFirst(first.micros()),
            Days::SinceLast(last) => Self::SinceLast(last.micros()),
            Days::Between(first, last) => Self::Between(first.micros(), last.micros()),
        }
    }
}

impl From<StoredDays> for Days {
    fn from(stored: StoredDays) -> Self {
        match stored {
            StoredDays::SinceFirst(first) => Self::SinceFirst(Time::from_micros(first)),
            StoredDays::SinceLast(last) => Self::SinceLast(Time::from_micros(last)),
            StoredDays::Between(first, last) => Self::Between(Time::from_micros(first), Time::from_micros(last)),
        }
    }
}

impl From<Window> for StoredWindow {
    fn from(window: Window) -> Self {
        match window {
            Window::Day => Self::Day,
            Window::Week => Self::Week,
            Window::Month => Self::Month,
            Window::Quarter => Self::Quarter,
        }
    }
}

impl From<StoredWindow> for Window {
    fn from(stored: StoredWindow) -> Self {
        match stored {
            StoredWindow::Day => Self::Day,
            StoredWindow::Week => Self::Week,
            StoredWindow::Month => Self::Month,
            StoredWindow::Quarter => Self::Quarter,
        }
    }
}
