//! Computed attributes: what they hold, how they take in an event, and how two halves become one.
//!
//! Taking in is commutative, and so is merging: the aggregate of a union of events is the merge of their aggregates,
//! exactly, in any order. That is why sums are decimals and not floats.

use super::link::Moment;
use super::time::Time;
use super::value::Value;

/// What a computed attribute computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// How many events.
    Count,
    /// The exact sum of a number.
    Sum,
    /// The smallest scalar.
    Min,
    /// The largest scalar.
    Max,
    /// The value of the earliest event that has one.
    First,
    /// The value of the latest event that has one.
    Last,
}

/// A sum in billionths: exact for numbers of up to nine decimal places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimal(i128);

/// Numbers this large and larger are not summed.
const SUMMABLE_BELOW: f64 = 1e18;
/// Decimal places of a [`Decimal`].
const PLACES: usize = 9;

/// What a computed attribute holds after at least one event.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// How many events.
    Count(u64),
    /// The sum so far.
    Sum(Decimal),
    /// The smallest so far.
    Min(Value),
    /// The largest so far.
    Max(Value),
    /// The value of the earliest event so far.
    First(Moment, Value),
    /// The value of the latest event so far.
    Last(Moment, Value),
}

impl State {
    /// What one event with this value leads to; `None` if the aggregate has no use for the value.
    pub fn of(aggregate: Aggregate, moment: &Moment, value: Option<&Value>) -> Option<Self> {
        if aggregate == Aggregate::Count {
            return Some(Self::Count(1));
        }
        let value = value.filter(|value| **value != Value::Null)?;
        match aggregate {
            Aggregate::Count => None,
            Aggregate::Sum => Decimal::of(value).map(Self::Sum),
            Aggregate::Min => value.is_scalar().then(|| Self::Min(value.clone())),
            Aggregate::Max => value.is_scalar().then(|| Self::Max(value.clone())),
            Aggregate::First => Some(Self::First(moment.clone(), value.clone())),
            Aggregate::Last => Some(Self::Last(moment.clone(), value.clone())),
        }
    }

    /// The state over the events of both; `self` where the two are of different aggregates.
    pub fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Count(a), Self::Count(b)) => Self::Count(a.saturating_add(b)),
            (Self::Sum(a), Self::Sum(b)) => Self::Sum(a.plus(b)),
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
            (kept, _) => kept,
        }
    }

    /// The aggregate this is a state of.
    pub fn aggregate(&self) -> Aggregate {
        match self {
            Self::Count(_) => Aggregate::Count,
            Self::Sum(_) => Aggregate::Sum,
            Self::Min(_) => Aggregate::Min,
            Self::Max(_) => Aggregate::Max,
            Self::First(..) => Aggregate::First,
            Self::Last(..) => Aggregate::Last,
        }
    }

    /// The event time that the value is of; `None` where it is of all events.
    pub fn as_of(&self) -> Option<Time> {
        match self {
            Self::First(moment, _) | Self::Last(moment, _) => Some(moment.time),
            Self::Count(_) | Self::Sum(_) | Self::Min(_) | Self::Max(_) => None,
        }
    }

    /// The value that lookups read.
    pub fn value(&self) -> Value {
        match self {
            #[allow(clippy::cast_precision_loss)] // JSON numbers are doubles: counts past 2^53 are rounded.
            Self::Count(count) => Value::Number(*count as f64),
            Self::Sum(sum) => Value::Number(sum.to_f64()),
            Self::Min(value) | Self::Max(value) | Self::First(_, value) | Self::Last(_, value) => value.clone(),
        }
    }
}

impl Decimal {
    /// A sum of this many billionths.
    pub const fn from_billionths(billionths: i128) -> Self {
        Self(billionths)
    }

    /// This sum in billionths.
    pub const fn billionths(self) -> i128 {
        self.0
    }

