//! Resolution: which identifiers form a profile.
//!
//! [`resolve`](fold::resolve) folds links in order of event time and message id; one step of that fold is [`decide`],
//! a pure function of a link and of what is known about its identifiers. The engine takes the same step against the
//! store when a fact arrives, so the fold and the incremental path cannot drift apart.

pub mod fold;

use std::collections::BTreeMap;

use super::identifier::Identifier;
use super::ids::ProfileId;
use super::invalid::{Invalid, Reason};
use super::link::Link;
use super::model::{Kind, Model};
use super::profile::{MAX_PROFILE_IDENTIFIERS, Member, Membership};
use super::receipt::Rule;

/// The rules of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The model that declares the identifier types.
    pub model: &'a Model,
    /// The kind that is folded.
    pub kind: &'a Kind,
}

/// What is known about the identifiers of a link before it is folded.
#[derive(Clone, Debug, Default)]
pub struct Neighbourhood {
    /// Who owns them; those without an owner are missing.
    pub owners: BTreeMap<Identifier, ProfileId>,
    /// The owners.
    pub profiles: BTreeMap<ProfileId, Membership>,
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
    /// The strongest identifier that is not blocked: what the fact brings is stored under it.
    pub origin: Option<Identifier>,
    /// Profiles to merge into the landing, in order of their creation.
    pub absorbed: Vec<ProfileId>,
    /// Identifiers without an owner, to be owned by the landing.
    pub attached: Vec<Member>,
    /// An identifier with an owner that becomes another name.
    pub aliased: Option<Member>,
    /// Identifiers that could not join, in the order of their demotion.
    pub refused: Vec<Refusal>,
    /// Identifiers with a value that identifies nobody.
    pub blocked: Vec<Identifier>,
}

impl Decision {
    /// True if afterwards some identifier has another owner or another name than before.
    pub fn changes_the_graph(&self) -> bool {
        !self.absorbed.is_empty() || !self.attached.is_empty() || self.aliased.is_some()
    }
}

impl Rules<'_> {
    /// The identifiers of `link` that this kind has, and those of them that identify nobody.
    fn sort_out(self, link: &Link) -> (Vec<Identifier>, Vec<Identifier>) {
        let ours = link.identifiers.iter().filter(|id| self.kind.rank(id.type_name()).is_some());
        let (blocked, mut kept): (Vec<_>, Vec<_>) = ours.cloned().partition(|id| self.blocks(id));
        kept.sort_by_key(|id| (self.rank(id), id.clone()));
        (kept, blocked)
    }

    fn rank(self, identifier: &Identifier) -> usize {
        self.kind.rank(identifier.type_name()).unwrap_or(usize::MAX)
    }

    fn blocks(self, identifier: &Identifier) -> bool {
        self.model.identifier_type(identifier.type_name()).is_some_and(|t| t.blocks(identifier.value()))
    }

    /// The first rule that a profile of these identifiers would break. Each comes with whether it counts against the
    /// limit of its type; all count towards the size.
    fn broken_by<'m>(self, identifiers: impl Iterator<Item = (&'m Identifier, bool)>) -> Option<Rule> {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        let mut total = 0_usize;
        for (identifier, counts_against_limit) in identifiers {
            *counts.entry(identifier.type_name()).or_default() += u32::from(counts_against_limit);
            total += 1;
        }
        let over = self.kind.types().iter().find_map(|name| {
            let limit = self.model.identifier_type(name)?.limit;
            (counts.get(name.as_str()).copied().unwrap_or(0) > limit).then_some((name, limit))
        });
        match over {
            Some((name, limit)) => Some(Rule::Limit { type_name: name.clone(), limit }),
            None => (total > MAX_PROFILE_IDENTIFIERS).then_some(Rule::Size),
        }
    }
}

