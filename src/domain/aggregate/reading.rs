//! What a state of a computed attribute says to those who read it.

use jiff::tz::TimeZone;

use super::{Aggregate, State, hours};
use crate::domain::time::Time;
use crate::domain::value::Value;

impl State {
    /// The event time that the value is of; `None` where it is of all events.
    pub fn as_of(&self) -> Option<Time> {
        match self {
            Self::First(moment, _) | Self::Last(moment, _) => Some(moment.time),
            _ => None,
        }
    }

    /// The first moment after `now` at which its value may be another without any event; `None` if it stays.
    pub fn changes_at(&self, now: Time) -> Option<Time> {
        match self {
            Self::Buckets(buckets) => buckets.changes_at(now),
            Self::Days(days) => days.changes_at(now),
            _ => None,
        }
    }

    /// True if its value depends on when and for whom it is read; see [`State::read`].
    pub fn is_live(&self) -> bool {
        match self {
            Self::Quarters(_) | Self::Buckets(_) => true,
            Self::Days(days) => days.fixed().is_none(),
            _ => false,
        }
    }

    /// True if something had to be left out; `None` where nothing ever is.
    pub fn capped(&self) -> Option<bool> {
        match self {
            Self::Unique(unique) => Some(unique.capped),
            Self::Counts(counts) => Some(counts.capped),
            Self::Quarters(quarters) => Some(quarters.capped),
            _ => None,
        }
    }

    /// The value that lookups read, of states that are not live. Null for those that are.
    pub fn value(&self) -> Value {
        match self {
            Self::Count(count) => number(*count),
            Self::Sum(sum) => Value::Number(sum.to_f64()),
            #[allow(clippy::cast_precision_loss)] // As in `number`.
            Self::Average(sum, count) => Value::Number(sum.to_f64() / *count as f64),
            Self::Min(value) | Self::Max(value) | Self::First(_, value) | Self::Last(_, value) => value.clone(),
            Self::Unique(unique) => Value::List(unique.values()),
            Self::Counts(counts) => counts.most_frequent().cloned().unwrap_or(Value::Null),
            Self::Recent(recent) => Value::List(recent.values()),
            Self::Days(days) => days.fixed().map_or(Value::Null, number),
            Self::Quarters(_) | Self::Buckets(_) => Value::Null,
        }
    }

    /// The value at the time `now`, for a customer in `zone`. `None` if there is no event in the window.
    pub fn read(&self, aggregate: &Aggregate, now: Time, zone: &TimeZone) -> Option<Value> {
        match self {
            Self::Days(days) => Some(number(days.at(now))),
            Self::Buckets(buckets) => {
                let none = || buckets.counts().then_some(Value::Number(0.0));
                buckets.at(now).map(|state| state.value()).or_else(none)
            }
            Self::Quarters(quarters) => {
                let hours = quarters.histogram(zone);
                Some(match aggregate {
                    Aggregate::BestHour { .. } => number(u64::try_from(hours::best(&hours)).unwrap_or_default()),
                    _ => Value::List(hours.into_iter().map(number).collect()),
                })
            }
            other => Some(other.value()),
        }
    }
}

#[allow(clippy::cast_precision_loss)] // JSON numbers are doubles: counts past 2^53 are rounded.
fn number(count: u64) -> Value {
    Value::Number(count as f64)
}
