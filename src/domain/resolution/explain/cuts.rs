//! Which links two identifiers would come apart without.

use std::collections::BTreeMap;

use crate::domain::identifier::Identifier;
use crate::domain::link::LinkId;
use crate::domain::resolution::Rules;
use crate::domain::resolution::fold::{Evidence, Partition, resolve};

/// How many links are folded for one way, at most: about half a second of work.
const MAX_FOLDED: usize = 100_000;

/// Whether two identifiers of one profile would come apart without a link.
///
/// Where nothing was refused and nothing renamed, the links alone say so: a profile is what they connect. Elsewhere a
/// link that is missing may let others do more than they did, or less, and all is folded again without it, unless that
/// would be too much; then the links alone have to do.
pub(super) struct Cuts<'a> {
    from: &'a Identifier,
    to: &'a Identifier,
    rules: Rules<'a>,
    refolded: Option<Evidence>,
    graph: Graph,
}

impl<'a> Cuts<'a> {
    /// For a way of so many steps between two identifiers of one profile.
    pub(super) fn new(
        evidence: &Evidence,
        partition: &Partition,
        rules: Rules<'a>,
        [from, to]: [&'a Identifier; 2],
        steps: usize,
    ) -> Self {
        let profile = partition.owners.get(from).and_then(|owner| partition.profiles.get(owner));
        let contested = profile.is_none_or(|profile| profile.membership.contested);
        let affordable = evidence.links.len().saturating_mul(steps) <= MAX_FOLDED;
        let refolded = (contested && affordable).then(|| evidence.clone());
        Self { from, to, rules, refolded, graph: Graph::new(partition, from, to) }
    }

    /// True if the two come apart without `link`.
    pub(super) fn cuts(&mut self, link: LinkId) -> bool {
        let Some(evidence) = &mut self.refolded else { return !self.graph.connects_without(link) };
        let Some(at) = evidence.links.iter().position(|kept| kept.id() == link) else { return false };
        let left_out = evidence.links.swap_remove(at);
        let partition = resolve(evidence, self.rules);
        evidence.links.push(left_out);
        match (partition.owners.get(self.from), partition.owners.get(self.to)) {
            (Some(a), Some(b)) => a != b,
            _ => true,
        }
    }
}

/// What links joined, with identifiers as numbers: 0 and 1 are the two that are asked about.
struct Graph {
    joined: Vec<(LinkId, Vec<usize>)>,
    identifiers: usize,
}

impl Graph {
    fn new(partition: &Partition, from: &Identifier, to: &Identifier) -> Self {
        let mut numbers = BTreeMap::from([(from, 0), (to, 1)]);
        let mut joined = Vec::with_capacity(partition.joined.len());
        for one in &partition.joined {
            let mut number = |identifier| {
                let next = numbers.len();
                *numbers.entry(identifier).or_insert(next)
            };
            joined.push((one.link, one.identifiers.iter().map(&mut number).collect()));
        }
        Self { joined, identifiers: numbers.len() }
    }

    fn connects_without(&self, link: LinkId) -> bool {
        let mut groups = Groups((0..self.identifiers).collect());
        for (_, identifiers) in self.joined.iter().filter(|(other, _)| *other != link) {
            for pair in identifiers.windows(2) {
                if let [a, b] = *pair {
                    groups.unite(a, b);
                }
            }
        }
        groups.of(0) == groups.of(1)
    }
}

/// Numbers in groups: each number has another one of its group, and one of each group has itself.
struct Groups(Vec<usize>);

impl Groups {
    fn of(&mut self, mut number: usize) -> usize {
        while let Some(next) = self.0.get(number).copied().filter(|next| *next != number) {
            // Every second step is made shorter for those who come later.
            let after = self.0.get(next).copied().unwrap_or(next);
            self.put(number, after);
            number = after;
        }
        number
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.of(a), self.of(b));
        self.put(a, b);
    }

    fn put(&mut self, number: usize, group: usize) {
        if let Some(place) = self.0.get_mut(number) {
            *place = group;
        }
    }
}
