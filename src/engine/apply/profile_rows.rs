//! Writing profiles: the only place that does, so that each profile with many identifiers has its row among the large
//! ones, and no other has; and each that is or was a member of a group has its row among the members of the group, and
//! no other, and is counted there.

use super::Place;
use crate::codec::key::{MemberKey, ProfileKey, SizeKey, TallyKey};
use crate::domain::belonging::{GroupMember, Tally};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId};
use crate::domain::profile::{Membership, Profile};
use crate::domain::size::{LISTED_FROM, Size};
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::{MEMBERS, PROFILES, SIZES, TALLIES};

/// Writes `profile`. `before` is the profile as it is stored, where it may have had more identifiers, or what came under
/// them, than now: a fold takes some away, a step never does.
pub(super) fn put(
    batch: &mut Batch<'_>,
    place: Place,
    before: Option<&Profile>,
    profile: &Profile,
) -> Result<(), store::Error> {
    let workspace = place.workspace;
    let key = size_key(place, profile.kind, profile.id);
    let identifiers = profile.membership.members().len();
    if identifiers >= LISTED_FROM {
        let mut size = SIZES.get(batch, &key)?.unwrap_or_else(Size::unlisted);
        if usize::try_from(size.identifiers) != Ok(identifiers) {
            size.becomes(identifiers, place.logged);
            SIZES.put(batch, &key, &size)?;
        }
    } else if before.is_some_and(|before| is_listed(&before.membership)) {
        SIZES.delete(batch, &key);
    }
    let lost = before.into_iter().flat_map(|before| before.holdings.ties.groups.keys());
    for group in lost.filter(|group| !profile.holdings.ties.groups.contains_key(*group)) {
        put_member(batch, place, profile, group, None)?;
    }
    let ties = &profile.holdings.ties;
    for (group, belonging) in &ties.groups {
        let member = GroupMember::of(belonging, &profile.membership, ties);
        put_member(batch, place, profile, group, Some(&member))?;
    }
    PROFILES.put(batch, &ProfileKey { workspace, profile: profile.id }, profile)
}

/// Takes away `profile`, as it has been stored.
pub(super) fn remove(batch: &mut Batch<'_>, place: Place, profile: &Profile) -> Result<(), store::Error> {
    PROFILES.delete(batch, &ProfileKey { workspace: place.workspace, profile: profile.id });
    if is_listed(&profile.membership) {
        SIZES.delete(batch, &size_key(place, profile.kind, profile.id));
    }
    for group in profile.holdings.ties.groups.keys() {
        put_member(batch, place, profile, group, None)?;
    }
    Ok(())
}

/// The profile `holder`, which had adopted `id`, gives it back: what it was handed out for is of a profile again. The two
/// may hang together by nothing any more.
pub(super) fn give_back(
    batch: &mut Batch<'_>,
    place: Place,
    holder: ProfileId,
    id: ProfileId,
) -> Result<(), store::Error> {
    let key = ProfileKey { workspace: place.workspace, profile: holder };
    let Some(mut profile) = PROFILES.get(batch, &key)? else { return Ok(()) };
    if !profile.retired.contains(&id) {
        return Ok(());
    }
    profile.retired.retain(|retired| *retired != id);
    put(batch, place, None, &profile)
}

/// Makes `member` what `group` has of the profile, and counts it there by its types.
fn put_member(
    batch: &mut Batch<'_>,
    place: Place,
    profile: &Profile,
    group: &Identifier,
    member: Option<&GroupMember>,
) -> Result<(), store::Error> {
    let (workspace, kind, group) = (place.workspace, profile.kind, group.clone());
    let key = MemberKey { workspace, group, kind, profile: profile.id };
    let known = MEMBERS.get(batch, &key)?;
    if known.as_ref() == member {
        return Ok(());
    }
    match member {
        Some(member) => MEMBERS.put(batch, &key, member)?,
        None => MEMBERS.delete(batch, &key),
    }
    let (from, to) = (known.as_ref().map(|known| known.types.as_slice()), member.map(|member| member.types.as_slice()));
    if from == to {
        return Ok(());
    }
    let key = TallyKey { workspace, kind, group: key.group };
    let mut tally = TALLIES.get(batch, &key)?.unwrap_or_default();
    tally.change(from, to);
    if tally == Tally::default() {
        TALLIES.delete(batch, &key);
        return Ok(());
    }
    TALLIES.put(batch, &key, &tally)
}

fn is_listed(membership: &Membership) -> bool {
    membership.members().len() >= LISTED_FROM
}

fn size_key(place: Place, kind: KindId, profile: ProfileId) -> SizeKey {
    SizeKey { workspace: place.workspace, kind, profile }
}
