//! The record of an event in the history of an identifier.

use serde::{Deserialize, Serialize};

use super::parts::{StoredMoment, identifier, text};
use super::{Record, open, seal};
use crate::codec::Error;
use crate::codec::columns;
use crate::codec::read::Cursor;
use crate::codec::value::take_values;
use crate::domain::event::{Call, StoredEvent};

const WHAT: &str = "event record";
const VERSION: u8 = 2;

/// Version 1 has the properties as a value has them, version 2 in columns.
#[derive(Serialize, Deserialize)]
struct EventV1 {
    moment: StoredMoment,
    origin: String,
    call: StoredCall,
    name: String,
    properties: Vec<u8>,
    source: String,
    raw_keys: Vec<String>,
    other: Option<String>,
    cause: String,
}

#[derive(Serialize, Deserialize)]
enum StoredCall {
    Identify,
    Track,
    Page,
    Screen,
    Group,
    Alias,
    Leave,
    Hush,
    Lift,
    Grant,
    Deny,
}

impl Record for StoredEvent {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { moment, origin, call, name, properties, source, raw_keys, other, cause } = self;
        let mut bytes = Vec::new();
        columns::put(&mut bytes, properties);
        let stored = EventV1 {
            moment: moment.into(),
            origin: text(origin),
            call: (*call).into(),
            name: name.clone(),
            properties: bytes,
            source: source.clone(),
            raw_keys: raw_keys.clone(),
            other: other.as_ref().map(text),
            cause: cause.clone(),
        };
        seal(WHAT, VERSION, &stored)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let version = if bytes.first() == Some(&1) { 1 } else { VERSION };
        let EventV1 { moment, origin, call, name, properties, source, raw_keys, other, cause } =
            open(WHAT, version, bytes)?;
        let mut cursor = Cursor::new(&properties, WHAT);
        let properties = match version {
            1 => take_values(&mut cursor).and_then(|values| cursor.end().map(|()| values))?,
            _ => columns::take(cursor)?,
        };
        Ok(Self {
            moment: moment.into(),
            origin: identifier(WHAT, &origin)?,
            call: call.into(),
            name,
            properties,
            source,
            raw_keys,
            other: other.map(|stored| identifier(WHAT, &stored)).transpose()?,
            cause,
        })
    }
}

impl From<Call> for StoredCall {
    fn from(call: Call) -> Self {
        match call {
            Call::Identify => Self::Identify,
            Call::Track => Self::Track,
            Call::Page => Self::Page,
            Call::Screen => Self::Screen,
            Call::Group => Self::Group,
            Call::Leave => Self::Leave,
            Call::Hush => Self::Hush,
            Call::Lift => Self::Lift,
            Call::Grant => Self::Grant,
            Call::Deny => Self::Deny,
            Call::Alias => Self::Alias,
        }
    }
}

impl From<StoredCall> for Call {
    fn from(stored: StoredCall) -> Self {
        match stored {
            StoredCall::Identify => Self::Identify,
            StoredCall::Track => Self::Track,
            StoredCall::Page => Self::Page,
            StoredCall::Screen => Self::Screen,
            StoredCall::Group => Self::Group,
            StoredCall::Leave => Self::Leave,
            StoredCall::Hush => Self::Hush,
            StoredCall::Lift => Self::Lift,
            StoredCall::Grant => Self::Grant,
            StoredCall::Deny => Self::Deny,
            StoredCall::Alias => Self::Alias,
        }
    }
}
