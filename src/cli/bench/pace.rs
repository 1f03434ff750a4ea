//! When each call of a measurement is due, and which part of the measurement counts.
//!
//! Closed loop: a call is due when the worker is free for it. Open loop: calls are due at a fixed rate whatever the
//! server does, and a call's latency starts when it was due, not when a worker got round to it, so that a stall is
//! charged to every call it held up (no coordinated omission). The workers of all threads share one schedule.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// The pacing thread sleeps at least this long, to bound what it takes from the cores under test.
const SHORTEST_NAP: Duration = Duration::from_micros(50);

/// The pacing thread sleeps at most this long, to notice the end.
const LONGEST_NAP: Duration = Duration::from_millis(20);

/// The shared timetable.
#[derive(Debug)]
pub struct Schedule {
    measured_from: Instant,
    until: Instant,
    arrivals: Option<Arrivals>,
}

/// The calls of an open loop: number `n` is due `n / per_second` after the first.
#[derive(Debug)]
struct Arrivals {
    first: Instant,
    per_second: f64,
    due: Semaphore,
    taken: AtomicU64,
}

impl Schedule {
    /// Starts now: `warmup`, then `measured`; open loop if a rate (calls per second, above 0) is given.
    pub fn start(warmup: Duration, measured: Duration, calls_per_second: Option<f64>) -> Self {
        let first = Instant::now();
        let arrivals = calls_per_second.map(|per_second| Arrivals {
            first,
            per_second,
            due: Semaphore::new(0),
            taken: AtomicU64::new(0),
        });
        let measured_from = first + warmup;
        Self { measured_from, until: measured_from + measured, arrivals }
    }

    /// When the warm-up ends.
    pub fn measured_from(&self) -> Instant {
        self.measured_from
    }

    /// When no more calls are made.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Whether this moment lies in the measured part.
    pub fn measures(&self, moment: Instant) -> bool {
        (self.measured_from..self.until).contains(&moment)
    }

    /// Waits for the next call to be due and says when it was; `None` when the measurement is over.
    pub async fn next(&self) -> Option<Instant> {
        let due = match &self.arrivals {
            None => Instant::now(),
            Some(arrivals) => arrivals.next().await?,
        };
        (due < self.until).then_some(due)
    }

    /// Releases no more calls of an open loop.
    pub fn close(&self) {
        if let Some(arrivals) = &self.arrivals {
            arrivals.due.close();
        }
    }

    /// Releases the calls of an open loop as they fall due, until the end or [`Schedule::close`]; returns at once for
    /// a closed loop. Needs a thread of its own, because tokio's timers are no finer than a millisecond.
    pub fn release_calls(&self) {
        let Some(arrivals) = &self.arrivals else { return };
        let mut released = 0;
        while !arrivals.due.is_closed() {
            let now = Instant::now();
            if now >= self.until {
                break;
            }
            let due = arrivals.count_by(now);
            arrivals.due.add_permits(due.saturating_sub(released) as usize);
            released = due;
            let nap = arrivals.moment(due).saturating_duration_since(now);
            std::thread::sleep(nap.clamp(SHORTEST_NAP, LONGEST_NAP));
        }
        arrivals.due.close();
    }

    /// How long the calls that fell due in the measured part, but were never made, had waited by the end.
    pub fn waits_of_calls_not_made(&self) -> impl Iterator<Item = Duration> {
        self.arrivals.iter().flat_map(|arrivals| {
            let taken = arrivals.taken.load(Ordering::Relaxed);
            (taken..arrivals.count_by(self.until))
                .map(|number| arrivals.moment(number))
                .filter(|due| self.measures(*due))
                .map(|due| self.until - due)
        })
    }
}

impl Arrivals {
    async fn next(&self) -> Option<Instant> {
        self.due.acquire().await.ok()?.forget();
        Some(self.moment(self.taken.fetch_add(1, Ordering::Relaxed)))
    }

    fn moment(&self, number: u64) -> Instant {
        self.first + Duration::from_secs_f64(number as f64 / self.per_second)
    }

    /// How many calls have fallen due by `moment`.
    fn count_by(&self, moment: Instant) -> u64 {
        let elapsed = moment.saturating_duration_since(self.first).as_secs_f64();
        (elapsed * self.per_second) as u64 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn closed_loop_is_due_at_once_until_the_end() {
        let schedule = Schedule::start(Duration::ZERO, MOMENT, None);
        let due = schedule.next().await.unwrap();
        assert!(schedule.measures(due));
        std::thread::sleep(MOMENT);
        assert!(schedule.next().await.is_none());
    }

    #[tokio::test]
    async fn open_loop_counts_latency_from_when_a_call_was_due() {
        let schedule = Schedule::start(Duration::ZERO, MOMENT, Some(1000.0));
        std::thread::scope(|scope| {
            scope.spawn(|| schedule.release_calls());
        });
        assert!(schedule.next().await.is_none(), "released calls are not made after the end");
        let waits: Vec<Duration> = schedule.waits_of_calls_not_made().collect();
        assert_eq!(waits.len(), 100, "every call due in 100 ms at 1,000 a second");
        assert_eq!(waits.first(), Some(&MOMENT), "the first one waited from the start");
    }

    #[tokio::test]
    async fn open_loop_keeps_its_rate() {
        let schedule = Schedule::start(Duration::ZERO, MOMENT, Some(500.0));
        let calls = std::thread::scope(|scope| {
            scope.spawn(|| schedule.release_calls());
            let worker = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async {
                    let mut calls = 0;
                    while schedule.next().await.is_some() {
                        calls += 1;
                    }
                    calls
                })
            });
            worker.join().unwrap()
        });
        assert!((45..=51).contains(&calls), "made {calls} calls");
    }
}
