//! Links: the evidence that identifiers belong together.

use std::collections::BTreeSet;
use std::fmt;

use xxhash_rust::xxh3::Xxh3Default;

use super::identifier::Identifier;
use super::time::Time;

/// The place of a fact in the fold: by event time, then by message id.
///
/// `Debug` prints the time alone: senders make message ids of anything.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Event time.
    pub time: Time,
    /// The fact's message id.
    pub message_id: String,
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Moment({})", self.time)
    }
}

/// The id of a link: a hash of the identifiers it joins, so that evidence repeated is evidence once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub u128);

/// How many repetitions a link keeps for the sole reason that no history may tell of them. Past it, a change of rules that
/// unblocks a value may find them as if they had not been.
pub const MAX_AGAIN: usize = 16;

/// The evidence in facts that some identifiers belong together.
///
/// A fact with one identifier is evidence too: that the identifier was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// When it was first said, and by which fact.
    pub first: Moment,
    /// When it was said again, in order, as far as that may matter. It seldom does: if in between an alias made room for an
    /// identifier that could not join before, or if all that it names was blocked then, so that no history tells of it.
    pub again: Vec<Moment>,
    /// The system that said so first.
    pub source: String,
    /// The identifiers in canonical form, without repeats, as the fact listed them.
    pub identifiers: Vec<Identifier>,
    /// The identifier that an alias fact made another name of the first of `identifiers`.
    pub previous: Option<Identifier>,
}

impl Link {
    /// Takes in that the same was said again by `other`, and that this moved something, if it did. True if anything is
    /// to be remembered of it.
    pub fn said_again(&mut self, other: Self, moves: bool) -> bool {
        let Self { first, source, .. } = other;
        let known = first == self.first || self.again.contains(&first);
        if known || !(first < self.first || moves) {
            return false;
        }
        let again = if first < self.first {
            self.source = source;
            // No history may tell of the one that was taken for the first until now.
            Some(std::mem::replace(&mut self.first, first)).filter(|_| self.again.len() < MAX_AGAIN)
        } else {
            Some(first)
        };
        self.again.extend(again);
        self.again.sort_unstable();
        true
    }

    /// What it says of others than `erased`; `None` if that is nothing. An identifier that was given up for an erased one
    /// was nobody's by that.
    #[must_use]
    pub fn without(self, erased: &BTreeSet<Identifier>) -> Option<Self> {
        let Self { first, again, source, mut identifiers, previous } = self;
        identifiers.retain(|identifier| !erased.contains(identifier));
        let previous = previous.filter(|identifier| !erased.contains(identifier));
        (!identifiers.is_empty()).then_some(Self { first, again, source, identifiers, previous })
    }

    /// The one link of two that have become the same. It was said at every moment of both, except that seeing a single
    /// identifier again never moves anything.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (mut earlier, later) = if other.first < self.first { (other, self) } else { (self, other) };
        let Self { first, again, source: _, identifiers, previous } = later;
        let joins = identifiers.len() > 1 || previous.is_some();
        let mut moments: BTreeSet<Moment> = std::mem::take(&mut earlier.again).into_iter().chain(again).collect();
        moments.extend(joins.then_some(first));
        moments.remove(&earlier.first);
        Self { again: moments.into_iter().collect(), ..earlier }
    }

    /// Each moment at which it is to be folded.
    pub fn moments(&self) -> impl Iterator<Item = &Moment> {
        std::iter::once(&self.first).chain(&self.again)
    }

    /// The link's id. The order of the identifiers does not matter, except that an alias has a direction.
    pub fn id(&self) -> LinkId {
        let mut sorted: Vec<&Identifier> = self.identifiers.iter().collect();
        sorted.sort_unstable();
        let mut hash = Xxh3Default::new();
        for identifier in sorted.into_iter().chain(&self.previous) {
            hash.update(identifier.as_str().as_bytes());
            hash.update(&[0]);
        }
        hash.update(&[u8::from(self.previous.is_some())]);
        LinkId(hash.digest128())
    }
}
