//! A plan: what a fact will do to the graph of one kind. Planning only reads.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::fact::Place;
use crate::codec::key::{IdentifierKey, ProfileKey};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId};
use crate::domain::link::Link;
use crate::domain::owner::Owner;
use crate::domain::profile::Profile;
use crate::domain::resolution::fold::with_aliases_resolved;
use crate::domain::resolution::{Decision, Neighbourhood, Rules, check, decide};
use crate::engine::Error;
use crate::store;
use crate::store::catalogue::{OWNERS, PROFILES};
use crate::store::view::Read;

/// What a fact will do to one kind, and what was read to decide it.
pub(super) struct Plan {
    pub(super) kind: KindId,
    pub(super) link: Link,
    pub(super) decision: Decision,
    pub(super) owners: BTreeMap<Identifier, Owner>,
    pub(super) profiles: BTreeMap<ProfileId, Profile>,
}

impl Plan {
    /// Plans for the kind of `rules`; `None` if the link has no identifier of that kind.
    pub(super) fn make(from: &impl Read, place: Place, link: &Link, rules: Rules<'_>) -> Result<Option<Self>, Error> {
        let kind = rules.kind.id;
        let ours = |id: &&Identifier| rules.kind.rank(id.type_name()).is_some();
        let mut owners = BTreeMap::new();
        for identifier in link.identifiers.iter().chain(&link.previous).filter(ours) {
            read_owner(from, place, kind, identifier, &mut owners)?;
        }
        if owners.is_empty() {
            return Ok(None);
        }
        let link = with_aliases_resolved(link, |id| owners.get(id).and_then(|owner| owner.alias_of.clone()));
        check(&link, rules)?;
        let profiles = read_profiles(from, place, &link, &owners)?;
        let decision = decide(&link, &near(&link, &owners, &profiles), rules);
        Ok(Some(Self { kind, link, decision, owners, profiles }))
    }
}

/// Reads the owner of `identifier`, and of what it is another name of.
fn read_owner(
    from: &impl Read,
    place: Place,
    kind: KindId,
    identifier: &Identifier,
    owners: &mut BTreeMap<Identifier, Owner>,
) -> Result<(), store::Error> {
    let mut next = Some(identifier.clone());
    while let Some(identifier) = next.take() {
        let key = IdentifierKey { workspace: place.workspace, kind, identifier };
        let owner = OWNERS.get(from, &key)?.unwrap_or_default();
        next.clone_from(&owner.alias_of);
        owners.insert(key.identifier, owner);
    }
    Ok(())
}

fn read_profiles(
    from: &impl Read,
    place: Place,
    link: &Link,
    owners: &BTreeMap<Identifier, Owner>,
) -> Result<BTreeMap<ProfileId, Profile>, Error> {
    let mut profiles = BTreeMap::new();
    for identifier in link.identifiers.iter().chain(&link.previous) {
        let Some(profile) = owners.get(identifier).and_then(|owner| owner.profile) else { continue };
        if let Entry::Vacant(vacant) = profiles.entry(profile) {
            let key = ProfileKey { workspace: place.workspace, profile };
            vacant.insert(PROFILES.get(from, &key)?.ok_or_else(|| missing(OWNERS.family().name()))?);
        }
    }
    Ok(profiles)
}

/// An owner row that names a profile that is not there.
fn missing(family: &'static str) -> store::Error {
    let source = crate::codec::Error::malformed("owner record", "names a profile that is not stored");
    store::Error::Corrupt { family, source }
}

fn near(link: &Link, owners: &BTreeMap<Identifier, Owner>, profiles: &BTreeMap<ProfileId, Profile>) -> Neighbourhood {
    let owned = link.identifiers.iter().chain(&link.previous);
    let owners = owned.filter_map(|id| Some((id.clone(), owners.get(id)?.profile?))).collect();
    let profiles = profiles.iter().map(|(id, profile)| (*id, profile.membership.clone())).collect();
    Neighbourhood { owners, profiles }
}
