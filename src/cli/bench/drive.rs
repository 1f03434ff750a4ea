//! One timed measurement: a fleet of workers that follow a schedule, and what they saw.
//!
//! Used by every `kith bench` measurement and by the peers, so that all of them are measured alike.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use hdrhistogram::Histogram;

use super::fleet::{Fleet, Seat, Stop};
use super::pace::Schedule;
use super::process::cpu_time;

/// How long calls in flight at the end may take to be answered.
const DRAIN: Duration = Duration::from_secs(30);

/// Latencies above this are counted as this.
const LONGEST_LATENCY: Duration = Duration::from_secs(60);

/// The shape of a measurement.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Threads, connections and workers; each worker has one call (or one stream) at a time.
    pub fleet: Fleet,
    /// Time before anything counts. Connecting is part of it.
    pub warmup: Duration,
    /// Time that counts.
    pub measured: Duration,
    /// Calls per second of an open loop; `None` is a closed loop.
    pub calls_per_second: Option<f64>,
    /// The processes whose CPU time is the server's.
    pub server_pids: Vec<u32>,
}

/// What a measurement gave.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The time that counted.
    pub measured: Duration,
    /// Latencies and counts.
    pub tally: Tally,
    /// CPU time the server used, where its process was given.
    pub server_cpu: Option<Duration>,
}

/// Latencies and counts.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Latencies in nanoseconds of the calls that were due in the measured part.
    pub latencies: Histogram<u64>,
    /// Items answered in the measured part.
    pub items: u64,
    /// Those of them that were answered with everything that was asked for.
    pub complete: u64,
}

impl Tally {
    /// Nothing seen yet.
    pub fn new() -> anyhow::Result<Self> {
        let latencies = Histogram::new_with_max(LONGEST_LATENCY.as_nanos() as u64, 3)
            .map_err(|error| anyhow!("no histogram: {error}"))?;
        Ok(Self { latencies, items: 0, complete: 0 })
    }

    /// Counts a latency.
    pub fn record(&mut self, latency: Duration) {
        self.latencies.saturating_record(latency.as_nanos() as u64);
    }

    fn add(&mut self, other: &Tally) -> anyhow::Result<()> {
        self.latencies.add(&other.latencies).map_err(|error| anyhow!("histograms do not add: {error}"))?;
        self.items += other.items;
        self.complete += other.complete;
        Ok(())
    }
}

/// A worker's side of the measurement. Its tally is shared by the workers of one thread, so the lock is never waited
/// for.
#[derive(Clone, Debug)]
pub struct Lane {
    /// When calls are due.
    pub schedule: Arc<Schedule>,
    tally: Arc<Mutex<Tally>>,
}

impl Lane {
    /// Notes that a call that was `due` then has been answered now.
    pub fn answered(&self, due: Instant, items: u64, complete: u64) {
        let now = Instant::now();
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        if self.schedule.measures(now) {
            tally.items += items;
            tally.complete += complete;
        }
        if self.schedule.measures(due) {
            tally.record(now - due);
        }
    }
}

