//! Folding all identities of a workspace again, portion by portion, after its model has changed their rules.
//!
//! Each portion is a command: the model is in force at once, and what is folded by then is what its rules lead to. A write
//! to identities whose turn has not come folds them first ([`catch_up`]), so no profile is ever part one, part other.

use std::collections::{BTreeMap, BTreeSet};

use super::component::Component;
use super::folding::{Fold, Trigger};
use super::{Ids, Place, fragments, model, profile_rows};
use crate::codec::key::{IdentifierKey, LinkIndexKey, ModelKey, ProfileKey};
use crate::domain::hush::Hushes;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{ProfileId, WorkspaceId};
use crate::domain::model::Model;
use crate::domain::owner::Owner;
use crate::domain::profile::Profile;
use crate::domain::refold::{Owners, Tally};
use crate::domain::resolution::Rules;
use crate::domain::wall::Quarantine;
use crate::engine::Error;
use crate::engine::state::ActiveModel;
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::{LINK_INDEX, OWNERS, PROFILES, REFOLDS};
use crate::store::view::Read;

/// Rows of the index of links that are read at once.
const ROWS_AT_ONCE: usize = 256;

/// Does the next portion. What is finished changes nothing.
pub(super) fn go_on(batch: &mut Batch<'_>, active: &ActiveModel, place: Place, portion: usize) -> Result<(), Error> {
    let mut refold = REFOLDS.get(batch, &place.workspace)?.ok_or(Error::NotFound("the change of rules"))?;
    if refold.finished {
        return Ok(());
    }
    let mut ids = Ids::new(place);
    let mut room = portion;
    while room > 0 {
        let identifiers = Sweep { workspace: place.workspace }.after(batch, refold.after.as_ref())?;
        refold.finished = identifiers.is_empty();
        if refold.finished {
            // Nothing is to name an identifier that may be erased one day.
            refold.after = None;
            model::settle(batch, ModelKey { workspace: place.workspace, version: active.version })?;
            break;
        }
        for identifier in identifiers {
            room = room.saturating_sub(1);
            for kind in active.model.kinds() {
                let rules = Rules { model: &active.model, kind };
                room = room.saturating_sub(bring(batch, place, &mut ids, rules, &identifier, &mut refold.tally)?);
            }
            refold.after = Some(identifier);
            if room == 0 {
                break;
            }
        }
    }
    Ok(REFOLDS.put(batch, &place.workspace, &refold)?)
}

/// Brings identifiers up to the rules of today before something is said of them. What that changes is none of its doing and
/// is on no receipt.
pub(super) fn catch_up<'i>(
    batch: &mut Batch<'_>,
    model: &Model,
    place: Place,
    ids: &mut Ids,
    identifiers: impl IntoIterator<Item = &'i Identifier>,
) -> Result<(), Error> {
    if !place.refolding {
        return Ok(());
    }
    for identifier in identifiers {
        for kind in model.kinds() {
            bring(batch, place, ids, Rules { model, kind }, identifier, &mut Tally::default())?;
        }
    }
    Ok(())
}

/// Folds what hangs together with `identifier`, unless that was done under these rules already. Answers how much that
/// was.
fn bring(
    batch: &mut Batch<'_>,
    place: Place,
    ids: &mut Ids,
    rules: Rules<'_>,
    identifier: &Identifier,
    tally: &mut Tally,
) -> Result<usize, Error> {
    if !rules.has(identifier) {
        return Ok(0);
    }
    tally.identifiers += 1;
    let key = IdentifierKey { workspace: place.workspace, kind: rules.kind.id, identifier: identifier.clone() };
    let owner = OWNERS.get(batch, &key)?.unwrap_or_default();
    match owner.profile {
        Some(profile) => {
            let key = ProfileKey { workspace: place.workspace, profile };
            let profile = PROFILES.get(batch, &key)?.ok_or_else(super::plan::missing)?;
            if profile.rules == place.rules {
                tally.left += u64::from(profile.membership.oversized);
                return Ok(0);
            }
        }
        None if owner.quarantine == Some(Quarantine::Closed) => return Ok(0),
        None if rules.blocks(identifier) => {
            // It joins nobody and so is folded with nobody; what refused it by other rules is no more.
            if owner.may_be_shared() {
                OWNERS.put(batch, &key, &Owner { refusals: Vec::new(), ..owner })?;
            }
            return Ok(0);
        }
        None => {}
    }
    match refold(batch, place, ids, rules, identifier)? {
        Refolded::Now { work, before, after, identifiers: _ } => {
            tally.add(Tally::of(&before, &after));
            Ok(work)
        }
        Refolded::Before { work } => Ok(work),
        Refolded::TooLarge => {
            tally.left += 1;
            Ok(usize::MAX)
        }
    }
}

