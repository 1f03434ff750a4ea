//! Keeping what was answered for sends.

use std::collections::BTreeSet;

use super::Place;
use crate::codec::key::{IdentifierKey, ProfileKey, ServedKey};
use crate::domain::answer::Resolution;
use crate::domain::ids::ProfileId;
use crate::domain::key::Key;
use crate::domain::served::{Served, Trace};
use crate::domain::time::Time;
use crate::engine::state::ActiveModel;
use crate::engine::{Error, Serving, served};
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::{OWNERS, PROFILES, SERVED, SURVIVORS};
use crate::store::meta::last_erasure;

/// Keeps each of the answers, unless one was kept for the same send and customer before, or somebody was erased since it was
/// read: it might be of them.
pub(super) fn serve(
    batch: &mut Batch<'_>,
    active: &ActiveModel,
    place: Place,
    servings: Vec<Serving>,
) -> Result<Vec<Option<Time>>, Error> {
    let erased = last_erasure(batch, place.workspace)?;
    let mut kept = Vec::with_capacity(servings.len());
    for serving in servings {
        let is_late = erased.is_some_and(|erased| erased > serving.read);
        if is_late || served::is_pinned(batch, place.workspace, &serving, active, place.logged)? {
            kept.push(None);
            continue;
        }
        let about = about(batch, place, &serving)?;
        let Serving { send, by, served, .. } = serving;
        let key = ServedKey { workspace: place.workspace, key: by, send };
        SERVED.put(batch, &key, &Served { at: place.logged, about, ..served })?;
        kept.push(Some(place.logged));
    }
    Ok(kept)
}

/// All identifiers, and the groups, of those whom an answer is about.
fn about(batch: &Batch<'_>, place: Place, serving: &Serving) -> Result<BTreeSet<Trace>, store::Error> {
    let mut about = BTreeSet::new();
    for id in people(batch, place, serving)? {
        let at = |profile| ProfileKey { workspace: place.workspace, profile };
        let id = SURVIVORS.get(batch, &at(id))?.unwrap_or(id);
        let Some(profile) = PROFILES.get(batch, &at(id))? else { continue };
        about.extend(profile.membership.members().iter().map(|member| Trace::of(&member.identifier)));
        about.extend(profile.holdings.ties.groups.keys().map(Trace::of));
    }
    Ok(about)
}

fn people(batch: &Batch<'_>, place: Place, serving: &Serving) -> Result<Vec<ProfileId>, store::Error> {
    let (Resolution::Shared { .. }, Key::Identifier(identifier)) = (serving.resolution, &serving.by) else {
        return Ok(match serving.resolution {
            Resolution::Found(id) => vec![id],
            Resolution::Shared { .. } | Resolution::NotFound | Resolution::Erased => Vec::new(),
        });
    };
    let key = IdentifierKey { workspace: place.workspace, kind: serving.kind, identifier: identifier.clone() };
    let owner = OWNERS.get(batch, &key)?.unwrap_or_default();
    Ok(owner.profile.into_iter().chain(owner.refusals.into_iter().map(|(id, _)| id)).collect())
}
