//! `apply`: from a command to changes and an effect.
//!
//! Synchronous and deterministic: no clock, no randomness, no I/O but reads of the batch and the data below it. Ids
//! derive from the command's place in the log; "now" is its log time.

mod access;
mod fact;
mod model;
mod plan;

use super::Error;
use super::command::{Command, Effect};
use super::state::Registry;
use crate::domain::ids::Seq;
use crate::domain::time::Time;
use crate::store::batch::Batch;

/// Applies `command`, logged at `logged` as number `seq`, to `batch`. An error leaves the batch as it was.
pub(super) fn apply(
    batch: &mut Batch<'_>,
    registry: &Registry,
    seq: Seq,
    logged: Time,
    command: Command,
) -> Result<Effect, Error> {
    match command {
        Command::Write { workspace, fact } => {
            let model = registry.model(workspace)?;
            let place = fact::Place { workspace, seq, logged };
            fact::write(batch, &model.model, place, &fact).map(Effect::Receipt)
        }
        Command::ApplyModel { workspace, source } => {
            model::apply(batch, registry, &workspace, &source, logged).map(Effect::Model)
        }
        Command::CreateKey(key) => access::create(batch, registry, key).map(Effect::Key),
        Command::RevokeKey(hash) => access::revoke(batch, &hash, logged).map(Effect::Key),
    }
}
