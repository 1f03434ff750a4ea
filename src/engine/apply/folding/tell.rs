//! What a fold says on the receipt.

use std::collections::{BTreeMap, BTreeSet};

use super::Trigger;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId};
use crate::domain::link::Link;
use crate::domain::owner::Owner;
use crate::domain::profile::Profile;
use crate::domain::receipt::{Action, Line};
use crate::domain::resolution::Refusal;
use crate::domain::resolution::fold::Partition;
use crate::engine::apply::step::line_of;

/// What was and what is, to be compared.
pub(super) struct Change<'a> {
    pub(super) kind: KindId,
    pub(super) partition: &'a Partition,
    /// The ids of the profiles of the partition.
    pub(super) names: &'a BTreeMap<ProfileId, ProfileId>,
    pub(super) before: &'a BTreeMap<Identifier, Owner>,
    pub(super) owners: &'a BTreeMap<Identifier, Owner>,
    /// The profiles that were there before.
    pub(super) live: &'a BTreeMap<ProfileId, Profile>,
}

impl Change<'_> {
    /// What is different: profiles that came and went, identifiers that changed hands, and what became of the link that
    /// all this is for.
    pub(super) fn lines(&self, trigger: Trigger<'_>) -> Vec<Line> {
        let mut lines = self.profiles();
        lines.extend(self.identifiers());
        if let Trigger::Link(link, today) = trigger {
            lines.extend(self.renamed(link));
            lines.extend(self.refused(link, today));
        }
        lines
    }

    fn line(&self, action: Action, identifier: Option<&Identifier>, profile: Option<ProfileId>) -> Line {
        Line { action, kind: self.kind, identifier: identifier.cloned(), profile, rule: None }
    }

    fn profiles(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (placeholder, folded) in &self.partition.profiles {
            let Some(id) = self.names.get(placeholder).filter(|id| !self.live.contains_key(id)) else { continue };
            let owned = |identifier| self.before.get(identifier).is_some_and(|owner| owner.profile.is_some());
            let had_owner = folded.membership.members().iter().any(|member| owned(&member.identifier));
            let action = if had_owner { Action::Split } else { Action::Created };
            lines.push(self.line(action, Some(&folded.founder), Some(*id)));
        }
        let stays: BTreeSet<&ProfileId> = self.names.values().collect();
        let gone = self.live.keys().filter(|id| !stays.contains(id));
        lines.extend(gone.map(|id| self.line(Action::Merged, None, Some(*id))));
        lines
    }

    /// Those that a line on their profile as a whole does not tell of already.
    fn identifiers(&self) -> Vec<Line> {
        let names = self.partition.profiles.iter().filter_map(|(id, folded)| Some((*self.names.get(id)?, folded)));
        let founders: BTreeMap<ProfileId, &Identifier> = names.map(|(id, folded)| (id, &folded.founder)).collect();
        let mut lines = Vec::new();
        for (identifier, owner) in self.owners {
            let was = self.before.get(identifier).and_then(|before| before.profile);
            let stayed = was.is_some_and(|was| founders.contains_key(&was));
            let known = |now: ProfileId| self.live.contains_key(&now);
            if was != owner.profile && stayed && owner.profile.is_none_or(known) {
                lines.push(self.line(Action::Moved, Some(identifier), owner.profile));
            }
            let joins = |now: ProfileId| known(now) || founders.get(&now) != Some(&identifier);
            if was.is_none() && owner.profile.is_some_and(joins) {
                let action = if owner.alias_of.is_some() { Action::Aliased } else { Action::Attached };
                lines.push(self.line(action, Some(identifier), owner.profile));
            }
        }
        lines
    }

    fn renamed(&self, link: &Link) -> Option<Line> {
        let identifier = link.previous.as_ref()?;
        let (was, owner) = (self.before.get(identifier)?, self.owners.get(identifier)?);
        let renamed = was.profile.is_some() && owner.alias_of.is_some() && was.alias_of != owner.alias_of;
        renamed.then(|| self.line(Action::Aliased, Some(identifier), owner.profile))
    }

    fn refused(&self, link: &Link, today: &[Refusal]) -> Vec<Line> {
        let folded = self.partition.joined.iter().any(|joined| joined.moment == link.first);
        let then = self.partition.refusals.iter().filter(|refused| refused.moment == link.first);
        let refused: Vec<&Refusal> =
            if folded { then.map(|refused| &refused.refusal).collect() } else { today.iter().collect() };
        let line = |refusal: &Refusal| {
            let owner = self.owners.get(&refusal.identifier).and_then(|owner| owner.profile);
            line_of(Refusal { owner, ..refusal.clone() }, self.kind, link)
        };
        refused.into_iter().map(line).collect()
    }
}