    /// The decimal that `value` is written as; `None` for other values than numbers below 10^18.
    ///
    /// Reads the shortest decimal that means the double, so that 11.77 is 11.77 and not 11.7699999999999995737.
    /// Digits past the ninth place are cut off.
    fn of(value: &Value) -> Option<Self> {
        let Value::Number(number) = value else { return None };
        if !number.is_finite() || number.abs() >= SUMMABLE_BELOW {
            return None;
        }
        let text = number.abs().to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let fraction: String = fraction.chars().chain("0".repeat(PLACES).chars()).take(PLACES).collect();
        let billionths: i128 = format!("{whole}{fraction}").parse().ok()?;
        Some(Self(if number.is_sign_negative() { -billionths } else { billionths }))
    }

    fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The double nearest to this decimal.
    fn to_f64(self) -> f64 {
        let sign = if self.0 < 0 { "-" } else { "" };
        let digits = self.0.unsigned_abs();
        let scale = 10_u128.pow(9);
        format!("{sign}{}.{:09}", digits / scale, digits % scale).parse().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment(at: u64) -> Moment {
        Moment { time: Time::from_micros(at), message_id: at.to_string() }
    }

    #[test]
    fn sums_are_exact_decimals() {
        let cents = |n: f64| State::of(Aggregate::Sum, &moment(1), Some(&Value::Number(n))).unwrap();
        let total = (0..1_000).fold(cents(0.1), |sum, _| sum.merge(cents(0.1)));
        assert_eq!(total.value(), Value::Number(100.1));
        assert_eq!(cents(-11.77).merge(cents(11.77)).value(), Value::Number(0.0));
        assert_eq!(cents(1e17).merge(cents(0.01)), State::Sum(Decimal(100_000_000_000_000_000_010_000_000)));
        assert_eq!(cents(1e-12).value(), Value::Number(0.0));
    }

    #[test]
    fn useless_values_are_left_out() {
        for aggregate in [Aggregate::Sum, Aggregate::Min, Aggregate::Max, Aggregate::First, Aggregate::Last] {
            assert_eq!(State::of(aggregate, &moment(1), None), None);
            assert_eq!(State::of(aggregate, &moment(1), Some(&Value::Null)), None);
        }
        assert_eq!(State::of(Aggregate::Sum, &moment(1), Some(&Value::Text("7".into()))), None);
        assert_eq!(State::of(Aggregate::Min, &moment(1), Some(&Value::List(vec![]))), None);
        assert_eq!(State::of(Aggregate::Sum, &moment(1), Some(&Value::Number(1e18))), None);
    }

    /// The specification, read naively: look at all events at once.
    fn naive(aggregate: Aggregate, events: &[(u64, i64)]) -> Option<Value> {
        let by_time = |(at, _): &&(u64, i64)| (*at, at.to_string());
        let number = |n: i64| Value::Number(n as f64 / 100.0);
        let values = || events.iter().map(|(_, n)| *n);
        Some(match aggregate {
            Aggregate::Count => Value::Number((!events.is_empty()).then_some(events.len() as f64)?),
            Aggregate::Sum => number((!events.is_empty()).then(|| values().sum())?),
            Aggregate::Min => number(values().min()?),
            Aggregate::Max => number(values().max()?),
            Aggregate::First => number(events.iter().min_by_key(by_time)?.1),
            Aggregate::Last => number(events.iter().max_by_key(by_time)?.1),
        })
    }

    proptest! {
        #[test]
        fn any_split_in_any_order_gives_the_aggregate_of_all(
            cents in prop::collection::vec(-1_000_000_i64..1_000_000, 1..20),
            split in 0_usize..20,
            which in 0_usize..6,
        ) {
            use Aggregate::{Count, First, Last, Max, Min, Sum};
            let aggregate = [Count, Sum, Min, Max, First, Last][which];
            let events: Vec<(u64, i64)> = cents.iter().enumerate().map(|(at, n)| (at as u64 * 7 % 5 * 100 + at as u64, *n)).collect();
            let fold = |events: &[(u64, i64)]| events.iter().filter_map(|(at, n)| {
                State::of(aggregate, &moment(*at), Some(&Value::Number(*n as f64 / 100.0)))
            }).reduce(State::merge);
            let (left, right) = events.split_at(split.min(events.len()));
            let merged = [fold(right), fold(left)].into_iter().flatten().reduce(State::merge);
            prop_assert_eq!(merged.map(|state| state.value()), naive(aggregate, &events));
        }
    }
}
