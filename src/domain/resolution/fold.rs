//! The whole fold: the partition that links lead to under walls and rules, in memory.

use std::collections::BTreeMap;

use super::{Decision, Landing, Neighbourhood, Refusal, Rules, decide, walls_between};
use crate::domain::identifier::Identifier;
use crate::domain::ids::ProfileId;
use crate::domain::link::{Link, LinkId, Moment};
use crate::domain::profile::{Member, Membership, Merge};
use crate::domain::wall::{Quarantine, Wall};

/// What identities are folded from.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// What was said to belong together. Each link is folded at each of its moments.
    pub links: Vec<Link>,
    /// What is to be kept apart.
    pub walls: Vec<Wall>,
    /// Identifiers that are or were in quarantine.
    pub quarantined: BTreeMap<Identifier, Quarantine>,
    /// Ids of profiles by the identifier that each was created for. A profile that the fold creates for one of these
    /// has that id; others are numbered from 1 in order of creation, which is never the id of a stored profile.
    pub founded: BTreeMap<Identifier, ProfileId>,
}

/// A profile as the fold leaves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The identifier that it was created for: the strongest one of its first link, or the strongest one of those that
    /// a profile was created for before.
    pub founder: Identifier,
    /// What forms it.
    pub membership: Membership,
}

/// An identifier that could not join a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The fact that tried.
    pub moment: Moment,
    /// The profile that could not have it; it may have been merged away since.
    pub by: ProfileId,
    /// What, and why.
    pub refusal: Refusal,
}

/// Identifiers that a link joined, or found joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The link.
    pub link: LinkId,
    /// The fact.
    pub moment: Moment,
    /// The identifiers by their names at that moment, and the one that became another name; those that could not
    /// join are not among them.
    pub identifiers: Vec<Identifier>,
}

/// The identities that evidence leads to, for one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partition {
    /// The profiles.
    pub profiles: BTreeMap<ProfileId, Folded>,
    /// Who owns each identifier.
    pub owners: BTreeMap<Identifier, ProfileId>,
    /// Which identifiers are other names, and of what.
    pub aliases: BTreeMap<Identifier, Identifier>,
    /// What could not join, in order.
    pub refusals: Vec<Refused>,
    /// Profiles that became part of another, in order.
    pub merges: Vec<Merge>,
    /// What every link joined, in order.
    pub joined: Vec<Joined>,
}

/// Folds the links in order of event time and message id, whatever order they come in.
pub fn resolve(evidence: &Evidence, rules: Rules<'_>) -> Partition {
    let mut sorted: Vec<(&Moment, &Link)> =
        evidence.links.iter().flat_map(|link| link.moments().map(move |moment| (moment, link))).collect();
    sorted.sort_by_key(|(moment, _)| *moment);
    let mut fold = Fold::over(evidence);
    for (moment, said) in sorted {
        let link = with_aliases_resolved(said, rules, |id| fold.partition.aliases.get(id).cloned());
        fold.settle(&link);
        let near = fold.near(&link, moment);
        let decision = decide(&link, &near, rules);
        fold.take(said.id(), moment, decision);
    }
    fold.finish()
}

/// The link with each identifier replaced by what it is another name of, without repeats, strongest first.
///
/// An identifier is as strong as the fact has it, whatever it is another name of: so what is kept under the strongest
/// stays there when an alias comes late or is taken back. `alias_of` answers the final name: chains of aliases are
/// shortened when they are written.
pub fn with_aliases_resolved(
    link: &Link,
    rules: Rules<'_>,
    alias_of: impl Fn(&Identifier) -> Option<Identifier>,
) -> Link {
    let resolve = |id: &Identifier| alias_of(id).unwrap_or_else(|| id.clone());
    let mut ranked: Vec<&Identifier> = link.identifiers.iter().collect();
    ranked.sort_by_key(|id| rules.strength(id));
    let mut identifiers = Vec::with_capacity(ranked.len());
    for identifier in ranked.into_iter().map(resolve) {
        if !identifiers.contains(&identifier) {
            identifiers.push(identifier);
        }
    }
    let previous = link.previous.as_ref().map(resolve);
    Link { identifiers, previous, ..link.clone() }
}

struct Fold<'a> {
    /// What was folded so far. Its owners may be profiles that were merged since: see [`Fold::owner`].
    partition: Partition,
    /// What profiles became part of, by those that were merged away. Moving the identifiers of a large profile at each of
    /// many merges would cost the square of its size.
    merged: BTreeMap<ProfileId, ProfileId>,
    walls: BTreeMap<&'a Identifier, Vec<&'a Wall>>,
    evidence: &'a Evidence,
    numbered: u128,
}

impl<'a> Fold<'a> {
    fn over(evidence: &'a Evidence) -> Self {
        let mut walls: BTreeMap<&Identifier, Vec<&Wall>> = BTreeMap::new();
        for wall in &evidence.walls {
            for end in &wall.between {
                walls.entry(end).or_default().push(wall);
            }
        }
        Self { partition: Partition::default(), merged: BTreeMap::new(), walls, evidence, numbered: 0 }
    }

    /// The profile that has the identifier.
    fn owner(&self, identifier: &Identifier) -> Option<ProfileId> {
        self.partition.owners.get(identifier).map(|owner| self.survivor(*owner))
    }

    fn survivor(&self, mut profile: ProfileId) -> ProfileId {
        while let Some(survivor) = self.merged.get(&profile) {
            profile = *survivor;
        }
        profile
    }

