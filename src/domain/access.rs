//! API keys: who may do what in which workspace.

use super::ids::WorkspaceId;
use super::time::Time;

/// What a key permits. No scope includes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Lookups, profiles and events.
    Read,
    /// Facts.
    Write,
    /// Keys and stats.
    Admin,
}

/// The SHA-256 of a key's secret: all that is stored of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretHash(pub [u8; 32]);

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public id; a secret starts with it.
    pub key_id: String,
    /// The hash of its secret.
    pub hash: SecretHash,
    /// What it is for.
    pub name: String,
    /// The workspace it is bound to.
    pub workspace: WorkspaceId,
    /// What it permits, in order, without repeats.
    pub scopes: Vec<Scope>,
    /// When it was created.
    pub created_at: Time,
    /// When it was revoked; `None` while it is valid.
    pub revoked_at: Option<Time>,
}
