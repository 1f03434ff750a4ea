//! How long a core puts up with the disk.
//!
//! Where the system has the pages, a read takes some 20 µs, and handing it over to another thread costs more than that.
//! Where it has not, the thread that reads waits for the disk, and with it everybody whom its core serves. Nothing
//! tells beforehand. So a core reads by itself as long as the time that it waited is no more than a hundredth of all
//! its time plus what it saved by each read that it did not wait for, and leaves reading to others otherwise. One read
//! may take as long as the disk does; after one that stalled it leaves the disk alone for a hundred times as long, a
//! minute at most.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Reads that take no longer keep nobody waiting, whatever they did.
const QUICK: Duration = Duration::from_micros(50);
/// Reads that take as long count as waiting, whatever the system says: it may not tell of waits.
const LONG: Duration = Duration::from_millis(20);
/// Waits that are longer stop a core at once, whatever it has saved.
const STALL: Duration = Duration::from_millis(5);
/// How many times as long as it waited a core has to do other things for it, what it saved counted as often.
const PRICE: u32 = 100;
/// What a core saves, at the least, that does not hand a read over.
const SAVED: Duration = Duration::from_micros(10);
/// How much a core may owe and still read: the price of 10 ms, so that a few reads that find nothing in memory do not
/// make all others expensive.
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

    /// What `read` comes to; `None` if it is to be left to somebody else. What counts as waiting is that the thread
    /// which calls this gave up its processor meanwhile: to be preempted is not the disk's fault.
    ///
    /// A read that comes to nothing is to be left to others as well, and has saved nothing.
    pub(super) fn read<T>(&self, read: impl FnOnce() -> Option<T>) -> Option<T> {
        let free_at = self.free_at.as_ref()?;
        let began = Instant::now();
        if owed(*free_at.lock().unwrap_or_else(PoisonError::into_inner), began) > CREDIT {
            return None;
        }
        let before = times_waited()?;
        let found = read();
        let took = began.elapsed();
        let waited = took > LONG || (took > QUICK && times_waited() != Some(before));
        let mut free_at = free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let owed = owed(*free_at, began);
        *free_at = began
            + match (waited, &found) {
                (true, _) => charged(owed, took),
                (false, Some(_)) => eased(owed),
                (false, None) => owed,
            };
        found
    }
}

/// What is owed at a moment by who is free of it at another.
fn owed(free_at: Instant, now: Instant) -> Duration {
    free_at.saturating_duration_since(now)
}

/// What is owed by who owed something and then waited.
fn charged(owed: Duration, waited: Duration) -> Duration {
    let owed = if waited > STALL { owed.max(CREDIT) } else { owed };
    owed.saturating_add(waited.saturating_mul(PRICE)).min(MOST)
}

/// What is owed by who owed something and read without waiting.
fn eased(owed: Duration) -> Duration {
    owed.saturating_sub(SAVED.saturating_mul(PRICE))
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

    #[test]
    fn who_saves_more_than_it_waits_goes_on() {
        let reads_that_wait = |one_in: usize| {
            let mut owes = Duration::ZERO;
            (1..100_000).find(|read| {
                owes = if read % one_in == 0 { charged(owes, Duration::from_millis(1)) } else { eased(owes) };
                owes > CREDIT
            })
        };
        assert_eq!(reads_that_wait(102), None);
        assert!(reads_that_wait(90).is_some());
        assert!(charged(Duration::ZERO, STALL * 2) > CREDIT, "a stall is not saved up for");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn waiting_is_told_from_working() {
        let patience = Patience::new(true);
        let stalled = patience.read(|| {
            sleep(STALL * 2);
            Some(())
        });
        assert_eq!((stalled, patience.read(|| Some(()))), (Some(()), None));

        let (before, began) = (times_waited(), Instant::now());
        while began.elapsed() < STALL {}
        assert_eq!(times_waited(), before);
    }

    #[test]
    fn who_is_not_to_read_by_itself_never_does() {
        assert_eq!(Patience::new(false).read(|| Some(())), None);
    }
}
