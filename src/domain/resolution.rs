//! Resolution: which identifiers form a profile.
//!
//! [`resolve`](fold::resolve) folds links in order of event time and message id; one step of that fold is [`decide`],
//! a pure function of a link and of what is known about its identifiers. The engine takes the same step against the
//! store when a fact arrives, so the fold and the incremental path cannot drift apart.

pub mod explain;
pub mod fold;

use std::collections::{BTreeMap, BTreeSet};

use super::identifier::Identifier;
use super::ids::ProfileId;
use super::invalid::{Invalid, Reason};
use super::link::Link;
use super::model::{Kind, Model};
use super::profile::{MAX_PROFILE_IDENTIFIERS, Member, Membership};
use super::receipt::Rule;
use super::wall::Wall;

/// The rules of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The model that declares the identifier types.
    pub model: &'a Model,
    /// The kind that is folded.
    pub kind: &'a Kind,
}

/// What is known of the identifiers of a link before it is folded.
#[derive(Clone, Debug, Default)]
pub struct Neighbourhood<'a> {
    /// Who owns them, and who owns the identifiers beyond the walls at them; those without an owner are missing.
    pub owners: BTreeMap<&'a Identifier, ProfileId>,
    /// The owners of the link's identifiers.
    pub profiles: BTreeMap<ProfileId, &'a Membership>,
    /// The walls between any two of these that stand at the link's moment; see [`walls_between`].
    pub walls: Vec<&'a Wall>,
    /// Identifiers of the link that are in quarantine at its moment.
    pub quarantined: BTreeSet<&'a Identifier>,
}

/// Where a link lands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// Nowhere: all of its identifiers are blocked.
    Nobody,
    /// On a profile to be created.
    New,
    /// On this profile.
    Existing(ProfileId),
}

/// An identifier that could not join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The identifier.
    pub identifier: Identifier,
    /// The profile that keeps it; none if it had no owner.
    pub owner: Option<ProfileId>,
    /// The rule that joining would have broken.
    pub rule: Rule,
}

/// What one link does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Where it lands.
    pub landing: Landing,
    /// The identifiers that the landing has afterwards, strongest first. The first of them is the origin: what the fact
    /// brings is stored under it.
    pub kept: Vec<Identifier>,
    /// Profiles to merge into the landing, in order of their creation.
    pub absorbed: Vec<ProfileId>,
    /// Identifiers without an owner, to be owned by the landing.
    pub attached: Vec<Member>,
    /// An identifier with an owner that becomes another name.
    pub aliased: Option<Member>,
    /// Identifiers that could not join, in the order of their demotion.
    pub refused: Vec<Refusal>,
    /// Identifiers that identify nobody, and why.
    pub blocked: Vec<(Identifier, Rule)>,
}

impl Decision {
    /// True if afterwards some identifier has another owner or another name than before.
    pub fn changes_the_graph(&self) -> bool {
        !self.absorbed.is_empty() || !self.attached.is_empty() || self.aliased.is_some()
    }

    /// Why the identifier identifies nobody; `None` if it does identify somebody.
    pub fn blocks(&self, identifier: &Identifier) -> Option<&Rule> {
        self.blocked.iter().find(|(blocked, _)| blocked == identifier).map(|(_, rule)| rule)
    }

    /// The strongest identifier that is not blocked, by its final name.
    pub fn origin(&self) -> Option<&Identifier> {
        self.kept.first()
    }
}

impl Rules<'_> {
    /// True if this kind has the identifier's type.
    pub fn has(self, identifier: &Identifier) -> bool {
        self.kind.rank(identifier.type_name()).is_some()
    }

    /// The place of an identifier in the order of strength: by rank, then by value.
    pub fn strength(self, identifier: &Identifier) -> (usize, &Identifier) {
        (self.kind.rank(identifier.type_name()).unwrap_or(usize::MAX), identifier)
    }

    /// True if the identifier's value identifies nobody.
    pub fn blocks(self, identifier: &Identifier) -> bool {
        self.model.identifier_type(identifier.type_name()).is_some_and(|t| t.blocks(identifier.value()))
    }

    fn limit(self, type_name: &str) -> u32 {
        self.model.identifier_type(type_name).map_or(u32::MAX, |declared| declared.limit)
    }

    /// Why the identifier joins nobody, if it does not.
    fn closes(self, identifier: &Identifier, near: &Neighbourhood<'_>) -> Option<Rule> {
        if self.blocks(identifier) {
            return Some(Rule::BlockedValue);
        }
        near.quarantined.contains(identifier).then_some(Rule::Quarantine)
    }
}

/// Of the walls at each of those that a link would join, the ones that may be between two of them. Such a wall stands
/// at both, so those at the one that has most are not needed.
pub fn walls_between(mut at_each: Vec<Vec<&Wall>>) -> Vec<&Wall> {
    at_each.sort_by_key(Vec::len);
    at_each.pop();
    at_each.into_iter().flatten().collect()
}

/// Refuses a link, aliases resolved, with two values of an identifier type of which a profile may have one.
///
/// This is for facts on their way in. A link that was accepted because an alias made one of the two, and is folded without
/// that alias, loses the weaker one by its limit like any other identifier.
pub fn check(link: &Link, rules: Rules<'_>) -> Result<(), Invalid> {
    let counts = |id: &&Identifier| rules.has(id) && !rules.blocks(id) && rules.limit(id.type_name()) == 1;
    let mut only: BTreeMap<&str, &Identifier> = BTreeMap::new();
    for identifier in link.identifiers.iter().filter(counts) {
        let name = identifier.type_name();
        if only.insert(name, identifier).is_some_and(|other| other != identifier) {
            let text = format!("have two values of type {name}, of which one {} has one", rules.kind.name);
            return Err(Invalid::new(Reason::ConflictingIdentifiers, "keys", text));
        }
    }
    Ok(())
}

