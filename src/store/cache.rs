//! Stored bytes of the point-read families, kept in front of RocksDB: a hit costs a fraction of a block-cache read.
//! That there are none is kept too: a consent of an address is looked for by every view, and hardly ever there.
//!
//! Profiles are long and much alike, so what has to make room among them is not lost but packed ([`super::pack`]):
//! nearly three times as many have room then, and to unpack one costs a microsecond where the disk costs twenty or
//! more. What is asked for while it is packed stays packed: what is asked for often is kept as an answer anyway.
//!
//! Invariant: a cached value is the committed one. The writer takes the keys of a commit out before it and bars them
//! until after it; a reader that missed may put in what it then read only if no commit that changes its shard has ended
//! since, and the key is not barred. So what was read before a commit is never put in after it. After the commit the
//! writer puts in what it wrote, before anything else is committed. What has to make room is packed while nobody holds
//! the shard, and put back in under the same condition as what was read.

use std::collections::HashSet;
use std::sync::Arc;

use quick_cache::unsync::Cache;
use quick_cache::{DefaultHashBuilder, Weighter};

use super::pack::{Packed, Packer};
use crate::shards::{HandsBack, Shards};

/// What an entry costs beside its bytes, about: two allocations and its place in the table.
const ENTRY_BYTES: u64 = 96;
/// How large an entry is expected to be: says how many keys that had to make room are remembered.
const EXPECTED_ENTRY_BYTES: usize = 1_024;
/// The same of a packed one.
const EXPECTED_PACKED_BYTES: usize = 384;
/// A cache that packs has one byte in so many for values as they are stored.
const PLAIN_DIVISOR: usize = 4;
/// How many are packed at most for one that is put in: a long one takes the room of many, and its reader waits.
const MAX_PACKED_AT_ONCE: usize = 4;

/// The cache of one column family.
pub(super) struct ValueCache {
    shards: Shards<Shard>,
    /// Packs what has to make room, if that is worth it.
    packer: Option<Arc<Packer>>,
}

struct Shard {
    /// As stored.
    plain: Values<Value>,
    /// What had to make room, packed.
    packed: Values<Packed>,
    barred: HashSet<Key>,
    /// How many commits that changed something of it have ended.
    commits: u64,
}

type Values<V> = Cache<Key, V, Bytes, DefaultHashBuilder, HandsBack>;

type Key = Box<[u8]>;
/// What had to make room.
type Freed<V> = Vec<(Key, V)>;

/// What is stored under a key; `None` if nothing is.
type Value = Option<Arc<[u8]>>;

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Value> for Bytes {
    fn weight(&self, key: &Key, value: &Value) -> u64 {
        ENTRY_BYTES + key.len() as u64 + value.as_ref().map_or(0, |value| value.len()) as u64
    }
}

impl Weighter<Key, Packed> for Bytes {
    fn weight(&self, key: &Key, value: &Packed) -> u64 {
        ENTRY_BYTES + key.len() as u64 + value.len() as u64
    }
}

/// That a value is not here.
#[derive(Clone, Copy, Debug)]
pub(super) enum Miss {
    /// The right to put in what is read next, as long as no commit that changes its shard ends in between.
    Absent {
        /// How many commits had ended that changed something of its shard.
        commits: u64,
    },
    /// Somebody else was at its shard.
    Busy,
}

impl ValueCache {
    /// A cache of at most about `bytes`.
    pub(super) fn new(bytes: usize) -> Self {
        Self { shards: Shards::new(bytes, |bytes| Shard::new(bytes, 0)), packer: None }
    }

    /// As [`ValueCache::new`], of values that are long and much alike: what has to make room is packed and stays.
    pub(super) fn packing(bytes: usize) -> Self {
        let shard = |bytes| {
            let plain = bytes / PLAIN_DIVISOR;
            Shard::new(plain, bytes - plain)
        };
        Self { shards: Shards::new(bytes, shard), packer: Some(Packer::new(bytes)) }
    }

