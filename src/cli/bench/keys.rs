//! Which keys a benchmark asks for: a population or a user's own list, drawn uniformly or by Zipf's law.
//!
//! Used by the workers of [`super::lookup`] and [`super::write`] and by the peers; a worker owns its [`Draw`].

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use rand_distr::{Distribution as _, Zipf};

use super::people::{Population, mix};

/// Exponent of the Zipf distribution, that of the YCSB benchmarks.
const ZIPF_EXPONENT: f64 = 0.99;

/// A prime; multiplying by it modulo the number of keys spreads the hot ones over the key space.
const SCATTER: u128 = 2_654_435_761;

/// How the next key is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Spread {
    /// Every key is as likely as any other.
    Uniform,
    /// A few keys are asked for most of the time: Zipf's law with exponent 0.99, hot keys scattered.
    Zipf,
}

/// The keys that exist.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Those of made-up people.
    Made(Population),
    /// Those a user gave.
    Listed(Arc<[String]>),
}

impl Keys {
    /// Reads one key per line; empty lines are skipped.
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let keys: Arc<[String]> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect();
        ensure!(!keys.is_empty(), "{} holds no keys: write one `type:value` per line", path.display());
        Ok(Keys::Listed(keys))
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        match self {
            Keys::Made(people) => people.profiles,
            Keys::Listed(keys) => keys.len() as u64,
        }
    }

    /// The key with this number, which must be below [`Keys::count`].
    pub fn key(&self, number: u64) -> String {
        match self {
            Keys::Made(people) => people.key(number),
            Keys::Listed(keys) => keys.get(number as usize).cloned().unwrap_or_default(),
        }
    }
}

/// A worker's endless sequence of key numbers.
#[derive(Clone, Debug)]
pub struct Draw {
    random: SmallRng,
    count: u64,
    zipf: Option<Zipf<f64>>,
}

impl Draw {
    /// Draws from `count` keys; another seed draws another sequence. Workers and runs against one server must not share
    /// one: whoever draws what was drawn before asks a cache for what it was filled with.
    pub fn new(spread: Spread, count: u64, seed: u64) -> anyhow::Result<Self> {
        ensure!(count > 0, "there must be at least one key to draw from");
        let zipf = match spread {
            Spread::Uniform => None,
            Spread::Zipf => {
                Some(Zipf::new(count as f64, ZIPF_EXPONENT).context("no Zipf distribution over so many keys")?)
            }
        };
        Ok(Self { random: SmallRng::seed_from_u64(mix(seed)), count, zipf })
    }

    /// The number of the next key.
    pub fn number(&mut self) -> u64 {
        match &self.zipf {
            None => self.random.random_range(0..self.count),
            Some(zipf) => scatter(zipf.sample(&mut self.random) as u64 - 1, self.count),
        }
    }
}

/// A permutation of `0..count` that takes neighbours apart.
fn scatter(rank: u64, count: u64) -> u64 {
    (u128::from(rank) * SCATTER % u128::from(count)) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn scatter_is_a_permutation() {
        let seen: BTreeSet<u64> = (0..10_000).map(|rank| scatter(rank, 10_000)).collect();
        assert_eq!(seen.len(), 10_000);
        assert!(seen.iter().all(|number| *number < 10_000));
    }

    #[test]
    fn zipf_has_hot_keys_and_uniform_has_none() {
        let share_of_hottest = |spread| {
            let mut draw = Draw::new(spread, 1000, 1).unwrap();
            let mut counts = BTreeMap::<u64, u32>::new();
            for _ in 0..100_000 {
                *counts.entry(draw.number()).or_default() += 1;
            }
            assert!(counts.keys().all(|number| *number < 1000));
            f64::from(*counts.values().max().unwrap()) / 100_000.0
        };
        let expected = 1.0 / (1..=1000).map(|rank| f64::from(rank).powf(-ZIPF_EXPONENT)).sum::<f64>();
        assert!((share_of_hottest(Spread::Zipf) / expected - 1.0).abs() < 0.05);
        assert!(share_of_hottest(Spread::Uniform) < 0.002);
    }

    #[test]
    fn another_seed_draws_other_keys_and_the_same_seed_the_same() {
        let first_ten = |seed| {
            let mut draw = Draw::new(Spread::Uniform, 1_000_000, seed).unwrap();
            (0..10).map(|_| draw.number()).collect::<Vec<_>>()
        };
        assert_eq!(first_ten(1), first_ten(1));
        assert_ne!(first_ten(1), first_ten(2));
    }
}
