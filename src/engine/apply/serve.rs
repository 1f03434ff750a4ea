//! Keeping what was answered for sends.

use std::collections::BTreeSet;

use super::Place;
use crate::codec::key::{IdentifierKey, MemberKey, ProfileKey, ServedKey, TrailKey};
use crate::domain::answer::{Fields, Name, Resolution};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId};
use crate::domain::key::Key;
use crate::domain::model::{Kind, Model};
use crate::domain::profile::Profile;
use crate::domain::served::{Kept, MAX_ABOUT, Served};
use crate::engine::members::{member_kind, over_members};
use crate::engine::state::ActiveModel;
use crate::engine::{Error, Serving, served};
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::{MEMBERS, OWNERS, PROFILES, SERVED, SURVIVORS, TRAILS};
use crate::store::meta::last_erasure;

/// Keeps each of the answers, unless one was kept for the same send and customer before, or somebody was erased since it was
/// read: it might be of them.
pub(super) fn serve(
    batch: &mut Batch<'_>,
    active: &ActiveModel,
    place: Place,
    servings: Vec<Serving>,
) -> Result<Vec<Kept>, Error> {
    let erased = last_erasure(batch, place.workspace)?;
    let mut kept = Vec::with_capacity(servings.len());
    for serving in servings {
        let is_late = erased.is_some_and(|erased| erased > serving.read);
        if is_late || served::is_pinned(batch, place.workspace, &serving, active, place.logged)? {
            kept.push(Kept::Not);
            continue;
        }
        let mut about = About { batch, place, model: &active.model, slots: &serving.slots, found: BTreeSet::new() };
        about.gather(&serving)?;
        let about = about.found;
        kept.push(if about.len() > MAX_ABOUT {
            Kept::TooMany
        } else {
            keep(batch, place, serving, about)?;
            Kept::Since(place.logged)
        });
    }
    Ok(kept)
}

fn keep(
    batch: &mut Batch<'_>,
    place: Place,
    serving: Serving,
    about: BTreeSet<Identifier>,
) -> Result<(), store::Error> {
    let Serving { send, by, served, .. } = serving;
    let key = ServedKey { workspace: place.workspace, key: by, send };
    forget(batch, &key)?;
    let served = Served { at: place.logged, about, ..served };
    for trail in trails(&key, &served) {
        TRAILS.put(batch, &trail, &served.trail())?;
    }
    SERVED.put(batch, &key, &served)
}

/// Takes away an answer with the trails that lead to it.
pub(super) fn forget(batch: &mut Batch<'_>, key: &ServedKey) -> Result<(), store::Error> {
    let Some(served) = SERVED.get(batch, key)? else { return Ok(()) };
    trails(key, &served).for_each(|trail| TRAILS.delete(batch, &trail));
    SERVED.delete(batch, key);
    Ok(())
}

/// A trail from each identifier that an answer is about and that is not its key.
fn trails(key: &ServedKey, served: &Served) -> impl Iterator<Item = TrailKey> {
    let is_key = |identifier: &&Identifier| key.key == Key::Identifier((*identifier).clone());
    let about = served.about.iter().filter(move |identifier| !is_key(identifier));
    about.map(|identifier| TrailKey { identifier: identifier.clone(), served: key.clone() })
}

/// Whose identifiers an answer is about: those of every profile that was read for it.
struct About<'a, 'b> {
    batch: &'a Batch<'b>,
    place: Place,
    model: &'a Model,
    slots: &'a Fields,
    found: BTreeSet<Identifier>,
}

impl About<'_, '_> {
    fn gather(&mut self, serving: &Serving) -> Result<(), store::Error> {
        let model = self.model;
        for id in self.people(serving)? {
            let Some(profile) = self.profile(id)? else { continue };
            self.add(&profile, "")?;
            for group in profile.holdings.ties.groups.keys() {
                self.found.insert(group.clone());
                for kind in model.kinds().iter().filter(|kind| kind.rank(group.type_name()).is_some()) {
                    self.add_group(group, kind)?;
                }
            }
        }
        Ok(())
    }

    /// The profiles that the key led to.
    fn people(&self, serving: &Serving) -> Result<Vec<ProfileId>, store::Error> {
        match (serving.resolution, &serving.by) {
            (Resolution::Found(id), _) => Ok(vec![id]),
            (Resolution::Shared { .. }, Key::Identifier(identifier)) => self.owners(serving.kind, identifier),
            (Resolution::Shared { .. } | Resolution::NotFound | Resolution::Erased, _) => Ok(Vec::new()),
        }
    }

    /// Who has an identifier, and who could not have it.
    fn owners(&self, kind: KindId, identifier: &Identifier) -> Result<Vec<ProfileId>, store::Error> {
        let key = IdentifierKey { workspace: self.place.workspace, kind, identifier: identifier.clone() };
        let owner = OWNERS.get(self.batch, &key)?.unwrap_or_default();
        Ok(owner.profile.into_iter().chain(owner.refusals.into_iter().map(|(id, _)| id)).collect())
    }

    /// A group that fields may have been read through.
    fn add_group(&mut self, group: &Identifier, kind: &Kind) -> Result<(), store::Error> {
        let prefix = format!("{}.", kind.name);
        if !self.names().any(|name| name.starts_with(&prefix)) {
            return Ok(());
        }
        for id in self.owners(kind.id, group)? {
            if let Some(profile) = self.profile(id)? {
                self.add(&profile, &prefix)?;
            }
        }
        Ok(())
    }

    /// A profile, and where something over its members was read, these; what is read of it begins with `prefix`.
    fn add(&mut self, profile: &Profile, prefix: &str) -> Result<(), store::Error> {
        let identifiers: Vec<Identifier> =
            profile.membership.members().iter().map(|member| member.identifier.clone()).collect();
        let over = over_members(profile.kind, self.model).flat_map(|computed| computed.names().collect::<Vec<_>>());
        let over: BTreeSet<String> = over.map(|name| format!("{prefix}{name}")).collect();
        if self.names().any(|name| over.contains(&**name)) {
            for group in &identifiers {
                self.add_members(group)?;
            }
        }
        self.found.extend(identifiers);
        Ok(())
    }

    fn add_members(&mut self, group: &Identifier) -> Result<(), store::Error> {
        let prefix = MemberKey::prefix(self.place.workspace, group, member_kind());
        for member in MEMBERS.keys(self.batch, &prefix, &prefix, MAX_ABOUT + 1)? {
            if let Some(profile) = self.profile(member.profile)? {
                let members = profile.membership.members().iter();
                self.found.extend(members.map(|member| member.identifier.clone()));
            }
            if self.found.len() > MAX_ABOUT {
                break;
            }
        }
        Ok(())
    }

    fn names(&self) -> impl Iterator<Item = &Name> {
        let names: &[Name] = match self.slots {
            Fields::Everything => &[],
            Fields::Named(names) => names,
        };
        names.iter()
    }

    fn profile(&self, id: ProfileId) -> Result<Option<Profile>, store::Error> {
        let at = |profile| ProfileKey { workspace: self.place.workspace, profile };
        let id = SURVIVORS.get(self.batch, &at(id))?.unwrap_or(id);
        PROFILES.get(self.batch, &at(id))
    }
}
