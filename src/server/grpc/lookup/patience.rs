//! How long a core puts up with the disk.
//!
//! Where the system has the pages, a read takes some 20 µs, and handing it over to another thread costs more than that. Where
//! it has not, the thread that reads waits for the disk, and with it everybody whom its core serves. Nothing tells beforehand.
//! So a core reads by itself as long as what it waited is no more than a hundredth of its time, and leaves reading to others
//! otherwise: whatever the disk does, no core stands still for longer than that.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Reads that take no longer keep nobody waiting, whatever they did.
const QUICK: Duration = Duration::from_micros(50);
/// How many times as long as it waited a core has to do other things for it.
const PRICE: u32 = 100;
/// How long a core may still have to make up for before it leaves reading to others: 10 ms of waiting, so that a few reads
/// that find nothing in memory do not make all others expensive.
const CREDIT: Duration = Duration::from_secs(1);

/// Whether a core reads from the disk by itself.
pub(super) struct Patience {
    /// When all that it waited so far is made up for; `None` if it never reads.
    made_up: Option<Mutex<Instant>>,
}

impl Patience {
    pub(super) fn new(reads_by_itself: bool) -> Self {
        Self { made_up: reads_by_itself.then(|| Mutex::new(Instant::now())) }
    }

    /// What `read` comes to; `None` if it is to be left to somebody else. It is watched how often the thread that calls
    /// this gives up its processor meanwhile: to be made to do that is not the disk's fault.
    pub(super) fn read<T>(&self, read: impl FnOnce() -> T) -> Option<T> {
        let mut made_up = self.made_up.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let began = Instant::now();
        if *made_up > began + CREDIT {
            return None;
        }
        let waits = waits()?;
        let read = read();
        let took = began.elapsed();
        if took > QUICK && self::waits() != Some(waits) {
            *made_up = began.max(*made_up) + took * PRICE;
        }
        Some(read)
    }
}

/// How often this thread has given up its core to wait for something; `None` if the system does not tell.
fn waits() -> Option<i64> {
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
    use super::*;

    const LONG: Duration = Duration::from_millis(2);

    #[test]
    fn who_waits_for_more_than_a_hundredth_of_its_time_is_to_leave_it() {
        let patience = Patience::new(true);
        let began = Instant::now();
        let mut waited = Duration::ZERO;
        while began.elapsed() < CREDIT {
            let reading = Instant::now();
            match patience.read(|| std::thread::sleep(LONG)) {
                Some(()) => waited += reading.elapsed(),
                None => std::thread::sleep(LONG),
            }
        }
        let paid_for = (CREDIT + began.elapsed()) / PRICE;
        assert!(waited > CREDIT / PRICE, "{waited:?}");
        assert!(waited < paid_for + 10 * LONG, "{waited:?}, which is more than {paid_for:?}");
    }

    #[test]
    fn what_takes_long_without_waiting_costs_no_patience() {
        let patience = Patience::new(true);
        let busy = || {
            let began = Instant::now();
            while began.elapsed() < LONG {}
        };
        for _ in 0..20 {
            assert_eq!(patience.read(busy), Some(()));
        }
    }

    #[test]
    fn who_may_not_read_never_does() {
        assert_eq!(Patience::new(false).read(|| ()), None);
    }
}
