//! What belongs to the identifier asked by, and not to the customer: attributes that were said of it as an address, and
//! computed attributes of the events that named it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Answered, Reader};
use crate::codec;
use crate::codec::document::Document;
use crate::domain::aggregate::zone;
use crate::domain::answer::{ADDRESS_PREFIX, Field, Fields};
use crate::domain::holdings::{Cell, Holdings};
use crate::domain::ids::{KindId, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::model::{Computed, Model};
use crate::domain::value::Value;
use crate::engine::{ActiveModel, Engine, Error};
use crate::store::catalogue::FRAGMENTS;

/// The time zones that a customer has, by the attributes that hold them.
pub(super) type Zones = BTreeMap<String, String>;

impl Engine {
    /// The model, if `fields` ask for computed attributes of addresses.
    pub(super) fn of_addresses(&self, workspace: WorkspaceId, fields: &Fields) -> Option<Arc<ActiveModel>> {
        if !wants_address(fields) {
            return None;
        }
        let active = self.model(workspace).ok()?;
        let any = computed(&active.model).next().is_some();
        any.then_some(active)
    }
}

impl Reader<'_> {
    /// The time zones of a customer that hours of an address may be read in.
    pub(super) fn zones(&self, document: Document<'_>) -> Result<Zones, codec::Error> {
        let Some(active) = &self.of_addresses else { return Ok(Zones::new()) };
        let mut zones = Zones::new();
        for name in computed(&active.model).filter_map(|computed| computed.aggregate.time_zone()) {
            if let Some(codec::document::Field { value: Value::Text(zone), .. }) = document.get(name)? {
                zones.insert(name.to_owned(), zone);
            }
        }
        Ok(zones)
    }

    /// Fills in what belongs to the identifier asked by, and leaves out what was not wanted. `zones` are those of the one
    /// customer who has it, if there is one.
    pub(super) fn with_address(&self, key: &Key, fields: Answered, zones: &Zones) -> Result<Answered, Error> {
        Ok(self.wanted(self.of_address(key, fields, zones)?))
    }

    fn of_address(&self, key: &Key, mut fields: Answered, zones: &Zones) -> Result<Answered, Error> {
        let Key::Identifier(identifier) = key else { return Ok(fields) };
        if !wants_address(self.question.fields) {
            return Ok(fields);
        }
        let key = self.identifier_key(KindId::ADDRESS, identifier);
        let Some(holdings) = FRAGMENTS.get(self.view, &key)? else { return Ok(fields) };
        let mut found = self.read_computed(&holdings, zones);
        let Holdings { attributes, .. } = holdings;
        for (name, cell) in attributes.into_cells().into_iter().filter(|(_, cell)| cell.value != Value::Null) {
            // A computed attribute hides one that facts have set.
            found.entry(format!("{ADDRESS_PREFIX}{name}")).or_insert_with(|| present(cell));
        }
        if *self.question.fields == Fields::Everything {
            let found = found.into_iter().filter(|(_, field)| *field != Field::NotSet);
            fields.extend(found.map(|(name, field)| (name.into(), field)));
            return Ok(fields);
        }
        for (name, field) in &mut fields {
            if let Some(known) = found.get(&**name) {
                *field = known.clone();
            }
        }
        self.put_address_segments(&mut fields, |name| found.get(&format!("{ADDRESS_PREFIX}{name}")));
        Ok(fields)
    }

    fn read_computed(&self, holdings: &Holdings, zones: &Zones) -> BTreeMap<String, Field> {
        let Some(active) = &self.of_addresses else { return BTreeMap::new() };
        let hiding = self.hiding();
        let mut found = BTreeMap::new();
        for computed in computed(&active.model) {
            let Some(state) = holdings.computed.get(&computed.name) else { continue };
            let hidden = hiding.as_ref().is_some_and(|active| active.awaited.contains(&computed.name));
            let zone = zone_of(computed, holdings, zones);
            for name in computed.names() {
                let read = || self.say(active, computed, &name, state, &zone);
                let field = if hidden { self.awaited() } else { read() };
                found.insert(name, field);
            }
        }
        found
    }
}

/// That of the address itself, or else that of the customer, or else UTC.
fn zone_of(computed: &Computed, holdings: &Holdings, zones: &Zones) -> TimeZone {
    let Some(attribute) = computed.aggregate.time_zone() else { return TimeZone::UTC };
    let cells = holdings.attributes.cells();
    let own = match cells.get(attribute) {
        Some(Cell { value: Value::Text(name), .. }) => Some(name),
        _ => None,
    };
    own.or_else(|| zones.get(attribute)).map_or(TimeZone::UTC, |name| zone(name))
}

fn computed(model: &Model) -> impl Iterator<Item = &Computed> {
    model.computed().iter().filter(|computed| computed.kind == KindId::ADDRESS)
}

fn wants_address(fields: &Fields) -> bool {
    match fields {
        Fields::Everything => true,
        Fields::Named(names) => names.iter().any(|name| name.starts_with(ADDRESS_PREFIX)),
    }
}

pub(super) fn present(cell: Cell) -> Field {
    Field::Present { value: cell.value, as_of: Some(cell.stamp.moment.time) }
}
