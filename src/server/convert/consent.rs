//! Consents on their way out.

use super::profile::{write_provenance, write_stamp};
use crate::domain::consent::{Consent, Consents, Decisions, Purpose, State};
use crate::domain::event::{CHANNEL, Call, StoredEvent};
use crate::domain::identifier::Identifier;
use crate::domain::value::{Value, Values};
use crate::proto::v1;

/// Writes whether a purpose is allowed.
pub fn write(consent: Consent) -> v1::PurposeConsent {
    let Consent { purpose: Purpose { name, channel }, state, denied_by: _ } = consent;
    v1::PurposeConsent { purpose: name, channel, state: write_state(state).into() }
}

/// Writes what a customer allows, or an address.
pub fn write_all(Consents { purposes }: Consents, address: Option<&Identifier>) -> Vec<v1::ProfileConsent> {
    let address = address.map(|address| address.as_str().to_owned()).unwrap_or_default();
    let consent = |(Purpose { name, channel }, decisions): (Purpose, Decisions)| {
        let decision = |(granted, stamp)| v1::ConsentDecision { granted, provenance: Some(write_stamp(stamp)) };
        v1::ProfileConsent {
            purpose: name,
            channel,
            address: address.clone(),
            state: write_state(decisions.state()).into(),
            decisions: decisions.standing().map(decision).collect(),
        }
    };
    purposes.into_iter().map(consent).collect()
}

/// Writes a grant or a denial of the history.
pub fn write_change(event: StoredEvent) -> v1::ConsentChange {
    let StoredEvent { moment, origin, call, name, properties, source, raw_keys: _, other, cause: _ } = event;
    v1::ConsentChange {
        purpose: name,
        channel: text(&properties, CHANNEL),
        granted: call == Call::Grant,
        address: other.map(|address| address.as_str().to_owned()).unwrap_or_default(),
        provenance: Some(write_provenance(moment, source, &origin)),
    }
}

fn text(properties: &Values, name: &str) -> String {
    match properties.get(name) {
        Some(Value::Text(text)) => text.clone(),
        Some(_) | None => String::new(),
    }
}

fn write_state(state: State) -> v1::ConsentState {
    match state {
        State::Granted => v1::ConsentState::Granted,
        State::Denied => v1::ConsentState::Denied,
        State::Unknown => v1::ConsentState::Unknown,
    }
}
