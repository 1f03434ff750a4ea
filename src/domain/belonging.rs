//! Belongings: that a customer is a member of a group, as what, and since when.
//!
//! A belonging is what a set of group facts says, in a form whose union is commutative: it does not matter in which
//! order facts and merges came. The newest fact decides whether the customer is a member. The facts that say so again
//! are kept as well, because a leaving that arrives late may come to stand between two of them; so that the record
//! stays small, no more than [`MAX_JOININGS`] of them are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::aggregate::State;
use super::identifier::Identifier;
use super::link::Moment;
use super::profile::Membership;

/// How many groups one identifier may bring; further ones are refused.
pub const MAX_GROUPS: usize = 256;
/// How many joinings of one group are kept since the last leaving: the earliest and the newest ones. Only with more,
/// and a leaving that arrives after later joinings did, [`Belonging::since`] may be later than it should.
pub const MAX_JOININGS: usize = 16;
/// How long a role may be, in bytes.
pub const MAX_ROLE_BYTES: usize = 64;

/// Whether a customer is a member of one group.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Belonging {
    /// The newest fact that says that the member has left.
    pub left: Option<Moment>,
    /// Facts since then that say that it is there. None: it is no member.
    pub joined: BTreeSet<Moment>,
    /// The newest fact since then that names a role, and the role.
    pub role: Option<(Moment, String)>,
}

/// What a customer has to do with groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ties {
    /// Belongings by group.
    pub groups: BTreeMap<Identifier, Belonging>,
    /// States of computed attributes that the groups have over all of their members.
    pub for_groups: BTreeMap<String, State>,
}

/// What a group has of a profile that is or was a member.
#[derive(Clone, Default, PartialEq)]
pub struct GroupMember {
    /// When the membership began; `None` if it has left, and then there is nothing else.
    pub since: Option<Moment>,
    /// What it is there; may be empty.
    pub role: String,
    /// The types of its identifiers, without repeats.
    pub types: Vec<String>,
    /// States of computed attributes of groups over all of their members: its part of them.
    pub states: BTreeMap<String, State>,
}

/// Says since when, and not as what.
impl fmt::Debug for Belonging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Belonging").field("left", &self.left).field("joined", &self.joined).finish_non_exhaustive()
    }
}

/// As for [`Belonging`].
impl fmt::Debug for GroupMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupMember").field("since", &self.since).field("types", &self.types).finish_non_exhaustive()
    }
}

impl GroupMember {
    /// What a group has of a profile with these identifiers and ties.
    pub fn of(belonging: &Belonging, membership: &Membership, ties: &Ties) -> Self {
        let Some(since) = belonging.since().cloned() else { return Self::default() };
        let role = belonging.role().unwrap_or_default().to_owned();
        let types: BTreeSet<&str> = membership.members().iter().map(|member| member.identifier.type_name()).collect();
        let types = types.into_iter().map(str::to_owned).collect();
        Self { since: Some(since), role, types, states: ties.for_groups.clone() }
    }
}

/// How many members a group has, by the types of identifiers that they have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Counts by types as in [`GroupMember::types`], so that those without types have left; none is 0.
    pub by_types: BTreeMap<Vec<String>, u32>,
}

impl Tally {
    /// Takes in that a profile with these types came, went, or has other types than it had.
    pub fn change(&mut self, from: Option<&[String]>, to: Option<&[String]>) {
        if let Some(from) = from
            && let Some(count) = self.by_types.get_mut(from)
        {
            *count = count.saturating_sub(1);
            self.by_types.retain(|_, count| *count > 0);
        }
        if let Some(to) = to {
            *self.by_types.entry(to.to_vec()).or_default() += 1;
        }
    }

    /// How many members there are.
    pub fn members(&self) -> u32 {
        self.members_with(|_| true)
    }

    /// How many members there are with some type that `is` true of.
    pub fn members_with(&self, is: impl Fn(&str) -> bool) -> u32 {
        let with = self.by_types.iter().filter(|(types, _)| types.iter().any(|name| is(name)));
        with.map(|(_, count)| count).sum()
    }
}

impl Belonging {
    /// What one fact says: that the customer is there, as `role` unless that is empty, or that it has left.
    pub fn said(moment: &Moment, role: &str, left: bool) -> Self {
        if left {
            return Self { left: Some(moment.clone()), ..Self::default() };
        }
        let role = (!role.is_empty()).then(|| (moment.clone(), role.to_owned()));
        Self { left: None, joined: BTreeSet::from([moment.clone()]), role }
    }

    /// Takes in what other facts say of the same group. True if anything is different now.
    pub fn absorb(&mut self, other: Self) -> bool {
        let before = self.clone();
        let Self { left, joined, role } = other;
        self.left = self.left.take().max(left);
        self.joined.extend(joined);
        self.role = self.role.take().max(role);
        if let Some(left) = &self.left {
            self.joined.retain(|moment| moment > left);
            self.role.take_if(|(moment, _)| *moment <= *left);
        }
        while self.joined.len() > MAX_JOININGS {
            let second = self.joined.iter().nth(1).cloned();
            second.map(|second| self.joined.remove(&second));
        }
        *self != before
    }

