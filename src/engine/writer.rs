//! The writer: the one thread that changes anything.
//!
//! It takes commands from a bounded queue, applies them over one batch, commits the batch with one fsync, and only
//! then sends the receipts: many writes share the price of a disk flush, and none is acknowledged before it is paid.

mod scrubs;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use super::command::{Command, Effect};
use super::state::State;
use super::{Durability, Error, apply};
use crate::domain::ids::{LogPlace, WorkspaceId};
use crate::domain::time::Time;
use crate::store;
use crate::store::batch::Batch;
use scrubs::Scrubs;

/// Commands that share one commit, at most.
const MAX_GROUP: usize = 1_024;
/// Bytes that share one commit, about: bounds memory and the length of one write to the log.
const MAX_GROUP_BYTES: usize = 8 * 1024 * 1024;

type Answer = Result<Effect, Error>;

/// What waits in the queue.
pub(super) enum Job {
    /// A command, and when it came.
    Change { command: Command, logged: Time, reply: oneshot::Sender<Answer> },
    /// Nothing but a place in the queue: told once all before it is decided.
    Barrier(oneshot::Sender<()>),
}

/// What will become of a command.
pub struct Reply<T> {
    answer: oneshot::Receiver<Answer>,
    read: fn(Effect) -> Result<T, Error>,
}

impl Job {
    /// A job for `command`, logged at `now`, and its reply.
    pub(super) fn new(command: Command, now: Time) -> (Self, Reply<Effect>) {
        let (reply, answer) = oneshot::channel();
        (Self::Change { command, logged: now, reply }, Reply { answer, read: Ok })
    }
}

impl Reply<Effect> {
    /// Waits for the answer where no runtime does.
    pub(super) fn wait(self) -> Answer {
        self.answer.blocking_recv().unwrap_or(Err(Error::Closed))
    }

    /// The same reply, read as something else.
    pub(super) fn of<T>(self, read: fn(Effect) -> Result<T, Error>) -> Reply<T> {
        Reply { answer: self.answer, read }
    }
}

impl<T> Future for Reply<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let read = self.read;
        Pin::new(&mut self.answer).poll(context).map(|answer| answer.unwrap_or(Err(Error::Closed)).and_then(read))
    }
}

/// The running thread.
pub(super) struct Writer {
    stop: Arc<Notify>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(state: Arc<State>, jobs: mpsc::Receiver<Job>, durability: Durability) -> Result<Self, Error> {
        let stop = Arc::new(Notify::new());
        // What an erasure left to be done when the process ended may be there still.
        let scrubs = Scrubs::new(state.registry().workspaces());
        let work = Work { place: state.store.place()?, state, jobs, sync: durability == Durability::Sync, scrubs };
        let stopped = Arc::clone(&stop);
        let thread = Builder::new_current_thread().enable_time().build().and_then(|waiting| {
            let run = move || work.run(&waiting, &stopped);
            std::thread::Builder::new().name("kith-writer".into()).spawn(run)
        });
        let thread = thread.map_err(|error| Error::Conflict(format!("the writer cannot start: {error}")))?;
        Ok(Self { stop, thread: Mutex::new(Some(thread)) })
    }

    /// Lets the writer finish what is queued, and waits for it. What erasures have left is durable, and is gone on with
    /// at the next start.
    pub(super) fn stop(&self) {
        self.stop.notify_one();
        // The lock is held to the end: a second caller waits too.
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // A panic of the writer has ended the process already.
            let _ = thread.join();
        }
    }
}

struct Work {
    state: Arc<State>,
    jobs: mpsc::Receiver<Job>,
    place: LogPlace,
    sync: bool,
    /// Where an erasure may have left histories to be gone through.
    scrubs: Scrubs,
}

impl Work {
    fn run(mut self, waiting: &Runtime, stop: &Notify) {
        let _abort = AbortOnPanic;
        while let Some(job) = waiting.block_on(self.next(stop)) {
            self.group(job);
        }
        self.jobs.close();
        while let Some(job) = self.jobs.blocking_recv() {
            self.group(job);
        }
    }

    /// The next job; `None` once the writer is to stop. As long as nobody asks for anything, it goes on with what
    /// erasures have left, whoever had asked for those.
    async fn next(&mut self, stop: &Notify) -> Option<Job> {
        tokio::select! {
            biased;
            () = stop.notified() => None,
            job = self.jobs.recv() => job,
            workspace = self.scrubs.due() => Some(Job::new(Command::Scrub { workspace }, self.place.log_time).0),
        }
    }

