//! Computed attributes: what they hold, how they take in an event, and how two halves become one.
//!
//! Taking in is commutative, and so is merging: the aggregate of a union of events is the merge of their aggregates,
//! exactly, in any order. That is why sums are decimals and not floats. Every state is bounded.

mod days;
mod decimal;
mod distinct;
mod hours;
mod reading;
mod recent;
mod window;

use super::link::Moment;
use super::time::Time;
use super::value::Value;

pub use days::Days;
pub use decimal::Decimal;
pub use distinct::{Counts, MAX_COUNTED, MAX_KEPT_BYTES, Scalar, Unique};
pub use hours::{MAX_QUARTERS, Quarters, zone};
pub use recent::{Recent, TIME};
pub use window::{Buckets, Window};

/// What a computed attribute computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// How many events.
    Count,
    /// The exact sum of a number.
    Sum,
    /// The mean of a number.
    Average,
    /// The smallest scalar.
    Min,
    /// The largest scalar.
    Max,
    /// The value of the earliest event that has one.
    First,
    /// The value of the latest event that has one.
    Last,
    /// The distinct scalars, those that came last first.
    UniqueList {
        /// How many are kept.
        limit: usize,
    },
    /// The scalar that came most often; of several the smallest.
    MostFrequent,
    /// The latest events, newest first.
    LastEvents {
        /// How many are kept.
        limit: usize,
        /// Which properties of each.
        properties: Vec<String>,
    },
    /// How many events there were in each hour of the day.
    Hours {
        /// The attribute that holds the customer's IANA time zone; without one, and where it names none, UTC.
        time_zone: Option<String>,
    },
    /// The hour of the day with the most events, 0 to 23.
    BestHour {
        /// As for [`Aggregate::Hours`].
        time_zone: Option<String>,
    },
    /// How many days ago the earliest event was: whole ones of 24 hours, as all days here.
    DaysSinceFirst,
    /// How many days ago the latest event was.
    DaysSinceLast,
    /// How many days there are from the earliest event to the latest.
    DaysBetween,
}

/// What a computed attribute holds after at least one event.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// How many events.
    Count(u64),
    /// The sum so far.
    Sum(Decimal),
    /// The sum so far, and of how many.
    Average(Decimal, u64),
    /// The smallest so far.
    Min(Value),
    /// The largest so far.
    Max(Value),
    /// The value of the earliest event so far.
    First(Moment, Value),
    /// The value of the latest event so far.
    Last(Moment, Value),
    /// Distinct values.
    Unique(Unique),
    /// How often each value came.
    Counts(Counts),
    /// The latest events.
    Recent(Recent),
    /// Events by the quarter of an hour.
    Quarters(Quarters),
    /// The times that days are counted from.
    Days(Days),
    /// Any of the first five, by the time of the events.
    Buckets(Buckets),
}

impl Aggregate {
    /// As the model file writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Average => "average",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first",
            Self::Last => "last",
            Self::UniqueList { .. } => "unique_list",
            Self::MostFrequent => "most_frequent",
            Self::LastEvents { .. } => "last_events",
            Self::Hours { .. } => "hours",
            Self::BestHour { .. } => "best_hour",
            Self::DaysSinceFirst => "days_since_first",
            Self::DaysSinceLast => "days_since_last",
            Self::DaysBetween => "days_between",
        }
    }

    /// True if it can be over a sliding window.
    pub fn slides(&self) -> bool {
        matches!(self, Self::Count | Self::Sum | Self::Average | Self::Min | Self::Max)
    }

    /// True if the event alone goes in, and none of its values.
    pub fn is_of_events(&self) -> bool {
        match self {
            Self::Count | Self::LastEvents { .. } | Self::Hours { .. } | Self::BestHour { .. } => true,
            Self::DaysSinceFirst | Self::DaysSinceLast | Self::DaysBetween => true,
            Self::Sum | Self::Average | Self::Min | Self::Max | Self::First | Self::Last => false,
            Self::UniqueList { .. } | Self::MostFrequent => false,
        }
    }

    /// True if it may have to leave something out, and says so.
    pub fn may_be_capped(&self) -> bool {
        matches!(self, Self::UniqueList { .. } | Self::MostFrequent | Self::Hours { .. } | Self::BestHour { .. })
    }

    /// The attribute that holds the time zone it is read in.
    pub fn time_zone(&self) -> Option<&str> {
        match self {
            Self::Hours { time_zone } | Self::BestHour { time_zone } => time_zone.as_deref(),
            _ => None,
        }
    }
}

