//! Keys: order-preserving bytes, numbers big-endian, the workspace first.
//!
//! A text in the middle of a key is escaped: `00` becomes `00 FF`, and `00 00` ends it. The end sorts before any
//! continuation, so texts keep their order. A text at the end of a key stands as it is.

use super::Error;
use super::read::Cursor;
use crate::domain::access::SecretHash;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId, WorkspaceId};
use crate::domain::link::{LinkId, Moment};
use crate::domain::time::Time;
use crate::domain::tombstone::TombstoneHash;

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

/// `workspace:4 | kind:4 | identifier, escaped | !time:8 | message id…`, of `event_by_identifier_time`. The time is
/// complemented, so that a scan goes from the newest to the oldest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The kind.
    pub kind: KindId,
    /// The origin identifier.
    pub identifier: Identifier,
    /// Event time and message id.
    pub moment: Moment,
}

/// `workspace:4 | message id…`, of `receipt_by_message_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The message id.
    pub message_id: String,
}

/// `workspace:4 | identifier, escaped | message id…`, of `receipt_by_identifier`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MentionKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The identifier that the receipt names.
    pub identifier: Identifier,
    /// The message id that the receipt is found by.
    pub message_id: String,
}

/// `workspace:4 | keyed hash:32`, of `tombstone_by_hash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TombstoneKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The keyed hash of what was erased.
    pub hash: TombstoneHash,
}

/// `workspace:4 | !version:8`, of `model_by_version`. Complemented, so that the newest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The version; the first one is 1.
    pub version: u64,
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

impl EventKey {
    /// What the keys of all events of an identifier start with.
    pub fn prefix(workspace: WorkspaceId, kind: KindId, identifier: &Identifier) -> Vec<u8> {
        let mut out = workspace.0.to_be_bytes().to_vec();
        out.extend_from_slice(&kind.0.to_be_bytes());
        put_escaped(&mut out, identifier.as_str());
        out
    }
}

impl Key for EventKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, kind, identifier, moment: Moment { time, message_id } } = self;
        let mut out = Self::prefix(*workspace, *kind, identifier);
        out.extend_from_slice(&(!time.micros()).to_be_bytes());
        out.extend_from_slice(message_id.as_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "event key";
        let mut cursor = Cursor::new(bytes, WHAT);
        let workspace = WorkspaceId(cursor.u32()?);
        let kind = KindId(cursor.u32()?);
        let identifier = identifier(WHAT, take_escaped(&mut cursor)?)?;
        let time = Time::from_micros(!cursor.u64()?);
        let message_id = text(WHAT, cursor.rest().to_vec())?;
        Ok(Self { workspace, kind, identifier, moment: Moment { time, message_id } })
    }
}

impl Key for MessageKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, message_id } = self;
        [workspace.0.to_be_bytes().as_slice(), message_id.as_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "message key";
        let mut cursor = Cursor::new(bytes, WHAT);
        let workspace = WorkspaceId(cursor.u32()?);
        Ok(Self { workspace, message_id: text(WHAT, cursor.rest().to_vec())? })
    }
}

impl MentionKey {
    /// What the keys of all receipts that name `identifier` start with.
    pub fn prefix(workspace: WorkspaceId, identifier: &Identifier) -> Vec<u8> {
        let mut out = workspace.0.to_be_bytes().to_vec();
        put_escaped(&mut out, identifier.as_str());
        out
    }
}

impl Key for MentionKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, identifier, message_id } = self;
        let mut out = Self::prefix(*workspace, identifier);
        out.extend_from_slice(message_id.as_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "mention key";
        let mut cursor = Cursor::new(bytes, WHAT);
        let workspace = WorkspaceId(cursor.u32()?);
        let identifier = identifier(WHAT, take_escaped(&mut cursor)?)?;
        Ok(Self { workspace, identifier, message_id: text(WHAT, cursor.rest().to_vec())? })
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
