//! Data in independent parts, each behind its own lock, where readers need not wait.
//!
//! A lock is held for less than a microsecond, unless whoever holds it is made to give up its processor meanwhile: then it is
//! held until the system gives that back, some milliseconds if more has to be done than there are processors. A thread that
//! serves would stand still for so long, with all of its calls; so it does without what it would have found. What that was worth
//! is in benches/README.md.

use std::hint::spin_loop;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use xxhash_rust::xxh3::xxh3_64;

/// How many parts there are. A power of two.
const SHARDS: usize = 64;
/// How often a lock is tried before it is left: for about as long as somebody who is running holds it.
const TRIES: usize = 64;

/// The parts.
pub(crate) struct Shards<T>(Box<[Mutex<T>]>);

impl<T> Shards<T> {
    /// Parts of `bytes` together; `part` makes one of its share.
    pub(crate) fn new(bytes: usize, part: impl Fn(usize) -> T) -> Self {
        Self((0..SHARDS).map(|_| Mutex::new(part(bytes / SHARDS))).collect())
    }

    /// The part that `key` belongs to, once nobody else has it.
    pub(crate) fn wait(&self, key: &[u8]) -> MutexGuard<'_, T> {
        self.part(key).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The part that `key` belongs to, if nobody else keeps it for longer than a moment.
    pub(crate) fn attempt(&self, key: &[u8]) -> Option<MutexGuard<'_, T>> {
        let part = self.part(key);
        for _ in 0..TRIES {
            match part.try_lock() {
                Ok(part) => return Some(part),
                Err(TryLockError::Poisoned(part)) => return Some(part.into_inner()),
                Err(TryLockError::WouldBlock) => spin_loop(),
            }
        }
        None
    }

    /// All parts, each once nobody else has it.
    pub(crate) fn all(&self) -> impl Iterator<Item = MutexGuard<'_, T>> {
        self.0.iter().map(|part| part.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn part(&self, key: &[u8]) -> &Mutex<T> {
        let at = usize::try_from(xxh3_64(key)).unwrap_or(0) % SHARDS;
        #[allow(clippy::indexing_slicing, reason = "a remainder of SHARDS, which is how many there are")]
        &self.0[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_attempts_does_not_wait_for_who_holds() {
        let shards = Shards::new(64, |bytes| bytes);
        let held = shards.wait(b"key");
        assert_eq!(*held, 1);
        assert!(shards.attempt(b"key").is_none());
        drop(held);
        assert!(shards.attempt(b"key").is_some());
    }
}
