//! One step of the fold, taken from where the graph stands: the common case, and all there is to do for a link that is
//! the newest of its component.

use std::collections::BTreeMap;

use super::folding::Fold;
use super::plan::Plan;
use super::{Ids, Place, fragments, profile_rows};
use crate::codec::key::{IdentifierKey, ProfileKey};
use crate::domain::holdings::Holdings;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId};
use crate::domain::link::{Link, Moment};
use crate::domain::owner::{MAX_REFUSING_PROFILES, Owner};
use crate::domain::profile::{Member, Membership, Merge, Profile};
use crate::domain::receipt::{Action, Line, Rule};
use crate::domain::resolution::{Decision, Landing, Refusal};
use crate::domain::wall::Quarantine;
use crate::engine::Error;
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::{MERGES, OWNERS, SURVIVORS};

/// A step on its way into the batch.
pub(super) struct Step<'a, 'b> {
    pub(super) batch: &'a mut Batch<'b>,
    pub(super) place: Place,
    pub(super) ids: &'a mut Ids,
    pub(super) lines: &'a mut Vec<Line>,
}

impl Step<'_, '_> {
    /// Takes the step, all but writing the landing itself, which it answers with whether it is to be written. `kept`
    /// says whether the link is new evidence.
    pub(super) fn take(mut self, plan: Plan<'_>, kept: bool) -> Result<Option<(Profile, bool)>, Error> {
        let Plan { rules, link, decision, origin, mut owners, mut profiles, folds_again: _ } = plan;
        let Decision { landing, kept: ours, absorbed, attached, aliased, refused, blocked: _ } = decision;
        let kind = rules.kind.id;
        let Some(founder) = ours.first() else { return Ok(None) };
        let (mut profile, created) = match landing {
            Landing::Nobody => return Ok(None),
            Landing::Existing(id) => (profiles.remove(&id).ok_or_else(super::plan::missing)?, false),
            Landing::New => (self.create(kind, &link.first, founder, &mut owners, &mut profiles)?, true),
        };
        for id in &absorbed {
            if let Some(other) = profiles.remove(id) {
                self.merge(&mut profile, other, &mut owners, &link.first)?;
            }
        }
        for member in attached.iter().cloned() {
            self.attach(&mut profile, member, &mut owners, created.then_some(founder))?;
        }
        if created {
            profile.sole = self.sole(&profile, origin)?;
        }
        if let Some(renamed) = &aliased {
            self.rename(&mut profile, renamed, &mut owners)?;
        }
        if kept {
            profile.membership.note(&link.first);
        }
        let crowded = self.refuse(&mut profile, &mut profiles, &link, refused, &mut owners, kept)?;
        self.put_owners(kind, owners)?;
        for identifier in crowded {
            profile_rows::put(self.batch, self.place, None, &profile)?;
            Fold { batch: self.batch, place: self.place, rules, ids: self.ids, lines: self.lines }
                .quarantine(identifier)?;
            let now = super::component::profile_of(self.batch, self.place, kind, founder)?;
            profile = now.ok_or_else(super::plan::missing)?;
        }
        let grown = created || !absorbed.is_empty() || !attached.is_empty() || aliased.is_some();
        Ok(Some((profile, grown || kept)))
    }

    fn create(
        &mut self,
        kind: KindId,
        moment: &Moment,
        founder: &Identifier,
        owners: &mut BTreeMap<Identifier, Owner>,
        others: &mut BTreeMap<ProfileId, Profile>,
    ) -> Result<Profile, Error> {
        let owner = owners.entry(founder.clone()).or_default();
        let known = owner.founded;
        let id = *owner.founded.get_or_insert_with(|| self.ids.hand_out());
        if known.is_some() {
            let key = ProfileKey { workspace: self.place.workspace, profile: id };
            if let Some(holder) = SURVIVORS.get(self.batch, &key)? {
                profile_rows::give_back(self.batch, self.place, holder, id)?;
                others.values_mut().for_each(|other| other.retired.retain(|retired| *retired != id));
            }
            SURVIVORS.delete(self.batch, &key);
            MERGES.delete(self.batch, &key);
        }
        self.line(Action::Created, kind, Some(founder.clone()), Some(id), None);
        let membership = Membership::new(moment.clone());
        let rules = self.place.rules;
        Ok(Profile { id, kind, membership, retired: Vec::new(), holdings: Holdings::default(), sole: None, rules })
    }

    /// What comes under `origin` is stored with the new profile alone, unless something of it is stored already.
    fn sole(&self, profile: &Profile, origin: Option<Identifier>) -> Result<Option<Identifier>, store::Error> {
        let holds_nothing = profile.holdings == Holdings::default();
        let Some(origin) = origin.filter(|origin| holds_nothing && profile.membership.has(origin)) else {
            return Ok(None);
        };
        let row = fragments::row(self.batch, self.place, profile.kind, &origin)?;
        Ok(Some(origin).filter(|_| row.is_none()))
    }

    /// Makes `other` part of `profile`: its members, what belongs to them, and its id, which keeps resolving.
    fn merge(
        &mut self,
        profile: &mut Profile,
        mut other: Profile,
        owners: &mut BTreeMap<Identifier, Owner>,
        by: &Moment,
    ) -> Result<(), Error> {
        let workspace = self.place.workspace;
        for one in [&mut *profile, &mut other] {
            fragments::set_apart(self.batch, self.place, one)?;
        }
        profile_rows::remove(self.batch, self.place, &other)?;
        let Profile { id: absorbed, kind, membership, retired, holdings, sole: _, rules: _ } = other;
        for member in membership.members() {
            self.owner(kind, &member.identifier, owners)?.profile = Some(profile.id);
        }
        profile.membership.absorb(membership);
        profile.holdings.absorb(holdings);
        for id in retired.into_iter().chain([absorbed]) {
            SURVIVORS.put(self.batch, &ProfileKey { workspace, profile: id }, &profile.id)?;
            profile.retired.push(id);
        }
        let key = ProfileKey { workspace, profile: absorbed };
        MERGES.put(self.batch, &key, &Merge { absorbed, survivor: profile.id, by: by.clone() })?;
        self.line(Action::Merged, kind, None, Some(absorbed), None);
        Ok(())
    }

