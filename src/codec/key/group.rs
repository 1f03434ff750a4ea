//! Keys of groups: who is a member, and how many are.

use super::{Key, identifier, put_escaped, take_escaped};
use crate::codec::Error;
use crate::codec::read::Cursor;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId, WorkspaceId};

/// `workspace:4 | group identifier, escaped | member kind:4 | member's profile id:16`, of `member_by_account`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The group, by the identifier that facts named.
    pub group: Identifier,
    /// The kind of the member.
    pub kind: KindId,
    /// The member.
    pub profile: ProfileId,
}

/// `workspace:4 | member kind:4 | group identifier…`, of `tally_by_account`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TallyKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The kind of the members.
    pub kind: KindId,
    /// The group, by the identifier that facts named.
    pub group: Identifier,
}

impl MemberKey {
    /// What the keys of all members of one kind of `group` start with.
    pub fn prefix(workspace: WorkspaceId, group: &Identifier, kind: KindId) -> Vec<u8> {
        let mut out = workspace.0.to_be_bytes().to_vec();
        put_escaped(&mut out, group.as_str());
        out.extend_from_slice(&kind.0.to_be_bytes());
        out
    }
}

impl Key for MemberKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, group, kind, profile } = self;
        let mut out = Self::prefix(*workspace, group, *kind);
        out.extend_from_slice(&profile.0.to_be_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "member key";
        let mut cursor = Cursor::new(bytes, WHAT);
        let workspace = WorkspaceId(cursor.u32()?);
        let group = identifier(WHAT, take_escaped(&mut cursor)?)?;
        let kind = KindId(cursor.u32()?);
        let key = Self { workspace, group, kind, profile: ProfileId(cursor.u128()?) };
        cursor.end().map(|()| key)
    }
}

impl Key for TallyKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, kind, group } = self;
        let mut out = [workspace.0.to_be_bytes(), kind.0.to_be_bytes()].concat();
        out.extend_from_slice(group.as_str().as_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "tally key";
        let mut cursor = Cursor::new(bytes, WHAT);
        let (workspace, kind) = (WorkspaceId(cursor.u32()?), KindId(cursor.u32()?));
        Ok(Self { workspace, kind, group: identifier(WHAT, cursor.rest().to_vec())? })
    }
}
