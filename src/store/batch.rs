//! Batches: changes that can be read before they are committed.

use std::collections::BTreeMap;

use super::catalogue::Family;
use super::view::{Read, Slice, View};
use super::{Error, Store, Tier};

/// Changes on top of the latest data. Several commands share one: each sees what those before it changed, and a key
/// written ten times is committed once. The changes of the command at work are staged: kept as a whole or not at all.
#[must_use = "changes are lost unless the batch is committed"]
pub struct Batch<'s> {
    base: View<'s>,
    kept: Changes,
    staged: Changes,
    bytes: usize,
}

type Changes = BTreeMap<Family, BTreeMap<Vec<u8>, Option<Vec<u8>>>>;

impl<'s> Batch<'s> {
    /// No changes yet.
    pub fn new(store: &'s Store) -> Self {
        Self { base: store.view(Tier::Disk), kept: Changes::new(), staged: Changes::new(), bytes: 0 }
    }

    /// Keeps what was staged.
    pub fn keep(&mut self) {
        for (family, rows) in std::mem::take(&mut self.staged) {
            self.kept.entry(family).or_default().extend(rows);
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

    /// True if a key of `family` that starts with `prefix` is there, kept or committed. Staged ones do not count.
    pub fn any(&self, family: Family, prefix: &[u8]) -> Result<bool, Error> {
        let kept = self.kept.get(&family).into_iter().flatten();
        if kept.into_iter().any(|(key, value)| key.starts_with(prefix) && value.is_some()) {
            return Ok(true);
        }
        Ok(self.base.scan(family, prefix, prefix)?.next().transpose()?.is_some())
    }

    /// About how many bytes were written into this batch.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// True if it changes a workspace, a model or an API key: what the engine keeps in memory.
    pub fn changes_registry(&self) -> bool {
        [Family::Meta, Family::ModelByVersion, Family::KeyByHash].iter().any(|family| self.kept.contains_key(family))
    }

    pub(super) fn put(&mut self, family: Family, key: Vec<u8>, value: Vec<u8>) {
        self.bytes = self.bytes.saturating_add(key.len() + value.len());
        self.staged.entry(family).or_default().insert(key, Some(value));
    }

    pub(super) fn delete(&mut self, family: Family, key: Vec<u8>) {
        self.bytes = self.bytes.saturating_add(key.len());
        self.staged.entry(family).or_default().insert(key, None);
    }

    /// What was kept, by family and in key order.
    pub(super) fn into_changes(self) -> impl Iterator<Item = (Family, Vec<u8>, Option<Vec<u8>>)> {
        let Self { base: _, kept, staged: _, bytes: _ } = self;
        kept.into_iter().flat_map(|(family, rows)| rows.into_iter().map(move |(key, value)| (family, key, value)))
    }
}

impl Read for Batch<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Slice<'_>>, Error> {
        let changed = [&self.staged, &self.kept].into_iter().find_map(|changes| changes.get(&family)?.get(key));
        match changed {
            Some(pending) => Ok(pending.as_deref().map(Slice::Pending)),
            None => self.base.get(family, key),
        }
    }
}
