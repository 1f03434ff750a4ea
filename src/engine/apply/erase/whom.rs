//! Whom an erasure is about: the profile that its key leads to, and the other personas of the same human.

use std::collections::{BTreeSet, VecDeque};

use super::super::Place;
use super::super::component::profile_of;
use super::super::tombstones::Tombstones;
use crate::codec::key::{IdentifierKey, ProfileKey};
use crate::domain::erasure::Erasure;
use crate::domain::identifier::Identifier;
use crate::domain::ids::KindId;
use crate::domain::key::Key;
use crate::domain::owner::Owner;
use crate::domain::profile::Profile;
use crate::engine::Error;
use crate::store;
use crate::store::catalogue::{OWNERS, PROFILES, SURVIVORS};
use crate::store::view::Read;

/// The profiles of the human, the one that the key leads to first. A key that several people share is refused: which of them is meant is not guessed.
pub(super) fn human<R: Read>(
    tombstones: &Tombstones<'_, R>,
    place: Place,
    erasure: &Erasure,
) -> Result<Vec<Profile>, Error> {
    let from = tombstones.from;
    let Some(named) = find(from, place, &erasure.key, erasure.kind)? else {
        return Err(match tombstones.has(&erasure.key)? {
            true => Error::Erased("what the key names"),
            false => Error::NotFound("the key"),
        });
    };
    let mut found = BTreeSet::from([named.id]);
    let mut next = VecDeque::from([named]);
    let mut human = Vec::new();
    while let Some(profile) = next.pop_front() {
        let walls = profile.membership.walls.iter().filter(|wall| wall.same_human);
        for end in walls.flat_map(|wall| &wall.between) {
            let persona = profile_of(from, place, erasure.kind, end)?;
            next.extend(persona.filter(|persona| found.insert(persona.id)));
        }
        human.push(profile);
    }
    Ok(human)
}

fn find(from: &impl Read, place: Place, key: &Key, kind: KindId) -> Result<Option<Profile>, Error> {
    let workspace = place.workspace;
    let at = |profile| ProfileKey { workspace, profile };
    match key {
        Key::Profile(id) => {
            let id = SURVIVORS.get(from, &at(*id))?.unwrap_or(*id);
            Ok(PROFILES.get(from, &at(id))?.filter(|profile| profile.kind == kind))
        }
        Key::Identifier(identifier) => {
            check_unshared(from, place, identifier, kind)?;
            profile_of(from, place, kind, identifier)
        }
    }
}

fn check_unshared(from: &impl Read, place: Place, identifier: &Identifier, kind: KindId) -> Result<(), Error> {
    let workspace = place.workspace;
    let key = IdentifierKey { workspace, kind, identifier: identifier.clone() };
    let Some(Owner { profile, refusals, .. }) = OWNERS.get(from, &key)? else { return Ok(()) };
    for (id, _) in refusals {
        let key = ProfileKey { workspace, profile: id };
        let other = SURVIVORS.get(from, &key)?.unwrap_or(id);
        let lives =
            |id| -> Result<bool, store::Error> { PROFILES.contains(from, &ProfileKey { workspace, profile: id }) };
        if profile != Some(other) && lives(other)? {
            let text =
                "several people share the key; name the one to be erased by a key of their own, or by profile_id";
            return Err(Error::Conflict(text.to_owned()));
        }
    }
    Ok(())
}
