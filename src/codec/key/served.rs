//! Keys of what was served.

use super::{Key, put_escaped, take_escaped, text};
use crate::codec::Error;
use crate::codec::read::Cursor;
use crate::domain::identifier::{Identifier, PROFILE_ID_TYPE};
use crate::domain::ids::{ProfileId, WorkspaceId};
use crate::domain::key;
use crate::domain::served::SendId;

/// `workspace:4 | identifier, or profile_id:UUID, escaped | send id…`, of `served_by_key_and_send`. No identifier has a type
/// of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The key that the customer was asked for by.
    pub key: key::Key,
    /// The send.
    pub send: SendId,
}

impl ServedKey {
    /// What the keys of all that was served to `key` start with.
    pub fn prefix(workspace: WorkspaceId, key: &key::Key) -> Vec<u8> {
        let mut out = workspace.0.to_be_bytes().to_vec();
        match key {
            key::Key::Identifier(identifier) => put_escaped(&mut out, identifier.as_str()),
            key::Key::Profile(id) => put_escaped(&mut out, &format!("{PROFILE_ID_TYPE}:{id}")),
        }
        out
    }
}

impl Key for ServedKey {
    fn encode(&self) -> Vec<u8> {
        let Self { workspace, key, send } = self;
        let mut out = Self::prefix(*workspace, key);
        out.extend_from_slice(send.as_str().as_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "served key";
        let mut cursor = Cursor::new(bytes, WHAT);
        let workspace = WorkspaceId(cursor.u32()?);
        let named = text(WHAT, take_escaped(&mut cursor)?)?;
        let id = named.strip_prefix(PROFILE_ID_TYPE).and_then(|rest| rest.strip_prefix(':'));
        let key = match id {
            Some(id) => ProfileId::parse(id).map(key::Key::Profile),
            None => Identifier::from_stored(&named).map(key::Key::Identifier),
        };
        let key = key.ok_or_else(|| Error::malformed(WHAT, "names no customer"))?;
        Ok(Self { workspace, key, send: SendId::from_stored(text(WHAT, cursor.rest().to_vec())?) })
    }
}
