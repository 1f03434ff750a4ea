//! What a fact says of one address, whoever it belongs to.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Place;
use super::fact::stamp;
use crate::codec::key::IdentifierKey;
use crate::domain::consent::Said;
use crate::domain::fact::{Body, Fact};
use crate::domain::holdings::{Holdings, Stamp};
use crate::domain::identifier::Identifier;
use crate::domain::ids::KindId;
use crate::domain::model::{Computed, Model};
use crate::domain::receipt::{Action, Line, Receipt, Rule};
use crate::domain::value::Values;
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::FRAGMENTS;

/// Whether anything is different, and the rule that there was no room by.
type Taken = (bool, Option<Rule>);

/// Takes in what the fact says of an address, if it is about one.
pub(super) fn describe(
    batch: &mut Batch<'_>,
    place: Place,
    fact: &Fact,
    receipt: &mut Receipt,
) -> Result<(), store::Error> {
    let Some(address) = address(&fact.body) else { return Ok(()) };
    let key = IdentifierKey { workspace: place.workspace, kind: KindId::ADDRESS, identifier: address.clone() };
    let mut holdings = FRAGMENTS.get(batch, &key)?.unwrap_or_default();
    let stamp = stamp(fact, address);
    let (changed, capped_by) = match &fact.body {
        Body::Identify { traits, .. } => learn(&mut holdings, traits, &stamp),
        Body::Consent(said) => consent(&mut holdings, said, &stamp),
        Body::Event(_) | Body::Group { .. } | Body::Alias { .. } | Body::Hush(_) => (false, None),
    };
    if let Some(rule) = capped_by {
        let (identifier, rule) = (Some(address.clone()), Some(rule));
        receipt.lines.push(Line { action: Action::Capped, kind: KindId::ADDRESS, identifier, profile: None, rule });
    }
    if changed {
        FRAGMENTS.put(batch, &key, &holdings)?;
    }
    Ok(())
}

/// Counts an event of a person for each address that it names.
pub(super) fn count(
    batch: &mut Batch<'_>,
    place: Place,
    model: &Model,
    fact: &Fact,
    awaited: &BTreeSet<String>,
) -> Result<(), store::Error> {
    let Body::Event(event) = &fact.body else { return Ok(()) };
    for address in &fact.identifiers {
        let counts = |computed: &Computed| computed.is_of_address(address) && !awaited.contains(&computed.name);
        if !model.computed().iter().any(|computed| computed.event == event.name && counts(computed)) {
            continue;
        }
        let key = IdentifierKey { workspace: place.workspace, kind: KindId::ADDRESS, identifier: address.clone() };
        let mut holdings = FRAGMENTS.get(batch, &key)?.unwrap_or_default();
        if holdings.count(event, &fact.moment, KindId::ADDRESS, model, counts) {
            FRAGMENTS.put(batch, &key, &holdings)?;
        }
    }
    Ok(())
}

fn address(body: &Body) -> Option<&Identifier> {
    match body {
        Body::Identify { address, .. } | Body::Consent(Said { address, .. }) => address.as_ref(),
        Body::Event(_) | Body::Group { .. } | Body::Alias { .. } | Body::Hush(_) => None,
    }
}

fn learn(holdings: &mut Holdings, traits: &Values, stamp: &Arc<Stamp>) -> Taken {
    let admitted = holdings.admit(traits);
    let all = admitted.len() == traits.len();
    (holdings.learn(&admitted, stamp), (!all).then_some(Rule::Attributes))
}

fn consent(holdings: &mut Holdings, said: &Said, stamp: &Arc<Stamp>) -> Taken {
    if !holdings.consents.has_room_for(&said.purpose) {
        return (false, Some(Rule::Consents));
    }
    (holdings.consents.learn(said, stamp, &[]), None)
}
