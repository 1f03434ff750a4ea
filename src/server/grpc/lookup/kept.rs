//! Answers that are kept as bytes, by their plan and the key as the caller wrote it. What is found here is given only if
//! what it was read from still stands, so nothing is ever taken out because of a write: what is old is not given, and makes
//! room like anything else that nobody asks for.

use std::hash::Hash;
use std::sync::Arc;

use quick_cache::unsync::Cache;
use quick_cache::{DefaultHashBuilder, Equivalent, Weighter};

use super::plan::PlanId;
use crate::engine;
use crate::server::metrics::LookupResult;
use crate::shards::{HandsBack, Shards};

/// What an entry costs beside its key and bytes, about.
const ENTRY_BYTES: u64 = 256;
/// How large an entry is expected to be: says how many keys that had to make room are remembered.
const EXPECTED_ENTRY_BYTES: usize = 1_024;

/// An answer that may be given again.
#[derive(Clone)]
pub(super) struct KeptAnswer {
    /// For how long it may be.
    pub(super) lease: engine::Lease,
    /// What it counts as.
    pub(super) result: LookupResult,
    /// The bytes of the `Answer`.
    pub(super) bytes: Arc<[u8]>,
}

/// The answers of a server.
pub struct KeptAnswers(Shards<Answers>);

type Answers = Cache<AnswerKey, KeptAnswer, Weight, DefaultHashBuilder, HandsBack>;

#[derive(PartialEq, Eq, Hash)]
struct AnswerKey {
    plan: PlanId,
    key: Box<str>,
}

/// A place that is only asked for.
#[derive(Hash)]
struct AnswerKeyRef<'a> {
    plan: PlanId,
    key: &'a str,
}

impl Equivalent<AnswerKey> for AnswerKeyRef<'_> {
    fn equivalent(&self, place: &AnswerKey) -> bool {
        self.plan == place.plan && *self.key == *place.key
    }
}

#[derive(Clone)]
struct Weight;

impl Weighter<AnswerKey, KeptAnswer> for Weight {
    fn weight(&self, place: &AnswerKey, answer: &KeptAnswer) -> u64 {
        ENTRY_BYTES + place.key.len() as u64 + answer.bytes.len() as u64
    }
}

impl KeptAnswers {
    /// Room for about so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Shards::new(bytes, |bytes| {
            let (expected, bytes) = (bytes / EXPECTED_ENTRY_BYTES, bytes as u64);
            Cache::with(expected, bytes, Weight, DefaultHashBuilder::default(), HandsBack)
        }))
    }

    /// The answer of a plan for a key, whether it may still be given or not. `None` also if its shard is being changed.
    pub(super) fn get(&self, plan: PlanId, key: &str) -> Option<KeptAnswer> {
        self.0.look(key.as_bytes())?.get(&AnswerKeyRef { plan, key }).cloned()
    }

    /// Keeps an answer, unless somebody else is at its shard.
    pub(super) fn put(&self, plan: PlanId, key: String, answer: KeptAnswer) {
        let key = AnswerKey { plan, key: key.into() };
        let mut freed = Vec::new();
        if let Some(mut shard) = self.0.attempt(key.key.as_bytes()) {
            shard.insert_with_lifecycle(key, answer, &mut freed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher as _;

    use super::*;

    #[test]
    fn a_place_is_found_by_what_it_is_asked_for() {
        let (plan, key) = (PlanId::next(), "user_id:1");
        let place = AnswerKey { plan, key: key.into() };
        let hasher = DefaultHashBuilder::default();
        assert_eq!(hasher.hash_one(&place), hasher.hash_one(AnswerKeyRef { plan, key }));
        assert!(AnswerKeyRef { plan, key }.equivalent(&place));
        assert!(!AnswerKeyRef { plan: PlanId::next(), key }.equivalent(&place));
        assert!(!AnswerKeyRef { plan, key: "user_id:2" }.equivalent(&place));
    }
}
