//! Corrections: each is one command of the writer, or a rehearsal of it.

use super::super::{Context, new_message_id};
use crate::domain::correction::{self, Act, Correction};
use crate::domain::identifier::Identifier;
use crate::domain::ids::WorkspaceId;
use crate::domain::key;
use crate::proto::v1;
use crate::server::status::Refusal;
use crate::server::{clock, convert};

/// What comes with every correction.
pub(super) struct Said {
    pub(super) workspace: WorkspaceId,
    /// Empty: one is made.
    pub(super) message_id: String,
    pub(super) source: String,
    /// Only find out what it would do.
    pub(super) dry_run: bool,
}

impl Context {
    /// Reads the two identifiers of a correction.
    pub(super) fn between(&self, workspace: WorkspaceId, a: &str, b: &str) -> Result<[Identifier; 2], Refusal> {
        Ok(correction::pair(a, b, &self.engine.model(workspace)?.model)?)
    }

    /// Reads the identifier of a correction.
    pub(super) fn identifier(&self, workspace: WorkspaceId, key: &str) -> Result<Identifier, Refusal> {
        Ok(key::identifier(key, "key", &self.engine.model(workspace)?.model)?)
    }

    /// Does what a correction asks for.
    pub(super) async fn correct(&self, said: Said, act: Act) -> Result<v1::Receipt, Refusal> {
        let Said { workspace, message_id, source, dry_run } = said;
        let message_id = if message_id.is_empty() { new_message_id()? } else { message_id };
        let correction = Correction::new(message_id, source, act)?;
        let (now, active) = (clock::now(), self.engine.model(workspace)?);
        if dry_run {
            let receipt = self.on_disk(move |engine| engine.rehearse(workspace, correction, now)).await?;
            let receipt = convert::receipt::write(receipt, &active.model);
            return Ok(v1::Receipt { token: String::new(), ..receipt });
        }
        let receipt = self.engine.correct(workspace, correction, now).await?;
        self.count_lines(&receipt);
        Ok(convert::receipt::write(receipt, &active.model))
    }
}