    /// Applies `first` and what else waits, commits, and answers.
    fn group(&mut self, first: Job) {
        let state = Arc::clone(&self.state);
        let registry = state.registry();
        let mut batch = Batch::new(&state.store);
        let (mut answers, mut barriers) = (Vec::new(), Vec::new());
        let mut scrubbed = Vec::new();
        let mut place = self.place;
        let mut next = Some(first);
        while let Some(job) = next.take() {
            let (command, logged, reply) = match job {
                Job::Change { command, logged, reply } => (command, logged, reply),
                Job::Barrier(told) => {
                    barriers.push(told);
                    next = if barriers.len() < MAX_GROUP { self.jobs.try_recv().ok() } else { None };
                    continue;
                }
            };
            let alone = command.stands_alone();
            let scrubs = command.erases().map(|workspace| (workspace, matches!(command, Command::Scrub { .. })));
            let answer = apply::apply_next(&mut batch, &registry, &mut place, logged, command);
            scrubbed.extend(scrubs.and_then(|(workspace, goes_on)| Some((workspace, Left::by(&answer, goes_on)?))));
            answers.push((reply, answer));
            let full = alone || answers.len() >= MAX_GROUP || batch.bytes() >= MAX_GROUP_BYTES;
            next = if full { None } else { self.jobs.try_recv().ok() };
        }
        let committed = if batch.is_empty() { Ok(()) } else { self.commit(batch, place) };
        self.settle(scrubbed, committed.is_ok());
        Self::answer(answers, committed);
        for told in barriers {
            // What was not committed is decided too: it did not happen.
            let _ = told.send(());
        }
    }

    /// Notes where there is more to go through. What was not committed did not happen; that has been said of the group.
    fn settle(&mut self, scrubbed: Vec<(WorkspaceId, Left)>, committed: bool) {
        for (workspace, left) in scrubbed {
            match left {
                Left::Nothing if committed => self.scrubs.close(workspace),
                Left::Perhaps if committed => self.scrubs.open(workspace),
                Left::Nothing | Left::Perhaps => {
                    self.scrubs.put_off(workspace, Instant::now());
                }
                Left::Failed(error) => {
                    if self.scrubs.put_off(workspace, Instant::now()) {
                        tracing::error!(error, "histories cannot be scrubbed; it is tried again until it works");
                    }
                }
            }
        }
    }

    fn commit(&mut self, batch: Batch<'_>, place: LogPlace) -> Result<(), store::Error> {
        let refresh = batch.changes_registry();
        self.state.set_changing(refresh);
        let committed = self.state.store.commit(batch, place, self.sync)?;
        self.place = place;
        if refresh && let Err(error) = self.state.refresh() {
            tracing::error!(%error, "what was committed cannot be read back");
            std::process::abort();
        }
        self.state.set_changing(false);
        drop(committed);
        self.state.announce(place.seq);
        Ok(())
    }

    /// Sends each command its own answer, or to all the reason why nothing was committed.
    fn answer(answers: Vec<(oneshot::Sender<Answer>, Answer)>, committed: Result<(), store::Error>) {
        let failure = committed.err().map(|error| {
            tracing::error!(%error, commands = answers.len(), "a group of writes was not committed");
            Arc::new(error)
        });
        for (reply, answer) in answers {
            let answer = match &failure {
                Some(error) => Err(Error::NotCommitted(Arc::clone(error))),
                None => answer,
            };
            // A caller that has gone away has no use for its receipt; sent again, the fact answers it once more.
            let _ = reply.send(answer);
        }
    }
}

/// What an erasure leaves to be gone through in its workspace.
enum Left {
    Nothing,
    Perhaps,
    /// It could not be found out, and why.
    Failed(String),
}

impl Left {
    /// By the answer to a command that erases, or that `goes_on` with that. An erasure that was refused changes nothing.
    fn by(answer: &Answer, goes_on: bool) -> Option<Self> {
        match answer {
            Ok(Effect::Scrubbed { more: false }) => Some(Self::Nothing),
            Ok(_) => Some(Self::Perhaps),
            Err(error) => goes_on.then(|| Self::Failed(error.to_string())),
        }
    }
}

/// Ends the process if the writer panics. A server that can only read and says it is healthy would be worse than one
/// that starts again and finds everything that was acknowledged.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the writer panicked: a bug; the process ends so that it can be started again");
            std::process::abort();
        }
    }
}
