//! The store: typed tables over one embedded RocksDB.
//!
//! Layers, bottom up: [`options`] (how each family is tuned), [`catalogue`] (the one list of families and tables),
//! [`table`] (typed access), [`batch`] and [`changes`] (what is not committed yet and can be read), [`view`] (committed
//! data), the caches in front of the point reads and the [`stamps`] of what was read, and [`Store`] itself. Only the
//! engine uses this floor, and RocksDB is named nowhere else.

pub mod batch;
mod cache;
pub mod catalogue;
pub mod changes;
mod error;
mod format;
mod mark;
pub mod meta;
mod options;
mod pack;
mod replace;
mod stamps;
pub mod table;
pub mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rocksdb::properties::{ESTIMATE_NUM_KEYS, TOTAL_SST_FILES_SIZE};
use rocksdb::{ColumnFamily, ColumnFamilyDescriptor, DB, FlushOptions, ReadOptions, WriteBatch, WriteOptions};

use crate::domain::ids::{LogPlace, Seq};
use cache::ValueCache;
use catalogue::Family;
use changes::Changes;
pub use error::Error;
pub use format::is_database;
use mark::Mark;
pub use options::MAX_OPEN_FILES;
pub use stamps::{Basis, Stamp};
use stamps::{Stamps, Writing};
use view::{Slice, Tiers, View};

/// Where a read may go for its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Memory only: fails with [`Error::NotInMemory`] instead of waiting for the disk.
    Memory,
    /// Wherever the data is, on a thread that others wait for: fails like [`Tier::Memory`] where there is much to read.
    DiskBriefly,
    /// Wherever the data is.
    Disk,
}

/// An open database. One process at a time; RocksDB's lock file sees to it.
pub struct Store {
    db: DB,
    tiers: Tiers,
    owners: ValueCache,
    profiles: ValueCache,
    fragments: ValueCache,
    links: ValueCache,
    stamps: Stamps,
    invalidates: bool,
    directory: PathBuf,
    mark: Mark,
    log_time: Arc<AtomicU64>,
}

/// Figures of one column family; records are RocksDB's estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyStats {
    /// Its name.
    pub name: &'static str,
    /// Estimated number of records.
    pub records: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
}

impl Store {
    /// Opens the database in `directory`, or creates it. `cache_bytes` bounds what is kept in memory: two
    /// thirds for single values of the families that lookups read, most of the profiles packed; a tenth for fragments and
    /// links; a quarter for RocksDB's blocks. Stamps take 8 MiB besides.
    ///
    /// `invalidates` is true everywhere but in the one test that shows that stale answers would be found: otherwise a
    /// commit leaves in the caches what it changes.
    ///
    /// Refuses a database of a newer format, and one that lost writes it had acknowledged.
    pub fn open(directory: &Path, cache_bytes: usize, invalidates: bool) -> Result<Self, Error> {
        std::fs::create_dir_all(directory).map_err(|error| Error::io(directory, &error))?;
        let format = format::check(directory)?;
        let log_time = Arc::new(AtomicU64::new(0));
        let tuning = options::Tuning::new(cache_bytes / 4, Arc::clone(&log_time));
        let families = Family::ALL.map(|f| ColumnFamilyDescriptor::new(f.name(), tuning.family(f.preset())));
        let db = DB::open_cf_descriptors(&tuning.database(), directory.join("rocksdb"), families)?;
        let store = Self {
            db,
            tiers: Tiers::new(),
            owners: ValueCache::new(cache_bytes / 16),
            profiles: ValueCache::packing(cache_bytes / 32 * 19),
            stamps: Stamps::new(),
            invalidates,
            fragments: ValueCache::new(cache_bytes / 16),
            links: ValueCache::new(cache_bytes / 32),
            mark: Mark::open(directory)?,
            directory: directory.to_owned(),
            log_time,
        };
        store.check_mark()?;
        format.upgrade(directory)?;
        store.log_time.store(store.place()?.log_time.micros(), Ordering::Relaxed);
        Ok(store)
    }

    /// What was acknowledged must still be there: RocksDB drops a damaged end of its log without a word.
    fn check_mark(&self) -> Result<(), Error> {
        let (applied, acknowledged) = (self.place()?.seq, self.mark.acknowledged());
        if applied < acknowledged {
            return Err(Error::LostWrites { applied, acknowledged, directory: self.directory.clone() });
        }
        Ok(())
    }

    /// The place of the last committed command.
    pub fn place(&self) -> Result<LogPlace, Error> {
        meta::read_place(self)
    }

