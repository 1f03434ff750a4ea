//! Making a model the one in force.

use crate::codec::key::ModelKey;
use crate::codec::record::ModelVersion;
use crate::domain::ids::WorkspaceId;
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::model::Model;
use crate::domain::time::Time;
use crate::engine::Error;
use crate::engine::state::Registry;
use crate::store::batch::Batch;
use crate::store::catalogue::{LINKS, MODELS};
use crate::store::meta::put_workspace;

/// A workspace that has no facts takes any model. Where there are facts, only computed attributes may be added: they
/// count from then on. Any other change would need profiles to be folded, or aggregates to be computed, again.
pub(super) fn apply(
    batch: &mut Batch<'_>,
    registry: &Registry,
    name: &str,
    source: &str,
    logged: Time,
) -> Result<WorkspaceId, Error> {
    let model = Model::parse(source).map_err(|error| Invalid::new(Reason::BadValue, "model", error.to_string()))?;
    let Some(workspace) = registry.workspace(name) else {
        let workspace = registry.next_workspace();
        put_workspace(batch, name, workspace);
        put(batch, ModelKey { workspace, version: 1 }, source, logged, 1)?;
        return Ok(workspace);
    };
    let current = registry.model(workspace)?;
    if current.model.source() == source {
        return Ok(workspace);
    }
    let has_facts = batch.any(LINKS.family(), &workspace.0.to_be_bytes())?;
    if let Some(change) = model.change_that_needs_folding(&current.model).filter(|_| has_facts) {
        return Err(Error::Conflict(format!(
            "the model of workspace `{name}` cannot change {change} while facts are stored under the old one; \
             add computed attributes only, or start with a new data directory"
        )));
    }
    let version = current.version + 1;
    let same = model.change_that_needs_folding(&current.model).is_none();
    let rules = if same { current.rules } else { version };
    put(batch, ModelKey { workspace, version }, source, logged, rules)?;
    Ok(workspace)
}

fn put(batch: &mut Batch<'_>, key: ModelKey, source: &str, logged: Time, rules: u64) -> Result<(), Error> {
    Ok(MODELS.put(batch, &key, &ModelVersion { source: source.to_owned(), applied_at: logged, rules })?)
}
