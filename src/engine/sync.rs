//! The sync thread: flushes the log now and then where writes are acknowledged before they are on disk, and keeps the
//! mark of what was acknowledged.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::state::State;
use super::{Durability, Error};
use crate::store;

/// How often the mark is moved when every write is synced by itself.
const MARK_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Sync {
    stop: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Sync {
    pub(super) fn start(state: Arc<State>, durability: Durability) -> Result<Self, Error> {
        let (stop, stopped) = channel();
        let every = match durability {
            Durability::Sync => MARK_EVERY,
            Durability::Interval(every) => every,
        };
        let flush = durability != Durability::Sync;
        let work = move || {
            let mut failing = false;
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                failing = report(advance(&state, flush), failing);
            }
            report(advance(&state, flush), false);
        };
        let thread = std::thread::Builder::new().name("kith-sync".into()).spawn(work);
        let thread = thread.map_err(|error| Error::Conflict(format!("the sync thread cannot start: {error}")))?;
        Ok(Self { stop: Mutex::new(Some((stop, thread))) })
    }

    /// Syncs a last time and stops.
    pub(super) fn stop(&self) {
        // The lock is held to the end: a second caller waits too.
        let mut running = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((stop, thread)) = running.take() else { return };
        drop(stop);
        if thread.join().is_err() {
            tracing::error!("the sync thread panicked");
        }
    }
}

/// The place is read before the flush: everything up to it is on disk after.
fn advance(state: &State, flush: bool) -> Result<(), store::Error> {
    let applied = state.applied();
    if flush {
        state.store.sync()?;
    }
    state.store.mark_acknowledged(applied)
}

/// Logs the first of several failures in a row. Answers whether this was one.
fn report(result: Result<(), store::Error>, failing: bool) -> bool {
    match result {
        Err(error) if !failing => tracing::error!(%error, "the log or its mark could not be made durable"),
        Ok(()) if failing => tracing::info!("the log is durable again"),
        Ok(()) | Err(_) => return failing,
    }
    !failing
}
