//! Whole profiles and their events on their way out.

use super::{kind_name, time, value};
use crate::domain::event::{Call, StoredEvent};
use crate::domain::holdings::{Cell, Holdings, Stamp};
use crate::domain::identifier::Identifier;
use crate::domain::link::Moment;
use crate::domain::model::Model;
use crate::domain::profile::{Member, Membership, Merge, Profile};
use crate::domain::value::Value;
use crate::proto::v1;

/// Writes a profile; `merges` are those that led to it.
pub fn write(profile: Profile, merges: Vec<Merge>, model: &Model) -> v1::Profile {
    let Profile { id, kind, membership, retired: _, holdings } = profile;
    let Membership { created, mut members } = membership;
    let declared = model.kind_by_id(kind);
    let rank = |member: &Member| declared.and_then(|kind| kind.rank(member.identifier.type_name()));
    members.sort_by_key(|member| rank(member).unwrap_or(usize::MAX));

    let Holdings { attributes, computed } = holdings;
    let attributes = attributes.into_iter().filter(|(_, cell)| cell.value != Value::Null);
    v1::Profile {
        profile_id: id.to_string(),
        kind: kind_name(kind, model),
        created_at: Some(time::write(created.time)),
        identifiers: members.into_iter().map(write_member).collect(),
        attributes: attributes.map(|(name, cell)| (name, write_cell(cell))).collect(),
        computed: computed.into_iter().map(|(name, state)| (name, value::write(state.value()))).collect(),
        merges: merges.into_iter().map(write_merge).collect(),
    }
}

fn write_member(member: Member) -> v1::ProfileIdentifier {
    let Member { identifier, alias_of } = member;
    v1::ProfileIdentifier { key: identifier.as_str().to_owned(), aliased: alias_of.is_some() }
}

fn write_cell(cell: Cell) -> v1::Attribute {
    let Cell { value, stamp } = cell;
    let Stamp { moment, source, origin } = stamp.as_ref();
    let provenance = write_provenance(moment.clone(), source.clone(), origin);
    v1::Attribute { value: Some(value::write(value)), provenance: Some(provenance) }
}

fn write_merge(merge: Merge) -> v1::Merge {
    let Merge { absorbed, survivor, by: Moment { time, message_id } } = merge;
    v1::Merge {
        absorbed_profile_id: absorbed.to_string(),
        survivor_profile_id: survivor.to_string(),
        message_id,
        time: Some(time::write(time)),
    }
}

/// Writes an event of the history.
pub fn write_event(event: StoredEvent) -> v1::Event {
    let StoredEvent { moment, origin, call, name, properties, source, raw_keys: _ } = event;
    v1::Event {
        r#type: call_name(call).to_owned(),
        name,
        properties: Some(value::write_object(properties)),
        provenance: Some(write_provenance(moment, source, &origin)),
    }
}

fn write_provenance(moment: Moment, source: String, origin: &Identifier) -> v1::Provenance {
    let Moment { time, message_id } = moment;
    v1::Provenance { time: Some(time::write(time)), message_id, source, key: origin.as_str().to_owned() }
}

fn call_name(call: Call) -> &'static str {
    match call {
        Call::Identify => "identify",
        Call::Track => "track",
        Call::Page => "page",
        Call::Screen => "screen",
        Call::Group => "group",
        Call::Alias => "alias",
    }
}
