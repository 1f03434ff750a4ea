//! Which id leads to which profile after a fold: an id belongs to the identifier that it was handed out for.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::identifier::Identifier;
use crate::domain::ids::ProfileId;
use crate::domain::owner::Owner;
use crate::domain::profile::{Membership, Profile};
use crate::domain::resolution::fold::Partition;

/// True for the id of a profile that is or was stored; the others are the fold's own numbers.
pub(super) fn is_stored(id: ProfileId) -> bool {
    id.0 > u128::from(u64::MAX)
}

/// A profile whose founder is in no profile any more goes on under its id with the identifiers that are left of it,
/// unless those have an id of their own: they become what the id was handed out for.
pub(super) fn pass_on_ids(
    partition: &Partition,
    owners: &mut BTreeMap<Identifier, Owner>,
    live: &BTreeMap<ProfileId, Profile>,
) {
    for (id, profile) in live {
        let members = || profile.membership.members().iter().map(|member| &member.identifier);
        let founded = |member: &&Identifier| owners.get(*member).is_some_and(|owner| owner.founded == Some(*id));
        let Some(founder) = members().find(founded).filter(|founder| !partition.owners.contains_key(*founder)) else {
            continue;
        };
        let heir = members().find_map(|member| partition.profiles.get(partition.owners.get(member)?));
        let nameless = heir.filter(|heir| {
            let mut members = heir.membership.members().iter();
            !members.any(|member| owners.get(&member.identifier).is_some_and(|owner| owner.founded.is_some()))
        });
        let Some(heir) = nameless.map(|heir| heir.founder.clone()) else { continue };
        if let Some(owner) = owners.get_mut(founder) {
            owner.founded = None;
        }
        if let Some(owner) = owners.get_mut(&heir) {
            owner.founded = Some(*id);
        }
    }
}

/// Where the identifiers of each profile went that was there before: the first of them that has an owner now.
pub(super) fn heirs(
    owners: &BTreeMap<Identifier, Owner>,
    live: &BTreeMap<ProfileId, Profile>,
) -> BTreeMap<ProfileId, ProfileId> {
    let heir = |profile: &Profile| {
        let mut members = profile.membership.members().iter();
        members.find_map(|member| owners.get(&member.identifier)?.profile)
    };
    live.iter().filter_map(|(id, profile)| Some((*id, heir(profile)?))).collect()
}

/// Ids of the profiles that were there before, and ids that led to them, that no identifier of the component stands for:
/// what they were handed out for is in no profile. They go where the rest of those profiles went.
pub(super) fn adopted(
    owners: &BTreeMap<Identifier, Owner>,
    live: &BTreeMap<ProfileId, Profile>,
    heirs: &BTreeMap<ProfileId, ProfileId>,
) -> BTreeMap<ProfileId, ProfileId> {
    let owned: BTreeSet<ProfileId> =
        owners.values().filter(|owner| owner.profile.is_some()).filter_map(|owner| owner.founded).collect();
    let mut adopted = BTreeMap::new();
    for (id, profile) in live {
        let Some(heir) = heirs.get(id) else { continue };
        let orphans = profile.retired.iter().chain([id]).filter(|orphan| !owned.contains(orphan) && *orphan != heir);
        adopted.extend(orphans.map(|orphan| (*orphan, *heir)));
    }
    adopted
}

/// The ids that lead to the profile `id`: those handed out for its identifiers, its own aside, and those it adopted.
pub(super) fn retired(
    membership: &Membership,
    owners: &BTreeMap<Identifier, Owner>,
    id: ProfileId,
    adopted: &BTreeMap<ProfileId, ProfileId>,
) -> Vec<ProfileId> {
    let founded = membership.members().iter().filter_map(|member| owners.get(&member.identifier)?.founded);
    let adopted = adopted.iter().filter(|(_, heir)| **heir == id).map(|(adopted, _)| *adopted);
    let retired: BTreeSet<ProfileId> = founded.chain(adopted).filter(|retired| *retired != id).collect();
    retired.into_iter().collect()
}