    /// Notes the owners of the link's identifiers as they are now, so that ways to survivors stay short.
    fn settle(&mut self, link: &Link) {
        for identifier in link.identifiers.iter().chain(&link.previous) {
            let Some(owner) = self.partition.owners.get(identifier).copied() else { continue };
            let survivor = self.survivor(owner);
            if survivor != owner {
                self.merged.insert(owner, survivor);
                self.partition.owners.insert(identifier.clone(), survivor);
            }
        }
    }

    fn finish(mut self) -> Partition {
        // Newest first, so that each way to a survivor has one step.
        for Merge { absorbed, survivor, by: _ } in self.partition.merges.iter().rev() {
            let last = self.merged.get(survivor).copied().unwrap_or(*survivor);
            self.merged.insert(*absorbed, last);
        }
        for owner in self.partition.owners.values_mut() {
            *owner = self.merged.get(owner).copied().unwrap_or(*owner);
        }
        self.partition
    }

    fn near<'n>(&'n self, link: &'n Link, moment: &Moment) -> Neighbourhood<'n> {
        let mut near = Neighbourhood::default();
        for identifier in link.identifiers.iter().chain(&link.previous) {
            if self.evidence.quarantined.get(identifier).is_some_and(|quarantine| quarantine.holds_at(moment)) {
                near.quarantined.insert(identifier);
            }
            if let Some(owner) = self.owner(identifier) {
                near.owners.insert(identifier, owner);
                let profile = self.partition.profiles.get(&owner);
                near.profiles.extend(profile.map(|profile| (owner, &profile.membership)));
            }
        }
        near.walls = self.walls_between(link, &near);
        near.walls.retain(|wall| wall.stands_at(moment));
        for end in near.walls.iter().flat_map(|wall| &wall.between) {
            near.owners.extend(self.owner(end).map(|owner| (end, owner)));
        }
        near
    }

    /// The walls that the link may run into.
    fn walls_between<'n>(&'n self, link: &'n Link, near: &Neighbourhood<'n>) -> Vec<&'n Wall> {
        let unowned = link.identifiers.iter().chain(&link.previous).filter(|id| !near.owners.contains_key(*id));
        let single = unowned.map(|id| self.walls.get(id).cloned().unwrap_or_default());
        let owned = near.profiles.values().map(|profile| profile.walls.iter().collect());
        walls_between(single.chain(owned).collect())
    }

    fn take(&mut self, link: LinkId, moment: &Moment, decision: Decision) {
        let Decision { landing, kept, absorbed, attached, aliased, refused, blocked: _ } = decision;
        let id = match (landing, kept.first()) {
            (Landing::Nobody, _) | (_, None) => return,
            (Landing::Existing(id), _) => id,
            (Landing::New, Some(founder)) => self.create(founder, &kept, moment),
        };
        for other in absorbed {
            self.merge(id, other, moment);
        }
        let given_up = aliased.iter().chain(attached.iter().filter(|member| member.alias_of.is_some()));
        let given_up = given_up.map(|member| member.identifier.clone());
        let identifiers = kept.iter().cloned().chain(given_up).collect();
        self.partition.joined.push(Joined { link, moment: moment.clone(), identifiers });
        for member in attached {
            self.attach(id, member);
        }
        if let Some(folded) = self.partition.profiles.get_mut(&id) {
            folded.membership.note(moment);
            for member in aliased.iter().flat_map(|renamed| folded.membership.rename(renamed)) {
                self.partition.aliases.extend(member.alias_of.map(|name| (member.identifier, name)));
            }
        }
        for refusal in refused {
            self.refuse(id, refusal, moment);
        }
    }

    fn create(&mut self, founder: &Identifier, kept: &[Identifier], moment: &Moment) -> ProfileId {
        let known = kept.iter().find_map(|identifier| Some((identifier, *self.evidence.founded.get(identifier)?)));
        let (founder, id) = known.unwrap_or_else(|| {
            self.numbered += 1;
            (founder, ProfileId(self.numbered))
        });
        let folded = Folded { founder: founder.clone(), membership: Membership::new(moment.clone()) };
        self.partition.profiles.insert(id, folded);
        id
    }

    fn merge(&mut self, survivor: ProfileId, absorbed: ProfileId, moment: &Moment) {
        let Some(other) = self.partition.profiles.remove(&absorbed) else { return };
        if let Some(folded) = self.partition.profiles.get_mut(&survivor) {
            folded.membership.absorb(other.membership);
        }
        self.merged.insert(absorbed, survivor);
        self.partition.merges.push(Merge { absorbed, survivor, by: moment.clone() });
    }

    fn attach(&mut self, id: ProfileId, member: Member) {
        let Some(folded) = self.partition.profiles.get_mut(&id) else { return };
        self.partition.owners.insert(member.identifier.clone(), id);
        self.partition.aliases.extend(member.alias_of.clone().map(|name| (member.identifier.clone(), name)));
        for wall in self.walls.get(&member.identifier).into_iter().flatten() {
            folded.membership.note_wall((*wall).clone());
        }
        folded.membership.loosened |= self.evidence.quarantined.contains_key(&member.identifier);
        folded.membership.join(member);
    }

    /// The two sides both remember that the order of links matters to them.
    fn refuse(&mut self, by: ProfileId, refusal: Refusal, moment: &Moment) {
        for id in [Some(by), refusal.owner].into_iter().flatten() {
            if let Some(folded) = self.partition.profiles.get_mut(&id) {
                folded.membership.contested = true;
                folded.membership.note_mention(moment);
            }
        }
        self.partition.refusals.push(Refused { moment: moment.clone(), by, refusal });
    }
}