    /// The latest data.
    pub fn view(&self, tier: Tier) -> View<'_> {
        View::latest(self, tier)
    }

    /// The latest data, with notes of what is read: see [`View::basis`].
    pub fn watched(&self, tier: Tier) -> View<'_> {
        View::watched(self, tier)
    }

    /// The version of the committed data: two reads between which it did not change saw the same data.
    pub fn version(&self) -> u64 {
        self.db.latest_sequence_number()
    }

    /// The data as it is now, whatever is written later.
    pub fn snapshot(&self) -> View<'_> {
        View::snapshot(self)
    }

    /// Commits all `changes` and the place of their last command: all or nothing. Once this returns, reads see them; with
    /// `sync` they are on disk too. Until what it returns is dropped, no answer is kept that is read from them: time for
    /// what is kept in memory beside the store to follow.
    pub fn commit(&self, changes: &Changes, place: LogPlace, sync: bool) -> Result<Committed<'_>, Error> {
        let mut writes = WriteBatch::default();
        let written = Committed { _writing: self.stamps.begin(self.invalidated(changes), changes.touches_registry()) };
        let barred = Barred(self);
        for (family, rows) in changes.families() {
            let handle = self.handle(family)?;
            let cache = self.cache(family).filter(|_| self.invalidates);
            for (key, value) in rows {
                cache.into_iter().for_each(|cache| cache.bar(key));
                match value {
                    Some(value) => writes.put_cf(handle, key, value),
                    None => writes.delete_cf(handle, key),
                }
            }
        }
        meta::put_place(self, &mut writes, place)?;
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        self.db.write_opt(writes, &options)?;
        self.log_time.fetch_max(place.log_time.micros(), Ordering::Relaxed);
        drop(barred);
        self.keep_at_hand(changes);
        Ok(written)
    }

    /// The keys whose stamps a commit moves: all that it writes.
    fn invalidated<'c>(&self, changes: &'c Changes) -> impl Iterator<Item = (Family, &'c [u8])> {
        let changes = changes.families().filter(|_| self.invalidates);
        changes.flat_map(|(family, rows)| rows.keys().map(move |key| (family, key.as_slice())))
    }

    /// True if nothing that an answer was read from has been written since, seen or not.
    pub fn stands(&self, basis: &Basis) -> bool {
        self.stamps.all_stand(basis)
    }

    /// The stamp of workspaces, models and API keys; `None` while one of them is being written.
    pub fn registry_stamp(&self) -> Option<Stamp> {
        self.stamps.registry()
    }

    /// True if no workspace, model or API key was written since.
    pub fn registry_stands(&self, stamp: Stamp) -> bool {
        self.stamps.stands(stamp)
    }

    /// Puts what was just committed into the caches that a commit invalidates: whoever wrote it is likely to be written
    /// about again, and reading it back costs more. Nothing is committed meanwhile.
    fn keep_at_hand(&self, changes: &Changes) {
        for (family, rows) in changes.families() {
            let Some(cache) = self.cache(family).filter(|_| self.invalidates) else { continue };
            for (key, value) in rows {
                cache.put_committed(key, value.as_deref());
            }
        }
    }

    /// Makes all commits so far survive a power cut.
    pub fn sync(&self) -> Result<(), Error> {
        Ok(self.db.flush_wal(true)?)
    }

    /// Moves what is still in the log into tables, so that opening has nothing to read back. It may have to wait for
    /// compactions.
    pub fn flush(&self) -> Result<(), Error> {
        let families = Family::ALL.into_iter().map(|family| self.handle(family)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.db.flush_cfs_opt(&families, &FlushOptions::default())?)
    }

    /// Notes beside the database that everything up to `seq` was acknowledged as durable. A database that has less
    /// the next time it is opened is refused.
    pub fn mark_acknowledged(&self, seq: Seq) -> Result<(), Error> {
        self.mark.advance(seq)
    }

    /// Figures of each family, in catalogue order.
    pub fn stats(&self) -> Result<Vec<FamilyStats>, Error> {
        let figure = |family, property| -> Result<u64, Error> {
            Ok(self.db.property_int_value_cf(self.handle(family)?, property)?.unwrap_or(0))
        };
        let row = |family: Family| {
            Ok(FamilyStats {
                name: family.name(),
                records: figure(family, ESTIMATE_NUM_KEYS)?,
                disk_bytes: figure(family, TOTAL_SST_FILES_SIZE)?,
            })
        };
        Family::ALL.into_iter().map(row).collect()
    }

    fn handle(&self, family: Family) -> Result<&ColumnFamily, Error> {
        self.db.cf_handle(family.name()).ok_or(Error::MissingFamily(family.name()))
    }

    /// The cache in front of `family`, if it has one: the two that every lookup reads, and two more for writes.
    fn cache(&self, family: Family) -> Option<&ValueCache> {
        match family {
            Family::ProfileIdByIdentifier => Some(&self.owners),
            Family::ProfileById => Some(&self.profiles),
            Family::FragmentByIdentifier => Some(&self.fragments),
            Family::LinkById => Some(&self.links),
            _ => None,
        }
    }

    fn get(&self, family: Family, key: &[u8], options: &ReadOptions) -> Result<Option<Slice<'_>>, Error> {
        let found = self.db.get_pinned_cf_opt(self.handle(family)?, key, options)?;
        Ok(found.map(Slice::Pinned))
    }

    /// As [`Store::get`], the latest data, through the cache.
    fn get_cached(&self, family: Family, key: &[u8], tier: Tier) -> Result<Option<Slice<'_>>, Error> {
        let read = || self.get(family, key, self.tiers.options(family, tier).ok_or(Error::NotInMemory)?);
        let Some(cache) = self.cache(family) else { return read() };
        let miss = match cache.get(key) {
            Ok(value) => return Ok(value.map(Slice::Cached)),
            Err(miss) => miss,
        };
        let found = read()?;
        cache.put(miss, key, found.as_deref());
        Ok(found)
    }
}

/// A commit whose changes can be read; no answer that is read from them is kept before this is dropped.
#[must_use = "no answer is kept that is read from what was committed until this is dropped"]
pub struct Committed<'s> {
    _writing: Writing<'s>,
}

/// Keys of a commit are barred from the caches until this is dropped, however the commit ends.
struct Barred<'s>(&'s Store);

impl Drop for Barred<'_> {
    fn drop(&mut self) {
        let Store { owners, profiles, fragments, links, .. } = self.0;
        [owners, profiles, fragments, links].into_iter().for_each(ValueCache::unbar);
    }
}
