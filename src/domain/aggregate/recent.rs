//! The last events, with chosen properties.

use std::collections::BTreeMap;

use super::distinct::Scalar;
use crate::domain::link::Moment;
use crate::domain::value::{Value, Values};

/// The name under which each listed event tells its time.
pub const TIME: &str = "time";

/// The newest events, up to a limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Recent {
    /// How many events are kept.
    pub limit: usize,
    /// What is kept of each: scalars, texts no longer than [`super::MAX_KEPT_BYTES`].
    pub events: BTreeMap<Moment, Values>,
}

impl Recent {
    /// What one event leads to.
    pub(super) fn of(limit: usize, names: &[String], moment: &Moment, properties: &Values) -> Self {
        let kept = names.iter().filter_map(|name| {
            let scalar = properties.get(name).and_then(Scalar::of)?;
            Some((name.clone(), scalar.value().clone()))
        });
        Self { limit, events: BTreeMap::from([(moment.clone(), kept.collect())]) }
    }

    /// Takes in other events.
    #[must_use]
    pub(super) fn merge(mut self, other: Self) -> Self {
        let Self { limit, events } = other;
        self.limit = self.limit.min(limit);
        self.events.extend(events);
        while self.events.len() > self.limit {
            self.events.pop_first();
        }
        self
    }

    /// The events as objects, newest first.
    pub(super) fn values(&self) -> Vec<Value> {
        let told = |(moment, properties): (&Moment, &Values)| {
            let time = (TIME.to_owned(), Value::Time(moment.time));
            Value::Object(properties.clone().into_iter().chain([time]).collect())
        };
        self.events.iter().rev().map(told).collect()
    }
}
