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

/// `workspace:4 | identifier, escaped | key of the answer, escaped | send id…`, of `served_by_identifier`: that the answer was
/// about the identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailKey {
    /// The identifier that it was about.
    pub identifier: Identifier,
    /// Where the answer is.
    pub served: ServedKey,
}

impl TrailKey {
    /// What the keys of all answers about `identifier` start with.
    pub fn prefix(workspace: WorkspaceId, identifier: &Identifier) -> Vec<u8> {
        let mut out = workspace.0.to_be_bytes().to_vec();
        put_escaped(&mut out, identifier.as_str());
        out
    }
}

impl Key for TrailKey {
    fn encode(&self) -> Vec<u8> {
        let Self { identifier, served: ServedKey { workspace, key, send } } = self;
        let mut out = Self::prefix(*workspace, identifier);
        put_escaped(&mut out, &name(key));
        out.extend_from_slice(send.as_str().as_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "trail key";
        let mut cursor = Cursor::new(bytes, WHAT);
        let workspace = WorkspaceId(cursor.u32()?);
        let identifier = super::identifier(WHAT, take_escaped(&mut cursor)?)?;
        let key = read_name(WHAT, take_escaped(&mut cursor)?)?;
        let send = SendId::from_stored(text(WHAT, cursor.rest().to_vec())?);
        Ok(Self { identifier, served: ServedKey { workspace, key, send } })
    }
}

fn name(key: &key::Key) -> String {
    match key {
        key::Key::Identifier(identifier) => identifier.as_str().to_owned(),
        key::Key::Profile(id) => format!("{PROFILE_ID_TYPE}:{id}"),
    }
}

fn read_name(what: &'static str, bytes: Vec<u8>) -> Result<key::Key, Error> {
    let named = text(what, bytes)?;
    let id = named.strip_prefix(PROFILE_ID_TYPE).and_then(|rest| rest.strip_prefix(':'));
    let key = match id {
        Some(id) => ProfileId::parse(id).map(key::Key::Profile),
        None => Identifier::from_stored(&named).map(key::Key::Identifier),
    };
    key.ok_or_else(|| Error::malformed(what, "names no customer"))
}

impl ServedKey {
    /// What the keys of all that was served to `key` start with.
    pub fn prefix(workspace: WorkspaceId, key: &key::Key) -> Vec<u8> {
        let mut out = workspace.0.to_be_bytes().to_vec();
        put_escaped(&mut out, &name(key));
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
        let key = read_name(WHAT, take_escaped(&mut cursor)?)?;
        Ok(Self { workspace, key, send: SendId::from_stored(text(WHAT, cursor.rest().to_vec())?) })
    }
}
