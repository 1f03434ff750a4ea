//! The refolder: asks the writer for portion after portion as long as identities are to be folded again, or stored events
//! to be counted for new computed attributes.
//!
//! How far that has come is stored, so it goes on where it was after a restart, whatever ended the process.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use super::Error;
use super::command::Command;
use super::state::State;
use super::writer::Job;
use crate::domain::ids::WorkspaceId;
use crate::domain::time::Time;

/// How often it looks whether there is something to do, or tries again what failed, such as on a full disk.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The running thread.
pub(super) struct Refolder {
    running: Mutex<Option<(SyncSender<()>, JoinHandle<()>)>>,
}

impl Refolder {
    /// Starts it; what an earlier process left undone is done first.
    pub(super) fn start(state: Arc<State>, queue: mpsc::Sender<Job>, portion: usize) -> Result<Self, Error> {
        let (wake, woken) = sync_channel(1);
        let work = move || Work { state, queue, portion, woken }.run();
        let thread = std::thread::Builder::new().name("kith-refolder".into()).spawn(work);
        let thread = thread.map_err(|error| Error::Conflict(format!("the refolder cannot start: {error}")))?;
        Ok(Self { running: Mutex::new(Some((wake, thread))) })
    }

    /// Says that there may be something to do.
    pub(super) fn wake(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((wake, _)) = running.as_ref() {
            // Full: it has been told already.
            let _ = wake.try_send(());
        }
    }

    /// Waits for it to end. The writer has to be stopped before.
    pub(super) fn stop(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((wake, thread)) = running.take() else { return };
        drop(wake);
        if thread.join().is_err() {
            tracing::error!("the refolder panicked");
        }
    }
}

struct Work {
    state: Arc<State>,
    queue: mpsc::Sender<Job>,
    portion: usize,
    woken: Receiver<()>,
}

impl Work {
    fn run(self) {
        let mut failing = false;
        loop {
            match self.refold_all() {
                Ok(()) => failing = false,
                Err(Error::Closed) => return,
                Err(error) => {
                    if !failing {
                        tracing::error!(%error, "a change of the model cannot be gone on with; it is tried again until it works");
                    }
                    failing = true;
                }
            }
            // It looks by itself as well: who asked for a change may be gone before it could say so.
            if self.woken.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    /// Takes turns, so that a workspace whose data are damaged holds up no other. Answers the first failure.
    fn refold_all(&self) -> Result<(), Error> {
        let mut failed = BTreeMap::new();
        loop {
            let mut refolding = self.state.registry().unsettled();
            refolding.retain(|workspace| !failed.contains_key(workspace));
            if refolding.is_empty() {
                return failed.into_values().next().map_or(Ok(()), Err);
            }
            for workspace in refolding {
                match self.portions(workspace) {
                    Ok(()) => {}
                    Err(Error::Closed) => return Err(Error::Closed),
                    Err(error) => {
                        failed.insert(workspace, error);
                    }
                }
            }
        }
    }

    /// One of each that there is to do.
    fn portions(&self, workspace: WorkspaceId) -> Result<(), Error> {
        let (portion, active) = (self.portion, self.state.model(workspace)?);
        if active.refolding {
            self.ask(Command::Refold { workspace, portion })?;
        }
        if !active.awaited.is_empty() {
            self.ask(Command::Backfill { workspace, portion })?;
        }
        Ok(())
    }

    fn ask(&self, command: Command) -> Result<(), Error> {
        // It happens when the writer comes to it, and says nothing of a time of its own.
        let (job, reply) = Job::new(command, Time::from_micros(0));
        self.queue.blocking_send(job).map_err(|_| Error::Closed)?;
        reply.wait().map(|_| ())
    }
}