impl State {
    /// What one event with this value leads to; `None` if the aggregate has no use for the value. For
    /// [`Aggregate::LastEvents`] the value is the object of all properties.
    pub fn of(aggregate: &Aggregate, moment: &Moment, value: Option<&Value>) -> Option<Self> {
        Self::of_time(aggregate, moment.time).or_else(|| Self::of_value(aggregate, moment, value?))
    }

    /// Where nothing but the time of the event goes in, if that.
    fn of_time(aggregate: &Aggregate, time: Time) -> Option<Self> {
        Some(match aggregate {
            Aggregate::Count => Self::Count(1),
            Aggregate::Hours { .. } | Aggregate::BestHour { .. } => Self::Quarters(Quarters::of(time)),
            Aggregate::DaysSinceFirst => Self::Days(Days::SinceFirst(time)),
            Aggregate::DaysSinceLast => Self::Days(Days::SinceLast(time)),
            Aggregate::DaysBetween => Self::Days(Days::Between(time, time)),
            _ => return None,
        })
    }

    fn of_value(aggregate: &Aggregate, moment: &Moment, value: &Value) -> Option<Self> {
        if *value == Value::Null {
            return None;
        }
        match aggregate {
            Aggregate::Sum => Decimal::of(value).map(Self::Sum),
            Aggregate::Average => Decimal::of(value).map(|sum| Self::Average(sum, 1)),
            Aggregate::Min => value.is_scalar().then(|| Self::Min(value.clone())),
            Aggregate::Max => value.is_scalar().then(|| Self::Max(value.clone())),
            Aggregate::First => Some(Self::First(moment.clone(), value.clone())),
            Aggregate::Last => Some(Self::Last(moment.clone(), value.clone())),
            Aggregate::UniqueList { limit } => {
                Scalar::of(value).map(|scalar| Self::Unique(Unique::of(*limit, scalar, moment.time)))
            }
            Aggregate::MostFrequent => Scalar::of(value).map(|scalar| Self::Counts(Counts::of(scalar))),
            Aggregate::LastEvents { limit, properties } => match value {
                Value::Object(values) => Some(Self::Recent(Recent::of(*limit, properties, moment, values))),
                _ => None,
            },
            _ => None,
        }
    }

    /// The same over a sliding window.
    #[must_use]
    pub fn sliding(self, window: Window, time: Time) -> Self {
        Self::Buckets(Buckets::of(window, time, self))
    }

    /// The state over the events of both; `self` where the two are of different aggregates.
    pub fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Count(a), Self::Count(b)) => Self::Count(a.saturating_add(b)),
            (Self::Sum(a), Self::Sum(b)) => Self::Sum(a.plus(b)),
            (Self::Average(a, m), Self::Average(b, n)) => Self::Average(a.plus(b), m.saturating_add(n)),
            (Self::Min(a), Self::Min(b)) => Self::Min(if b.scalar_cmp(&a).is_some_and(|o| o.is_lt()) { b } else { a }),
            (Self::Max(a), Self::Max(b)) => Self::Max(if b.scalar_cmp(&a).is_some_and(|o| o.is_gt()) { b } else { a }),
            (Self::First(at_a, a), Self::First(at_b, b)) => {
                if at_b < at_a {
                    Self::First(at_b, b)
                } else {
                    Self::First(at_a, a)
                }
            }
            (Self::Last(at_a, a), Self::Last(at_b, b)) => {
                if at_b > at_a {
                    Self::Last(at_b, b)
                } else {
                    Self::Last(at_a, a)
                }
            }
            (Self::Unique(a), Self::Unique(b)) => Self::Unique(a.merge(b)),
            (Self::Counts(a), Self::Counts(b)) => Self::Counts(a.merge(b)),
            (Self::Recent(a), Self::Recent(b)) => Self::Recent(a.merge(b)),
            (Self::Quarters(a), Self::Quarters(b)) => Self::Quarters(a.merge(b)),
            (Self::Days(a), Self::Days(b)) => Self::Days(a.merge(b)),
            (Self::Buckets(a), Self::Buckets(b)) if a.window == b.window => Self::Buckets(a.merge(b)),
            (kept, _) => kept,
        }
    }
}

#[cfg(test)]
mod tests;
