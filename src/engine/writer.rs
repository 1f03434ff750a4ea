//! The writer: the one thread that decides what changes. A second one only commits: see [`committer`].
//!
//! It takes commands from a bounded queue, applies them over one batch, has the batch committed with one fsync, and only
//! then are the receipts sent: many writes share the price of a disk flush, and none is acknowledged before it is paid.
//! While a group of facts is being committed it applies the next one on top of it.

mod committer;
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
use super::state::{Registry, State};
use super::{Durability, Error, apply};
use crate::domain::ids::{LogPlace, WorkspaceId};
use crate::domain::time::Time;
use crate::store::batch::Batch;
use committer::{Committer, Group, Outcome, Replies, commit};
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
        let sync = durability == Durability::Sync;
        let failed = |error| Error::Conflict(format!("the writer cannot start: {error}"));
        let committer = Committer::start(Arc::clone(&state), sync).map_err(failed)?;
        let place = state.store.place()?;
        let work = Work { state, jobs, place, committed: place, sync, committer, scrubs };
        let stopped = Arc::clone(&stop);
        let thread = Builder::new_current_thread().enable_time().build().and_then(|waiting| {
            let run = move || work.run(&waiting, &stopped);
            std::thread::Builder::new().name("kith-writer".into()).spawn(run)
        });
        let thread = thread.map_err(failed)?;
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
    /// The place of the last command that was applied.
    place: LogPlace,
    /// The place of the last command that is known to be committed.
    committed: LogPlace,
    sync: bool,
    committer: Committer,
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

    /// Applies `first` and what else waits, and sees to it that it is committed and answered.
    fn group(&mut self, first: Job) {
        if let Some(Err(_)) = self.committer.done() {
            self.place = self.committed;
        }
        let state = Arc::clone(&self.state);
        let registry = state.registry();
        let mut applied = Applied::new(Batch::new(&state.store, self.committer.under_way()), self.place);
        applied.add(&registry, first);
        applied.fill(&registry, &mut self.jobs);
        let mut before = Ok(());
        if let Some(outcome) = self.committer.wait() {
            if outcome.is_ok() {
                // What came while the group before was on its way to the disk comes along.
                applied.fill(&registry, &mut self.jobs);
            }
            before = outcome;
        }
        self.finish(applied, before);
    }

    /// Has committed what was applied, unless the group `before`, which it was applied on top of, was not.
    fn finish(&mut self, applied: Applied<'_>, before: Outcome) {
        let Applied { batch, place, replies, scrubbed, facts_alone, stands_alone: _ } = applied;
        let changes = Arc::new(batch.into_changes());
        if before.is_ok() {
            self.committed = self.place;
            if facts_alone && !self.jobs.is_empty() {
                self.place = place;
                return self.committer.begin(Group { changes, place, replies });
            }
        }
        let outcome = before.and_then(|()| commit(&self.state, &changes, place, self.sync));
        if outcome.is_ok() {
            self.committed = place;
        }
        self.place = self.committed;
        self.settle(scrubbed, outcome.is_ok());
        replies.send(&outcome);
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
}

/// A group while it is being applied.
struct Applied<'s> {
    batch: Batch<'s>,
    place: LogPlace,
    replies: Replies,
    scrubbed: Vec<(WorkspaceId, Left)>,
    /// True as long as there are facts in it and nothing else.
    facts_alone: bool,
    /// True if a command in it is to be committed before any other is applied.
    stands_alone: bool,
}

impl<'s> Applied<'s> {
    fn new(batch: Batch<'s>, place: LogPlace) -> Self {
        let (replies, scrubbed) = (Replies::default(), Vec::new());
        Self { batch, place, replies, scrubbed, facts_alone: true, stands_alone: false }
    }

    fn add(&mut self, registry: &Registry, job: Job) {
        let (command, logged, reply) = match job {
            Job::Change { command, logged, reply } => (command, logged, reply),
            Job::Barrier(told) => return self.replies.barriers.push(told),
        };
        self.stands_alone = command.stands_alone();
        self.facts_alone &= matches!(command, Command::Write { .. });
        let scrubs = command.erases().map(|workspace| (workspace, matches!(command, Command::Scrub { .. })));
        let answer = apply::apply_next(&mut self.batch, registry, &mut self.place, logged, command);
        self.scrubbed.extend(scrubs.and_then(|(workspace, goes_on)| Some((workspace, Left::by(&answer, goes_on)?))));
        self.replies.answers.push((reply, answer));
    }

    /// Adds what waits, as far as there is room.
    fn fill(&mut self, registry: &Registry, jobs: &mut mpsc::Receiver<Job>) {
        while !self.is_full()
            && let Ok(job) = jobs.try_recv()
        {
            self.add(registry, job);
        }
    }

    fn is_full(&self) -> bool {
        let Replies { answers, barriers } = &self.replies;
        self.stands_alone || answers.len().max(barriers.len()) >= MAX_GROUP || self.batch.bytes() >= MAX_GROUP_BYTES
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