/// Carries out the plan: `connect` opens a connection, `work` makes calls on it while its lane has calls due.
///
/// The first error ends the measurement: figures with failures in them mean nothing.
pub fn drive<C: Clone>(
    plan: &Plan,
    connect: impl AsyncFn() -> anyhow::Result<C> + Sync,
    work: impl AsyncFn(C, Lane) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<Outcome> {
    let schedule = Arc::new(Schedule::start(plan.warmup, plan.measured, plan.calls_per_second));
    let tallies = (0..plan.fleet.threads)
        .map(|_| anyhow::Ok(Arc::new(Mutex::new(Tally::new()?))))
        .collect::<Result<Vec<_>, _>>()?;
    let work_in_lane = async |client: C, seat: Seat| {
        let tally = tallies.get(seat.thread).context("a thread too many")?;
        work(client, Lane { schedule: Arc::clone(&schedule), tally: Arc::clone(tally) }).await
    };

    let stop = Stop::default();
    let server_cpu = std::thread::scope(|scope| {
        let results = plan.fleet.launch(scope, &stop, &connect, &work_in_lane);
        scope.spawn(|| schedule.release_calls());
        let server_cpu = oversee(plan, &schedule, &results);
        schedule.close();
        stop.now();
        server_cpu
    })?;

    let mut total = Tally::new()?;
    for tally in &tallies {
        total.add(&tally.lock().unwrap_or_else(PoisonError::into_inner))?;
    }
    schedule.waits_of_calls_not_made().for_each(|wait| total.record(wait));
    Ok(Outcome { measured: plan.measured, tally: total, server_cpu })
}

/// Waits for the measurement to pass, and watches the server's CPU time over the measured part.
fn oversee(
    plan: &Plan,
    schedule: &Schedule,
    results: &Receiver<anyhow::Result<()>>,
) -> anyhow::Result<Option<Duration>> {
    let mut ended = threads_ended_by(schedule.measured_from(), results)?;
    let cpu_before = cpu_time(&plan.server_pids)?;
    ended += threads_ended_by(schedule.until(), results)?;
    let cpu_used = cpu_time(&plan.server_pids)?.saturating_sub(cpu_before);
    for _ in ended..plan.fleet.threads {
        results
            .recv_timeout(DRAIN)
            .with_context(|| format!("the server did not answer within {} s of the end", DRAIN.as_secs()))??;
    }
    Ok((!plan.server_pids.is_empty()).then_some(cpu_used))
}

/// Sleeps until `moment`, or until a thread fails, and says how many threads ended meanwhile.
fn threads_ended_by(moment: Instant, results: &Receiver<anyhow::Result<()>>) -> anyhow::Result<usize> {
    let mut ended = 0;
    loop {
        let left = moment.saturating_duration_since(Instant::now());
        match results.recv_timeout(left) {
            Ok(result) => result?,
            Err(RecvTimeoutError::Timeout) => return Ok(ended),
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(left);
                return Ok(ended);
            }
        }
        ended += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAP: Duration = Duration::from_millis(5);

    fn plan(calls_per_second: Option<f64>) -> Plan {
        Plan {
            fleet: Fleet { threads: 2, connections: 3, workers: 4 },
            warmup: 4 * NAP,
            measured: 40 * NAP,
            calls_per_second,
            server_pids: vec![std::process::id()],
        }
    }

    async fn nap(_: (), lane: Lane) -> anyhow::Result<()> {
        while let Some(due) = lane.schedule.next().await {
            tokio::time::sleep(NAP).await;
            lane.answered(due, 2, 1);
        }
        Ok(())
    }

    #[test]
    fn closed_loop_keeps_every_worker_busy() {
        let outcome = drive(&plan(None), async || Ok(()), nap).unwrap();
        let calls = outcome.tally.complete;
        assert!((12 * 10..=12 * 41).contains(&calls), "made {calls} calls");
        assert_eq!(outcome.tally.items, 2 * calls);
        assert!(outcome.tally.latencies.min() >= NAP.as_nanos() as u64 * 99 / 100);
        assert!(outcome.server_cpu.is_some());
    }

    #[test]
    fn open_loop_past_capacity_shows_the_queue() {
        let outcome = drive(&plan(Some(100_000.0)), async || Ok(()), nap).unwrap();
        let due = 20_000;
        let seen = outcome.tally.latencies.len();
        assert!((due - 100..=due + 100).contains(&seen), "calls not made count as waiting: {seen} of {due}");
        assert!(outcome.tally.latencies.value_at_quantile(0.9) >= 15 * NAP.as_nanos() as u64);
    }

    #[test]
    fn the_first_error_ends_it() {
        let mut long = plan(None);
        long.measured = Duration::from_secs(60);
        let start = Instant::now();
        let failed = drive(&long, async || Ok(()), async |(), _| Err(anyhow!("refused")));
        assert!(failed.is_err());
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}
