//! Back-fills: counting stored events for computed attributes that a model has added.

use std::collections::BTreeSet;

use super::identifier::Identifier;
use super::ids::KindId;
use super::link::Moment;

/// How far the stored events of a workspace are counted for the attributes that one version of its model added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backfill {
    /// The attributes, by their names.
    pub attributes: BTreeSet<String>,
    /// Events up to this one, in the order in which they are stored, are counted; `None`: none is.
    pub after: Option<EventPlace>,
    /// True if all of them are.
    pub finished: bool,
    /// Identifiers that events are stored under, as far as their events were read; one that several kinds have counts
    /// once for each.
    pub origins: u64,
    /// Events that were read.
    pub events: u64,
}

/// Where an event is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPlace {
    /// The kind.
    pub kind: KindId,
    /// The identifier that it is stored under.
    pub identifier: Identifier,
    /// Its event time and message id.
    pub moment: Moment,
}

impl Backfill {
    /// A back-fill of these attributes that has not begun.
    pub fn of(attributes: BTreeSet<String>) -> Self {
        Self { attributes, ..Self::default() }
    }

    /// Notes that the event at `place` was read.
    pub fn read(&mut self, place: EventPlace) {
        let same = |last: &EventPlace| last.kind == place.kind && last.identifier == place.identifier;
        if !self.after.as_ref().is_some_and(same) {
            self.origins += 1;
        }
        self.events += 1;
        self.after = Some(place);
    }
}
