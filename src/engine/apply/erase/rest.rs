//! Rows of the erased beside evidence and history, and what profiles of others have of them.

use std::collections::BTreeSet;

use super::super::{fragments, profile_rows};
use super::Work;
use crate::codec::key::{IdentifierKey, MentionKey, ProfileKey};
use crate::domain::holdings::Holdings;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId};
use crate::domain::owner::Owner;
use crate::domain::profile::Profile;
use crate::domain::resolution::Rules;
use crate::domain::wall::Quarantine;
use crate::engine::Error;
use crate::store;
use crate::store::catalogue::{FRAGMENTS, MENTIONS, OWNERS, PROFILES, SCRUBS};

impl Work<'_, '_> {
    /// Notes which ids may lead nowhere afterwards.
    pub(super) fn note_ids(&mut self) -> Result<(), store::Error> {
        for identifier in self.erased.clone() {
            for kind in self.kinds_of(&identifier) {
                let Some(owner) = OWNERS.get(self.batch, &self.key(kind, &identifier))? else { continue };
                self.ids.extend(owner.founded);
                let Some(profile) = self.profile(owner.profile)? else { continue };
                self.ids.extend(profile.retired.into_iter().chain([profile.id]));
            }
        }
        Ok(())
    }

    /// Takes the erased out of what others have: groups that they are or were members of, and grants that spoke for the
    /// erased too. What those denied went with them, so there is nothing that a grant could still end.
    pub(super) fn forget_in_others(&mut self) -> Result<(), Error> {
        for identifier in self.others.clone() {
            for kind in self.kinds_of(&identifier) {
                let erased = &self.erased;
                fragments::change(self.batch, self.place, kind, &identifier, |holdings| forget(erased, holdings))?;
            }
        }
        Ok(())
    }

    /// Takes the erased out of profiles as they are, without folding: each keeps what came under its other identifiers.
    pub(super) fn strip_profiles(&mut self, rules: Rules<'_>) -> Result<(), store::Error> {
        let concerned = self.erased.iter().chain(&self.others).filter(|identifier| rules.has(identifier));
        for identifier in concerned.cloned().collect::<Vec<_>>() {
            let key = self.key(rules.kind.id, &identifier);
            let Some(mut owner) = OWNERS.get(self.batch, &key)? else { continue };
            if owner.alias_of.as_ref().is_some_and(|name| self.erased.contains(name)) {
                owner.alias_of = None;
                OWNERS.put(self.batch, &key, &owner)?;
            }
            if let Some(profile) = self.profile(owner.profile)? {
                self.strip_profile(&profile)?;
            }
        }
        Ok(())
    }

    fn strip_profile(&mut self, was: &Profile) -> Result<(), store::Error> {
        let mut membership = was.membership.without(&self.erased);
        if membership == was.membership {
            return Ok(());
        }
        // Without the erased it may be little that hangs together: the next late fact tries again, and so does the next
        // change of rules, for under those of today it was not folded.
        membership.oversized = false;
        // What is left of it is put together from rows, and the rows of the erased are counted when they go.
        fragments::set_apart(self.batch, self.place, &mut was.clone())?;
        if membership.members().is_empty() {
            return profile_rows::remove(self.batch, self.place, was);
        }
        let mut holdings = Holdings::default();
        for member in membership.members() {
            if let Some(fragment) = FRAGMENTS.get(self.batch, &self.key(was.kind, &member.identifier))? {
                holdings.absorb(fragment);
            }
        }
        self.pass_on_id(was)?;
        let now = Profile { membership, holdings, sole: None, rules: 0, ..was.clone() };
        profile_rows::put(self.batch, self.place, Some(was), &now)
    }

    /// The profile goes on under its id, which then belongs to another of its identifiers.
    fn pass_on_id(&mut self, profile: &Profile) -> Result<(), store::Error> {
        let mut heir: Option<(IdentifierKey, Owner)> = None;
        for member in profile.membership.members() {
            let key = self.key(profile.kind, &member.identifier);
            let owner = OWNERS.get(self.batch, &key)?.unwrap_or_default();
            if self.erased.contains(&member.identifier) {
                continue;
            }
            if owner.founded == Some(profile.id) {
                return Ok(());
            }
            if heir.is_none() && owner.founded.is_none() {
                heir = Some((key, owner));
            }
        }
        match heir {
            Some((key, owner)) => OWNERS.put(self.batch, &key, &Owner { founded: Some(profile.id), ..owner }),
            None => Ok(()),
        }
    }

    /// Takes away all rows of the erased themselves.
    pub(super) fn forget_identifiers(&mut self) -> Result<(), store::Error> {
        for identifier in self.erased.clone() {
            for kind in self.kinds_of(&identifier) {
                let key = self.key(kind, &identifier);
                let owner = OWNERS.get(self.batch, &key)?.unwrap_or_default();
                if let Some(Quarantine::ReleasedAt(moment)) = owner.quarantine {
                    self.forget_receipt(&moment.message_id);
                }
                OWNERS.delete(self.batch, &key);
                SCRUBS.delete(self.batch, &key);
                self.forget_fragment(&key)?;
            }
            self.forget_fragment(&self.key(KindId::ADDRESS, &identifier))?;
            self.forget_mentions(&identifier)?;
        }
        Ok(())
    }

    /// Takes away receipts of others that name an identifier.
    fn forget_mentions(&mut self, identifier: &Identifier) -> Result<(), store::Error> {
        let prefix = MentionKey::prefix(self.place.workspace, identifier);
        for key in MENTIONS.keys(self.batch, &prefix, &prefix, usize::MAX)? {
            self.forget_receipt(&key.message_id);
            MENTIONS.delete(self.batch, &key);
        }
        Ok(())
    }

    fn forget_fragment(&mut self, key: &IdentifierKey) -> Result<(), store::Error> {
        if FRAGMENTS.contains(self.batch, key)? {
            FRAGMENTS.delete(self.batch, key);
            self.count.fragments += 1;
        }
        Ok(())
    }

    fn key(&self, kind: KindId, identifier: &Identifier) -> IdentifierKey {
        IdentifierKey { workspace: self.place.workspace, kind, identifier: identifier.clone() }
    }

    fn profile(&self, id: Option<ProfileId>) -> Result<Option<Profile>, store::Error> {
        let workspace = self.place.workspace;
        id.map_or(Ok(None), |profile| PROFILES.get(self.batch, &ProfileKey { workspace, profile }))
    }
}

/// True if there was something of the erased to forget.
fn forget(erased: &BTreeSet<Identifier>, holdings: &mut Holdings) -> bool {
    let before = holdings.ties.groups.len();
    holdings.ties.groups.retain(|group, _| !erased.contains(group));
    let left = holdings.ties.groups.len() < before;
    holdings.consents.forget(erased) || left
}
