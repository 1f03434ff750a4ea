//! Distinct values: the list of the newest, and how often each came.
//!
//! Both are bounded, and exact for what they keep: what is kept depends on all events and on no order, because the bound
//! leaves out the same values whichever half of the events is looked at first.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::domain::time::Time;
use crate::domain::value::Value;

/// How long a text may be that is kept, in bytes: longer ones are left out of lists and counts.
pub const MAX_KEPT_BYTES: usize = 256;
/// Of how many distinct values it is counted how often they came.
pub const MAX_COUNTED: usize = 1_000;

/// A scalar in the order in which `min` and `max` see them.
#[derive(Clone, Debug)]
pub struct Scalar(Value);

impl Scalar {
    /// The value, if it is a scalar and short enough to be kept. Minus zero is zero.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(Self(Value::Number(number + 0.0))),
            Value::Text(text) => (text.len() <= MAX_KEPT_BYTES).then(|| Self(value.clone())),
            Value::Bool(_) | Value::Time(_) => Some(Self(value.clone())),
            Value::Null | Value::List(_) | Value::Object(_) => None,
        }
    }

    /// The value.
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scalar {}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scalar {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.scalar_cmp(&other.0).unwrap_or(Ordering::Equal)
    }
}

/// The distinct values that came last, up to a limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Unique {
    /// How many values are kept.
    pub limit: usize,
    /// When each came last.
    pub seen: BTreeMap<Scalar, Time>,
    /// True if there were more than the limit.
    pub capped: bool,
}

impl Unique {
    /// What one value leads to.
    pub(super) fn of(limit: usize, value: Scalar, time: Time) -> Self {
        Self { limit, seen: BTreeMap::from([(value, time)]), capped: false }
    }

    /// Takes in the values of other events.
    #[must_use]
    pub(super) fn merge(mut self, other: Self) -> Self {
        let Self { limit, seen, capped } = other;
        self.limit = self.limit.min(limit);
        self.capped |= capped;
        for (value, time) in seen {
            let known = self.seen.entry(value).or_insert(time);
            *known = time.max(*known);
        }
        while self.seen.len() > self.limit {
            let Some(oldest) = self.newest_first().last().map(|(value, _)| (*value).clone()) else { break };
            self.seen.remove(&oldest);
            self.capped = true;
        }
        self
    }

    /// The values, that which came last first; those of one moment in their own order.
    pub(super) fn values(&self) -> Vec<Value> {
        self.newest_first().into_iter().map(|(value, _)| value.value().clone()).collect()
    }

    fn newest_first(&self) -> Vec<(&Scalar, &Time)> {
        let mut values: Vec<(&Scalar, &Time)> = self.seen.iter().collect();
        values.sort_by(|(a, at), (b, bt)| bt.cmp(at).then_with(|| a.cmp(b)));
        values
    }
}

/// How often each of the values came that are smallest in the order of scalars, up to [`MAX_COUNTED`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// How often each came.
    pub counts: BTreeMap<Scalar, u64>,
    /// True if there were more values than are counted: a value that is not counted may have come more often.
    pub capped: bool,
}

impl Counts {
    /// What one value leads to.
    pub(super) fn of(value: Scalar) -> Self {
        Self { counts: BTreeMap::from([(value, 1)]), capped: false }
    }

    /// Takes in the values of other events. A value that is left out once is never among the smallest again, so what is
    /// counted is counted from its first event on.
    #[must_use]
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.capped |= other.capped;
        for (value, count) in other.counts {
            let known = self.counts.entry(value).or_default();
            *known = known.saturating_add(count);
        }
        while self.counts.len() > MAX_COUNTED {
            self.counts.pop_last();
            self.capped = true;
        }
        self
    }

    /// The value that came most often; of several the smallest.
    pub(super) fn most_frequent(&self) -> Option<&Value> {
        let most = self.counts.iter().max_by(|(a, m), (b, n)| m.cmp(n).then_with(|| b.cmp(a)));
        most.map(|(value, _)| value.value())
    }
}
