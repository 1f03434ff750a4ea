//! Stored bytes of the point-read families, kept in front of RocksDB: a hit costs a fraction of a block-cache read. That there
//! are none is kept too: a consent of an address is looked for by every view, and hardly ever there.
//!
//! Invariant: a cached value is the committed one. The writer takes the keys of a commit out before it and bars them
//! until after it; a reader that missed may put in what it then read only if its shard has seen no commit end since, and
//! the key is not barred. So what was read before a commit is never put in after it. After the commit the writer puts in what
//! it wrote, before anything else is committed.

use std::collections::HashSet;
use std::sync::Arc;

use quick_cache::sync::DefaultLifecycle;
use quick_cache::unsync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter};

use crate::shards::Shards;

/// What an entry costs beside its bytes, about: two allocations and its place in the table.
const ENTRY_BYTES: u64 = 96;
/// How large an entry is expected to be; sizes the tables to begin with.
const EXPECTED_ENTRY_BYTES: usize = 1_024;

/// The cache of one column family.
pub(super) struct ValueCache(Shards<Shard>);

struct Shard {
    values: Values,
    barred: HashSet<Key>,
    commits: u64,
}

/// The first two that make room for another are freed by whoever put that in, once the shard is free again.
type Values = Cache<Key, Value, Bytes, DefaultHashBuilder, DefaultLifecycle<Key, Value>>;

type Key = Box<[u8]>;
/// What had to make room.
type Freed = <DefaultLifecycle<Key, Value> as Lifecycle<Key, Value>>::RequestState;

/// What is stored under a key; `None` if nothing is.
type Value = Option<Arc<[u8]>>;

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Value> for Bytes {
    fn weight(&self, key: &Key, value: &Value) -> u64 {
        ENTRY_BYTES + key.len() as u64 + value.as_ref().map_or(0, |value| value.len()) as u64
    }
}

/// That a value is not here.
#[derive(Clone, Copy, Debug)]
pub(super) enum Miss {
    /// The right to put in what is read next, as long as no commit ends in between.
    Absent {
        /// How many commits had ended.
        commits: u64,
    },
    /// Somebody else was at its shard.
    Busy,
}

impl ValueCache {
    /// A cache of at most about `bytes`.
    pub(super) fn new(bytes: usize) -> Self {
        Self(Shards::new(bytes, |bytes| {
            let (expected, bytes) = (bytes / EXPECTED_ENTRY_BYTES, bytes as u64);
            let values =
                Cache::with(expected, bytes, Bytes, DefaultHashBuilder::default(), DefaultLifecycle::default());
            Shard { values, barred: HashSet::new(), commits: 0 }
        }))
    }

    /// The committed value of `key`, or that it has none, if that is here.
    pub(super) fn get(&self, key: &[u8]) -> Result<Value, Miss> {
        let shard = self.0.look(key).ok_or(Miss::Busy)?;
        shard.values.get(key).cloned().ok_or(Miss::Absent { commits: shard.commits })
    }

    /// Puts in what was read from the database after `miss`, be it nothing.
    pub(super) fn put(&self, miss: Miss, key: &[u8], value: Option<&[u8]>) {
        let Miss::Absent { commits } = miss else { return };
        let (owned, value) = (Key::from(key), value.map(Arc::from));
        let mut freed = Freed::default();
        let Some(mut shard) = self.0.attempt(key) else { return };
        if shard.commits == commits && !shard.barred.contains(key) {
            shard.values.insert_with_lifecycle(owned, value, &mut freed);
        }
    }

    /// Puts in what was written by the last commit, before anything else is committed.
    pub(super) fn put_committed(&self, key: &[u8], value: Option<&[u8]>) {
        let (owned, value) = (Key::from(key), value.map(Arc::from));
        let mut freed = Freed::default();
        self.0.wait(key).values.insert_with_lifecycle(owned, value, &mut freed);
    }

    /// Takes `key` out and bars it, before a commit that changes it.
    pub(super) fn bar(&self, key: &[u8]) {
        let owned = Key::from(key);
        let mut shard = self.0.wait(key);
        let freed = shard.values.remove(key);
        shard.barred.insert(owned);
        drop(shard);
        drop(freed);
    }

    /// Lets barred keys in again, after the commit.
    pub(super) fn unbar(&self) {
        for mut shard in self.0.all() {
            shard.barred.clear();
            shard.commits += 1;
        }
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
    fn who_does_not_wait_for_a_shard_puts_nothing_in() {
        let cache = ValueCache::new(1 << 20);
        let held = cache.0.wait(b"key");
        let busy = miss(&cache);
        assert!(matches!(busy, Miss::Busy));
        drop(held);
        cache.put(busy, b"key", Some(b"value"));
        cache.put(miss(&cache), b"key", Some(b"old"));
        cache.bar(b"key");
        cache.unbar();
        assert!(matches!(miss(&cache), Miss::Absent { commits: 1 }));
        cache.put_committed(b"key", Some(b"new"));
        assert_eq!(cache.get(b"key").unwrap().unwrap().as_ref(), b"new");
    }

    #[test]
    fn it_stays_within_its_bytes() {
        let cache = ValueCache::new(1 << 20);
        for number in 0..20_000_u32 {
            let key = number.to_be_bytes();
            let missed = cache.get(&key).unwrap_err();
            cache.put(missed, &key, Some(&[0; 200]));
        }
        let weight: u64 = cache.0.all().map(|shard| shard.values.weight()).sum();
        assert!(weight <= 1 << 20 && weight > 1 << 18, "{weight}");
    }
}
