//! The flags that all measurements share, and the plan they make.

use std::time::Duration;

use anyhow::ensure;
use clap::Args;

use super::drive::Plan;
use super::fleet::Fleet;
use super::keys::Spread;
use super::people::Population;

/// How to measure.
#[derive(Clone, Debug, Args)]
pub struct MeasureArgs {
    /// Client threads, each a runtime of its own
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = at_least_one)]
    pub threads: usize,
    /// Connections, dealt out to the client threads
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = at_least_one)]
    pub connections: usize,
    /// Calls (or streams) at once on each connection [default: 8 for unary, 1 otherwise]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
    /// Seconds that are measured
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    pub seconds: f64,
    /// Seconds before that
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    pub warmup: f64,
    /// Open loop: so many a second whatever the server does, latency counted from when each was due
    #[arg(long, value_name = "PER_SECOND")]
    pub rate: Option<f64>,
    /// Process whose CPU time to measure; repeat for several. Linux, same machine
    #[arg(long, value_name = "PID")]
    pub server_pid: Vec<u32>,
    /// Name of the row in tables
    #[arg(long, value_name = "NAME", default_value = "this server")]
    pub name: String,
}

impl MeasureArgs {
    /// The plan, with so many workers on a connection unless `--concurrency` says otherwise, each of whose calls
    /// carries so many of the items that `--rate` counts.
    pub fn plan(&self, default_workers: usize, items_per_call: usize) -> anyhow::Result<Plan> {
        let is_length = |seconds: f64| (0.0..=86_400.0).contains(&seconds);
        ensure!(is_length(self.warmup) && is_length(self.seconds), "--seconds and --warmup must be 0 to 86400");
        ensure!(self.seconds > 0.0, "--seconds must be above 0");
        ensure!(self.rate.is_none_or(|rate| (1.0..=1e9).contains(&rate)), "--rate must be 1 to 1000000000");
        let workers = self.concurrency.unwrap_or(default_workers);
        Ok(Plan {
            fleet: Fleet { threads: self.threads.min(self.connections), connections: self.connections, workers },
            warmup: Duration::from_secs_f64(self.warmup),
            measured: Duration::from_secs_f64(self.seconds),
            calls_per_second: self.rate.map(|rate| rate / items_per_call as f64),
            server_pids: self.server_pid.clone(),
        })
    }
}

/// Which keys to use.
#[derive(Clone, Debug, Args)]
pub struct KeyArgs {
    /// Profiles that `kith bench load` has written
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub profiles: u64,
    /// Seed that they were written with
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub seed: u64,
    /// How keys are drawn
    #[arg(long, value_enum, default_value_t = Spread::Uniform)]
    pub keys: Spread,
}

impl KeyArgs {
    /// The people that were loaded.
    pub fn people(&self) -> Population {
        Population { profiles: self.profiles, seed: self.seed }
    }
}

/// Parses a count that cannot be 0.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".into()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}
