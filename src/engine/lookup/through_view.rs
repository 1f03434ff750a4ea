//! Lookups by a view: its slots are the fields of one lookup, and what was read is what it answers from.

use super::without_basis;
use crate::domain::answer::{Answer, Resolution};
use crate::domain::consent::{Consent, Purpose, State};
use crate::domain::hush::Hushed;
use crate::domain::ids::WorkspaceId;
use crate::domain::key::Key;
use crate::domain::time::{Time, earlier};
use crate::domain::view::{About, Denier, Found, Gate, Permission, View};
use crate::engine::{Engine, Error, Question, Tier};
use crate::store::{self, Basis};

/// What every customer of a lookup is to be spoken to for.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The view that answers.
    pub view: &'a View,
    /// What the message is about.
    pub about: &'a About,
    /// The time at which it is asked.
    pub now: Time,
}

impl Engine {
    /// Looks up one customer by keys as [`Engine::lookup`] does, and answers as the view has it.
    pub fn lookup_view(
        &self,
        workspace: WorkspaceId,
        keys: &[(usize, Key)],
        occasion: Occasion<'_>,
        tier: Tier,
    ) -> Result<Answer, Error> {
        self.lookup_view_in(&self.state.store.view(tier), workspace, keys, occasion)
    }

    /// The same in `view`.
    pub(super) fn lookup_view_in(
        &self,
        view: &store::view::View<'_>,
        workspace: WorkspaceId,
        keys: &[(usize, Key)],
        occasion: Occasion<'_>,
    ) -> Result<Answer, Error> {
        let purpose = purpose(occasion.view);
        let question = (question(occasion, purpose.as_ref()), occasion.view.asked.as_deref());
        Ok(seen(occasion, self.lookup_in(view, workspace, keys, question)?))
    }

    /// Looks up many customers as [`Engine::lookup_batch`] does, and answers as the view has it.
    pub fn lookup_batch_view(
        &self,
        workspace: WorkspaceId,
        keys: &[Key],
        occasion: Occasion<'_>,
    ) -> Result<Vec<Answer>, Error> {
        let view = self.state.store.view(Tier::Disk);
        Ok(without_basis(self.lookup_batch_view_in(view, workspace, keys, occasion)?))
    }

    /// The same in `view`; each answer with what it was read from, if that is watched.
    pub(super) fn lookup_batch_view_in<'s>(
        &'s self,
        view: store::view::View<'s>,
        workspace: WorkspaceId,
        keys: &[Key],
        occasion: Occasion<'_>,
    ) -> Result<Vec<(Answer, Option<Basis>)>, Error> {
        let purpose = purpose(occasion.view);
        let question = (question(occasion, purpose.as_ref()), occasion.view.asked.as_deref());
        let answers = self.lookup_batch_in(view, workspace, keys, question)?;
        Ok(answers.into_iter().map(|(answer, basis)| (seen(occasion, answer), basis)).collect())
    }
}

/// What the view is for, in its channel.
fn purpose(view: &View) -> Option<Purpose> {
    let asked = || Purpose { name: view.purpose.clone(), channel: view.channel.clone() };
    (!view.purpose.is_empty()).then(asked)
}

fn question<'a>(Occasion { view, about: _, now }: Occasion<'a>, purpose: Option<&'a Purpose>) -> Question<'a> {
    Question { kind: view.kind, fields: &view.slots, now, purpose }
}

/// The answer with the fields of the view in place of those that it read.
fn seen(Occasion { view, about, now }: Occasion<'_>, answer: Answer) -> Answer {
    let found = Found { fields: &answer.fields, apart: &answer.apart };
    let viewed = view.answer(found, about, now, &gate(view, &answer));
    Answer { fields: Vec::new(), apart: Vec::new(), viewed: Some(viewed), ..answer }
}

/// What is hushed in the channel of the view, or in all, and whether its purpose is allowed there. A view of no channel in
/// particular may be used in any: whatever is hushed anywhere counts, and what is not allowed in one of the channels is not
/// allowed.
fn gate(view: &View, answer: &Answer) -> Gate {
    let counts = |hushed: &&Hushed| {
        let channel = &hushed.topic.channel;
        channel.is_empty() || view.channel.is_empty() || *channel == view.channel
    };
    let hushed = answer.hushed.iter().filter(counts).map(|hushed| hushed.topic.name.clone()).collect();
    // All topics that are hushed are in the answer, so it is another when any of them is not.
    let hush_ends = answer.hushed.iter().filter_map(|hushed| hushed.until).min();
    Gate {
        hushed,
        permission: permission(&answer.consents),
        erased: answer.resolution == Resolution::Erased,
        shared: matches!(answer.resolution, Resolution::Shared { .. }),
        changes_at: earlier(answer.changes_at, hush_ends),
    }
}

fn permission(consents: &[Consent]) -> Permission {
    match State::of_all(consents.iter().map(|consent| consent.state)) {
        State::Granted => Permission::Granted,
        State::Unknown => Permission::Unknown,
        State::Denied => {
            let deniers = consents.iter().filter_map(|consent| consent.denied_by);
            Permission::Denied(deniers.reduce(Denier::and).unwrap_or(Denier::Customer))
        }
    }
}
