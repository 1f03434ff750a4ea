//! Keys of what was said: events, receipts, and who receipts name.

use super::{Key, identifier, put_escaped, take_escaped, text};
use crate::codec::Error;
use crate::codec::read::Cursor;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, WorkspaceId};
use crate::domain::link::Moment;
use crate::domain::time::Time;

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
