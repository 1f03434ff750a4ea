//! Profiles: the result of folding links for one kind, with what belongs to their identifiers.

use std::collections::{BTreeMap, BTreeSet};

use super::holdings::Holdings;
use super::identifier::Identifier;
use super::ids::{KindId, ProfileId};
use super::link::Moment;
use super::wall::Wall;

/// How many identifiers a profile may have; past it, facts still land and identifiers are not added.
pub const MAX_PROFILE_IDENTIFIERS: usize = 1_000;

/// An identifier of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The identifier.
    pub identifier: Identifier,
    /// The identifier that this one is another name of. It then counts against no limit.
    pub alias_of: Option<Identifier>,
}

/// The identifiers that form a profile, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The earliest fact about it; orders profiles at a merge.
    pub created: Moment,
    /// The latest link that was folded into it or refused by it, or that mentions one of its identifiers. A link after
    /// that is the newest of its component.
    pub latest: Moment,
    /// True if the order of its links matters: something was refused, by it or of it, or there is a wall or an alias.
    pub contested: bool,
    /// True if evidence that is repeated may do more than it did the first time: there is an alias, or a wall or a
    /// quarantine that ends.
    pub loosened: bool,
    /// True if more hangs together with it than is folded again at once; found out when that was tried.
    pub oversized: bool,
    /// Walls at its identifiers.
    pub walls: Vec<Wall>,
    members: Vec<Member>,
    counts: BTreeMap<String, u32>,
}

impl Membership {
    /// A profile without identifiers, first said at `moment`.
    pub fn new(moment: Moment) -> Self {
        Self {
            created: moment.clone(),
            latest: moment,
            contested: false,
            loosened: false,
            oversized: false,
            walls: Vec::new(),
            members: Vec::new(),
            counts: BTreeMap::new(),
        }
    }

    /// The identifiers, in the order in which they came.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// How many identifiers of a type count against its limit.
    pub fn count(&self, type_name: &str) -> u32 {
        self.counts.get(type_name).copied().unwrap_or(0)
    }

    /// How many identifiers of each type count against their limits.
    pub fn counts(&self) -> impl Iterator<Item = (&str, u32)> {
        self.counts.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// True if `identifier` is an identifier of this profile that counts against a limit.
    pub fn counts_as(&self, identifier: &Identifier) -> bool {
        self.members.iter().any(|member| member.identifier == *identifier && member.alias_of.is_none())
    }

    /// True if `identifier` is one of its identifiers.
    pub fn has(&self, identifier: &Identifier) -> bool {
        self.members.iter().any(|member| member.identifier == *identifier)
    }

    /// The identifiers right beyond its walls that are of the same human.
    pub fn personas(&self) -> BTreeSet<&Identifier> {
        let mut personas = BTreeSet::new();
        for wall in self.walls.iter().filter(|wall| wall.same_human) {
            let ours = |end: &&Identifier| self.has(end);
            personas.extend(wall.between.iter().filter(ours).filter_map(|end| wall.beyond(end)));
        }
        personas
    }

    /// Adds an identifier.
    pub fn join(&mut self, member: Member) {
        if member.alias_of.is_none() {
            let name = member.identifier.type_name();
            match self.counts.get_mut(name) {
                Some(count) => *count += 1,
                None => {
                    self.counts.insert(name.to_owned(), 1);
                }
            }
        } else {
            self.contested = true;
            self.loosened = true;
        }
        self.members.push(member);
    }

    /// Takes in all of `other`.
    pub fn absorb(&mut self, other: Self) {
        let Self { created, latest, contested, loosened, oversized, walls, members, counts } = other;
        if created < self.created {
            self.created = created;
        }
        if latest > self.latest {
            self.latest = latest;
        }
        self.contested |= contested;
        self.loosened |= loosened;
        self.oversized |= oversized;
        self.walls.extend(walls);
        self.members.extend(members);
        for (name, count) in counts {
            *self.counts.entry(name).or_default() += count;
        }
    }

    /// Notes that a link said at `moment` was folded into it, or mentions one of its identifiers.
    pub fn note(&mut self, moment: &Moment) {
        if *moment < self.created {
            self.created = moment.clone();
        }
        self.note_mention(moment);
    }

    /// Notes that a link said at `moment`, which was not folded into it, mentions one of its identifiers.
    pub fn note_mention(&mut self, moment: &Moment) {
        if *moment > self.latest {
            self.latest = moment.clone();
        }
    }

    /// Notes that a wall stands at one of its identifiers.
    pub fn note_wall(&mut self, wall: Wall) {
        self.contested = true;
        self.loosened |= wall.until.is_some();
        self.walls.push(wall);
    }

    /// What is left without the identifiers that were `erased`, and without walls to them. What was another name of one
    /// of them stands for itself.
    #[must_use]
    pub fn without(&self, erased: &BTreeSet<Identifier>) -> Self {
        let (created, latest) = (self.created.clone(), self.latest.clone());
        let (contested, loosened, oversized) = (self.contested, self.loosened, self.oversized);
        let walls = self.walls.iter().filter(|wall| !wall.between.iter().any(|end| erased.contains(end)));
        let mut rest =
            Self { latest, contested, loosened, oversized, walls: walls.cloned().collect(), ..Self::new(created) };
        for Member { identifier, alias_of } in self.members.iter().filter(|member| !erased.contains(&member.identifier))
        {
            let alias_of = alias_of.clone().filter(|name| !erased.contains(name));
            rest.join(Member { identifier: identifier.clone(), alias_of });
        }
        rest
    }

    /// Makes `renamed` another name, and with it everything that was another name of it. Answers the members changed.
    pub fn rename(&mut self, renamed: &Member) -> Vec<Member> {
        let mut changed = Vec::new();
        for member in &mut self.members {
            let itself = member.identifier == renamed.identifier;
            if !itself && member.alias_of.as_ref() != Some(&renamed.identifier) {
                continue;
            }
            if itself
                && member.alias_of.is_none()
                && let Some(count) = self.counts.get_mut(renamed.identifier.type_name())
            {
                *count -= 1;
            }
            member.alias_of.clone_from(&renamed.alias_of);
            changed.push(member.clone());
        }
        self.contested = true;
        self.loosened = true;
        changed
    }
}

/// A materialised profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its stable id.
    pub id: ProfileId,
    /// Its kind.
    pub kind: KindId,
    /// What forms it.
    pub membership: Membership,
    /// Ids of profiles that were merged into it; they resolve to it.
    pub retired: Vec<ProfileId>,
    /// The union of what belongs to its identifiers.
    pub holdings: Holdings,
    /// The identifier that all of these came under, if they are stored nowhere else.
    pub sole: Option<Identifier>,
    /// The version of the model whose rules it was last folded under, or found to be too large to be.
    pub rules: u64,
}

/// The record of one profile becoming part of another. Its id is that of the profile that was merged away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The profile that was merged away.
    pub absorbed: ProfileId,
    /// The profile that remained.
    pub survivor: ProfileId,
    /// The fact whose identifiers joined the two.
    pub by: Moment,
}