/// Refuses a link with two values of an identifier type of which a profile may have one.
pub fn check(link: &Link, rules: Rules<'_>) -> Result<(), Invalid> {
    let (kept, _) = rules.sort_out(link);
    for (at, identifier) in kept.iter().enumerate() {
        let name = identifier.type_name();
        let limit = rules.model.identifier_type(name).map_or(u32::MAX, |t| t.limit);
        if limit == 1 && kept.iter().skip(at + 1).any(|other| other.type_name() == name) {
            let text = format!("have two values of type {name}, of which one {} has one", rules.kind.name);
            return Err(Invalid::new(Reason::ConflictingIdentifiers, "keys", text));
        }
    }
    Ok(())
}

/// Takes one step of the fold. The identifiers of `link` have their aliases resolved already.
pub fn decide(link: &Link, near: &Neighbourhood, rules: Rules<'_>) -> Decision {
    let (mut kept, mut blocked) = rules.sort_out(link);
    let origin = kept.first().cloned();
    let mut refused = Vec::new();

    let mut previous = link.previous.clone().filter(|id| rules.kind.rank(id.type_name()).is_some());
    blocked.extend(previous.take_if(|id| rules.blocks(id)));
    previous = previous.filter(|id| !kept.is_empty() && !kept.contains(id));

    while let Some(rule) = broken_rule(&kept, previous.as_ref(), near, rules) {
        if let Some(given_up) = previous.take() {
            refused.push(refusal(given_up, rule, near));
        } else if kept.len() > 1 {
            refused.extend(kept.pop().map(|lowest| refusal(lowest, rule, near)));
        } else {
            break;
        }
    }
    let (landing, absorbed) = land(&kept, previous.as_ref(), near);
    let (attached, aliased) = join(&kept, previous, near);
    Decision { landing, origin, absorbed, attached, aliased, refused, blocked }
}

fn refusal(identifier: Identifier, rule: Rule, near: &Neighbourhood) -> Refusal {
    let owner = near.owners.get(&identifier).copied();
    Refusal { identifier, owner, rule }
}

/// The rule that one profile of all of these, and of all that their owners have, would break.
fn broken_rule(
    kept: &[Identifier],
    previous: Option<&Identifier>,
    near: &Neighbourhood,
    rules: Rules<'_>,
) -> Option<Rule> {
    let owners = owners(kept, previous, near);
    let unowned = || kept.iter().chain(previous).filter(|id| !near.owners.contains_key(*id));
    if owners.len() <= 1 && unowned().next().is_none() {
        return None;
    }
    let members = owners.iter().filter_map(|id| near.profiles.get(id)).flat_map(|profile| &profile.members);
    let known = members.map(|member| (&member.identifier, member.alias_of.is_none()));
    let all = known.chain(unowned().map(|id| (id, true)));
    rules.broken_by(all.map(|(id, counts)| (id, counts && Some(id) != previous)))
}

/// The profiles that own any of these, in order of their creation.
fn owners(kept: &[Identifier], previous: Option<&Identifier>, near: &Neighbourhood) -> Vec<ProfileId> {
    let mut owners: Vec<ProfileId> =
        kept.iter().chain(previous).filter_map(|id| near.owners.get(id)).copied().collect();
    owners.sort_by_key(|id| (near.profiles.get(id).map(|profile| &profile.created), *id));
    owners.dedup();
    owners
}

/// The survivor is the profile that was created first; the others become part of it.
fn land(kept: &[Identifier], previous: Option<&Identifier>, near: &Neighbourhood) -> (Landing, Vec<ProfileId>) {
    if kept.is_empty() {
        return (Landing::Nobody, Vec::new());
    }
    match owners(kept, previous, near).split_first() {
        None => (Landing::New, Vec::new()),
        Some((survivor, absorbed)) => (Landing::Existing(*survivor), absorbed.to_vec()),
    }
}

/// The members that the landing gains, and the one that it has or absorbs and that becomes another name.
fn join(kept: &[Identifier], previous: Option<Identifier>, near: &Neighbourhood) -> (Vec<Member>, Option<Member>) {
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
