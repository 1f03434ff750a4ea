//! Holdings: the attributes, aggregates, groups, hushed topics and consents of one subject, be it what came under one
//! identifier or a whole profile.
//!
//! The holdings of a profile are the union of those of its identifiers. The union is commutative, so it does not
//! matter in which order facts and merges came.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::aggregate::{Aggregate, Scalar, State};
use super::attributes::Attributes;
use super::belonging::{Belonging, MAX_GROUPS, Ties};
use super::consent::Consents;
use super::fact::{Event, EventType};
use super::hush::Hushes;
use super::identifier::Identifier;
use super::ids::KindId;
use super::link::Moment;
use super::model::{Computed, DEFAULT_KIND, Model, Over, Property};
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

/// Attributes, aggregates, groups, hushed topics and consents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Holdings {
    /// Attributes; of two values the one with the later moment is kept.
    pub attributes: Attributes,
    /// States of computed attributes by name.
    pub computed: BTreeMap<String, State>,
    /// Groups, and what they have over all of their members.
    pub ties: Ties,
    /// What was said of topics.
    pub hushes: Hushes,
    /// What was said of purposes.
    pub consents: Consents,
}

impl Holdings {
    /// The attributes of one identifier that there is room for: known names, and new ones up to [`MAX_ATTRIBUTES`].
    pub fn admit(&self, traits: &Values) -> Values {
        let cells = self.attributes.cells();
        let mut room = MAX_ATTRIBUTES.saturating_sub(cells.len());
        let mut admits = |name: &String| {
            if cells.contains_key(name) {
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
        let cells = self.attributes.cells_mut();
        let mut changed = false;
        for (name, value) in traits {
            if cells.get(name).is_none_or(|known| known.stamp.moment < stamp.moment) {
                cells.insert(name.clone(), Cell { value: value.clone(), stamp: Arc::clone(stamp) });
                changed = true;
            }
        }
        changed
    }

    /// Takes in what a fact says of a group. True if anything is different now.
    pub fn belong(&mut self, group: &Identifier, said: Belonging) -> bool {
        match self.ties.groups.get_mut(group) {
            Some(known) => known.absorb(said),
            None => self.ties.groups.insert(group.clone(), said).is_none(),
        }
    }

    /// True if there is room for a group: it is known, or one of the first [`MAX_GROUPS`].
    pub fn has_room_for(&self, group: &Identifier) -> bool {
        self.ties.groups.len() < MAX_GROUPS || self.ties.groups.contains_key(group)
    }

    /// Takes in an event: every computed attribute over it that `counts` moves on, be it of `kind` itself or, for a
    /// person, of the groups over their members. True if anything is different now.
    pub fn count(
        &mut self,
        event: &Event,
        moment: &Moment,
        kind: KindId,
        model: &Model,
        counts: impl Fn(&Computed) -> bool,
    ) -> bool {
        let mut changed = false;
        if event.event_type != EventType::Track {
            return changed;
        }
        let is_member = kind == KindId::of(DEFAULT_KIND);
        for computed in model.computed().iter().filter(|computed| computed.event == event.name) {
            let states = match computed.over {
                Over::Own if computed.kind == kind => &mut self.computed,
                Over::Members if is_member => &mut self.ties.for_groups,
                Over::Own | Over::Members => continue,
            };
            if !counts(computed) {
                continue;
            }
            let time = Value::Time(moment.time);
            let properties;
            let value = match (&computed.aggregate, &computed.property) {
                (Aggregate::LastEvents { .. }, _) => {
                    properties = Value::Object(event.properties.clone());
                    Some(&properties)
                }
                (_, Property::Time) => Some(&time),
                (_, Property::Named(name)) => event.properties.get(name),
            };
            // A window keeps a value for each of its buckets, so each has to be short.
            let value = value.filter(|value| computed.window.is_none() || Scalar::of(value).is_some());
            if let Some(state) = State::of(&computed.aggregate, moment, value) {
                let state = match computed.window {
                    Some(window) => state.sliding(window, moment.time),
                    None => state,
                };
                merge_state(states, &computed.name, state);
                changed = true;
            }
        }
        changed
    }

    /// Takes in all of `other`.
    pub fn absorb(&mut self, other: Self) {
        let Self { attributes, computed, ties: Ties { groups, for_groups }, hushes, consents } = other;
        for (name, cell) in attributes.into_cells() {
            let cells = self.attributes.cells_mut();
            let newer = cells.get(&name).is_none_or(|known| known.stamp.moment < cell.stamp.moment);
            if newer {
                cells.insert(name, cell);
            }
        }
        for (name, state) in computed {
            merge_state(&mut self.computed, &name, state);
        }
        for (name, state) in for_groups {
            merge_state(&mut self.ties.for_groups, &name, state);
        }
        for (group, belonging) in groups {
            self.belong(&group, belonging);
        }
        self.hushes.absorb(hushes);
        self.consents.absorb(consents);
    }
}

/// Takes a state into that of its name.
pub fn merge_state(states: &mut BTreeMap<String, State>, name: &str, state: State) {
    match states.remove(name) {
        Some(known) => states.insert(name.to_owned(), known.merge(state)),
        None => states.insert(name.to_owned(), state),
    };
}
