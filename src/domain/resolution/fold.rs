//! The whole fold: the partition that a set of links leads to, in memory.

use std::collections::BTreeMap;

use super::{Decision, Landing, Neighbourhood, Refusal, Rules, check, decide};
use crate::domain::identifier::Identifier;
use crate::domain::ids::ProfileId;
use crate::domain::link::{Link, Moment};
use crate::domain::profile::{Member, Membership};

/// The identities that a set of links leads to, for one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partition {
    /// The profiles. Their ids count from 1 in the order of creation and mean nothing outside this value.
    pub profiles: BTreeMap<ProfileId, Membership>,
    /// Who owns each identifier.
    pub owners: BTreeMap<Identifier, ProfileId>,
    /// Which identifiers are other names, and of what.
    pub aliases: BTreeMap<Identifier, Identifier>,
    /// What could not join, by the fact that tried.
    pub refusals: Vec<(Moment, Refusal)>,
    /// How many profiles became part of another.
    pub merges: usize,
    created: u128,
}

/// Folds `links` in order of event time and message id, whatever order they come in. A link with two values of a
/// type of which a profile may have one is left out.
pub fn resolve(links: &[Link], rules: Rules<'_>) -> Partition {
    let mut sorted: Vec<(&Moment, &Link)> =
        links.iter().flat_map(|link| link.moments().map(move |moment| (moment, link))).collect();
    sorted.sort_by_key(|(moment, _)| *moment);
    let mut partition = Partition::default();
    for (moment, link) in sorted {
        let link = with_aliases_resolved(link, |id| partition.aliases.get(id).cloned());
        if check(&link, rules).is_ok() {
            let decision = decide(&link, &partition.near(&link), rules);
            partition.take(moment, decision);
        }
    }
    partition
}

/// The link with each identifier replaced by what it is another name of, without repeats.
///
/// `alias_of` answers the final name: chains of aliases are shortened when they are written.
pub fn with_aliases_resolved(link: &Link, alias_of: impl Fn(&Identifier) -> Option<Identifier>) -> Link {
    let resolve = |id: &Identifier| alias_of(id).unwrap_or_else(|| id.clone());
    let mut identifiers = Vec::with_capacity(link.identifiers.len());
    for identifier in link.identifiers.iter().map(resolve) {
        if !identifiers.contains(&identifier) {
            identifiers.push(identifier);
        }
    }
    let previous = link.previous.as_ref().map(resolve);
    Link { identifiers, previous, ..link.clone() }
}

impl Partition {
    fn near(&self, link: &Link) -> Neighbourhood {
        let mut near = Neighbourhood::default();
        for identifier in link.identifiers.iter().chain(&link.previous) {
            if let Some(owner) = self.owners.get(identifier) {
                near.owners.insert(identifier.clone(), *owner);
                near.profiles.extend(self.profiles.get(owner).map(|profile| (*owner, profile.clone())));
            }
        }
        near
    }

    fn take(&mut self, moment: &Moment, decision: Decision) {
        let Decision { landing, origin: _, absorbed, attached, aliased, refused, blocked: _ } = decision;
        self.refusals.extend(refused.into_iter().map(|refusal| (moment.clone(), refusal)));
        let id = match landing {
            Landing::Nobody => return,
            Landing::Existing(id) => id,
            Landing::New => {
                self.created += 1;
                ProfileId(self.created)
            }
        };
        self.merges += absorbed.len();
        let moved = absorbed.iter().filter_map(|id| self.profiles.remove(id)).flat_map(|profile| profile.members);
        let joining: Vec<Member> = moved.chain(attached).collect();
        let profile =
            self.profiles.entry(id).or_insert_with(|| Membership { created: moment.clone(), members: Vec::new() });
        for member in joining {
            self.owners.insert(member.identifier.clone(), id);
            self.aliases.extend(member.alias_of.clone().map(|name| (member.identifier.clone(), name)));
            profile.members.push(member);
        }
        if let Some(renamed) = aliased {
            for member in profile.rename(&renamed) {
                self.aliases.extend(member.alias_of.map(|name| (member.identifier, name)));
            }
        }
    }
}

impl Membership {
    /// Makes `renamed` another name, and with it everything that was another name of it. Answers the members changed.
    pub fn rename(&mut self, renamed: &Member) -> Vec<Member> {
        let hit = |member: &Member| {
            member.identifier == renamed.identifier || member.alias_of.as_ref() == Some(&renamed.identifier)
        };
        let mut changed = Vec::new();
        for member in self.members.iter_mut().filter(|member| hit(member)) {
            member.alias_of.clone_from(&renamed.alias_of);
            changed.push(member.clone());
        }
        changed
    }
}
