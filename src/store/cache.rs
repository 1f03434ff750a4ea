//! Stored bytes of the point-read families, kept in front of RocksDB: a hit costs a fraction of a block-cache read. That there
//! are none is kept too: a consent of an address is looked for by every view, and hardly ever there.
//!
//! Invariant: a cached value is the committed one. The writer takes the keys of a commit out before it and bars them
//! until after it; a reader that missed may put in what it then read only if its shard has seen no commit end since, and
//! the key is not barred. So what was read before a commit is never put in after it. After the commit the writer puts in what
//! it wrote, before anything else is committed.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::Weighter;
use quick_cache::unsync::Cache;
use xxhash_rust::xxh3::xxh3_64;

/// Independent parts, so that cores seldom wait for each other. A power of two.
const SHARDS: usize = 64;
/// What an entry costs beside its bytes, about: two allocations and its place in the table.
const ENTRY_BYTES: u64 = 96;
/// How large an entry is expected to be; sizes the tables to begin with.
const EXPECTED_ENTRY_BYTES: u64 = 1_024;

/// The cache of one column family.
pub(super) struct ValueCache {
    shards: Vec<Mutex<Shard>>,
}

struct Shard {
    values: Cache<Box<[u8]>, Value, Bytes>,
    barred: HashSet<Box<[u8]>>,
    commits: u64,
}

/// What is stored under a key; `None` if nothing is.
type Value = Option<Arc<[u8]>>;

#[derive(Clone)]
struct Bytes;

impl Weighter<Box<[u8]>, Value> for Bytes {
    fn weight(&self, key: &Box<[u8]>, value: &Value) -> u64 {
        ENTRY_BYTES + key.len() as u64 + value.as_ref().map_or(0, |value| value.len()) as u64
    }
}

/// A miss: the right to put in what is read next, as long as no commit ends in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Miss {
    commits: u64,
}

impl ValueCache {
    /// A cache of at most about `bytes`.
    pub(super) fn new(bytes: usize) -> Self {
        let share = (bytes / SHARDS) as u64;
        let expected = usize::try_from(share / EXPECTED_ENTRY_BYTES).unwrap_or(usize::MAX);
        let shard =
            || Shard { values: Cache::with_weighter(expected, share, Bytes), barred: HashSet::new(), commits: 0 };
        Self { shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect() }
    }

    /// The committed value of `key`, or that it has none, if that is here.
    pub(super) fn get(&self, key: &[u8]) -> Result<Value, Miss> {
        let shard = self.shard(key);
        shard.values.get(key).cloned().ok_or(Miss { commits: shard.commits })
    }

    /// Puts in what was read from the database after `miss`, be it nothing.
    pub(super) fn put(&self, miss: Miss, key: &[u8], value: Option<&[u8]>) {
        let mut shard = self.shard(key);
        if shard.commits == miss.commits && !shard.barred.contains(key) {
            shard.values.insert(key.into(), value.map(Arc::from));
        }
    }

    /// Takes `key` out and bars it, before a commit that changes it.
    pub(super) fn bar(&self, key: &[u8]) {
        let mut shard = self.shard(key);
        shard.values.remove(key);
        shard.barred.insert(key.into());
    }

    /// Lets barred keys in again, after the commit.
    pub(super) fn unbar(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.barred.clear();
            shard.commits += 1;
        }
    }

    fn shard(&self, key: &[u8]) -> MutexGuard<'_, Shard> {
        let at = usize::try_from(xxh3_64(key)).unwrap_or(0) % SHARDS;
        #[allow(clippy::indexing_slicing, reason = "a remainder of SHARDS, which is how many there are")]
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn miss(cache: &ValueCache) -> Miss {
        cache.get(b"key").unwrap_err()
    }

    #[test]
    fn what_was_read_before_a_commit_is_not_put_in_after_it() {
        let cache = ValueCache::new(1 << 20);
        let before = miss(&cache);
        cache.bar(b"key");
        cache.put(before, b"key", Some(b"old"));
        let during = miss(&cache);
        cache.put(during, b"key", None);
        cache.unbar();
        cache.put(before, b"key", Some(b"old"));
        cache.put(during, b"key", None);
        let after = miss(&cache);
        cache.put(after, b"key", Some(b"new"));
        assert_eq!(cache.get(b"key").unwrap().unwrap().as_ref(), b"new");
        cache.bar(b"key");
        let barred = miss(&cache);
        cache.unbar();
        cache.put(barred, b"key", None);
        let absent = miss(&cache);
        cache.put(absent, b"key", None);
        assert_eq!(cache.get(b"key").unwrap(), None);
    }

    #[test]
    fn it_stays_within_its_bytes() {
        let cache = ValueCache::new(1 << 20);
        for number in 0..20_000_u32 {
            let key = number.to_be_bytes();
            let missed = cache.get(&key).unwrap_err();
            cache.put(missed, &key, Some(&[0; 200]));
        }
        let weight: u64 = cache.shards.iter().map(|shard| shard.lock().unwrap().values.weight()).sum();
        assert!(weight <= 1 << 20 && weight > 1 << 18, "{weight}");
    }
}
