//! Changes of rules: what folding all identities again under other rules does, and how far that has come.

use std::collections::{BTreeMap, BTreeSet};

use super::identifier::Identifier;
use super::ids::{KindId, ProfileId};

/// How far the identities of a workspace are folded again, after its model changed their rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refold {
    /// Identifiers up to this one, in their order, are done; `None`: none is.
    pub after: Option<Identifier>,
    /// True if all of them are.
    pub finished: bool,
    /// What was done so far.
    pub tally: Tally,
}

/// What folding again does, counted over all kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Identifiers that were looked at; one that several kinds have counts once for each.
    pub identifiers: u64,
    /// Profiles that there were, of the identifiers looked at.
    pub profiles_before: u64,
    /// Profiles that there are.
    pub profiles_after: u64,
    /// Profiles of before whose identifiers are no more all in one.
    pub split: u64,
    /// Profiles of now that have identifiers of more than one of before.
    pub merged: u64,
    /// Identifiers that were of nobody and are of a profile.
    pub joined: u64,
    /// Identifiers that were of a profile and are of nobody.
    pub freed: u64,
    /// Identifiers that stayed as they were, because more hangs together with them than is folded again at once.
    pub left: u64,
}

/// Who owns what, of identifiers that hang together.
pub type Owners = BTreeMap<Identifier, ProfileId>;

/// What became of some profiles, or would become of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Their kind.
    pub kind: KindId,
    /// The profiles of before, with their identifiers.
    pub before: BTreeMap<ProfileId, BTreeSet<Identifier>>,
    /// The profiles of after, by their identifiers: which ids they will have is not decided before it is done.
    pub after: BTreeSet<BTreeSet<Identifier>>,
    /// Identifiers that are of nobody afterwards.
    pub nobodys: BTreeSet<Identifier>,
}

impl Tally {
    /// What is different between `before` and `after`, which are about the same identifiers.
    pub fn of(before: &Owners, after: &Owners) -> Self {
        let mut went: BTreeMap<ProfileId, BTreeSet<Option<ProfileId>>> = BTreeMap::new();
        for (identifier, profile) in before {
            went.entry(*profile).or_default().insert(after.get(identifier).copied());
        }
        let mut came: BTreeMap<ProfileId, BTreeSet<ProfileId>> = BTreeMap::new();
        for (identifier, profile) in after {
            came.entry(*profile).or_default().extend(before.get(identifier));
        }
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Self {
            identifiers: 0,
            profiles_before: count(went.len()),
            profiles_after: count(came.len()),
            split: count(went.values().filter(|places| places.len() > 1).count()),
            merged: count(came.values().filter(|parts| parts.len() > 1).count()),
            joined: count(after.keys().filter(|identifier| !before.contains_key(*identifier)).count()),
            freed: count(before.keys().filter(|identifier| !after.contains_key(*identifier)).count()),
            left: 0,
        }
    }

    /// Adds another tally, of other identifiers.
    pub fn add(&mut self, other: Self) {
        let Self { identifiers, profiles_before, profiles_after, split, merged, joined, freed, left } = other;
        self.identifiers += identifiers;
        self.profiles_before += profiles_before;
        self.profiles_after += profiles_after;
        self.split += split;
        self.merged += merged;
        self.joined += joined;
        self.freed += freed;
        self.left += left;
    }

    /// True if some profile has other identifiers than before.
    pub fn is_change(&self) -> bool {
        self.split + self.merged + self.joined + self.freed > 0
    }
}

impl Example {
    /// What `before` and `after` are, profile by profile.
    pub fn of(kind: KindId, before: &Owners, after: &Owners) -> Self {
        let nobodys = before.keys().filter(|identifier| !after.contains_key(*identifier)).cloned().collect();
        Self { kind, before: by_profile(before), after: by_profile(after).into_values().collect(), nobodys }
    }
}

fn by_profile(owners: &Owners) -> BTreeMap<ProfileId, BTreeSet<Identifier>> {
    let mut profiles: BTreeMap<ProfileId, BTreeSet<Identifier>> = BTreeMap::new();
    for (identifier, profile) in owners {
        profiles.entry(*profile).or_default().insert(identifier.clone());
    }
    profiles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(pairs: &[(&str, u128)]) -> Owners {
        pairs.iter().map(|(id, profile)| (Identifier::from_stored(id).unwrap(), ProfileId(*profile))).collect()
    }

    #[test]
    fn what_came_apart_and_what_came_together_is_counted() {
        let before = owners(&[("email:a", 1), ("email:b", 1), ("phone:c", 2), ("phone:d", 3), ("email:e", 4)]);
        let after = owners(&[("email:a", 1), ("email:b", 9), ("phone:c", 2), ("phone:d", 2), ("email:f", 5)]);
        let tally = Tally::of(&before, &after);
        let expected = Tally {
            profiles_before: 4,
            profiles_after: 4,
            split: 1,
            merged: 1,
            joined: 1,
            freed: 1,
            ..Tally::default()
        };
        assert_eq!(tally, expected);
        assert!(tally.is_change());
        assert!(!Tally::of(&before, &before).is_change());
        let example = Example::of(KindId(1), &before, &after);
        assert_eq!((example.before.len(), example.after.len(), example.nobodys.len()), (4, 4, 1));
    }
}
