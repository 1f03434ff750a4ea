//! Keys: order-preserving bytes, numbers big-endian, the workspace first.
//!
//! A text in the middle of a key is escaped: `00` becomes `00 FF`, and `00 00` ends it. The end sorts before any
//! continuation, so texts keep their order. A text at the end of a key stands as it is.

mod graph;
mod group;
mod message;
mod served;
mod workspace;

use super::Error;
use super::read::Cursor;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId, WorkspaceId};

pub use graph::{LinkIndexKey, LinkKey, TombstoneKey, WallKey};
pub use group::{MemberKey, TallyKey};
pub use message::{EventKey, MentionKey, MessageKey};
pub use served::{ServedKey, TrailKey};
pub use workspace::ModelKey;

/// A key of one column family.
pub trait Key: Sized {
    /// Its bytes.
    fn encode(&self) -> Vec<u8>;
    /// Reads bytes that [`Key::encode`] wrote.
    fn decode(bytes: &[u8]) -> Result<Self, Error>;
}

/// `workspace:4 | kind:4 | identifier…`, of `profile_id_by_identifier`, `fragment_by_identifier` and `scrub_by_origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifierKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The kind, or [`KindId::ADDRESS`].
    pub kind: KindId,
    /// The identifier.
    pub identifier: Identifier,
}

/// `workspace:4 | profile id:16`, of `profile_by_id`, `alias_by_profile_id` and `merge_by_profile_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The profile.
    pub profile: ProfileId,
}

/// `workspace:4 | kind:4 | profile id:16`, of `size_by_profile`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The kind.
    pub kind: KindId,
    /// The profile.
    pub profile: ProfileId,
}

impl Key for IdentifierKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, kind, identifier } = self;
        let text = identifier.as_str().as_bytes();
        let mut out = Vec::with_capacity(8 + text.len());
        out.extend_from_slice(&workspace.0.to_be_bytes());
        out.extend_from_slice(&kind.0.to_be_bytes());
        out.extend_from_slice(text);
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "identifier key";
        let mut cursor = Cursor::new(bytes, WHAT);
        let workspace = WorkspaceId(cursor.u32()?);
        let kind = KindId(cursor.u32()?);
        Ok(Self { workspace, kind, identifier: identifier(WHAT, cursor.rest().to_vec())? })
    }
}

impl Key for ProfileKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, profile } = self;
        [workspace.0.to_be_bytes().as_slice(), &profile.0.to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes, "profile key");
        let key = Self { workspace: WorkspaceId(cursor.u32()?), profile: ProfileId(cursor.u128()?) };
        cursor.end().map(|()| key)
    }
}

impl SizeKey {
    /// What the keys of all profiles of a kind start with.
    pub fn prefix(workspace: WorkspaceId, kind: KindId) -> Vec<u8> {
        [workspace.0.to_be_bytes(), kind.0.to_be_bytes()].concat()
    }
}

impl Key for SizeKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, kind, profile } = self;
        let mut out = Self::prefix(*workspace, *kind);
        out.extend_from_slice(&profile.0.to_be_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes, "size key");
        let (workspace, kind) = (WorkspaceId(cursor.u32()?), KindId(cursor.u32()?));
        let key = Self { workspace, kind, profile: ProfileId(cursor.u128()?) };
        cursor.end().map(|()| key)
    }
}

fn put_escaped(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        out.push(byte);
        if byte == 0 {
            out.push(0xFF);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

fn take_escaped(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    loop {
        match cursor.u8()? {
            0 => match cursor.u8()? {
                0 => return Ok(out),
                0xFF => out.push(0),
                _ => return Err(Error::malformed("key", "has a bad escape")),
            },
            byte => out.push(byte),
        }
    }
}

fn text(what: &'static str, bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| Error::malformed(what, "text is not UTF-8"))
}

fn identifier(what: &'static str, bytes: Vec<u8>) -> Result<Identifier, Error> {
    let text = text(what, bytes)?;
    Identifier::from_stored(&text).ok_or_else(|| Error::malformed(what, "identifier has no type"))
}
