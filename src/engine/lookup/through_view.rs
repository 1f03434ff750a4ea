//! Lookups by a view: its slots are the fields of one lookup, and what was read is what it answers from.

use crate::domain::answer::{Answer, Resolution};
use crate::domain::consent::{Purpose, State};
use crate::domain::hush::Hushed;
use crate::domain::ids::WorkspaceId;
use crate::domain::key::Key;
use crate::domain::time::Time;
use crate::domain::view::{Gate, Permission, View};
use crate::engine::{Engine, Error, Question, Tier};

impl Engine {
    /// Looks up one customer by keys as [`Engine::lookup`] does, and answers as `view` has it, at the time `now`.
    pub fn lookup_view(
        &self,
        workspace: WorkspaceId,
        keys: &[(usize, Key)],
        view: &View,
        now: Time,
        tier: Tier,
    ) -> Result<Answer, Error> {
        let purpose = purpose(view);
        Ok(seen(view, self.lookup(workspace, keys, question(view, purpose.as_ref(), now), tier)?, now))
    }

    /// Looks up many customers as [`Engine::lookup_batch`] does, and answers as `view` has it, at the time `now`.
    pub fn lookup_batch_view(
        &self,
        workspace: WorkspaceId,
        keys: &[Key],
        view: &View,
        now: Time,
    ) -> Result<Vec<Answer>, Error> {
        let purpose = purpose(view);
        let answers = self.lookup_batch(workspace, keys, question(view, purpose.as_ref(), now))?;
        Ok(answers.into_iter().map(|answer| seen(view, answer, now)).collect())
    }
}

/// What the view is for, in its channel.
fn purpose(view: &View) -> Option<Purpose> {
    let asked = || Purpose { name: view.purpose.clone(), channel: view.channel.clone() };
    (!view.purpose.is_empty()).then(asked)
}

fn question<'a>(view: &'a View, purpose: Option<&'a Purpose>, now: Time) -> Question<'a> {
    Question { kind: view.kind, fields: &view.slots, now, purpose }
}

/// The answer with the fields of the view in place of those that it read.
fn seen(view: &View, answer: Answer, now: Time) -> Answer {
    let viewed = view.answer(&answer.fields, now, &gate(view, &answer));
    Answer { fields: Vec::new(), viewed: Some(viewed), ..answer }
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
    let permission = match State::of_all(answer.consents.iter().map(|consent| consent.state)) {
        State::Granted => Permission::Granted,
        State::Denied => Permission::Denied,
        State::Unknown => Permission::Unknown,
    };
    Gate { hushed, permission, erased: answer.resolution == Resolution::Erased }
}
