//! Opening the database as the configuration says: the one place where the floors are wired together.

use std::path::Path;

use anyhow::Context as _;

use super::exit::Failure;
use crate::config::{Config, Durability};
use crate::domain::ids::WorkspaceId;
use crate::domain::model::DEFAULT_MODEL;
use crate::engine::{self, Engine};
use crate::server;

/// Opens the database and applies the configured models. A workspace without a model file keeps the model that is
/// stored; a new one gets the built-in model.
pub(super) async fn open(config: &Config) -> Result<Engine, Failure> {
    let engine = open_as_it_is(config)?;
    for (name, file) in config.models() {
        apply_model(&engine, name, file).await?;
    }
    Ok(engine)
}

/// Opens the database and applies no model.
pub(super) fn open_as_it_is(config: &Config) -> Result<Engine, Failure> {
    let durability = match config.durability {
        Durability::Sync => engine::Durability::Sync,
        Durability::Interval(every) => engine::Durability::Interval(every),
    };
    let options = engine::Options {
        data: config.data.clone(),
        durability,
        cache_bytes: config.cache_mib.saturating_mul(1024 * 1024),
        write_queue: config.limits.write_queue,
        refold_portion: engine::REFOLD_PORTION,
        invalidates: true,
    };
    Ok(Engine::open(&options).with_context(|| format!("cannot open {}", config.data.display()))?)
}

/// The workspace called `name`, with the model in `file` where one is given.
pub(super) async fn apply_model(engine: &Engine, name: &str, file: Option<&Path>) -> Result<WorkspaceId, Failure> {
    let source = match (file, engine.workspace(name)) {
        (None, Some(workspace)) => return Ok(workspace),
        (None, None) => DEFAULT_MODEL.to_owned(),
        (Some(file), _) => {
            std::fs::read_to_string(file).with_context(|| format!("cannot read the model {}", file.display()))?
        }
    };
    let from = file.map_or_else(|| "the built-in model".to_owned(), |file| file.display().to_string());
    Ok(engine.apply_model(name, &source, server::now()).await.with_context(|| from)?)
}
