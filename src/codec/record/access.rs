//! The records of API keys and model versions.

use serde::{Deserialize, Serialize};

use super::{Record, open, seal};
use crate::codec::Error;
use crate::domain::access::{ApiKey, Scope, SecretHash};
use crate::domain::ids::WorkspaceId;
use crate::domain::time::Time;

const KEY: &str = "API key record";
const MODEL: &str = "model record";

#[derive(Serialize, Deserialize)]
struct KeyV1 {
    key_id: String,
    hash: [u8; 32],
    name: String,
    workspace: u32,
    scopes: Vec<StoredScope>,
    created_at: u64,
    revoked_at: Option<u64>,
}

#[derive(Serialize, Deserialize)]
enum StoredScope {
    Read,
    Write,
    Admin,
}

impl Record for ApiKey {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { key_id, hash, name, workspace, scopes, created_at, revoked_at } = self;
        let stored = KeyV1 {
            key_id: key_id.clone(),
            hash: hash.0,
            name: name.clone(),
            workspace: workspace.0,
            scopes: scopes.iter().copied().map(StoredScope::from).collect(),
            created_at: created_at.micros(),
            revoked_at: revoked_at.map(Time::micros),
        };
        seal(KEY, 1, &stored)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let KeyV1 { key_id, hash, name, workspace, scopes, created_at, revoked_at } = open(KEY, 1, bytes)?;
        Ok(Self {
            key_id,
            hash: SecretHash(hash),
            name,
            workspace: WorkspaceId(workspace),
            scopes: scopes.into_iter().map(Scope::from).collect(),
            created_at: Time::from_micros(created_at),
            revoked_at: revoked_at.map(Time::from_micros),
        })
    }
}

impl From<Scope> for StoredScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Read => Self::Read,
            Scope::Write => Self::Write,
            Scope::Admin => Self::Admin,
        }
    }
}

impl From<StoredScope> for Scope {
    fn from(stored: StoredScope) -> Self {
        match stored {
            StoredScope::Read => Self::Read,
            StoredScope::Write => Self::Write,
            StoredScope::Admin => Self::Admin,
        }
    }
}

/// A model as it was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelVersion {
    /// The text of the model file.
    pub source: String,
    /// Log time of the change.
    pub applied_at: Time,
    /// The version since which the rules of resolution are as they are.
    pub rules: u64,
    /// True as long as there are profiles that are not yet what these rules lead to.
    pub refolding: bool,
}

#[derive(Serialize, Deserialize)]
struct ModelV1 {
    source: String,
    applied_at: u64,
    rules: u64,
    refolding: bool,
}

impl Record for ModelVersion {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { source, applied_at, rules, refolding } = self;
        let (source, applied_at) = (source.clone(), applied_at.micros());
        seal(MODEL, 1, &ModelV1 { source, applied_at, rules: *rules, refolding: *refolding })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let ModelV1 { source, applied_at, rules, refolding } = open(MODEL, 1, bytes)?;
        Ok(Self { source, applied_at: Time::from_micros(applied_at), rules, refolding })
    }
}
