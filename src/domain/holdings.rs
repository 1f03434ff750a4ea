//! Holdings: the attributes and aggregates of one subject, be it what came under one identifier or a whole profile.
//!
//! The holdings of a profile are the union of those of its identifiers. The union is commutative, so it does not
//! matter in which order facts and merges came.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::aggregate::State;
use super::fact::{Event, EventType};
use super::identifier::Identifier;
use super::ids::KindId;
use super::link::Moment;
use super::model::{Model, Property};
use super::value::{Value, Values};

/// How many attributes one identifier may bring; further names are refused.
pub const MAX_ATTRIBUTES: usize = 1_000;

/// Where something came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The fact's event time and message id.
    pub moment: Moment,
    /// The sending system; may be empty.
    pub source: String,
    /// The identifier it belongs to.
    pub origin: Identifier,
}

/// The value of an attribute and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The value; null if a fact unset it.
    pub value: Value,
    /// The fact that set it.
    pub stamp: Arc<Stamp>,
}

/// Attributes and aggregates by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Holdings {
    /// Attributes; of two values the one with the later moment is kept.
    pub attributes: BTreeMap<String, Cell>,
    /// States of computed attributes.
    pub computed: BTreeMap<String, State>,
}

impl Holdings {
    /// The attributes of one identifier that there is room for: known names, and new ones up to [`MAX_ATTRIBUTES`].
    pub fn admit(&self, traits: &Values) -> Values {
        let mut room = MAX_ATTRIBUTES.saturating_sub(self.attributes.len());
        let mut admits = |name: &String| {
            if self.attributes.contains_key(name) {
                return true;
            }
            let fits = room > 0;
            room = room.saturating_sub(1);
            fits
        };
        traits.iter().filter(|(name, _)| admits(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Takes in attributes; an older value never replaces a newer one. True if anything is different now.
    pub fn learn(&mut self, traits: &Values, stamp: &Arc<Stamp>) -> bool {
        let mut changed = false;
        for (name, value) in traits {
            if self.attributes.get(name).is_none_or(|known| known.stamp.moment < stamp.moment) {
                self.attributes.insert(name.clone(), Cell { value: value.clone(), stamp: Arc::clone(stamp) });
                changed = true;
            }
        }
        changed
    }

    /// Takes in an event: every computed attribute of `kind` over it moves on. True if anything is different now.
    pub fn count(&mut self, event: &Event, moment: &Moment, kind: KindId, model: &Model) -> bool {
        let mut changed = false;
        if event.event_type != EventType::Track {
            return changed;
        }
        for computed in model.computed().iter().filter(|c| c.kind == kind && c.event == event.name) {
            let time = Value::Time(moment.time);
            let value = match &computed.property {
                Property::Time => Some(&time),
                Property::Named(name) => event.properties.get(name),
            };
            if let Some(state) = State::of(computed.aggregate, moment, value) {
                self.merge_state(&computed.name, state);
                changed = true;
            }
        }
        changed
    }

    /// Takes in all of `other`.
    pub fn absorb(&mut self, other: Self) {
        let Self { attributes, computed } = other;
        for (name, cell) in attributes {
            let newer = self.attributes.get(&name).is_none_or(|known| known.stamp.moment < cell.stamp.moment);
            if newer {
                self.attributes.insert(name, cell);
            }
        }
        for (name, state) in computed {
            self.merge_state(&name, state);
        }
    }

    fn merge_state(&mut self, name: &str, state: State) {
        match self.computed.remove(name) {
            Some(known) => self.computed.insert(name.to_owned(), known.merge(state)),
            None => self.computed.insert(name.to_owned(), state),
        };
    }
}
