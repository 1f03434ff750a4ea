//! Data in independent parts, each behind its own lock, where readers need not wait.
//!
//! A lock is held for less than a microsecond, unless whoever holds it is made to give up its processor meanwhile: then it is
//! held until the system gives that back, some milliseconds if more has to be done than there are processors. A thread that
//! serves would stand still for so long, with all of its calls; so it does without what it would have found.

use std::hint::spin_loop;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

use quick_cache::Lifecycle;
use xxhash_rust::xxh3::xxh3_64;

/// How many parts there are at most. A power of two.
const MAX_SHARDS: usize = 64;
/// How many bytes a part has at least, if there are several: much more than what is kept in them.
const SHARD_BYTES: usize = 1024 * 1024;
/// How often a lock is tried before it is left: for about as long as somebody who is running holds it.
const TRIES: usize = 64;

/// The parts; a power of two of them.
pub(crate) struct Shards<T>(Box<[RwLock<T>]>);

impl<T> Shards<T> {
    /// Parts of `bytes` together; `part` makes one of its share.
    pub(crate) fn new(bytes: usize, part: impl Fn(usize) -> T) -> Self {
        let count = (1 << (bytes / SHARD_BYTES).max(1).ilog2()).min(MAX_SHARDS);
        Self((0..count).map(|_| RwLock::new(part(bytes / count))).collect())
    }

    /// The part that `key` belongs to, to be read, if nobody changes it for longer than a moment.
    pub(crate) fn look(&self, key: &[u8]) -> Option<RwLockReadGuard<'_, T>> {
        let part = self.part(key);
        attempt(|| part.try_read())
    }

    /// The part that `key` belongs to, to be changed, if nobody else is at it for longer than a moment.
    pub(crate) fn attempt(&self, key: &[u8]) -> Option<RwLockWriteGuard<'_, T>> {
        let part = self.part(key);
        attempt(|| part.try_write())
    }

    /// The part that `key` belongs to, to be changed, once nobody else is at it.
    pub(crate) fn wait(&self, key: &[u8]) -> RwLockWriteGuard<'_, T> {
        self.part(key).write().unwrap_or_else(PoisonError::into_inner)
    }

    /// All parts, to be changed, each once nobody else is at it.
    pub(crate) fn all(&self) -> impl Iterator<Item = RwLockWriteGuard<'_, T>> {
        self.0.iter().map(|part| part.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn part(&self, key: &[u8]) -> &RwLock<T> {
        let at = usize::try_from(xxh3_64(key)).unwrap_or(0) % self.0.len();
        #[allow(clippy::indexing_slicing, reason = "a remainder of how many there are, and there is at least one")]
        &self.0[at]
    }
}

fn attempt<G>(lock: impl Fn() -> Result<G, TryLockError<G>>) -> Option<G> {
    for _ in 0..TRIES {
        match lock() {
            Ok(part) => return Some(part),
            Err(TryLockError::Poisoned(part)) => return Some(part.into_inner()),
            Err(TryLockError::WouldBlock) => spin_loop(),
        }
    }
    None
}

/// Has a cache hand back what has to make room, to whoever put something in: who frees it, or does more with it, once nobody
/// waits for the part any more. A value that is replaced is handed back too.
#[derive(Clone, Copy)]
pub(crate) struct HandsBack;

impl<K, V> Lifecycle<K, V> for HandsBack {
    type RequestState = Vec<(K, V)>;

    fn on_evict(&self, freed: &mut Vec<(K, V)>, key: K, value: V) {
        freed.push((key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_attempts_does_not_wait_for_who_holds() {
        let shards = Shards::new(64, |bytes| bytes);
        let held = shards.wait(b"key");
        assert_eq!(*held, 64);
        assert!(shards.look(b"key").is_none() && shards.attempt(b"key").is_none());
        drop(held);
        let looking = shards.look(b"key");
        assert!(looking.is_some() && shards.look(b"key").is_some() && shards.attempt(b"key").is_none());
        drop(looking);
        assert!(shards.attempt(b"key").is_some());
    }
}
