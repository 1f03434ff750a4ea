//! Keys in the directory of a server that is stopped.

use anyhow::anyhow;

use super::ScopeArg;
use crate::cli::database;
use crate::cli::exit::Failure;
use crate::config::Config;
use crate::domain::ids::WorkspaceId;
use crate::engine::{self, Engine};
use crate::proto::v1::{CreateKeyResponse, ListKeysResponse, RevokeKeyResponse, Scope};
use crate::server::{self, keys};

/// Creates a key. The database is made ready as by a server of this configuration, models included; a workspace that
/// is not configured is created with the built-in model.
pub(super) async fn create(
    config: &Config,
    workspace: &str,
    name: &str,
    scopes: &[ScopeArg],
) -> Result<CreateKeyResponse, Failure> {
    let scopes: Vec<i32> = scopes.iter().map(|scope| Scope::from(*scope).into()).collect();
    let scopes = keys::read_scopes(&scopes).map_err(anyhow::Error::from)?;
    let engine = database::open(config).await?;
    let id = database::apply_model(&engine, workspace, None).await?;
    let now = server::now();
    let (key, secret) = server::auth::new_key(name, id, scopes, now).map_err(|refusal| anyhow!("{refusal}"))?;
    engine.create_key(key.clone(), now).await.map_err(anyhow::Error::from)?;
    engine.close();
    Ok(CreateKeyResponse { key: Some(keys::write(key, workspace)), secret: secret.to_string() })
}

/// Lists the keys of a workspace.
pub(super) fn list(config: &Config, workspace: &str) -> Result<ListKeysResponse, Failure> {
    let (engine, id) = open(config, workspace)?;
    let found = engine.keys(id).map_err(anyhow::Error::from)?;
    engine.close();
    Ok(ListKeysResponse { keys: found.into_iter().map(|key| keys::write(key, workspace)).collect() })
}

/// Revokes a key.
pub(super) async fn revoke(config: &Config, workspace: &str, key_id: &str) -> Result<RevokeKeyResponse, Failure> {
    let (engine, id) = open(config, workspace)?;
    let key = engine.revoke_key(id, key_id, server::now()).await.map_err(anyhow::Error::from)?;
    engine.close();
    Ok(RevokeKeyResponse { key: Some(keys::write(key, workspace)) })
}

/// Opens a database that is there, for a workspace that is there. A slip of the pen creates neither.
fn open(config: &Config, workspace: &str) -> Result<(Engine, WorkspaceId), Failure> {
    let directory = config.data.display();
    if !engine::is_database(&config.data) {
        return Err(Failure::Usage(format!("{directory} holds no database of kith: see --data")));
    }
    let engine = database::open_as_it_is(config)?;
    let missing = || Failure::Usage(format!("the database in {directory} has no such workspace: see --workspace"));
    let id = engine.workspace(workspace).ok_or_else(missing)?;
    Ok((engine, id))
}
