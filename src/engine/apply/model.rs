//! Making a model the one in force.

use std::collections::BTreeSet;

use crate::codec::key::ModelKey;
use crate::codec::record::ModelVersion;
use crate::domain::backfill::Backfill;
use crate::domain::ids::{KindId, WorkspaceId};
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::model::Model;
use crate::domain::refold::Refold;
use crate::domain::time::Time;
use crate::engine::Error;
use crate::engine::state::Registry;
use crate::store::batch::Batch;
use crate::store::catalogue::{BACKFILLS, Family, LINK_INDEX, LINKS, MODELS, OWNERS, REFOLDS};
use crate::store::meta::put_workspace;
use crate::store::view::Read;

/// A model on its way into force.
pub(super) struct Change<'a> {
    /// The name of its workspace.
    pub(super) name: &'a str,
    /// The model file.
    pub(super) source: &'a str,
    /// Whether the rules of resolution may change, and identities be folded again.
    pub(super) refolds: bool,
}

/// A workspace that has no facts takes any model. Where there are facts, what the new model says counts for all of them;
/// if its rules of resolution are others, identities are folded again, in many commands after this one.
pub(super) fn apply(
    batch: &mut Batch<'_>,
    registry: &Registry,
    change: &Change<'_>,
    logged: Time,
) -> Result<WorkspaceId, Error> {
    let Change { name, source, refolds } = *change;
    let model = parse(source)?;
    let Some(workspace) = registry.workspace(name) else {
        let workspace = registry.next_workspace();
        put_workspace(batch, name, workspace);
        put(batch, ModelKey { workspace, version: 1 }, source, logged, 1, false)?;
        return Ok(workspace);
    };
    let current = registry.model(workspace)?;
    if current.model.source() == source {
        return Ok(workspace);
    }
    let version = current.version + 1;
    let same = model.has_rules_of(&current.model);
    let has_facts = has(batch, LINKS.family(), &workspace.0.to_be_bytes())?;
    if has_facts {
        check(batch, workspace, &model, &current.model)?;
    }
    if has_facts && !same && !refolds {
        return Err(Error::Conflict(format!(
            "the model of workspace `{name}` has other rules of resolution than the one its facts are folded under; \
             see what would change with `kith model diff FILE` on the running server, then `kith model apply FILE`"
        )));
    }
    let folds = has_facts && !same;
    if folds {
        REFOLDS.put(batch, &workspace, &Refold::default())?;
    }
    let added = model.to_backfill(&current.model);
    if !added.is_empty() {
        // Where nothing is stored nothing is to be counted, which is noted all the same: they have counted everything.
        let backfill = Backfill { finished: !has_facts, ..Backfill::of(added) };
        BACKFILLS.put(batch, &ModelKey { workspace, version }, &backfill)?;
    }
    let rules = if same { current.rules } else { version };
    put(batch, ModelKey { workspace, version }, source, logged, rules, folds || (same && current.refolding))?;
    Ok(workspace)
}

/// Reads a model.
pub(in crate::engine) fn parse(source: &str) -> Result<Model, Error> {
    Ok(Model::parse(source).map_err(|error| Invalid::new(Reason::BadValue, "model", error.to_string()))?)
}

/// Refuses a model that would leave what is stored without a meaning: one that drops or reads otherwise an identifier
/// type or a kind in use, or changes a computed attribute.
pub(in crate::engine) fn check(
    from: &impl Read,
    workspace: WorkspaceId,
    model: &Model,
    current: &Model,
) -> Result<(), Error> {
    if let Some(lost) = model.loses(current) {
        return conflict(format!("cannot change {lost}, which was computed so far; add it under another name"));
    }
    if let Some(late) = model.backfills_late(current) {
        return conflict(format!(
            "cannot set `backfill` on the computed attribute `{late}`, which counts already; add it under another name"
        ));
    }
    for known in current.types() {
        let stays = model.identifier_type(&known.name).is_some_and(|new| new.canonical == known.canonical);
        let prefix = [&workspace.0.to_be_bytes()[..], known.name.as_bytes(), b":"].concat();
        if !stays && has(from, LINK_INDEX.family(), &prefix)? {
            let name = &known.name;
            let text = format!("cannot drop the identifier type `{name}` or change its canonical form: it is in use");
            return conflict(text);
        }
    }
    for kind in current.kinds() {
        let kept: BTreeSet<&String> = model.kind(&kind.name).into_iter().flat_map(|kind| kind.types()).collect();
        for lost in kind.types().iter().filter(|name| !kept.contains(name)) {
            if has(from, OWNERS.family(), &owners_of_type(workspace, kind.id, lost))? {
                let name = &kind.name;
                return conflict(format!("cannot take the identifier type `{lost}` from kind `{name}`: it is in use"));
            }
        }
    }
    Ok(())
}

/// What the keys of all owners of one type start with.
fn owners_of_type(workspace: WorkspaceId, kind: KindId, type_name: &str) -> Vec<u8> {
    [&workspace.0.to_be_bytes()[..], &kind.0.to_be_bytes(), type_name.as_bytes(), b":"].concat()
}

fn has(from: &impl Read, family: Family, prefix: &[u8]) -> Result<bool, Error> {
    Ok(!from.rows(family, prefix, prefix, 1)?.is_empty())
}

fn conflict<T>(text: String) -> Result<T, Error> {
    Err(Error::Conflict(format!("the model {text}; nothing was changed")))
}

/// Writes down that all profiles are what the rules lead to.
pub(super) fn settle(batch: &mut Batch<'_>, key: ModelKey) -> Result<(), Error> {
    let stored = MODELS.get(batch, &key)?.ok_or(Error::NotFound("the model"))?;
    Ok(MODELS.put(batch, &key, &ModelVersion { refolding: false, ..stored })?)
}

/// Makes what is kept in memory beside the model be read again.
pub(super) fn touch(batch: &mut Batch<'_>, key: ModelKey) -> Result<(), Error> {
    let stored = MODELS.get(batch, &key)?.ok_or(Error::NotFound("the model"))?;
    Ok(MODELS.put(batch, &key, &stored)?)
}

fn put(
    batch: &mut Batch<'_>,
    key: ModelKey,
    source: &str,
    logged: Time,
    rules: u64,
    refolding: bool,
) -> Result<(), Error> {
    Ok(MODELS.put(batch, &key, &ModelVersion { source: source.to_owned(), applied_at: logged, rules, refolding })?)
}