    /// The committed value of `key`, or that it has none, if that is here.
    pub(super) fn get(&self, key: &[u8]) -> Result<Value, Miss> {
        let shard = self.shards.look(key).ok_or(Miss::Busy)?;
        if let Some(value) = shard.plain.get(key) {
            return Ok(value.clone());
        }
        let (packed, commits) = (shard.packed.get(key).cloned(), shard.commits);
        drop(shard);
        let value = self.packer.as_ref().and_then(|packer| packer.unpack(&packed?));
        value.map(Some).ok_or(Miss::Absent { commits })
    }

    /// Puts in what was read from the database after `miss`, be it nothing.
    pub(super) fn put(&self, miss: Miss, key: &[u8], value: Option<&[u8]>) {
        let Miss::Absent { commits } = miss else { return };
        let (owned, value) = (Key::from(key), value.map(Arc::from));
        let mut freed = Freed::new();
        if let Some(mut shard) = self.shards.attempt(key).filter(|shard| shard.admits(key, commits)) {
            shard.plain.insert_with_lifecycle(owned, value, &mut freed);
        }
        self.pack(key, freed, commits);
    }

    /// Puts in what was written by the last commit, before anything else is committed.
    pub(super) fn put_committed(&self, key: &[u8], value: Option<&[u8]>) {
        let (owned, value) = (Key::from(key), value.map(Arc::from));
        let mut freed = Freed::new();
        let mut shard = self.shards.wait(key);
        shard.plain.insert_with_lifecycle(owned, value, &mut freed);
        let commits = shard.commits;
        drop(shard);
        self.pack(key, freed, commits);
    }

    /// Keeps what had to make room for `put_key`, packed: it was what was committed after so many `commits`. What it
    /// replaced is not kept.
    fn pack(&self, put_key: &[u8], freed: Freed<Value>, commits: u64) {
        let Some(packer) = &self.packer else { return };
        let others = freed.into_iter().filter(|(key, _)| **key != *put_key);
        let values = others.filter_map(|(key, value)| Some((key, value?)));
        for (key, value) in values.take(MAX_PACKED_AT_ONCE) {
            let Some(packed) = packer.pack(&value) else { continue };
            let mut freed = Freed::new();
            if let Some(mut shard) = self.shards.attempt(&key).filter(|shard| shard.admits(&key, commits)) {
                shard.packed.insert_with_lifecycle(key, packed, &mut freed);
            }
        }
    }

    /// Takes `key` out and bars it, before a commit that changes it.
    pub(super) fn bar(&self, key: &[u8]) {
        let owned = Key::from(key);
        let mut shard = self.shards.wait(key);
        let freed = (shard.plain.remove(key), shard.packed.remove(key));
        shard.barred.insert(owned);
        drop(shard);
        drop(freed);
    }

    /// Lets barred keys in again, after the commit.
    pub(super) fn unbar(&self) {
        for mut shard in self.shards.all().filter(|shard| !shard.barred.is_empty()) {
            shard.barred.clear();
            shard.commits += 1;
        }
    }
}

impl Shard {
    fn new(plain: usize, packed: usize) -> Self {
        Self {
            plain: values(plain, EXPECTED_ENTRY_BYTES),
            packed: values(packed, EXPECTED_PACKED_BYTES),
            barred: HashSet::new(),
            commits: 0,
        }
    }

    /// True if what was read of `key` after so many `commits` is still what is committed.
    fn admits(&self, key: &[u8], commits: u64) -> bool {
        self.commits == commits && !self.barred.contains(key)
    }
}

fn values<V>(bytes: usize, expected: usize) -> Values<V>
where
    Bytes: Weighter<Key, V>,
{
    Cache::with(bytes / expected, bytes as u64, Bytes, DefaultHashBuilder::default(), HandsBack)
}

#[cfg(test)]
mod tests;
