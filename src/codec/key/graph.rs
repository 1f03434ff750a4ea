//! Keys of evidence: links, walls, and the tombstones of what was erased.

use super::{Key, identifier, put_escaped, take_escaped};
use crate::codec::Error;
use crate::codec::read::Cursor;
use crate::domain::identifier::Identifier;
use crate::domain::ids::WorkspaceId;
use crate::domain::link::LinkId;
use crate::domain::tombstone::TombstoneHash;

/// `workspace:4 | identifier, escaped | other identifier…`, of `wall_by_identifier`: each wall is there twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WallKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The identifier that the wall is found by.
    pub identifier: Identifier,
    /// The identifier beyond it.
    pub beyond: Identifier,
}

/// `workspace:4 | link id:16`, of `link_by_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The link.
    pub link: LinkId,
}

/// `workspace:4 | identifier, escaped | link id:16`, of `link_by_identifier` and `held_link_by_identifier`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkIndexKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// An identifier of the link.
    pub identifier: Identifier,
    /// The link.
    pub link: LinkId,
}

/// `workspace:4 | keyed hash:32`, of `tombstone_by_hash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TombstoneKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The keyed hash of what was erased.
    pub hash: TombstoneHash,
}

impl WallKey {
    /// What the keys of all walls at `identifier` start with.
    pub fn prefix(workspace: WorkspaceId, identifier: &Identifier) -> Vec<u8> {
        let mut out = workspace.0.to_be_bytes().to_vec();
        put_escaped(&mut out, identifier.as_str());
        out
    }
}

impl Key for WallKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, identifier, beyond } = self;
        let mut out = Self::prefix(*workspace, identifier);
        out.extend_from_slice(beyond.as_str().as_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "wall key";
        let mut cursor = Cursor::new(bytes, WHAT);
        let workspace = WorkspaceId(cursor.u32()?);
        let end = identifier(WHAT, take_escaped(&mut cursor)?)?;
        Ok(Self { workspace, identifier: end, beyond: identifier(WHAT, cursor.rest().to_vec())? })
    }
}

impl Key for LinkKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, link } = self;
        [workspace.0.to_be_bytes().as_slice(), &link.0.to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes, "link key");
        let key = Self { workspace: WorkspaceId(cursor.u32()?), link: LinkId(cursor.u128()?) };
        cursor.end().map(|()| key)
    }
}

impl LinkIndexKey {
    /// What the keys of all links of `identifier` start with.
    pub fn prefix(workspace: WorkspaceId, identifier: &Identifier) -> Vec<u8> {
        let mut out = workspace.0.to_be_bytes().to_vec();
        put_escaped(&mut out, identifier.as_str());
        out
    }

    /// Where the links of the identifiers after `identifier` begin.
    pub fn past(workspace: WorkspaceId, identifier: &Identifier) -> Vec<u8> {
        let mut out = Self::prefix(workspace, identifier);
        out.extend_from_slice(&u128::MAX.to_be_bytes());
        out.push(0);
        out
    }
}

impl Key for LinkIndexKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, identifier, link } = self;
        let mut out = Self::prefix(*workspace, identifier);
        out.extend_from_slice(&link.0.to_be_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "link index key";
        let mut cursor = Cursor::new(bytes, WHAT);
        let workspace = WorkspaceId(cursor.u32()?);
        let identifier = identifier(WHAT, take_escaped(&mut cursor)?)?;
        let key = Self { workspace, identifier, link: LinkId(cursor.u128()?) };
        cursor.end().map(|()| key)
    }
}

impl Key for TombstoneKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, hash } = self;
        [workspace.0.to_be_bytes().as_slice(), &hash.0].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes, "tombstone key");
        let key = Self { workspace: WorkspaceId(cursor.u32()?), hash: TombstoneHash(cursor.array()?) };
        cursor.end().map(|()| key)
    }
}
