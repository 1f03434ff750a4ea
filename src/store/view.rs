//! Reading: the latest data, a snapshot, or a batch that is not committed yet, all by the same trait.

use std::ops::Deref;
use std::sync::Arc;

use rocksdb::{DBPinnableSlice, Direction, IteratorMode, ReadOptions, ReadTier, Snapshot};

use super::catalogue::Family;
use super::stamps::{Basis, Stamp, Watch};
use super::{Error, Store, Tier};

/// Stored bytes, borrowed from wherever they are.
pub enum Slice<'a> {
    /// In RocksDB's block cache or write buffer.
    Pinned(DBPinnableSlice<'a>),
    /// In the cache in front of RocksDB.
    Cached(Arc<[u8]>),
    /// In an uncommitted batch.
    Pending(&'a [u8]),
}

impl Deref for Slice<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Pinned(bytes) => bytes,
            Self::Cached(bytes) => bytes,
            Self::Pending(bytes) => bytes,
        }
    }
}

/// Something that single keys can be read from.
pub trait Read {
    /// The bytes stored under `key`.
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Slice<'_>>, Error>;

    /// The first `limit` rows whose keys start with `prefix`, in key order, from `from` on, which must start with
    /// `prefix` too.
    fn rows(&self, family: Family, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Row>, Error>;
}

/// A key and its value as stored.
pub type Row = (Box<[u8]>, Box<[u8]>);

/// Committed data: the latest, or a snapshot of it.
pub struct View<'s> {
    store: &'s Store,
    tier: Tier,
    source: Source<'s>,
    /// What is read of the latest data, if somebody wants to know.
    watch: Option<Watch>,
}

enum Source<'s> {
    Latest,
    Snapshot(Box<Frozen<'s>>),
}

/// A snapshot, and how it is read.
struct Frozen<'s> {
    snapshot: Snapshot<'s>,
    options: ReadOptions,
    /// For families whose blocks are not kept.
    passing: ReadOptions,
}

/// How the latest data is read, made once: making it anew costs an allocation on RocksDB's side.
pub(super) struct Tiers {
    memory: ReadOptions,
    disk: ReadOptions,
    passing: ReadOptions,
}

impl Tiers {
    pub(super) fn new() -> Self {
        let mut memory = ReadOptions::default();
        memory.set_read_tier(ReadTier::BlockCache);
        let mut passing = ReadOptions::default();
        passing.fill_cache(false);
        Self { memory, disk: ReadOptions::default(), passing }
    }

    /// How RocksDB is asked for single keys of `family`. `None` if what is in memory of it is in the cache of its values.
    pub(super) fn options(&self, family: Family, tier: Tier) -> Option<&ReadOptions> {
        match (keeps_blocks(family), tier) {
            (false, Tier::Memory) => None,
            (false, Tier::DiskBriefly | Tier::Disk) => Some(&self.passing),
            (true, Tier::Memory) => Some(&self.memory),
            (true, Tier::DiskBriefly | Tier::Disk) => Some(&self.disk),
        }
    }
}

/// False for profiles. A block has a dozen of them, of whom one was asked for as a rule: what is read of the latest data is
/// kept by itself, and what scans and snapshots read is not kept.
fn keeps_blocks(family: Family) -> bool {
    family != Family::ProfileById
}

impl<'s> View<'s> {
    pub(super) fn latest(store: &'s Store, tier: Tier) -> Self {
        Self { store, tier, source: Source::Latest, watch: None }
    }

    pub(super) fn watched(store: &'s Store, tier: Tier) -> Self {
        Self { watch: Some(Watch::new()), ..Self::latest(store, tier) }
    }

    pub(super) fn snapshot(store: &'s Store) -> Self {
        let snapshot = store.db.snapshot();
        let (mut options, mut passing) = (ReadOptions::default(), ReadOptions::default());
        options.set_snapshot(&snapshot);
        passing.set_snapshot(&snapshot);
        passing.fill_cache(false);
        let source = Source::Snapshot(Box::new(Frozen { snapshot, options, passing }));
        Self { store, tier: Tier::Disk, source, watch: None }
    }

