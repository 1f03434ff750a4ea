//! Why two identifiers are one profile, and why they are not: read off a fold.

mod cuts;

use std::collections::{BTreeMap, VecDeque};

use super::fold::{Evidence, Joined, Partition, Refused};
use super::{Refusal, Rules};
use crate::domain::identifier::Identifier;
use crate::domain::ids::ProfileId;
use crate::domain::link::{Link, LinkId, Moment};
use crate::domain::receipt::Rule;
use crate::domain::wall::Wall;
use cuts::Cuts;

/// One step of the way from one identifier to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where the step starts.
    pub from: Identifier,
    /// Where it ends.
    pub to: Identifier,
    /// The fact that first joined the two.
    pub moment: Moment,
    /// The system that sent it; may be empty.
    pub source: String,
    /// All identifiers of the link, as its facts name them.
    pub identifiers: Vec<Identifier>,
    /// True if without this link, all else as it is, the two ends of the way would be two profiles. Where it would
    /// take too much to fold all again for each link: if no other links connect the two.
    pub cuts: bool,
}

/// What keeps two identifiers apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Barriers {
    /// Links that would have joined their profiles and broke a rule, in order. The profile named is the one that it is
    /// now.
    pub refusals: Vec<Refused>,
    /// Walls between an identifier of the one profile and an identifier of the other.
    pub walls: Vec<Wall>,
}

/// The shortest way of links from `from` to `to`, of equally short ones the one said first; `None` if they are not of
/// one profile. Empty if both are the same.
pub fn way(
    evidence: &Evidence,
    partition: &Partition,
    rules: Rules<'_>,
    from: &Identifier,
    to: &Identifier,
) -> Option<Vec<Step>> {
    if partition.owners.get(from)? != partition.owners.get(to)? {
        return None;
    }
    let came_by = search(&partition.joined, from, to);
    let mut back = Vec::new();
    let mut at = to;
    while at != from {
        let (before, joined) = *came_by.get(at)?;
        back.push((before, at, joined));
        at = before;
    }
    let links: BTreeMap<LinkId, &Link> = evidence.links.iter().map(|link| (link.id(), link)).collect();
    let mut cuts = Cuts::new(evidence, partition, rules, [from, to], back.len());
    let step = |(from, to, joined): (&Identifier, &Identifier, &Joined)| {
        let link = links.get(&joined.link)?;
        Some(Step {
            from: from.clone(),
            to: to.clone(),
            moment: joined.moment.clone(),
            source: link.source.clone(),
            identifiers: named(link).cloned().collect(),
            cuts: cuts.cuts(joined.link),
        })
    };
    back.into_iter().rev().map(step).collect()
}

/// All identifiers of a link.
fn named(link: &Link) -> impl Iterator<Item = &Identifier> {
    link.identifiers.iter().chain(&link.previous)
}

type CameBy<'a> = BTreeMap<&'a Identifier, (&'a Identifier, &'a Joined)>;

/// Breadth first over what links joined.
fn search<'a>(joined: &'a [Joined], from: &'a Identifier, to: &Identifier) -> CameBy<'a> {
    let mut by_identifier: BTreeMap<&Identifier, Vec<&Joined>> = BTreeMap::new();
    for step in joined {
        for identifier in &step.identifiers {
            by_identifier.entry(identifier).or_default().push(step);
        }
    }
    let mut came_by = CameBy::new();
    let mut next = VecDeque::from([from]);
    while let Some(here) = next.pop_front().filter(|here| *here != to) {
        for step in by_identifier.get(here).into_iter().flatten() {
            for there in step.identifiers.iter().filter(|there| *there != from) {
                if !came_by.contains_key(there) {
                    came_by.insert(there, (here, step));
                    next.push_back(there);
                }
            }
        }
    }
    came_by
}

/// What keeps `a` and `b` apart, in the order in which it was said.
pub fn barriers(
    evidence: &Evidence,
    partition: &Partition,
    rules: Rules<'_>,
    a: &Identifier,
    b: &Identifier,
) -> Barriers {
    let survivors: BTreeMap<ProfileId, ProfileId> =
        partition.merges.iter().map(|merge| (merge.absorbed, merge.survivor)).collect();
    let last = |mut id: ProfileId| {
        while let Some(survivor) = survivors.get(&id) {
            id = *survivor;
        }
        id
    };
    let owner = |id: &Identifier| partition.owners.get(id).copied();
    let (of_a, of_b) = (owner(a), owner(b));
    let between = |x: Option<ProfileId>, y: Option<ProfileId>| (x == of_a && y == of_b) || (x == of_b && y == of_a);
    let refusals = partition.refusals.iter().map(|refused| Refused { by: last(refused.by), ..refused.clone() });
    let refusals = refusals.filter(|refused| between(Some(refused.by), owner(&refused.refusal.identifier)));
    let mut refusals: Vec<Refused> = refusals.collect();
    refusals.extend(shut_out(evidence, partition, rules, a, b));
    refusals.extend(shut_out(evidence, partition, rules, b, a));
    refusals.sort_by(|one, other| one.moment.cmp(&other.moment));
    let walls = evidence.walls.iter().filter(|wall| {
        let [x, y] = &wall.between;
        between(owner(x), owner(y))
    });
    Barriers { refusals, walls: walls.cloned().collect() }
}

/// Links that name `closed` beside an identifier of the profile of `other` at moments at which it folded as blocked.
fn shut_out(
    evidence: &Evidence,
    partition: &Partition,
    rules: Rules<'_>,
    closed: &Identifier,
    other: &Identifier,
) -> Vec<Refused> {
    let Some(by) = partition.owners.get(other).copied() else { return Vec::new() };
    let rule_at = |moment: &Moment| {
        if rules.blocks(closed) {
            return Some(Rule::BlockedValue);
        }
        let held = evidence.quarantined.get(closed).is_some_and(|quarantine| quarantine.holds_at(moment));
        held.then_some(Rule::Quarantine)
    };
    let both = evidence.links.iter().filter(|link| {
        named(link).any(|id| id == closed) && named(link).any(|id| partition.owners.get(id) == Some(&by))
    });
    let moments = both.flat_map(Link::moments);
    let refused = moments.filter_map(|moment| {
        let refusal = Refusal { identifier: closed.clone(), owner: None, rule: rule_at(moment)? };
        Some(Refused { moment: moment.clone(), by, refusal })
    });
    refused.collect()
}
