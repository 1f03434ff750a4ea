//! Models of a running engine: which is in force, what another one would change, and putting it in force.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::xxh3_64;

use super::apply::{Ids, Place, Refolded, Sweep, backfills, check_model, parse_model, refold};
use super::command::Command;
use super::{ActiveModel, Engine, Error};
use crate::codec::key::ModelKey;
use crate::domain::backfill::Backfill;
use crate::domain::identifier::Identifier;
use crate::domain::ids::WorkspaceId;
use crate::domain::model::Model;
use crate::domain::refold::{Example, Refold, Tally};
use crate::domain::resolution::Rules;
use crate::domain::time::Time;
use crate::store::batch::Batch;
use crate::store::catalogue::{EVENTS, MODELS, OWNERS, REFOLDS};

/// How many examples a difference shows.
const MAX_EXAMPLES: usize = 20;
/// How many identifiers are remembered at once, over all kinds, because what they hang together with was folded already:
/// some tens of MiB. Past it, that is found out by folding.
const MAX_REMEMBERED: usize = 2_000_000;
/// How many components that are too large are marked for the time of a comparison, so that each of their identifiers is not
/// tried in vain.
const MAX_MARKED: u64 = 1_000;
/// After how many identifiers the progress is told.
const TELL_EVERY: u64 = 1_000;

/// The model in force, and since when.
#[derive(Clone, Debug)]
pub struct ModelState {
    /// Its version.
    pub version: u64,
    /// The text of its file.
    pub source: String,
    /// When it was put in force.
    pub applied_at: Time,
    /// How far identities are folded again by the last change of rules; `None` if there was none.
    pub refold: Option<Refold>,
    /// How far stored events are counted for new computed attributes: of the oldest change of the model that is not done
    /// with that; of the last one if all are; `None` if there was none.
    pub backfill: Option<Backfill>,
}

/// What another model would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// The counts.
    pub tally: Tally,
    /// Some of the profiles that would change, at most 20, in the order in which they were found.
    pub examples: Vec<Example>,
}

impl Engine {
    /// The model of a workspace, and how far its last change of rules has come.
    pub fn model_state(&self, workspace: WorkspaceId) -> Result<ModelState, Error> {
        let active = self.model(workspace)?;
        let view = self.state.store.snapshot();
        let version = active.version;
        let stored = MODELS.get(&view, &ModelKey { workspace, version })?.ok_or(Error::NotFound("the model"))?;
        let refold = REFOLDS.get(&view, &workspace)?;
        let mut backfills: Vec<Backfill> =
            backfills(&view, workspace)?.into_iter().map(|(_, backfill)| backfill).collect();
        let at = backfills.iter().rposition(|backfill| !backfill.finished).unwrap_or(0);
        let mut backfill = (at < backfills.len()).then(|| backfills.swap_remove(at));
        if let Some(backfill) = &mut backfill {
            // It is finished for whoever asks once lookups read the attributes, which is a moment after.
            backfill.finished &= backfill.attributes.is_disjoint(&active.awaited);
        }
        Ok(ModelState { version, source: stored.source, applied_at: stored.applied_at, refold, backfill })
    }

    /// Makes `source` the model of a workspace. It is in force when this returns. If its rules of resolution are others,
    /// identities are folded again from then on, in the background: [`Engine::model_state`] says how far that is.
    ///
    /// Fails with [`Error::Invalid`] if it is no model, and with [`Error::Conflict`] if it would leave what is stored
    /// without a meaning; nothing is changed then.
    pub async fn change_model(&self, workspace: WorkspaceId, source: String, now: Time) -> Result<(), Error> {
        let name = self.workspace_name(workspace).ok_or(Error::NotFound("the workspace"))?;
        self.run(Command::ApplyModel { workspace: name, source, refolds: true }, now).await?;
        self.threads.refolder.wake();
        Ok(())
    }

    /// How many stored events there are, about, over all workspaces and kinds.
    pub fn events_about(&self) -> Result<u64, Error> {
        let families = self.state.store.stats()?.into_iter();
        Ok(families.filter(|family| family.name == EVENTS.family().name()).map(|family| family.records).sum())
    }

    /// How many identifiers there are, about, over all workspaces and kinds.
    pub fn identifiers_about(&self) -> Result<u64, Error> {
        let families = self.state.store.stats()?.into_iter();
        Ok(families.filter(|family| family.name == OWNERS.family().name()).map(|family| family.records).sum())
    }

