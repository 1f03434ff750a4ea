//! Models and what they change, on their way out.

use super::time;
use crate::domain::backfill::Backfill;
use crate::domain::identifier::Identifier;
use crate::domain::model::Model;
use crate::domain::refold::{Example, Refold, Tally};
use crate::engine::{Difference, ModelState};
use crate::proto::v1;

/// How many identifiers of a profile an example shows.
const MAX_SHOWN: usize = 20;

/// Writes the model in force, with about how many identifiers and events there are.
pub fn write_state(state: ModelState, identifiers_about: u64, events_about: u64) -> v1::GetModelResponse {
    let ModelState { version, source, applied_at, refold, backfill } = state;
    let refold = refold.map(|Refold { finished, tally, after: _ }| v1::Refold {
        finished,
        tally: Some(write_tally(tally)),
        identifiers_about,
    });
    let backfill = backfill.map(|Backfill { attributes, finished, origins, events, after: _ }| v1::Backfill {
        attributes: attributes.into_iter().collect(),
        finished,
        origins,
        events,
        events_about,
    });
    v1::GetModelResponse { version, source, applied_at: Some(time::write(applied_at)), refold, backfill }
}

/// Writes what `model` would change.
pub fn write_difference(difference: Difference, model: &Model) -> v1::ModelDiff {
    let Difference { tally, examples } = difference;
    let examples = examples.into_iter().map(|example| write_example(example, model)).collect();
    v1::ModelDiff { tally: Some(write_tally(tally)), examples }
}

fn write_tally(tally: Tally) -> v1::RefoldTally {
    let Tally { identifiers, profiles_before, profiles_after, split, merged, joined, freed, left } = tally;
    v1::RefoldTally { identifiers, profiles_before, profiles_after, split, merged, joined, freed, left }
}

fn write_example(example: Example, model: &Model) -> v1::DiffExample {
    let Example { kind, before, after, nobodys } = example;
    let kind = model.kind_by_id(kind).map(|kind| kind.name.clone()).unwrap_or_default();
    let before = before.into_iter().map(|(id, members)| write_profile(id.to_string(), members)).collect();
    let after = after.into_iter().map(|members| write_profile(String::new(), members)).collect();
    v1::DiffExample { kind, before, after, nobodys: write_keys(nobodys) }
}

fn write_profile(profile_id: String, members: std::collections::BTreeSet<Identifier>) -> v1::DiffProfile {
    let identifiers = u32::try_from(members.len()).unwrap_or(u32::MAX);
    v1::DiffProfile { profile_id, keys: write_keys(members), identifiers }
}

fn write_keys(identifiers: impl IntoIterator<Item = Identifier>) -> Vec<String> {
    identifiers.into_iter().take(MAX_SHOWN).map(|identifier| identifier.as_str().to_owned()).collect()
}
