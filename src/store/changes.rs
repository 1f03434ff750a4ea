//! Changes that are not committed yet, by family and key.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::catalogue::Family;
use super::meta;

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

    /// True if a workspace, its secret, a model or an API key is changed: what the engine keeps in memory.
    pub fn touches_registry(&self) -> bool {
        let is_any = |family| self.of(family).is_some();
        let of_meta = self.of(Family::Meta).into_iter().flat_map(|rows| rows.keys());
        is_any(Family::ModelByVersion)
            || is_any(Family::KeyByHash)
            || of_meta.into_iter().any(|key| meta::is_registry(key))
    }

    /// The change of a key, if there is one.
    pub(super) fn get(&self, key: HashedKey<'_>) -> Option<Option<&[u8]>> {
        if !self.touched.may_have(key) {
            return None;
        }
        self.of(key.family)?.get(key.bytes).map(Option::as_deref)
    }

    /// Adds changes of a family, which take the place of those of the same keys.
    pub(super) fn extend(&mut self, family: Family, rows: Rows) {
        rows.keys().for_each(|key| self.touched.add(HashedKey::new(family, key)));
        self.rows.entry(family).or_default().extend(rows);
    }
}

/// A key of a family, and the hash of both.
#[derive(Clone, Copy)]
pub(super) struct HashedKey<'k> {
    family: Family,
    bytes: &'k [u8],
    hash: u64,
}

impl<'k> HashedKey<'k> {
    pub(super) fn new(family: Family, bytes: &'k [u8]) -> Self {
        Self { family, bytes, hash: xxh3_64_with_seed(bytes, family as u64) }
    }
}

/// 65,536 bits, set by the hashes of keys and never cleared. A group of a thousand facts sets some 5,000 of them, so that one
/// key in thirteen is looked for in vain, and none is missed.
#[derive(Default)]
struct Touched {
    words: Vec<u64>,
}

impl Touched {
    const WORDS: u64 = 1_024;

    fn add(&mut self, key: HashedKey<'_>) {
        let (word, bit) = Self::bit(key);
        if self.words.is_empty() {
            self.words.resize(Self::WORDS as usize, 0);
        }
        if let Some(bits) = self.words.get_mut(word) {
            *bits |= bit;
        }
    }

    /// False if `key` was surely not added.
    fn may_have(&self, key: HashedKey<'_>) -> bool {
        let (word, bit) = Self::bit(key);
        self.words.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Which word, and which bit in it.
    fn bit(key: HashedKey<'_>) -> (usize, u64) {
        ((key.hash / 64 % Self::WORDS) as usize, 1 << (key.hash % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_found_whatever_else_is_there() {
        let key = |number: u64| number.to_be_bytes().to_vec();
        let mut changes = Changes::default();
        let found = |changes: &Changes, family, number| {
            changes.get(HashedKey::new(family, &key(number))).map(|value| value.map(<[u8]>::to_vec))
        };
        assert_eq!(found(&changes, Family::LinkById, 0), None);
        // As many as fill the filter, put in at twice; every third is removed, and the second half takes the place of others.
        for (from, to, value) in [(0, 60_000, b"first"), (30_000, 90_000, b"later")] {
            let row = |number| (key(number), (number % 3 != 0).then(|| value.to_vec()));
            changes.extend(Family::LinkById, (from..to).map(row).collect());
        }
        changes.extend(Family::ProfileById, Rows::from([(key(7), None)]));
        for number in 0..100_000 {
            let expected = match number {
                90_000.. => None,
                _ if number % 3 == 0 => Some(None),
                30_000.. => Some(Some(b"later".to_vec())),
                _ => Some(Some(b"first".to_vec())),
            };
            assert_eq!(found(&changes, Family::LinkById, number), expected, "{number}");
        }
        assert_eq!(found(&changes, Family::ProfileById, 7), Some(None));
        assert_eq!(found(&changes, Family::ProfileById, 8), None);
    }

    #[test]
    fn most_keys_that_are_not_changed_are_told_by_the_filter() {
        let mut changes = Changes::default();
        let rows = |from: u64, to: u64| (from..to).map(|number| (number.to_be_bytes().to_vec(), None));
        changes.extend(Family::LinkById, rows(0, 5_000).collect());
        let others = rows(5_000, 15_000);
        let in_vain = others.filter(|(key, _)| changes.touched.may_have(HashedKey::new(Family::LinkById, key))).count();
        assert!(in_vain < 1_000, "{in_vain}");
    }
}
