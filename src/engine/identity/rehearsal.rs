//! Rehearsals: what writes would do, found out by doing them over a batch that is thrown away.
//!
//! Nothing of it touches the log, the writer or what lookups keep in memory.

use std::sync::Arc;

use crate::domain::correction::Correction;
use crate::domain::erasure::Erasure;
use crate::domain::fact::Fact;
use crate::domain::ids::{LogPlace, WorkspaceId};
use crate::domain::receipt::Receipt;
use crate::domain::time::Time;
use crate::engine::apply::apply_next;
use crate::engine::command::{Command, Effect};
use crate::engine::state::Registry;
use crate::engine::{Engine, Error};
use crate::store::batch::Batch;

/// How many facts are rehearsed at once, at most.
pub const MAX_SIMULATED_FACTS: usize = 100;
/// How many events an erasure may take away whose rehearsal is to be had. All of them are kept in memory, and each part is
/// found behind those before it.
const MAX_REHEARSED_EVENTS: u64 = 100_000;

impl Engine {
    /// What writing these facts now would do, each after those before it. Ids of profiles that they would create are
    /// provisional: writing hands out others.
    pub fn simulate(
        &self,
        workspace: WorkspaceId,
        facts: Vec<Fact>,
        now: Time,
    ) -> Result<Vec<Result<Receipt, Error>>, Error> {
        let mut rehearsal = Rehearsal::begin(self, now)?;
        let commands = facts.into_iter().map(|fact| Command::Write { workspace, fact: Box::new(fact) });
        Ok(commands.map(|command| rehearsal.receipt(command)).collect())
    }

    /// What a correction would do now. Fails as [`Engine::correct`].
    pub fn rehearse(&self, workspace: WorkspaceId, correction: Correction, now: Time) -> Result<Receipt, Error> {
        let command = Command::Correct { workspace, correction: Box::new(correction) };
        Rehearsal::begin(self, now)?.receipt(command)
    }
}

impl Engine {
    /// What an erasure would do now. Fails as [`Engine::erase`], and with [`Error::Conflict`] if more than 100,000 events
    /// would go.
    pub fn rehearse_erasure(&self, workspace: WorkspaceId, mut erasure: Erasure, now: Time) -> Result<Receipt, Error> {
        let mut rehearsal = Rehearsal::begin(self, now)?;
        loop {
            let command = Command::Erase { workspace, erasure: Box::new(erasure.clone()) };
            match rehearsal.effect(command)? {
                Effect::Erasing { events } => erasure.gone += events,
                effect => return effect.into_receipt(),
            }
            if erasure.gone >= MAX_REHEARSED_EVENTS {
                return Err(Error::Conflict(format!(
                    "more than {MAX_REHEARSED_EVENTS} events would go, too many for a dry run; the erasure itself has no \
                     such bound"
                )));
            }
        }
    }
}

struct Rehearsal<'e> {
    batch: Batch<'e>,
    registry: Arc<Registry>,
    place: LogPlace,
    now: Time,
}

impl<'e> Rehearsal<'e> {
    fn begin(engine: &'e Engine, now: Time) -> Result<Self, Error> {
        let state = &engine.state;
        let (registry, place) = (state.registry(), state.store.place()?);
        Ok(Self { batch: Batch::scratch(&state.store), registry, place, now })
    }

    fn receipt(&mut self, command: Command) -> Result<Receipt, Error> {
        self.effect(command)?.into_receipt()
    }

    fn effect(&mut self, command: Command) -> Result<Effect, Error> {
        apply_next(&mut self.batch, &self.registry, &mut self.place, self.now, command)
    }
}