/// Takes one step of the fold. The identifiers of `link` have their aliases resolved already, strongest first.
pub fn decide(link: &Link, near: &Neighbourhood<'_>, rules: Rules<'_>) -> Decision {
    let mut blocked = Vec::new();
    let mut admit = |id: &Identifier| {
        let rule = rules.closes(id, near);
        blocked.extend(rule.iter().map(|rule| (id.clone(), rule.clone())));
        rule.is_none()
    };
    let ours = link.identifiers.iter().filter(|id| rules.has(id));
    let mut kept: Vec<Identifier> = ours.filter(|id| admit(id)).cloned().collect();
    let mut previous = link.previous.as_ref().filter(|id| rules.has(id) && admit(id)).cloned();
    previous = previous.filter(|id| !kept.is_empty() && !kept.contains(id));

    let mut refused = Vec::new();
    while let Some(rule) = (Union { kept: &kept, previous: previous.as_ref(), near }).broken_rule(rules) {
        if let Some(given_up) = previous.take() {
            refused.push(refusal(given_up, rule, near));
        } else if kept.len() > 1 {
            refused.extend(kept.pop().map(|lowest| refusal(lowest, rule, near)));
        } else {
            break;
        }
    }
    let (landing, absorbed) = Union { kept: &kept, previous: previous.as_ref(), near }.land();
    let (attached, aliased) = join(&kept, previous, near);
    Decision { landing, kept, absorbed, attached, aliased, refused, blocked }
}

fn refusal(identifier: Identifier, rule: Rule, near: &Neighbourhood<'_>) -> Refusal {
    let owner = near.owners.get(&identifier).copied();
    Refusal { identifier, owner, rule }
}

/// The profile that a link asks for: its identifiers, and all that their owners have.
struct Union<'a> {
    kept: &'a [Identifier],
    previous: Option<&'a Identifier>,
    near: &'a Neighbourhood<'a>,
}

impl Union<'_> {
    fn identifiers(&self) -> impl Iterator<Item = &Identifier> {
        self.kept.iter().chain(self.previous)
    }

    /// The profiles that own any of the identifiers, in order of their creation.
    fn owners(&self) -> Vec<ProfileId> {
        let mut owners: Vec<ProfileId> =
            self.identifiers().filter_map(|id| self.near.owners.get(id)).copied().collect();
        owners.sort_by_key(|id| (self.near.profiles.get(id).map(|profile| &profile.created), *id));
        owners.dedup();
        owners
    }

    /// The survivor is the profile that was created first; the others become part of it.
    fn land(&self) -> (Landing, Vec<ProfileId>) {
        if self.kept.is_empty() {
            return (Landing::Nobody, Vec::new());
        }
        match self.owners().split_first() {
            None => (Landing::New, Vec::new()),
            Some((survivor, absorbed)) => (Landing::Existing(*survivor), absorbed.to_vec()),
        }
    }

    /// The first rule that the union breaks: walls, then limits in rank order, then the size guard.
    fn broken_rule(&self, rules: Rules<'_>) -> Option<Rule> {
        let owners = self.owners();
        let unowned: Vec<&Identifier> = self.identifiers().filter(|id| !self.near.owners.contains_key(*id)).collect();
        if owners.len() <= 1 && unowned.is_empty() {
            return None;
        }
        if self.near.walls.iter().any(|wall| wall.between.iter().all(|end| self.holds(end, &owners))) {
            return Some(Rule::Wall);
        }
        self.broken_limit(&owners, &unowned, rules)
    }

    fn holds(&self, identifier: &Identifier, owners: &[ProfileId]) -> bool {
        match self.near.owners.get(identifier) {
            Some(owner) => owners.contains(owner),
            None => self.identifiers().any(|id| id == identifier),
        }
    }

    fn broken_limit(&self, owners: &[ProfileId], unowned: &[&Identifier], rules: Rules<'_>) -> Option<Rule> {
        let profiles = || owners.iter().filter_map(|id| self.near.profiles.get(id));
        let renamed = self.previous.filter(|id| match self.near.owners.get(*id) {
            Some(owner) => self.near.profiles.get(owner).is_some_and(|profile| profile.counts_as(id)),
            None => true,
        });
        let over = rules.kind.types().iter().find(|name| {
            let known: u32 = profiles().map(|profile| profile.count(name)).sum();
            let added = unowned.iter().filter(|id| id.type_name() == *name).count();
            let gone = renamed.iter().filter(|id| id.type_name() == *name).count();
            let count = (known as usize + added).saturating_sub(gone);
            u32::try_from(count).unwrap_or(u32::MAX) > rules.limit(name)
        });
        if let Some(name) = over {
            return Some(Rule::Limit { type_name: name.clone(), limit: rules.limit(name) });
        }
        let size: usize = profiles().map(|profile| profile.members().len()).sum();
        (size + unowned.len() > MAX_PROFILE_IDENTIFIERS).then_some(Rule::Size)
    }
}

/// The members that the landing gains, and the one that it has or absorbs and that becomes another name.
fn join(kept: &[Identifier], previous: Option<Identifier>, near: &Neighbourhood<'_>) -> (Vec<Member>, Option<Member>) {
    let unowned = kept.iter().filter(|id| !near.owners.contains_key(*id));
    let mut attached: Vec<Member> = unowned.map(|id| Member { identifier: id.clone(), alias_of: None }).collect();
    let renamed = previous.map(|identifier| Member { identifier, alias_of: kept.first().cloned() });
    match renamed {
        Some(member) if !near.owners.contains_key(&member.identifier) => {
            attached.push(member);
            (attached, None)
        }
        owned => (attached, owned),
    }
}