/// What became of a component. `work` is how many links and identifiers it has.
pub(in crate::engine) enum Refolded {
    /// It was folded.
    Now { work: usize, identifiers: BTreeSet<Identifier>, before: Owners, after: Owners },
    /// It had been, under the same rules; of the identifier that led here there is no more to be had.
    Before { work: usize },
    /// It stays as it is, and is marked so that it is not tried again.
    TooLarge,
}

/// Folds what hangs together with `seed` again.
pub(in crate::engine) fn refold(
    batch: &mut Batch<'_>,
    place: Place,
    ids: &mut Ids,
    rules: Rules<'_>,
    seed: &Identifier,
) -> Result<Refolded, Error> {
    let seeds = std::slice::from_ref(seed);
    let component = match Component::gather_unless_marked(batch, place, rules, seeds)? {
        Ok(component) => component,
        Err(at) => {
            for identifier in [seed, &at] {
                if let Some(profile) = super::component::profile_of(batch, place, rules.kind.id, identifier)? {
                    mark(batch, place, profile)?;
                }
            }
            return Ok(Refolded::TooLarge);
        }
    };
    let work = component.evidence.links.len() + component.owners.len();
    let mut profiles = component.profiles.values().peekable();
    if profiles.peek().is_some() && profiles.all(|profile| profile.rules == place.rules) {
        return Ok(Refolded::Before { work });
    }
    let owned = component.owners.iter().filter_map(|(id, owner)| Some((id.clone(), owner.profile?)));
    let before: Owners = owned.collect();
    let identifiers: BTreeSet<Identifier> = component.owners.keys().cloned().collect();
    let hushed = hushed(&component, place);
    let mut lines = Vec::new();
    Fold { batch, place, rules, ids, lines: &mut lines }.fold(component, Trigger::Correction)?;
    let mut after = Owners::new();
    for identifier in &identifiers {
        let key = IdentifierKey { workspace: place.workspace, kind: rules.kind.id, identifier: identifier.clone() };
        let owner = OWNERS.get(batch, &key)?.and_then(|owner| owner.profile);
        after.extend(owner.map(|owner| (key.identifier, owner)));
    }
    for (members, hushes) in hushed {
        keep_hushed(batch, place, rules, &members, &hushes, &after)?;
    }
    Ok(Refolded::Now { work, identifiers, before, after })
}

/// What is hushed for profiles, with their identifiers.
fn hushed(component: &Component, place: Place) -> Vec<(Vec<Identifier>, Hushes)> {
    let holding = component.profiles.values().map(|profile| {
        let members = profile.membership.members().iter().map(|member| member.identifier.clone()).collect();
        (members, profile.holdings.hushes.holding(place.logged))
    });
    holding.filter(|(_, hushes)| !hushes.is_empty()).collect()
}

/// What was hushed for a profile that came apart stays hushed for each part of it, as after an undo: the first of the
/// identifiers that went there says it from then on.
fn keep_hushed(
    batch: &mut Batch<'_>,
    place: Place,
    rules: Rules<'_>,
    members: &[Identifier],
    hushes: &Hushes,
    after: &Owners,
) -> Result<(), Error> {
    let mut parts: BTreeMap<ProfileId, &Identifier> = BTreeMap::new();
    for member in members {
        if let Some(profile) = after.get(member) {
            parts.entry(*profile).or_insert(member);
        }
    }
    for member in parts.values().filter(|_| parts.len() > 1) {
        fragments::change(batch, place, rules.kind.id, member, |fragment| {
            fragment.hushes.absorb(hushes.said_of(member));
            true
        })?;
    }
    Ok(())
}

/// Marks a profile as one that stays as it is.
fn mark(batch: &mut Batch<'_>, place: Place, mut profile: Profile) -> Result<(), store::Error> {
    profile.membership.oversized = true;
    profile.rules = place.rules;
    profile_rows::put(batch, place, None, &profile)
}

/// All identifiers that links of a workspace name, in their order.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Sweep {
    pub(in crate::engine) workspace: WorkspaceId,
}

impl Sweep {
    /// The next identifiers after `after`; none at the end.
    pub(in crate::engine) fn after(
        self,
        from: &impl Read,
        after: Option<&Identifier>,
    ) -> Result<Vec<Identifier>, store::Error> {
        let prefix = self.workspace.0.to_be_bytes();
        let start = after.map_or_else(|| prefix.to_vec(), |after| LinkIndexKey::past(self.workspace, after));
        let rows = LINK_INDEX.rows(from, &prefix, &start, ROWS_AT_ONCE)?;
        let mut identifiers: Vec<Identifier> = rows.into_iter().map(|(key, ())| key.identifier).collect();
        identifiers.dedup();
        Ok(identifiers)
    }
}
