//! Whole profiles, their events and their members on their way out.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::{consent, kind_name, time, value};
use crate::domain::aggregate::{Aggregate, State, zone};
use crate::domain::belonging::{Belonging, Ties};
use crate::domain::consent::Consents;
use crate::domain::event::{Call, StoredEvent};
use crate::domain::holdings::{Cell, Holdings, Stamp};
use crate::domain::hush::{Hush, Hushes, Opinions, Topic};
use crate::domain::identifier::Identifier;
use crate::domain::link::Moment;
use crate::domain::model::Model;
use crate::domain::profile::{Member, Merge, Profile};
use crate::domain::time::Time;
use crate::domain::value::Value;
use crate::engine::{Count, Listed, SegmentMember, Totals};
use crate::proto::v1;

/// A profile with what is shown beside it.
pub struct Shown {
    /// The profile.
    pub profile: Profile,
    /// The merges that led to it.
    pub merges: Vec<Merge>,
    /// What its members come to.
    pub totals: Totals,
    /// What is said of consent of its identifiers as addresses.
    pub address_consents: Vec<(Identifier, Consents)>,
}

/// Writes a profile as it is at `now`.
pub fn write(shown: Shown, model: &Model, now: Time) -> v1::Profile {
    let Shown { profile, merges, totals, address_consents } = shown;
    let Profile { id, kind, membership, retired: _, holdings, sole: _, rules: _ } = profile;
    let created = membership.created.time;
    let mut members = membership.members().to_vec();
    let declared = model.kind_by_id(kind);
    let rank = |member: &Member| declared.and_then(|kind| kind.rank(member.identifier.type_name()));
    members.sort_by_key(|member| rank(member).unwrap_or(usize::MAX));

    let Holdings { attributes, computed, ties: Ties { groups, for_groups: _ }, hushes, consents } = holdings;
    let attributes = attributes.into_cells();
    let Totals { count, computed: over_members } = totals;
    let figures = match count {
        Count::Of(figures) => Some(figures),
        Count::Nobody | Count::TooLarge => None,
    };
    let zone_of = |aggregate: &Aggregate| match aggregate.time_zone().and_then(|name| attributes.get(name)) {
        Some(Cell { value: Value::Text(name), .. }) => zone(name),
        _ => TimeZone::UTC,
    };
    let read = |(name, state): (String, State)| {
        let declared = model.computed().iter().find(|computed| computed.kind == kind && computed.name == name)?;
        let value = state.read(&declared.aggregate, now, &zone_of(&declared.aggregate))?;
        Some((name, value::write(value)))
    };
    let computed = computed.into_iter().chain(over_members).filter_map(read).collect();
    let attributes = attributes.into_iter().filter(|(_, cell)| cell.value != Value::Null);
    v1::Profile {
        profile_id: id.to_string(),
        kind: kind_name(kind, model),
        created_at: Some(time::write(created)),
        identifiers: members.into_iter().map(write_member).collect(),
        attributes: attributes.map(|(name, cell)| (name, write_cell(cell))).collect(),
        computed,
        merges: merges.into_iter().map(write_merge).collect(),
        groups: write_groups(&groups),
        members: figures.map(|figures| figures.members),
        seats_used: figures.map(|figures| figures.seats_used),
        hushes: write_hushes(hushes.holding(now)),
        consents: write_consents(consents, address_consents),
    }
}

/// Writes the groups that somebody is a member of now, the one joined last first.
fn write_groups(groups: &BTreeMap<Identifier, Belonging>) -> Vec<v1::ProfileGroup> {
    let mut groups: Vec<(&Identifier, &Belonging)> = groups.iter().collect();
    groups.sort_by(|(_, a), (_, b)| b.since().cmp(&a.since()));
    let write = |(group, belonging): (&Identifier, &Belonging)| {
        Some(v1::ProfileGroup {
            key: group.as_str().to_owned(),
            role: belonging.role().unwrap_or_default().to_owned(),
            since: Some(time::write(belonging.since()?.time)),
        })
    };
    groups.into_iter().filter_map(write).collect()
}

fn write_consents(of_customer: Consents, of_addresses: Vec<(Identifier, Consents)>) -> Vec<v1::ProfileConsent> {
    let of_addresses = of_addresses.into_iter().flat_map(|(address, said)| consent::write_all(said, Some(&address)));
    consent::write_all(of_customer, None).into_iter().chain(of_addresses).collect()
}

fn write_hushes(Hushes { topics }: Hushes) -> Vec<v1::ProfileHush> {
    let of_topic = |(Topic { name, channel }, Opinions { lifted: _, hushes }): (Topic, Opinions)| {
        hushes.into_values().map(move |Hush { until, stamp }| v1::ProfileHush {
            topic: name.clone(),
            channel: channel.clone(),
            until: until.map(time::write),
            provenance: Some(write_stamp(&stamp)),
        })
    };
    topics.into_iter().flat_map(of_topic).collect()
}

/// Writes a member of a group.
pub fn write_listed(listed: Listed) -> v1::GroupMember {
    let Listed { profile, group, role, since } = listed;
    v1::GroupMember {
        profile_id: profile.to_string(),
        role,
        since: Some(time::write(since.time)),
        group: group.as_str().to_owned(),
    }
}

/// Writes a member of a segment.
pub fn write_segment_member(member: SegmentMember) -> v1::SegmentMember {
    let SegmentMember { profile, identifier } = member;
    v1::SegmentMember {
        profile_id: profile.map(|id| id.to_string()).unwrap_or_default(),
        key: identifier.map(|identifier| identifier.as_str().to_owned()).unwrap_or_default(),
    }
}

fn write_member(member: Member) -> v1::ProfileIdentifier {
    let Member { identifier, alias_of } = member;
    v1::ProfileIdentifier { key: identifier.as_str().to_owned(), aliased: alias_of.is_some() }
}

fn write_cell(cell: Cell) -> v1::Attribute {
    let Cell { value, stamp } = cell;
    v1::Attribute { value: Some(value::write(value)), provenance: Some(write_stamp(&stamp)) }
}

/// Writes a merge.
pub fn write_merge(merge: Merge) -> v1::Merge {
    let Merge { absorbed, survivor, by: Moment { time, message_id } } = merge;
    v1::Merge {
        absorbed_profile_id: absorbed.to_string(),
        survivor_profile_id: survivor.to_string(),
        message_id,
        time: Some(time::write(time)),
    }
}

/// Writes an event of the history, but not the cause of a hush: nobody is to read it.
pub fn write_event(event: StoredEvent) -> v1::Event {
    let StoredEvent { moment, origin, call, name, properties, source, raw_keys: _, other: _, cause: _ } = event;
    v1::Event {
        r#type: call_name(call).to_owned(),
        name,
        properties: Some(value::write_object(properties)),
        provenance: Some(write_provenance(moment, source, &origin)),
    }
}

/// Writes where something came from.
pub fn write_stamp(stamp: &Stamp) -> v1::Provenance {
    let Stamp { moment, source, origin } = stamp;
    write_provenance(moment.clone(), source.clone(), origin)
}

/// Writes where an event came from, and when it happened.
pub fn write_provenance(moment: Moment, source: String, origin: &Identifier) -> v1::Provenance {
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
        Call::Leave => "leave",
        Call::Alias => "alias",
        Call::Hush => "hush",
        Call::Lift => "lift",
        Call::Grant => "grant",
        Call::Deny => "deny",
    }
}
