//! Lookups whose answers may be kept, with what they were read from: as long as that stands, and their time has not come, to
//! look up again would give the same.

use super::Ask;
use crate::domain::answer::Answer;
use crate::domain::ids::WorkspaceId;
use crate::domain::key::Key;
use crate::domain::time::{Time, earlier};
use crate::engine::{Engine, Error, Tier};
use crate::store::{Basis, Stamp};

/// How long an answer of a view is kept at most, in microseconds: one hour. Such an answer says itself how long it may be
/// kept, a day at most, and one that is given later says no more than that.
const MAX_KEPT_MICROS: u64 = 60 * 60 * 1_000_000;

/// What was answered, and for how long that may be kept.
#[derive(Clone, Debug)]
pub struct Leased {
    /// The answer.
    pub answer: Answer,
    /// `None` if it is not to be kept.
    pub lease: Option<Lease>,
}

/// For how long an answer may be kept.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    basis: Basis,
    /// Until when. `None` if no time makes it another.
    until: Option<Time>,
}

impl Ask<'_> {
    fn now(&self) -> Time {
        match self {
            Self::Fields(question) => question.now,
            Self::View(occasion) => occasion.now,
        }
    }
}

impl Leased {
    fn new(ask: Ask<'_>, answer: Answer, basis: Option<Basis>) -> Self {
        let lease = basis.and_then(|basis| Some(Lease { basis, until: until(&answer, ask.now())? }));
        Self { answer, lease }
    }
}

/// When an answer is another without any write: never, or at a time to come. `None` if nobody knows.
fn until(answer: &Answer, now: Time) -> Option<Option<Time>> {
    let until = match &answer.viewed {
        Some(viewed) => Some(viewed.cache_until?.min(now.plus_micros(MAX_KEPT_MICROS))),
        None => earlier(answer.changes_at, answer.hushed.iter().filter_map(|hushed| hushed.until).min()),
    };
    (until.is_none_or(|until| until > now)).then_some(until)
}

impl Engine {
    /// Looks up one customer as [`Engine::lookup`] does.
    pub fn lookup_leased(
        &self,
        workspace: WorkspaceId,
        keys: &[(usize, Key)],
        ask: Ask<'_>,
        tier: Tier,
    ) -> Result<Leased, Error> {
        let view = self.state.store.watched(tier);
        let answer = self.lookup_in(&view, workspace, keys, ask)?;
        Ok(Leased::new(ask, answer, view.basis()))
    }

    /// Looks up many customers as [`Engine::lookup_batch`] does.
    pub fn lookup_batch_leased(
        &self,
        workspace: WorkspaceId,
        keys: &[Key],
        ask: Ask<'_>,
    ) -> Result<Vec<Leased>, Error> {
        let view = self.state.store.watched(Tier::Disk);
        let answers = self.lookup_batch_in(&view, workspace, keys, ask)?;
        Ok(answers.into_iter().map(|(answer, basis)| Leased::new(ask, answer, basis)).collect())
    }

    /// True as long as an answer may be given once more at the time that `now` tells, which is not asked where no time
    /// matters.
    pub fn stands(&self, lease: &Lease, now: impl FnOnce() -> Time) -> bool {
        self.state.store.stands(&lease.basis) && lease.until.is_none_or(|until| until > now())
    }

    /// The stamp of workspaces, models and API keys; `None` while one of them is being written.
    pub fn registry_stamp(&self) -> Option<Stamp> {
        self.state.store.registry_stamp()
    }

    /// True if no workspace, model or API key was written since.
    pub fn registry_stands(&self, stamp: Stamp) -> bool {
        self.state.store.registry_stands(stamp)
    }
}
