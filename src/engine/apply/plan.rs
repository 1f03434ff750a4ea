//! A plan: what a fact will do to the graph of one kind. Planning only reads.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Place;
use crate::codec::key::{IdentifierKey, ProfileKey};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId};
use crate::domain::link::Link;
use crate::domain::owner::Owner;
use crate::domain::profile::{Membership, Profile};
use crate::domain::resolution::fold::with_aliases_resolved;
use crate::domain::resolution::{Decision, Neighbourhood, Rules, check, decide, walls_between};
use crate::domain::wall::{Quarantine, Wall};
use crate::engine::Error;
use crate::store;
use crate::store::catalogue::{OWNERS, PROFILES};
use crate::store::view::Read;

/// What a fact will do to one kind, and what was read to decide it.
pub(super) struct Plan<'r> {
    pub(super) rules: Rules<'r>,
    /// The link, aliases resolved.
    pub(super) link: Link,
    /// One step of the fold, taken from where the graph stands now.
    pub(super) decision: Decision,
    /// What the fact brings is stored under this one of its identifiers. `None` if all of them are blocked.
    pub(super) origin: Option<Identifier>,
    pub(super) owners: BTreeMap<Identifier, Owner>,
    pub(super) profiles: BTreeMap<ProfileId, Profile>,
    /// True if one step is not enough: the link is older than others that it may change the outcome of.
    pub(super) folds_again: bool,
}

impl<'r> Plan<'r> {
    /// Plans for the kind of `rules`; `None` if the link has no identifier of that kind. `known` is the link as it is
    /// stored, if it was said before.
    pub(super) fn make(
        from: &impl Read,
        place: Place,
        said: &Link,
        known: Option<&Link>,
        rules: Rules<'r>,
    ) -> Result<Option<Self>, Error> {
        let reader = Reader { from, place, kind: rules.kind.id };
        let mut owners = BTreeMap::new();
        for identifier in said.identifiers.iter().chain(&said.previous).filter(|id| rules.has(id)) {
            reader.owner(identifier, &mut owners)?;
        }
        if owners.is_empty() {
            return Ok(None);
        }
        let name = |id: &Identifier| owners.get(id).and_then(|owner| owner.alias_of.clone());
        let link = with_aliases_resolved(said, rules, name);
        check(&link, rules)?;
        let profiles = reader.profiles(&link, &owners)?;
        let beyond = reader.owners_of_ends(&link, &profiles)?;
        let decision = decide(&link, &near(&link, &owners, &profiles, &beyond), rules);
        let origin = origin(said, &decision, rules, name);
        let folds_again = Order { link: &link, known, owners: &owners, profiles: &profiles }.matters(&decision);
        Ok(Some(Self { rules, link, decision, origin, owners, profiles, folds_again }))
    }
}

/// The fact's own name for the strongest identifier: of several names of it the strongest.
fn origin(
    said: &Link,
    decision: &Decision,
    rules: Rules<'_>,
    name: impl Fn(&Identifier) -> Option<Identifier>,
) -> Option<Identifier> {
    let strongest = decision.origin()?;
    let named = said.identifiers.iter().filter(|id| *id == strongest || name(id).as_ref() == Some(strongest));
    named.min_by_key(|id| rules.strength(id)).cloned()
}

/// Whether it matters that a link comes after others that are folded already.
struct Order<'a> {
    link: &'a Link,
    known: Option<&'a Link>,
    owners: &'a BTreeMap<Identifier, Owner>,
    profiles: &'a BTreeMap<ProfileId, Profile>,
}

impl Order<'_> {
    fn matters(&self, decision: &Decision) -> bool {
        let mut near = self.profiles.values().map(|profile| &profile.membership);
        // What it had before its quarantine comes back to it, walls and values, which a step knows nothing of.
        let released = |owner: &Owner| matches!(owner.quarantine, Some(Quarantine::ReleasedAt(_)));
        if self.owners.values().any(|owner| owner.profile.is_none() && released(owner)) {
            return true;
        }
        let repeats = self.known.is_some_and(|known| known.first <= self.link.first);
        let unsettled = self.owners.values().any(|owner| owner.profile.is_none() && owner.may_be_shared());
        // An alias makes room, which links said again since may have been waiting for.
        let loosens = self.link.previous.is_some() && decision.changes_the_graph();
        let waiting = loosens && near.clone().any(|profile| profile.contested);
        let newest = near.clone().all(|profile| self.link.first > profile.latest);
        if newest && !waiting && (repeats || !unsettled) {
            return false;
        }
        if repeats {
            return near.any(|profile| profile.loosened);
        }
        let settled = self.link.previous.is_none() && decision.refused.is_empty() && !unsettled;
        !settled || near.any(|profile| profile.contested)
    }
}

