//! Computed attributes whose value depends on when and for whom they are read: sliding windows and days since an event,
//! which age without any event, and hours of the day in the customer's time zone. Their states lie in a part of the profile
//! of their own, and are decoded only if one of them is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::Reader;
use crate::codec;
use crate::codec::document::{self, Document};
use crate::codec::record::read_live;
use crate::domain::aggregate::{State, zone};
use crate::domain::answer::Field;
use crate::domain::model::{Computed, FULL, Over};
use crate::domain::value::Value;
use crate::engine::ActiveModel;

/// The live attributes of one profile, once one of them was asked for.
pub(super) struct Live {
    active: Arc<ActiveModel>,
    states: BTreeMap<String, State>,
}

impl Reader<'_> {
    /// Reads the live attributes of a profile.
    pub(super) fn live(&self, bytes: &[u8]) -> Result<Option<Live>, codec::Error> {
        // A workspace without a model has no computed attributes.
        let Ok(active) = self.state.model(self.workspace) else { return Ok(None) };
        Ok(Some(Live { active, states: read_live(bytes)? }))
    }

    /// The live field called `name`, which is an attribute or a companion of one.
    pub(super) fn read_live(&self, live: &Live, name: &str, document: Document<'_>) -> Result<Field, codec::Error> {
        let Live { active, states } = live;
        let found = active.model.computed().iter().find(|computed| {
            let is_ours = computed.kind == self.question.kind && computed.over == Over::Own;
            is_ours && computed.names().any(|own| own == name)
        });
        let Some((computed, state)) = found.and_then(|computed| Some((computed, states.get(&computed.name)?))) else {
            return Ok(Field::NotSet);
        };
        let zone = match computed.aggregate.time_zone() {
            Some(attribute) => match document.get(attribute)? {
                Some(document::Field { value: Value::Text(name), .. }) => zone(&name),
                _ => TimeZone::UTC,
            },
            None => TimeZone::UTC,
        };
        Ok(self.say(active, computed, name, state, &zone))
    }

    /// What a state says at the time of asking under the name of its attribute, or under that of a companion. Notes when
    /// it will say something else.
    pub(super) fn say(
        &self,
        active: &ActiveModel,
        computed: &Computed,
        name: &str,
        state: &State,
        zone: &TimeZone,
    ) -> Field {
        let now = self.question.now;
        if name == computed.name {
            self.changes(state.changes_at(now));
            let value = state.read(&computed.aggregate, now, zone).filter(|value| *value != Value::Null);
            return value.map_or(Field::NotSet, |value| Field::Present { value, as_of: state.as_of() });
        }
        let said = match computed.window {
            Some(window) if name.ends_with(FULL) => {
                let full_at = active.full_at(computed, window);
                self.changes(full_at.filter(|full_at| *full_at > now));
                full_at.is_some_and(|full_at| full_at <= now)
            }
            _ => state.capped().unwrap_or(false),
        };
        Field::now(Value::Bool(said))
    }
}
