//! Batches: changes that can be read before they are committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalogue::Family;
use super::changes::{Changes, HashedKey, Rows};
use super::view::{Read, Row, Slice, View};
use super::{Error, Store, Tier};

/// Changes on top of the latest data. Several commands share one: each sees what those before it changed, and a key
/// written ten times is committed once. The changes of the command at work are staged: kept as a whole or not at all.
#[must_use = "changes are lost unless the batch is committed"]
pub struct Batch<'s> {
    base: View<'s>,
    /// What is being committed meanwhile, on top of the base.
    below: Option<Arc<Changes>>,
    kept: Changes,
    staged: BTreeMap<Family, Rows>,
    bytes: usize,
}

impl<'s> Batch<'s> {
    /// No changes yet, on top of the latest data and of what is being committed while this is made: it reads the same
    /// however far that is.
    pub fn new(store: &'s Store, below: Option<Arc<Changes>>) -> Self {
        Self { base: store.view(Tier::Disk), below, kept: Changes::default(), staged: BTreeMap::new(), bytes: 0 }
    }

    /// No changes yet, on top of the data as they are now, whatever is committed later. Only to see what commands would
    /// do: it is never committed, and what it reads leaves the caches of values as they were.
    pub fn scratch(store: &'s Store) -> Self {
        Self { base: store.snapshot(), below: None, kept: Changes::default(), staged: BTreeMap::new(), bytes: 0 }
    }

    /// Keeps what was staged.
    pub fn keep(&mut self) {
        for (family, rows) in std::mem::take(&mut self.staged) {
            self.kept.extend(family, rows);
        }
    }

    /// Forgets what was staged.
    pub fn forget(&mut self) {
        self.staged.clear();
    }

    /// True if something is staged.
    pub fn has_staged(&self) -> bool {
        !self.staged.is_empty()
    }

    /// True if nothing is kept: there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// About how many bytes were written into this batch.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn put(&mut self, family: Family, key: Vec<u8>, value: Vec<u8>) {
        self.bytes = self.bytes.saturating_add(key.len() + value.len());
        self.staged.entry(family).or_default().insert(key, Some(value));
    }

    pub(super) fn delete(&mut self, family: Family, key: Vec<u8>) {
        self.bytes = self.bytes.saturating_add(key.len());
        self.staged.entry(family).or_default().insert(key, None);
    }

    /// What was kept.
    pub fn into_changes(self) -> Changes {
        self.kept
    }

    /// The change of a key above the base, if there is one.
    fn changed(&self, family: Family, key: &[u8]) -> Option<Option<&[u8]>> {
        if let Some(staged) = self.staged.get(&family).and_then(|rows| rows.get(key)) {
            return Some(staged.as_deref());
        }
        let key = HashedKey::new(family, key);
        self.kept.get(key).or_else(|| self.below.as_ref()?.get(key))
    }

    /// The changed rows of a family above the base, those that count last.
    fn layers(&self, family: Family) -> impl Iterator<Item = &Rows> {
        let below = self.below.as_ref().and_then(|below| below.of(family));
        [below, self.kept.of(family), self.staged.get(&family)].into_iter().flatten()
    }
}

impl Read for Batch<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Slice<'_>>, Error> {
        match self.changed(family, key) {
            Some(pending) => Ok(pending.map(Slice::Pending)),
            None => self.base.get(family, key),
        }
    }

    fn rows(&self, family: Family, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        let mut changed: BTreeMap<&[u8], Option<&[u8]>> = BTreeMap::new();
        for rows in self.layers(family) {
            let ours = rows.range(from.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
            changed.extend(ours.map(|(key, value)| (key.as_slice(), value.as_deref())));
        }
        // A row that was deleted takes the place of one more of those below.
        let base = self.base.rows(family, prefix, from, limit.saturating_add(changed.len()))?;
        let mut rows: BTreeMap<Box<[u8]>, Box<[u8]>> = base.into_iter().collect();
        for (key, value) in changed {
            match value {
                Some(value) => rows.insert(key.into(), value.into()),
                None => rows.remove(key),
            };
        }
        Ok(rows.into_iter().take(limit).collect())
    }
}