    /// What `source` as the model would do to the identities of a workspace, found out by doing it to data that are
    /// thrown away. `tell` hears how many identifiers of about how many are done, and says whether to go on.
    ///
    /// Answers that and the model. Fails as [`Engine::change_model`], and with [`Error::Closed`] if it was not to go on.
    pub fn diff_model(
        &self,
        workspace: WorkspaceId,
        source: &str,
        mut tell: impl FnMut(u64, u64) -> bool,
    ) -> Result<(Difference, Model), Error> {
        let busy = || Error::Conflict("another comparison of models is running; wait for its end".to_owned());
        let _only = self.state.begin_diff().ok_or_else(busy)?;
        let active = self.model(workspace)?;
        let model = parse_model(source)?;
        let about = self.identifiers_about()?;
        let batch = Batch::scratch(&self.state.store);
        check_model(&batch, workspace, &model, &active.model)?;
        if model.has_rules_of(&active.model) {
            return Ok((Difference::default(), model));
        }
        // As the next command would be: ids that were handed out are not handed out again.
        let last = self.state.store.place()?;
        let here = last.after(last.log_time);
        let next = ActiveModel {
            version: active.version + 1,
            rules: active.version + 1,
            refolding: true,
            model,
            // Folding asks for the time of no window.
            sliding_since: BTreeMap::new(),
            awaited: active.awaited.clone(),
        };
        let place = Place::new(workspace, here.seq, here.log_time, &next);
        let found = Comparison::new(batch, place, &next.model).run(|identifiers| tell(identifiers, about))?;
        Ok((found, next.model))
    }
}

/// A comparison under way.
struct Comparison<'a> {
    batch: Batch<'a>,
    place: Place,
    ids: Ids,
    model: &'a Model,
    found: Difference,
    /// For each kind, identifiers that come later and are done, by their hash.
    remembered: Vec<BTreeSet<u64>>,
}

impl<'a> Comparison<'a> {
    fn new(batch: Batch<'a>, place: Place, model: &'a Model) -> Self {
        let remembered = model.kinds().iter().map(|_| BTreeSet::new()).collect();
        Self { batch, place, ids: Ids::new(place), model, found: Difference::default(), remembered }
    }

    fn run(mut self, mut tell: impl FnMut(u64) -> bool) -> Result<Difference, Error> {
        let sweep = Sweep { workspace: self.place.workspace };
        let mut after = None;
        let mut told = 0;
        loop {
            let identifiers = sweep.after(&self.batch, after.as_ref())?;
            if identifiers.is_empty() {
                tell(self.found.tally.identifiers);
                return Ok(self.found);
            }
            for identifier in identifiers {
                for at in 0..self.model.kinds().len() {
                    self.compare(at, &identifier)?;
                }
                after = Some(identifier);
            }
            if self.found.tally.identifiers >= told + TELL_EVERY {
                told = self.found.tally.identifiers;
                if !tell(told) {
                    return Err(Error::Closed);
                }
            }
        }
    }

    /// Compares all that hangs together with an identifier, unless an earlier identifier has led there.
    fn compare(&mut self, at: usize, identifier: &Identifier) -> Result<(), Error> {
        let Some(kind) = self.model.kinds().get(at) else { return Ok(()) };
        let rules = Rules { model: self.model, kind };
        if !rules.has(identifier) {
            return Ok(());
        }
        let tally = &mut self.found.tally;
        tally.identifiers += 1;
        let room = MAX_REMEMBERED.saturating_sub(self.remembered.iter().map(BTreeSet::len).sum());
        let Some(remembered) = self.remembered.get_mut(at) else { return Ok(()) };
        if remembered.remove(&hash(identifier)) {
            return Ok(());
        }
        let refolded = refold(&mut self.batch, self.place, &mut self.ids, rules, identifier)?;
        if matches!(refolded, Refolded::TooLarge) && tally.left < MAX_MARKED {
            self.batch.keep();
        }
        self.batch.forget();
        let (together, before, after) = match refolded {
            Refolded::Now { work: _, identifiers, before, after } => (identifiers, before, after),
            Refolded::Before { work: _ } => return Ok(()),
            Refolded::TooLarge => {
                tally.left += 1;
                return Ok(());
            }
        };
        if together.first().is_some_and(|first| first < identifier) {
            return Ok(());
        }
        let later = together.iter().filter(|other| *other > identifier).map(hash);
        remembered.extend(later.take(room));
        let change = Tally::of(&before, &after);
        tally.add(change);
        if change.is_change() && self.found.examples.len() < MAX_EXAMPLES {
            self.found.examples.push(Example::of(kind.id, &before, &after));
        }
        Ok(())
    }
}

fn hash(identifier: &Identifier) -> u64 {
    xxh3_64(identifier.as_str().as_bytes())
}
