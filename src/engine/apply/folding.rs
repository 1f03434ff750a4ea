//! Folding a component again, and bringing the store to what the fold says: owners, profiles, ids, merges.

mod ids;
mod tell;

use std::collections::{BTreeMap, BTreeSet};

use super::component::Component;
use super::{Ids, Place, fragments, profile_rows};
use crate::codec::key::{IdentifierKey, ProfileKey};
use crate::domain::holdings::Holdings;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId};
use crate::domain::link::{Link, Moment};
use crate::domain::owner::Owner;
use crate::domain::profile::{Membership, Merge, Profile};
use crate::domain::receipt::{Action, Line, Rule};
use crate::domain::resolution::fold::{Partition, resolve};
use crate::domain::resolution::{Refusal, Rules};
use crate::domain::wall::Quarantine;
use crate::engine::Error;
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::{MERGES, OWNERS, SURVIVORS};
use ids::{adopted, heirs, is_stored, pass_on_ids, retired};
use tell::Change;

/// Why a component is folded again.
#[derive(Clone, Copy)]
pub(super) enum Trigger<'a> {
    /// This link came late. What became of its identifiers goes on the receipt: by the fold, or, if it says what was
    /// said before, these refusals, which are what it meets today.
    Link(&'a Link, &'a [Refusal]),
    /// Something else than a link.
    Correction,
}

/// Fragments that are stored with the profiles as they were, and nowhere else.
type Soles = BTreeMap<Identifier, Holdings>;

/// A fold on its way into the batch.
pub(super) struct Fold<'a, 'b, 'r> {
    pub(super) batch: &'a mut Batch<'b>,
    pub(super) place: Place,
    pub(super) rules: Rules<'r>,
    pub(super) ids: &'a mut Ids,
    pub(super) lines: &'a mut Vec<Line>,
}

