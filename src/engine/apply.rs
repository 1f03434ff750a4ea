//! `apply`: from a command to changes and an effect.
//!
//! Synchronous and deterministic: no clock, no randomness, no I/O but reads of the batch and the data below it. Ids
//! derive from the command's place in the log; "now" is its log time.

mod access;
mod address;
mod backfill;
mod component;
mod correction;
mod erase;
mod evidence;
mod fact;
mod folding;
mod fragments;
mod model;
mod plan;
mod profile_rows;
mod refold;
mod serve;
mod step;
mod tombstones;

pub(super) use backfill::all as backfills;
pub(super) use component::{Component, too_large};
pub(super) use model::{check as check_model, parse as parse_model};
pub(super) use refold::{Refolded, Sweep, refold};
pub(super) use tombstones::Tombstones;

use super::Error;
use super::command::{Command, Effect};
use super::state::{ActiveModel, Registry};
use crate::domain::ids::{LogPlace, ProfileId, Seq, WorkspaceId};
use crate::domain::time::Time;
use crate::store::batch::Batch;

/// Where a command stands in the log, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) workspace: WorkspaceId,
    pub(super) seq: Seq,
    pub(super) logged: Time,
    /// The version of the model since which the rules of resolution are as they are.
    pub(super) rules: u64,
    /// True as long as there are profiles that are not yet what these rules lead to.
    pub(super) refolding: bool,
    /// True as long as there are stored events that are still to be counted for new computed attributes.
    pub(super) backfilling: bool,
}

impl Place {
    /// The place of a command of a workspace with this model.
    pub(super) fn new(workspace: WorkspaceId, seq: Seq, logged: Time, active: &ActiveModel) -> Self {
        let ActiveModel { rules, refolding, awaited, version: _, model: _, sliding_since: _ } = active;
        let backfilling = !awaited.is_empty();
        Self { workspace, seq, logged, rules: *rules, refolding: *refolding, backfilling }
    }
}

/// The ids that one command hands out.
#[derive(Debug)]
pub(super) struct Ids {
    place: Place,
    next: u32,
}

impl Ids {
    pub(super) fn new(place: Place) -> Self {
        Self { place, next: 0 }
    }

    fn hand_out(&mut self) -> ProfileId {
        let id = ProfileId::derive(self.place.logged, self.place.seq, self.next);
        self.next += 1;
        id
    }
}

/// Applies `command`, which arrived at `now`, as the next one after `place`, and keeps its changes in `batch`. What
/// changes nothing takes no place in the log: a refusal, or a message id seen before.
pub(super) fn apply_next(
    batch: &mut Batch<'_>,
    registry: &Registry,
    place: &mut LogPlace,
    now: Time,
    command: Command,
) -> Result<Effect, Error> {
    let here = place.after(now);
    let effect = apply(batch, registry, here.seq, here.log_time, command);
    if effect.is_ok() && batch.has_staged() {
        batch.keep();
        *place = here;
    } else {
        batch.forget();
    }
    effect
}

/// Applies `command`, logged at `logged` as number `seq`, to `batch`. Its changes are staged; after an error there may
/// be some, to be forgotten.
fn apply(
    batch: &mut Batch<'_>,
    registry: &Registry,
    seq: Seq,
    logged: Time,
    command: Command,
) -> Result<Effect, Error> {
    match command {
        Command::Write { workspace, fact } => {
            let active = registry.model(workspace)?;
            let place = Place::new(workspace, seq, logged, &active);
            fact::write(batch, &active.model, place, registry.secret(workspace), &fact).map(Effect::Receipt)
        }
        Command::Correct { workspace, correction } => {
            let active = registry.model(workspace)?;
            let place = Place::new(workspace, seq, logged, &active);
            correction::correct(batch, &active.model, place, registry.secret(workspace), &correction)
                .map(Effect::Receipt)
        }
        Command::Erase { workspace, erasure } => {
            let active = registry.model(workspace)?;
            let place = Place::new(workspace, seq, logged, &active);
            erase::erase(batch, &active.model, place, registry.secret(workspace), &erasure)
        }
        Command::Scrub { workspace } => {
            let active = registry.model(workspace)?;
            let more = erase::scrub(batch, &active.model, workspace, registry.secret(workspace))?;
            Ok(Effect::Scrubbed { more })
        }
        Command::ApplyModel { workspace, source, refolds } => {
            let change = model::Change { name: &workspace, source: &source, refolds };
            model::apply(batch, registry, &change, logged).map(Effect::Model)
        }
        Command::Refold { workspace, portion } => {
            let active = registry.model(workspace)?;
            let place = Place::new(workspace, seq, logged, &active);
            refold::go_on(batch, &active, place, portion).map(|()| Effect::Refolded)
        }
        Command::Serve { workspace, servings } => {
            let active = registry.model(workspace)?;
            let place = Place::new(workspace, seq, logged, &active);
            serve::serve(batch, &active, place, servings).map(Effect::Served)
        }
        Command::Backfill { workspace, portion } => {
            let active = registry.model(workspace)?;
            let place = Place::new(workspace, seq, logged, &active);
            backfill::go_on(batch, &active, place, registry.secret(workspace), portion).map(|()| Effect::Backfilled)
        }
        Command::CreateKey(key) => access::create(batch, registry, key).map(Effect::Key),
        Command::RevokeKey(hash) => access::revoke(batch, &hash, logged).map(Effect::Key),
    }
}
