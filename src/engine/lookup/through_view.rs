//! Lookups by a view: its slots are the fields of one lookup, and what was read is what it answers from.

use crate::domain::answer::Answer;
use crate::domain::ids::WorkspaceId;
use crate::domain::key::Key;
use crate::domain::time::Time;
use crate::domain::view::{Gate, View};
use crate::engine::{Engine, Error, Tier};

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
        Ok(seen(view, self.lookup(workspace, keys, view.kind, &view.slots, tier)?, now))
    }

    /// Looks up many customers as [`Engine::lookup_batch`] does, and answers as `view` has it, at the time `now`.
    pub fn lookup_batch_view(
        &self,
        workspace: WorkspaceId,
        keys: &[Key],
        view: &View,
        now: Time,
    ) -> Result<Vec<Answer>, Error> {
        let answers = self.lookup_batch(workspace, keys, view.kind, &view.slots)?;
        Ok(answers.into_iter().map(|answer| seen(view, answer, now)).collect())
    }
}

/// The answer with the fields of the view in place of those that it read. Facts neither hush nor consent yet, so the gate
/// says that nothing is hushed and that nobody was asked.
fn seen(view: &View, answer: Answer, now: Time) -> Answer {
    let viewed = view.answer(&answer.fields, now, &Gate::default());
    Answer { fields: Vec::new(), viewed: Some(viewed), ..answer }
}