impl Fold<'_, '_, '_> {
    /// Folds `component` again and writes what is different afterwards.
    pub(super) fn fold(&mut self, component: Component, trigger: Trigger<'_>) -> Result<(), Error> {
        let Component { evidence, owners: before, profiles } = component;
        let partition = resolve(&evidence, self.rules);
        let mut owners = before.clone();
        pass_on_ids(&partition, &mut owners, &profiles);
        let names = self.name(&partition, &owners, &profiles);
        let mut owners = owners_after(&partition, &names, owners);
        let handed_out: BTreeSet<ProfileId> = owners.values().filter_map(|owner| owner.founded).collect();
        for (placeholder, id) in names.iter().filter(|(_, id)| !handed_out.contains(id)) {
            let folded = partition.profiles.get(placeholder).filter(|_| placeholder != id);
            if let Some(owner) = folded.and_then(|folded| owners.get_mut(&folded.founder)) {
                owner.founded.get_or_insert(*id);
            }
        }
        let kind = self.kind();
        let live = &profiles;
        let change = Change { kind, partition: &partition, names: &names, before: &before, owners: &owners, live };
        self.lines.extend(change.lines(trigger));
        let heirs = heirs(&owners, &profiles);
        let adopted = adopted(&owners, &profiles, &heirs);
        self.put_profiles(partition, &names, &owners, profiles, &adopted)?;
        self.put_survivors(&owners, &adopted)?;
        let crowded = owners.iter().filter(|(_, owner)| owner.is_crowded());
        let crowded: Vec<Identifier> = crowded.map(|(identifier, _)| identifier.clone()).collect();
        for (identifier, owner) in owners {
            if before.get(&identifier) != Some(&owner) {
                let key = IdentifierKey { workspace: self.place.workspace, kind: self.kind(), identifier };
                OWNERS.put(self.batch, &key, &owner)?;
            }
        }
        crowded.into_iter().try_for_each(|identifier| self.quarantine(identifier))
    }

    /// Takes the identifier out of the graph: its component is folded again as if it were blocked.
    pub(super) fn quarantine(&mut self, identifier: Identifier) -> Result<(), Error> {
        let key = IdentifierKey { workspace: self.place.workspace, kind: self.kind(), identifier };
        let mut owner = OWNERS.get(self.batch, &key)?.unwrap_or_default();
        if owner.quarantine == Some(Quarantine::Closed) {
            return Ok(());
        }
        owner.quarantine = Some(Quarantine::Closed);
        owner.refusals.extend(owner.profile.map(|id| (id, Rule::Quarantine)));
        OWNERS.put(self.batch, &key, &owner)?;
        let mut line = |action, rule| {
            let (identifier, kind) = (Some(key.identifier.clone()), self.rules.kind.id);
            self.lines.push(Line { action, kind, identifier, profile: owner.profile, rule: Some(rule) });
        };
        line(Action::Quarantined, Rule::Quarantine);
        let seeds = std::slice::from_ref(&key.identifier);
        match Component::gather(self.batch, self.place.workspace, self.rules, seeds)? {
            Some(component) => self.fold(component, Trigger::Correction),
            None => {
                line(Action::Unordered, Rule::Component { bound: Component::MAX_LINKS });
                Ok(())
            }
        }
    }

    fn kind(&self) -> KindId {
        self.rules.kind.id
    }

    fn key(&self, profile: ProfileId) -> ProfileKey {
        ProfileKey { workspace: self.place.workspace, profile }
    }

    /// The id of each profile of the fold. One that the fold had no id for takes that of a profile that was created
    /// for one of its identifiers, a live one first, and a new id only if there is none.
    fn name(
        &mut self,
        partition: &Partition,
        owners: &BTreeMap<Identifier, Owner>,
        live: &BTreeMap<ProfileId, Profile>,
    ) -> BTreeMap<ProfileId, ProfileId> {
        let folded_away: BTreeSet<ProfileId> = partition.merges.iter().map(|merge| merge.absorbed).collect();
        let known: BTreeSet<ProfileId> = owners.values().filter_map(|owner| owner.founded).collect();
        let mut names = BTreeMap::new();
        for (id, folded) in &partition.profiles {
            let members = folded.membership.members().iter();
            let founded = members.filter_map(|member| owners.get(&member.identifier)?.founded);
            let unused = founded.filter(|known| !folded_away.contains(known));
            let name = match known.contains(id) {
                true => Some(*id),
                false => unused.min_by_key(|known| (!live.contains_key(known), *known)),
            };
            names.insert(*id, name.unwrap_or_else(|| self.ids.hand_out()));
        }
        names
    }

    /// Writes the profiles that are different, and takes away those that are no more.
    fn put_profiles(
        &mut self,
        partition: Partition,
        names: &BTreeMap<ProfileId, ProfileId>,
        owners: &BTreeMap<Identifier, Owner>,
        mut live: BTreeMap<ProfileId, Profile>,
        adopted: &BTreeMap<ProfileId, ProfileId>,
    ) -> Result<(), Error> {
        self.put_merges(&partition.merges, names)?;
        let mut soles: Soles =
            live.values().filter_map(|was| Some((was.sole.clone()?, was.holdings.clone()))).collect();
        for (placeholder, folded) in partition.profiles {
            let Some(id) = names.get(&placeholder).copied() else { continue };
            let retired = retired(&folded.membership, owners, id, adopted);
            let was = live.remove(&id);
            let (holdings, sole) = self.holdings(&folded.membership, was.as_ref(), &soles)?;
            if let Some(sole) = sole.as_ref().filter(|sole| soles.remove(*sole).is_none()) {
                fragments::remove(self.batch, self.place, self.kind(), sole);
            }
            for absorbed in &retired {
                self.put_merge_if_missing(*absorbed, id, &retired, &folded.membership.latest)?;
            }
            let rules = self.place.rules;
            let (kind, membership) = (self.kind(), folded.membership);
            let profile = Profile { id, kind, membership, retired, holdings, sole, rules };
            if was.as_ref() != Some(&profile) {
                profile_rows::put(self.batch, self.place, was.as_ref(), &profile)?;
            }
        }
        for profile in live.values() {
            profile_rows::remove(self.batch, self.place, profile)?;
        }
        for (identifier, fragment) in soles {
            fragments::put(self.batch, self.place, self.kind(), &identifier, &fragment)?;
        }
        Ok(())
    }

    /// The union of what came under the identifiers, and the one that all of it came under, if it is to be stored nowhere
    /// else from now on. Where no identifier was lost, what is there already is part of it.
    fn holdings(
        &self,
        membership: &Membership,
        was: Option<&Profile>,
        soles: &Soles,
    ) -> Result<(Holdings, Option<Identifier>), store::Error> {
        let names = |membership: &Membership| -> BTreeSet<Identifier> {
            membership.members().iter().map(|member| member.identifier.clone()).collect()
        };
        let now = names(membership);
        let then = was.map(|profile| names(&profile.membership)).unwrap_or_default();
        let grown = then.is_subset(&now);
        let mut parts = Vec::new();
        for identifier in now.into_iter().filter(|identifier| !(grown && then.contains(identifier))) {
            let fragment = match soles.get(&identifier) {
                Some(fragment) => Some(fragment.clone()),
                None => fragments::row(self.batch, self.place, self.kind(), &identifier)?,
            };
            parts.extend(fragment.map(|fragment| (identifier, fragment)));
        }
        let kept = was.filter(|_| grown);
        let sole = match (kept, parts.as_slice()) {
            (Some(was), []) => was.sole.clone(),
            (None, [(identifier, _)]) => Some(identifier.clone()),
            _ => None,
        };
        let mut holdings = kept.map(|was| was.holdings.clone()).unwrap_or_default();
        parts.into_iter().for_each(|(_, fragment)| holdings.absorb(fragment));
        Ok((holdings, sole))
    }

    /// Writes the merges of profiles whose ids were handed out.
    fn put_merges(&mut self, merges: &[Merge], names: &BTreeMap<ProfileId, ProfileId>) -> Result<(), store::Error> {
        let into: BTreeMap<ProfileId, ProfileId> =
            merges.iter().map(|merge| (merge.absorbed, merge.survivor)).collect();
        for Merge { absorbed, survivor, by } in merges.iter().filter(|merge| is_stored(merge.absorbed)) {
            let mut survivor = *survivor;
            while let Some(next) = into.get(&survivor).filter(|_| !is_stored(survivor)) {
                survivor = *next;
            }
            let survivor = names.get(&survivor).copied().unwrap_or(survivor);
            let merge = Merge { absorbed: *absorbed, survivor, by: by.clone() };
            if MERGES.get(self.batch, &self.key(*absorbed))?.as_ref() != Some(&merge) {
                MERGES.put(self.batch, &self.key(*absorbed), &merge)?;
            }
        }
        Ok(())
    }

    /// An id that the fold has no use for, because the profile was created late for what was part of another all along,
    /// or because what it was created for went from one profile to another without being one in between.
    fn put_merge_if_missing(
        &mut self,
        absorbed: ProfileId,
        survivor: ProfileId,
        retired: &[ProfileId],
        by: &Moment,
    ) -> Result<(), store::Error> {
        let key = self.key(absorbed);
        let known = MERGES.get(self.batch, &key)?;
        if !known.is_some_and(|known| known.survivor == survivor || retired.contains(&known.survivor)) {
            MERGES.put(self.batch, &key, &Merge { absorbed, survivor, by: by.clone() })?;
        }
        Ok(())
    }

    /// Every id leads to the profile that has the identifier that it was handed out for, or, if no profile has it, to
    /// that of the others that were with it.
    fn put_survivors(
        &mut self,
        owners: &BTreeMap<Identifier, Owner>,
        adopted: &BTreeMap<ProfileId, ProfileId>,
    ) -> Result<(), store::Error> {
        let owned = owners.values().filter_map(|owner| Some((owner.founded?, owner.profile?)));
        for (id, survivor) in owned.chain(adopted.iter().map(|(id, heir)| (*id, *heir))) {
            let key = self.key(id);
            let known = SURVIVORS.get(self.batch, &key)?;
            if let Some(before) = known.filter(|before| *before != survivor) {
                profile_rows::give_back(self.batch, self.place, before, id)?;
            }
            if id == survivor && known.is_some() {
                SURVIVORS.delete(self.batch, &key);
                MERGES.delete(self.batch, &key);
            }
            if id != survivor && known != Some(survivor) {
                SURVIVORS.put(self.batch, &key, &survivor)?;
            }
        }
        Ok(())
    }
}

/// The owner rows that the fold leads to. What is known of an identifier in quarantine stays.
fn owners_after(
    partition: &Partition,
    names: &BTreeMap<ProfileId, ProfileId>,
    mut owners: BTreeMap<Identifier, Owner>,
) -> BTreeMap<Identifier, Owner> {
    for (identifier, owner) in &mut owners {
        owner.profile = partition.owners.get(identifier).and_then(|id| names.get(id)).copied();
        owner.alias_of = partition.aliases.get(identifier).cloned();
        if owner.quarantine != Some(Quarantine::Closed) {
            owner.refusals.clear();
        }
    }
    let into: BTreeMap<ProfileId, ProfileId> =
        partition.merges.iter().map(|merge| (merge.absorbed, merge.survivor)).collect();
    for refused in &partition.refusals {
        let mut by = refused.by;
        while let Some(survivor) = into.get(&by) {
            by = *survivor;
        }
        let by = names.get(&by).copied();
        if let (Some(by), Some(owner)) = (by, owners.get_mut(&refused.refusal.identifier)) {
            owner.refuse(by, refused.refusal.rule.clone());
        }
    }
    owners
}