    /// When the membership began; `None` if the customer is no member.
    pub fn since(&self) -> Option<&Moment> {
        self.joined.first()
    }

    /// What the member is there; `None` if no fact of this membership says so.
    pub fn role(&self) -> Option<&str> {
        self.role.as_ref().map(|(_, role)| role.as_str())
    }
}

/// Of several belongings the one that began last and goes on, of those that began at one moment the one to the first
/// group. `None` if none goes on.
pub fn latest<'a>(
    belongings: impl IntoIterator<Item = (&'a Identifier, &'a Belonging)>,
) -> Option<(&'a Identifier, &'a Belonging)> {
    let current = belongings.into_iter().filter(|(_, belonging)| belonging.since().is_some());
    current.max_by(|(a, one), (b, other)| one.since().cmp(&other.since()).then_with(|| b.cmp(a)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::time::Time;

    /// A group fact: its place in time, the role it names, and whether it says that the member has left.
    type Said = (u64, Option<u8>, bool);

    fn moment(at: u64) -> Moment {
        Moment { time: Time::from_micros(at / 2), message_id: at.to_string() }
    }

    fn belonging((at, role, left): &Said) -> Belonging {
        Belonging::said(&moment(*at), &role.map(|role| role.to_string()).unwrap_or_default(), *left)
    }

    fn union(facts: &[Said]) -> Belonging {
        let mut all = Belonging::default();
        for fact in facts {
            all.absorb(belonging(fact));
        }
        all
    }

    /// The specification, read naively: look at all facts at once.
    fn naive(facts: &[Said]) -> (Option<Moment>, Option<String>) {
        let mut facts: Vec<&Said> = facts.iter().collect();
        facts.sort_by_key(|(at, ..)| moment(*at));
        let current: Vec<_> = facts.rsplit(|(_, _, left)| *left).next().unwrap().to_vec();
        let role = current.iter().rev().find_map(|(_, role, _)| role.map(|role| role.to_string()));
        (current.first().map(|(at, ..)| moment(*at)), role)
    }

    fn read(belonging: &Belonging) -> (Option<Moment>, Option<String>) {
        (belonging.since().cloned(), belonging.role().map(str::to_owned))
    }

    /// Facts at distinct moments, in the order of their arrival.
    fn facts() -> impl Strategy<Value = Vec<Said>> {
        let fact = (prop::option::weighted(0.4, 0_u8..3), prop::bool::weighted(0.3));
        let facts = prop::collection::btree_map(0_u64..40, fact, 1..MAX_JOININGS);
        facts
            .prop_map(|facts| facts.into_iter().map(|(at, (role, left))| (at, role, left)).collect::<Vec<_>>())
            .prop_shuffle()
    }

    proptest! {
        #[test]
        fn facts_in_any_order_and_any_halves_give_the_same(facts in facts(), split in any::<prop::sample::Index>()) {
            let expected = naive(&facts);
            prop_assert_eq!(read(&union(&facts)), expected.clone());
            let (one, other) = facts.split_at(split.index(facts.len()));
            let mut merged = union(other);
            merged.absorb(union(one));
            prop_assert_eq!(&merged, &union(&facts));
            prop_assert!(!merged.absorb(union(one)), "what is known changes nothing");
        }

        #[test]
        fn repetition_without_end_stays_small_and_keeps_the_beginning(
            order in Just((0..200_u64).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let facts: Vec<Said> = order.into_iter().map(|at| (at, (at == 150).then_some(7), false)).collect();
            let all = union(&facts);
            prop_assert_eq!(read(&all), (Some(moment(0)), Some("7".to_owned())));
            prop_assert_eq!(all.joined.len(), MAX_JOININGS);
            let mut left = all;
            left.absorb(belonging(&(199, None, true)));
            prop_assert_eq!(read(&left), (None, None));
        }
    }

    #[test]
    fn of_several_the_one_joined_last_counts() {
        let group = |name: &str| Identifier::from_canonical("account_id", name);
        let (a, b, c) = (group("a"), group("b"), group("c"));
        let (old, new) = (belonging(&(1, None, false)), belonging(&(5, None, false)));
        let gone = union(&[(6, None, false), (7, None, true)]);
        let last = |belongings: &[(&Identifier, &Belonging)]| {
            latest(belongings.iter().copied()).map(|(group, _)| group.clone())
        };
        assert_eq!(last(&[(&a, &old), (&b, &new), (&c, &gone)]), Some(b.clone()));
        assert_eq!(last(&[(&b, &new), (&a, &new)]), Some(a.clone()));
        assert_eq!(last(&[(&c, &gone)]), None);
    }
}
