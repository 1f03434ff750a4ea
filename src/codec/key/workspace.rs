//! Keys of what a workspace has once: its models, its API keys, the change of its rules.

use super::Key;
use crate::codec::Error;
use crate::codec::read::Cursor;
use crate::domain::access::SecretHash;
use crate::domain::ids::WorkspaceId;

/// `workspace:4 | !version:8`, of `model_by_version`. Complemented, so that the newest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The version; the first one is 1.
    pub version: u64,
}

impl Key for ModelKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, version } = self;
        [workspace.0.to_be_bytes().as_slice(), &(!version).to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes, "model key");
        let key = Self { workspace: WorkspaceId(cursor.u32()?), version: !cursor.u64()? };
        cursor.end().map(|()| key)
    }
}

/// `sha-256 of the secret:32`, of `key_by_hash`: the workspace is what is being looked for, so it is not in the key.
/// `workspace:4`, of `refold_by_workspace`.
impl Key for WorkspaceId {
    fn encode(&self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes, "workspace key");
        let key = Self(cursor.u32()?);
        cursor.end().map(|()| key)
    }
}

impl Key for SecretHash {
    fn encode(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes, "API key hash");
        let key = Self(cursor.array()?);
        cursor.end().map(|()| key)
    }
}
