//! How long a core puts up with the disk.
//!
//! Where the system has the pages, a read takes some 20 µs, and handing it over to another thread costs more than that. Where
//! it has not, the thread that reads waits for the disk, and with it everybody whom its core serves. Nothing tells beforehand.
//! So a core reads by itself as long as what it waited so far is no more than a hundredth of its time, and leaves reading to
//! others otherwise. One read may take as long as the disk does; a disk that is slow is found out by a few of them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Reads that take no longer keep nobody waiting, whatever they did.
const QUICK: Duration = Duration::from_micros(50);
/// Reads that take as long count as waiting, whatever the system says: it may not tell of waits.
const LONG: Duration = Duration::from_millis(20);
/// How many times as long as it waited a core has to do other things for it.
const PRICE: u32 = 100;
/// How much a core may owe and still read: the price of 10 ms, so that a few reads that find nothing in memory do not make all
/// others expensive.
const CREDIT: Duration = Duration::from_secs(1);
/// How much it may owe at all, so that it tries again some time after the disk stood still.
const MOST: Duration = Duration::from_secs(60);

/// Whether a core reads from the disk by itself. Each core has its own.
pub(super) struct Patience {
    /// When a core that waits no more owes nothing; `None` if it never reads by itself.
    free_at: Option<Mutex<Instant>>,
}

impl Patience {
    pub(super) fn new(reads_by_itself: bool) -> Self {
        Self { free_at: reads_by_itself.then(|| Mutex::new(Instant::now())) }
    }

    /// What `read` comes to; `None` if it is to be left to somebody else. What counts as waiting is that the thread which calls
    /// this gave up its processor meanwhile: to be preempted is not the disk's fault.
    pub(super) fn read<T>(&self, read: impl FnOnce() -> T) -> Option<T> {
        let free_at = self.free_at.as_ref()?;
        let began = Instant::now();
        if owed(*free_at.lock().unwrap_or_else(PoisonError::into_inner), began) > CREDIT {
            return None;
        }
        let before = times_waited()?;
        let found = read();
        let took = began.elapsed();
        if took > LONG || (took > QUICK && times_waited() != Some(before)) {
            let mut free_at = free_at.lock().unwrap_or_else(PoisonError::into_inner);
            *free_at = began + charged(owed(*free_at, began), took);
        }
        Some(found)
    }
}

/// What is owed at a moment by who is free of it at another.
fn owed(free_at: Instant, now: Instant) -> Duration {
    free_at.saturating_duration_since(now)
}

/// What is owed by who owed something and then waited.
fn charged(owed: Duration, waited: Duration) -> Duration {
    owed.saturating_add(waited.saturating_mul(PRICE)).min(MOST)
}

/// How often this thread has given up its processor to wait for something; `None` if the system does not tell.
fn times_waited() -> Option<i64> {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        getrusage(UsageWho::RUSAGE_THREAD).ok().map(|usage| usage.voluntary_context_switches())
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    #[test]
    fn who_waits_no_more_than_a_hundredth_of_its_time_goes_on() {
        let (each, every) = (Duration::from_micros(500), Duration::from_micros(50_000));
        let mut owes = Duration::ZERO;
        for _ in 0..10_000 {
            owes = charged(owes.saturating_sub(every), each);
            assert!(owes <= CREDIT);
        }
    }

    #[test]
    fn who_waits_for_longer_stops_after_its_credit_and_tries_again_within_a_minute() {
        let (each, every) = (Duration::from_millis(1), Duration::from_millis(2));
        let mut owes = Duration::ZERO;
        let reads = (0..).take_while(|_| {
            owes = charged(owes.saturating_sub(every), each);
            owes <= CREDIT
        });
        assert_eq!(reads.count(), 10);
        assert_eq!(charged(owes, Duration::MAX), MOST);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn waiting_is_told_from_working() {
        let long = Duration::from_millis(11);
        let waits = Patience::new(true);
        assert_eq!(waits.read(|| sleep(long)), Some(()));
        assert_eq!(waits.read(|| ()), None);

        let works = Patience::new(true);
        let busy = || {
            let began = Instant::now();
            while began.elapsed() < QUICK * 2 {}
        };
        for _ in 0..200 {
            assert_eq!(works.read(busy), Some(()));
        }
    }

    #[test]
    fn who_is_not_to_read_by_itself_never_does() {
        assert_eq!(Patience::new(false).read(|| ()), None);
    }
}
