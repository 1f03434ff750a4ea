//! The committer: a thread that commits one group of facts while the writer applies the next.
//!
//! There is one group under way at most, and each comes after the one before. The answers of a group are sent once it is
//! committed, in its own order; so nothing is told earlier, or in another order, than if the writer did it all by itself.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::{AbortOnPanic, Answer};
use crate::domain::ids::LogPlace;
use crate::engine::Error;
use crate::engine::state::State;
use crate::store;
use crate::store::changes::Changes;

/// What was applied together.
pub(super) struct Group {
    pub(super) changes: Arc<Changes>,
    /// The place of the last command in it.
    pub(super) place: LogPlace,
    pub(super) replies: Replies,
}

/// Who is to be told what became of a group.
#[derive(Default)]
pub(super) struct Replies {
    /// Each command, and its answer if the group is committed.
    pub(super) answers: Vec<(oneshot::Sender<Answer>, Answer)>,
    /// Those who wait for all that came before them to be decided.
    pub(super) barriers: Vec<oneshot::Sender<()>>,
}

/// What became of a group.
pub(super) type Outcome = Result<(), Arc<store::Error>>;

/// The running thread. It ends when this is dropped, after the group that is under way.
pub(super) struct Committer {
    groups: Option<Sender<Group>>,
    outcomes: Receiver<Outcome>,
    under_way: Option<Arc<Changes>>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    pub(super) fn start(state: Arc<State>, sync: bool) -> std::io::Result<Self> {
        let (groups, waiting) = channel::<Group>();
        let (tell, outcomes) = channel();
        let work = move || {
            let _abort = AbortOnPanic;
            for Group { changes, place, replies } in waiting {
                let outcome = commit(&state, &changes, place, sync);
                replies.send(&outcome);
                // The writer is gone only if the process ends.
                let _ = tell.send(outcome);
            }
        };
        let thread = std::thread::Builder::new().name("kith-commit".into()).spawn(work)?;
        Ok(Self { groups: Some(groups), outcomes, under_way: None, thread: Some(thread) })
    }

    /// What is being committed; it may be done already, of which nobody has been told.
    pub(super) fn under_way(&self) -> Option<Arc<Changes>> {
        self.under_way.clone()
    }

    /// What became of the group that was under way, if it is not any more.
    pub(super) fn done(&mut self) -> Option<Outcome> {
        self.under_way.as_ref()?;
        let outcome = self.outcomes.try_recv().ok()?;
        self.under_way = None;
        Some(outcome)
    }

    /// Waits for the group that is under way and says what became of it; `None` if there is none.
    pub(super) fn wait(&mut self) -> Option<Outcome> {
        self.under_way.take()?;
        // The thread ends no earlier than this, but with the process.
        self.outcomes.recv().ok()
    }

    /// Begins with a group. The one before must have been waited for.
    pub(super) fn begin(&mut self, group: Group) {
        self.under_way = Some(Arc::clone(&group.changes));
        if let Some(groups) = &self.groups {
            // As above.
            let _ = groups.send(group);
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.groups = None;
        if let Some(thread) = self.thread.take() {
            // A panic of it has ended the process already.
            let _ = thread.join();
        }
    }
}

impl Replies {
    /// Sends each command its own answer, or to all the reason why nothing was committed.
    pub(super) fn send(self, outcome: &Outcome) {
        if let Err(error) = outcome {
            tracing::error!(%error, commands = self.answers.len(), "a group of writes was not committed");
        }
        for (reply, answer) in self.answers {
            let answer = match outcome {
                Err(error) => Err(Error::NotCommitted(Arc::clone(error))),
                Ok(()) => answer,
            };
            // A caller that has gone away has no use for its receipt; sent again, the fact answers it once more.
            let _ = reply.send(answer);
        }
        for told in self.barriers {
            // What was not committed is decided too: it did not happen.
            let _ = told.send(());
        }
    }
}

/// Commits `changes`, if there are any. What is kept in memory of the registry is read again where they touch it; then their
/// place is made known.
pub(super) fn commit(state: &State, changes: &Changes, place: LogPlace, sync: bool) -> Outcome {
    if changes.is_empty() {
        return Ok(());
    }
    let refresh = changes.touches_registry();
    state.set_changing(refresh);
    let committed = state.store.commit(changes, place, sync);
    if refresh
        && committed.is_ok()
        && let Err(error) = state.refresh()
    {
        tracing::error!(%error, "what was committed cannot be read back");
        std::process::abort();
    }
    state.set_changing(false);
    drop(committed?);
    state.announce(place.seq);
    Ok(())
}