    /// Adds a member, and what came under it when it was somebody's by other rules. The one that a profile was created for
    /// is on its CREATED line already.
    fn attach(
        &mut self,
        profile: &mut Profile,
        member: Member,
        owners: &mut BTreeMap<Identifier, Owner>,
        created_for: Option<&Identifier>,
    ) -> Result<(), store::Error> {
        let owner = owners.entry(member.identifier.clone()).or_default();
        if owner.profile.is_none()
            && let Some(fragment) = fragments::row(self.batch, self.place, profile.kind, &member.identifier)?
        {
            fragments::set_apart(self.batch, self.place, profile)?;
            profile.holdings.absorb(fragment);
        }
        owner.profile = Some(profile.id);
        owner.alias_of.clone_from(&member.alias_of);
        profile.membership.loosened |= owner.quarantine.is_some();
        if created_for != Some(&member.identifier) {
            let action = if member.alias_of.is_some() { Action::Aliased } else { Action::Attached };
            self.line(action, profile.kind, Some(member.identifier.clone()), Some(profile.id), None);
        }
        profile.membership.join(member);
        Ok(())
    }

    fn rename(
        &mut self,
        profile: &mut Profile,
        renamed: &Member,
        owners: &mut BTreeMap<Identifier, Owner>,
    ) -> Result<(), Error> {
        for member in profile.membership.rename(renamed) {
            self.owner(profile.kind, &member.identifier, owners)?.alias_of = member.alias_of;
        }
        self.line(Action::Aliased, profile.kind, Some(renamed.identifier.clone()), Some(profile.id), None);
        Ok(())
    }

    /// Remembers at each identifier who could not have it, and at both sides that the order of links matters to them.
    /// Answers the identifiers that have been refused by too many.
    fn refuse(
        &mut self,
        profile: &mut Profile,
        others: &mut BTreeMap<ProfileId, Profile>,
        link: &Link,
        refused: Vec<Refusal>,
        owners: &mut BTreeMap<Identifier, Owner>,
        kept: bool,
    ) -> Result<Vec<Identifier>, Error> {
        let mut crowded = Vec::new();
        for refusal in refused {
            if kept {
                profile.membership.contested = true;
                if let Some(other) = refusal.owner.and_then(|id| others.get_mut(&id)) {
                    other.membership.contested = true;
                    other.membership.note_mention(&link.first);
                    profile_rows::put(self.batch, self.place, None, other)?;
                }
            }
            let owner = owners.entry(refusal.identifier.clone()).or_default();
            self.follow_merges(owner)?;
            if owner.refuse(profile.id, refusal.rule.clone()) && owner.is_crowded() {
                crowded.push(refusal.identifier.clone());
            }
            self.lines.push(line_of(refusal, profile.kind, link));
        }
        Ok(crowded)
    }

    /// Counts those who could not have an identifier once each, now that it matters how many they are.
    fn follow_merges(&self, owner: &mut Owner) -> Result<(), store::Error> {
        if owner.refusals.len() < MAX_REFUSING_PROFILES || owner.quarantine == Some(Quarantine::Closed) {
            return Ok(());
        }
        for (id, rule) in std::mem::take(&mut owner.refusals) {
            let key = ProfileKey { workspace: self.place.workspace, profile: id };
            let survivor = SURVIVORS.get(self.batch, &key)?;
            owner.refuse(survivor.unwrap_or(id), rule);
        }
        Ok(())
    }

    /// The owner record of a member that was not read for the plan.
    fn owner<'o>(
        &self,
        kind: KindId,
        identifier: &Identifier,
        owners: &'o mut BTreeMap<Identifier, Owner>,
    ) -> Result<&'o mut Owner, Error> {
        if !owners.contains_key(identifier) {
            let key = IdentifierKey { workspace: self.place.workspace, kind, identifier: identifier.clone() };
            owners.insert(key.identifier.clone(), OWNERS.get(self.batch, &key)?.unwrap_or_default());
        }
        Ok(owners.entry(identifier.clone()).or_default())
    }

    fn put_owners(&mut self, kind: KindId, owners: BTreeMap<Identifier, Owner>) -> Result<(), store::Error> {
        for (identifier, owner) in owners {
            let key = IdentifierKey { workspace: self.place.workspace, kind, identifier };
            if owner != Owner::default() && OWNERS.get(self.batch, &key)?.as_ref() != Some(&owner) {
                OWNERS.put(self.batch, &key, &owner)?;
            }
        }
        Ok(())
    }

    fn line(
        &mut self,
        action: Action,
        kind: KindId,
        identifier: Option<Identifier>,
        profile: Option<ProfileId>,
        rule: Option<Rule>,
    ) {
        self.lines.push(Line { action, kind, identifier, profile, rule });
    }
}

/// The line of an identifier that could not join.
pub(super) fn line_of(refusal: Refusal, kind: KindId, link: &Link) -> Line {
    let Refusal { identifier, owner, rule } = refusal;
    let action = match (&rule, owner) {
        _ if link.previous.as_ref() == Some(&identifier) => Action::Refused,
        (Rule::Size, None) => Action::Capped,
        _ => Action::Demoted,
    };
    Line { action, kind, identifier: Some(identifier), profile: owner, rule: Some(rule) }
}