/// What a plan reads, of one kind.
struct Reader<'a, R> {
    from: &'a R,
    place: Place,
    kind: KindId,
}

impl<R: Read> Reader<'_, R> {
    fn key(&self, identifier: &Identifier) -> IdentifierKey {
        IdentifierKey { workspace: self.place.workspace, kind: self.kind, identifier: identifier.clone() }
    }

    /// Reads the owner of `identifier`, and of what it is another name of.
    fn owner(&self, identifier: &Identifier, owners: &mut BTreeMap<Identifier, Owner>) -> Result<(), store::Error> {
        let mut next = Some(identifier.clone());
        while let Some(identifier) = next.take() {
            let owner = OWNERS.get(self.from, &self.key(&identifier))?.unwrap_or_default();
            next.clone_from(&owner.alias_of);
            owners.insert(identifier, owner);
        }
        Ok(())
    }

    fn profiles(
        &self,
        link: &Link,
        owners: &BTreeMap<Identifier, Owner>,
    ) -> Result<BTreeMap<ProfileId, Profile>, Error> {
        let mut profiles = BTreeMap::new();
        for identifier in link.identifiers.iter().chain(&link.previous) {
            let Some(profile) = owners.get(identifier).and_then(|owner| owner.profile) else { continue };
            if let Entry::Vacant(vacant) = profiles.entry(profile) {
                let key = ProfileKey { workspace: self.place.workspace, profile };
                vacant.insert(PROFILES.get(self.from, &key)?.ok_or_else(missing)?);
            }
        }
        Ok(profiles)
    }

    /// Who owns the identifiers beyond the walls that stand in the link's way.
    fn owners_of_ends(
        &self,
        link: &Link,
        profiles: &BTreeMap<ProfileId, Profile>,
    ) -> Result<BTreeMap<Identifier, ProfileId>, Error> {
        let mut owners = BTreeMap::new();
        for end in walls(link, profiles).flat_map(|wall| &wall.between) {
            let owner = OWNERS.get(self.from, &self.key(end))?.and_then(|owner| owner.profile);
            owners.extend(owner.map(|owner| (end.clone(), owner)));
        }
        Ok(owners)
    }
}

/// An owner row that names a profile that is not there.
pub(super) fn missing() -> store::Error {
    OWNERS.corrupt(crate::codec::Error::malformed("owner record", "names a profile that is not stored"))
}

/// The walls between the profiles that stand at the moment of the link.
fn walls<'a>(link: &'a Link, profiles: &'a BTreeMap<ProfileId, Profile>) -> impl Iterator<Item = &'a Wall> {
    let at_each = profiles.values().map(|profile| profile.membership.walls.iter().collect());
    // Identifiers without an owner are more that the link would join. They have no wall: raising one gives them an owner,
    // and those that have lost theirs to a quarantine are folded again (see `Order`).
    let walls = walls_between(at_each.chain([Vec::new()]).collect());
    walls.into_iter().filter(|wall| wall.stands_at(&link.first))
}

fn near<'a>(
    link: &'a Link,
    owners: &'a BTreeMap<Identifier, Owner>,
    profiles: &'a BTreeMap<ProfileId, Profile>,
    beyond: &'a BTreeMap<Identifier, ProfileId>,
) -> Neighbourhood<'a> {
    let named = || link.identifiers.iter().chain(&link.previous);
    let owned = named().filter_map(|id| Some((id, owners.get(id)?.profile?)));
    let memberships =
        |(id, profile): (&ProfileId, &'a Profile)| -> (ProfileId, &'a Membership) { (*id, &profile.membership) };
    let quarantined = |id: &&Identifier| {
        owners.get(*id).and_then(|owner| owner.quarantine.as_ref()).is_some_and(|held| held.holds_at(&link.first))
    };
    Neighbourhood {
        owners: owned.chain(beyond.iter().map(|(id, owner)| (id, *owner))).collect(),
        profiles: profiles.iter().map(memberships).collect(),
        walls: walls(link, profiles).collect(),
        quarantined: named().filter(quarantined).collect(),
    }
}
