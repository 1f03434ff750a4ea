//! Changes that are not committed yet, by family and key.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::catalogue::Family;

/// Rows by key; `None` for what is removed.
pub type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Changes, and a filter in front of them: most keys that are read have none, and an ordered map takes a dozen comparisons
/// to say so.
#[derive(Default)]
pub struct Changes {
    rows: BTreeMap<Family, Rows>,
    touched: Touched,
}

impl Changes {
    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All of them, by family.
    pub fn families(&self) -> impl Iterator<Item = (Family, &Rows)> {
        self.rows.iter().map(|(family, rows)| (*family, rows))
    }

    /// Those of a family.
    pub fn of(&self, family: Family) -> Option<&Rows> {
        self.rows.get(&family)
    }

    /// The change of a key, if there is one.
    pub(super) fn get(&self, place: Place<'_>) -> Option<Option<&[u8]>> {
        if !self.touched.may_have(place) {
            return None;
        }
        self.of(place.family)?.get(place.key).map(Option::as_deref)
    }

    /// Adds changes of a family, which take the place of those of the same keys.
    pub(super) fn extend(&mut self, family: Family, rows: Rows) {
        rows.keys().for_each(|key| self.touched.add(Place::new(family, key)));
        self.rows.entry(family).or_default().extend(rows);
    }
}

/// A key of a family, and the hash of both.
#[derive(Clone, Copy)]
pub(super) struct Place<'k> {
    family: Family,
    key: &'k [u8],
    hash: u64,
}

impl<'k> Place<'k> {
    pub(super) fn new(family: Family, key: &'k [u8]) -> Self {
        Self { family, key, hash: xxh3_64_with_seed(key, family as u64) }
    }
}

/// A bit for each of so many values of a hash: a group of a thousand facts sets some 5,000 of them.
#[derive(Default)]
struct Touched {
    words: Vec<u64>,
}

impl Touched {
    const WORDS: usize = 1_024;

    fn add(&mut self, place: Place<'_>) {
        if self.words.is_empty() {
            self.words.resize(Self::WORDS, 0);
        }
        let (word, bit) = Self::bit(place);
        self.words.get_mut(word).into_iter().for_each(|word| *word |= bit);
    }

    /// False if `place` was surely not added.
    fn may_have(&self, place: Place<'_>) -> bool {
        let (word, bit) = Self::bit(place);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    fn bit(place: Place<'_>) -> (usize, u64) {
        let word = usize::try_from(place.hash >> 6).unwrap_or(0) % Self::WORDS;
        (word, 1 << (place.hash & 63))
    }
}