    /// What was read by single keys since this was last asked. `None` if that was nothing, or if something of what was read
    /// cannot be watched. [`View::get_many`] notes nothing by itself.
    pub fn basis(&self) -> Option<Basis> {
        self.watch.as_ref()?.take()
    }

    /// Notes the stamp of a key that was read by [`View::get_many`], taken before by [`View::stamp`].
    pub fn note(&self, stamp: Option<Stamp>) {
        self.watch.iter().for_each(|watch| watch.note(stamp));
    }

    /// The stamp of a key that is about to be read, if reads are watched.
    pub fn stamp(&self, family: Family, key: &[u8]) -> Option<Stamp> {
        self.watch.as_ref().and_then(|_| self.store.stamps.of(family, key))
    }

    /// Where it may go for its data.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    fn options(&self, family: Family) -> Result<&ReadOptions, Error> {
        match &self.source {
            Source::Latest => self.store.tiers.options(family, self.tier).ok_or(Error::NotInMemory),
            Source::Snapshot(frozen) if keeps_blocks(family) => Ok(&frozen.options),
            Source::Snapshot(frozen) => Ok(&frozen.passing),
        }
    }

    fn is_latest(&self) -> bool {
        matches!(self.source, Source::Latest)
    }

    /// The bytes stored under each of `keys`, in their order. The disk is read where needed.
    pub fn get_many(&self, family: Family, keys: &[Vec<u8>]) -> Result<Vec<Option<Slice<'_>>>, Error> {
        let cache = self.store.cache(family).filter(|_| self.is_latest());
        let mut found: Vec<Option<Slice<'_>>> = Vec::with_capacity(keys.len());
        let mut missing = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            match cache.map(|cache| cache.get(key)) {
                Some(Ok(value)) => found.push(value.map(Slice::Cached)),
                unknown => {
                    found.push(None);
                    missing.push((key, at, unknown.and_then(Result::err)));
                }
            }
        }
        missing.sort_unstable_by_key(|(key, ..)| *key);
        let handle = self.store.handle(family)?;
        let sorted = missing.iter().map(|(key, ..)| key.as_slice());
        let read = self.store.db.batched_multi_get_cf_opt(handle, sorted, true, self.options(family)?);
        for ((key, at, miss), bytes) in missing.into_iter().zip(read) {
            let bytes = bytes?;
            if let (Some(cache), Some(miss)) = (cache, miss) {
                cache.put(miss, key, bytes.as_deref());
            }
            if let Some(place) = found.get_mut(at) {
                *place = bytes.map(Slice::Pinned);
            }
        }
        Ok(found)
    }

    /// The rows whose keys start with `prefix`, in key order, from `from` on, which must start with `prefix` too.
    pub fn scan<'v>(
        &'v self,
        family: Family,
        prefix: &'v [u8],
        from: &'v [u8],
    ) -> Result<impl Iterator<Item = Result<Row, Error>> + 'v, Error> {
        self.note(None);
        let handle = self.store.handle(family)?;
        let mut options = ReadOptions::default();
        options.fill_cache(keeps_blocks(family));
        if let Source::Snapshot(frozen) = &self.source {
            options.set_snapshot(&frozen.snapshot);
        }
        if self.tier == Tier::Memory {
            options.set_read_tier(ReadTier::BlockCache);
        }
        let rows = self.store.db.iterator_cf_opt(handle, options, IteratorMode::From(from, Direction::Forward));
        let rows = rows.map(|row| row.map_err(Error::from));
        Ok(rows.take_while(move |row| row.as_ref().map_or(true, |(key, _)| key.starts_with(prefix))))
    }
}

impl Read for View<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Slice<'_>>, Error> {
        if let Some(watch) = &self.watch {
            watch.note(self.store.stamps.of(family, key));
        }
        match &self.source {
            Source::Latest => self.store.get_cached(family, key, self.tier),
            Source::Snapshot(_) => self.store.get(family, key, self.options(family)?),
        }
    }

    fn rows(&self, family: Family, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        self.scan(family, prefix, from)?.take(limit).collect()
    }
}
