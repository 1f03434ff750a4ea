//! Figures of the server for Prometheus. No label or value is ever made from what a caller sent.
//!
//! Each core has counts of its own, so that counting on a call's path touches no memory that another core
//! writes; they are added up when somebody asks.

mod encode;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tonic::Code;

use super::cores::Connections;
use super::limits::InFlight;
use super::methods::{METHODS, Method};
use crate::domain::receipt::Action;

/// How many codes gRPC has.
const CODES: usize = 17;
/// The upper bounds of the latency buckets, in microseconds.
const BOUNDS_MICROS: [u64; 14] =
    [25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_500_000, 10_000_000];

/// What became of a lookup, in the order of [`LOOKUP_RESULTS`].
#[derive(Clone, Copy, Debug)]
pub enum LookupResult {
    /// A profile was found.
    Found,
    /// No profile owns any of the keys.
    NotFound,
    /// The request, or this item of it, was refused.
    Refused,
    /// Several people share the key.
    Shared,
    /// The profile that a key led to was erased.
    Erased,
}

/// Where a customer was read who was not in memory, in the order of [`COLD_LOOKUPS`].
#[derive(Clone, Copy, Debug)]
pub enum ColdLookup {
    /// On the thread that serves.
    InPlace,
    /// On a thread that may wait for the disk.
    HandedOver,
}

/// What became of a fact, in the order of [`FACT_RESULTS`].
#[derive(Clone, Copy, Debug)]
pub enum FactResult {
    /// It was applied.
    Applied,
    /// Its message id had been seen before.
    Duplicate,
    /// It was refused.
    Refused,
    /// It names an identifier that was erased, and nothing of it is stored.
    Erased,
}

/// The labels of [`LookupResult`].
const LOOKUP_RESULTS: [&str; 5] = ["found", "not_found", "refused", "shared", "erased"];
/// The labels of [`ColdLookup`].
const COLD_LOOKUPS: [&str; 2] = ["in_place", "handed_over"];
/// The labels of [`FactResult`].
const FACT_RESULTS: [&str; 4] = ["applied", "duplicate", "refused", "erased"];
/// The labels of [`Action`], in its order.
const ACTIONS: [&str; 15] = [
    "created",
    "attached",
    "merged",
    "demoted",
    "blocked",
    "capped",
    "refused",
    "aliased",
    "split",
    "moved",
    "quarantined",
    "released",
    "walled",
    "unordered",
    "erased",
];

/// What one core counts.
#[derive(Debug)]
pub struct Counts {
    calls: [[AtomicU64; CODES]; METHODS],
    latencies: [Latencies; METHODS],
    lookups: [AtomicU64; LOOKUP_RESULTS.len()],
    given_again: AtomicU64,
    cold_lookups: [AtomicU64; COLD_LOOKUPS.len()],
    facts: [AtomicU64; FACT_RESULTS.len()],
    lines: [AtomicU64; ACTIONS.len()],
}

#[derive(Debug)]
struct Latencies {
    buckets: [AtomicU64; BOUNDS_MICROS.len() + 1],
    micros: AtomicU64,
}

impl Latencies {
    const fn new() -> Self {
        let micros = AtomicU64::new(0);
        Self { buckets: [const { AtomicU64::new(0) }; BOUNDS_MICROS.len() + 1], micros }
    }
}

impl Counts {
    fn new() -> Self {
        Self {
            calls: [const { [const { AtomicU64::new(0) }; CODES] }; METHODS],
            latencies: [const { Latencies::new() }; METHODS],
            lookups: [const { AtomicU64::new(0) }; LOOKUP_RESULTS.len()],
            given_again: AtomicU64::new(0),
            cold_lookups: [const { AtomicU64::new(0) }; COLD_LOOKUPS.len()],
            facts: [const { AtomicU64::new(0) }; FACT_RESULTS.len()],
            lines: [const { AtomicU64::new(0) }; ACTIONS.len()],
        }
    }

    /// Counts a call that has ended.
    pub fn call(&self, method: Method, code: Code, took: Duration) {
        let code = usize::try_from(i32::from(code)).unwrap_or_default();
        if let Some(count) = self.calls.get(method.index()).and_then(|codes| codes.get(code)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let Some(latencies) = self.latencies.get(method.index()) else { return };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        if let Some(count) = latencies.buckets.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        latencies.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Counts a customer who was looked up.
    pub fn lookup(&self, result: LookupResult) {
        if let Some(count) = self.lookups.get(result as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts an answer that was given once more. It counts as a customer who was looked up as well.
    pub fn given_again(&self) {
        self.given_again.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a lookup by one key on the quick way that memory alone did not answer. It counts as a customer who was
    /// looked up as well.
    pub fn cold_lookup(&self, read: ColdLookup) {
        if let Some(count) = self.cold_lookups.get(read as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a line of a receipt.
    pub fn line(&self, action: Action) {
        if let Some(count) = self.lines.get(action as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a fact.
    pub fn fact(&self, result: FactResult) {
        if let Some(count) = self.facts.get(result as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The figures of a server.
#[derive(Debug)]
pub struct Metrics {
    cores: Mutex<Vec<Arc<Counts>>>,
    in_flight: Arc<InFlight>,
    connections: Arc<Connections>,
}

impl Metrics {
    /// Figures that start at zero, but for what the others count.
    pub fn new(in_flight: Arc<InFlight>, connections: Arc<Connections>) -> Self {
        Self { cores: Mutex::default(), in_flight, connections }
    }

    /// Counts for one core.
    pub fn counts(&self) -> Arc<Counts> {
        let counts = Arc::new(Counts::new());
        self.cores.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&counts));
        counts
    }

    /// Adds up what `pick` finds in the counts of each core.
    fn sum(&self, pick: impl Fn(&Counts) -> Option<&AtomicU64>) -> u64 {
        let cores = self.cores.lock().unwrap_or_else(PoisonError::into_inner);
        cores.iter().filter_map(|counts| pick(counts)).map(|count| count.load(Ordering::Relaxed)).sum()
    }
}
