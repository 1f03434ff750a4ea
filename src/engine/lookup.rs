//! The lookup: identifier → owner → document → fields. Two point reads, and a third only for `address.` fields and where
//! it is asked whether a purpose is allowed. A key that several people use reads the documents of all of them; fields of a
//! group are two point reads more, and so is each other persona of a human who is spoken to as two.

mod address;
mod batch;
mod beyond;
mod changes;
mod consent;
mod hush;
mod leased;
mod live;
mod reader;
mod segments;
mod shared;
mod sweep;
mod through_view;

use super::{Engine, Error, Tier};
use crate::domain::answer::{Answer, Fields};
use crate::domain::consent::Purpose;
use crate::domain::ids::{KindId, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::time::Time;
use crate::store::Basis;
use crate::store::view::View;
use reader::{Answered, Picked, Reader};

pub use leased::{Lease, Leased};
pub use sweep::{SegmentMember, SegmentPage, SegmentPlace};
pub use through_view::Occasion;

/// How often a lookup starts anew because something was committed in between.
const MAX_TRIES: usize = 3;

/// What is asked of every customer of a lookup.
#[derive(Clone, Copy, Debug)]
pub enum Ask<'a> {
    /// Fields.
    Fields(Question<'a>),
    /// What a view makes of them.
    View(Occasion<'a>),
}

/// A question for fields.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What "the customer" means.
    pub kind: KindId,
    /// The fields wanted.
    pub fields: &'a Fields,
    /// The time at which it is asked: hushes that have ended by then do not count.
    pub now: Time,
    /// The purpose, and the channel if there is one, of which it is asked whether they are allowed.
    pub purpose: Option<&'a Purpose>,
}

impl<'a> From<Question<'a>> for Ask<'a> {
    fn from(question: Question<'a>) -> Self {
        Self::Fields(question)
    }
}

impl<'a> From<Occasion<'a>> for Ask<'a> {
    fn from(occasion: Occasion<'a>) -> Self {
        Self::View(occasion)
    }
}

impl Engine {
    /// Looks up one customer by keys, the strongest first, each with its place in the request. The strongest that leads
    /// to one profile counts; only if none does, the strongest that several people use.
    ///
    /// The answer is of one moment: what was read while something was committed is read again.
    ///
    /// With [`Tier::Memory`] fails with [`Error::NotInMemory`] instead of waiting for the disk, for many members of a
    /// group to be counted, or for a moment at which nothing is committed; with [`Tier::DiskBriefly`] instead of the last
    /// two.
    pub fn lookup<'a>(
        &self,
        workspace: WorkspaceId,
        keys: &[(usize, Key)],
        ask: impl Into<Ask<'a>>,
        tier: Tier,
    ) -> Result<Answer, Error> {
        self.lookup_in(&self.state.store.view(tier), workspace, keys, ask.into())
    }

    /// Looks up many customers, one key each, in one consistent view. Answers come in the order of `keys`.
    pub fn lookup_batch<'a>(
        &self,
        workspace: WorkspaceId,
        keys: &[Key],
        ask: impl Into<Ask<'a>>,
    ) -> Result<Vec<Answer>, Error> {
        let view = self.state.store.view(Tier::Disk);
        let answers = self.lookup_batch_in(&view, workspace, keys, ask.into())?;
        Ok(answers.into_iter().map(|(answer, _)| answer).collect())
    }

    fn lookup_in(
        &self,
        view: &View<'_>,
        workspace: WorkspaceId,
        keys: &[(usize, Key)],
        ask: Ask<'_>,
    ) -> Result<Answer, Error> {
        let store = &self.state.store;
        let answer = self.with_prepared(workspace, ask, |prepared| {
            for _ in 0..MAX_TRIES {
                // What an earlier try read is of no moment.
                let _none = view.basis();
                let version = store.version();
                let answer = prepared.reader(view).find_any(keys);
                if store.version() == version {
                    return answer;
                }
            }
            // What is read from a snapshot is not watched.
            view.note(None);
            match view.tier() {
                Tier::Memory | Tier::DiskBriefly => Err(Error::NotInMemory),
                Tier::Disk => prepared.of_snapshot(|reader| reader.find_any(keys)),
            }
        })?;
        Ok(ask.seen(answer))
    }

    /// Each answer with what it was read from, if that is watched.
    fn lookup_batch_in(
        &self,
        view: &View<'_>,
        workspace: WorkspaceId,
        keys: &[Key],
        ask: Ask<'_>,
    ) -> Result<Vec<(Answer, Option<Basis>)>, Error> {
        let store = &self.state.store;
        let answers = self.with_prepared(workspace, ask, |prepared| {
            let version = store.version();
            let answers = prepared.reader(view).find_many(keys);
            if store.version() == version {
                return answers;
            }
            // Something was committed meanwhile, and the answers may be of two minds. A snapshot is slower and of one.
            prepared.of_snapshot(|reader| reader.find_many(keys))
        })?;
        Ok(answers.into_iter().map(|(answer, basis)| (ask.seen(answer), basis)).collect())
    }
}
