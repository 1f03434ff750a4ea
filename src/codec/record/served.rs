//! The record of an answer that was served for a send.

use serde::{Deserialize, Serialize};

use super::parts::{StoredId, identifier, text};
use super::{Record, open, seal};
use crate::codec::Error;
use crate::codec::read::Cursor;
use crate::codec::value;
use crate::domain::ids::ProfileId;
use crate::domain::served::{Served, Trail};
use crate::domain::time::Time;
use crate::domain::value::Value;
use crate::domain::view::{Shown, State};

const WHAT: &str = "served record";
const TRAIL: &str = "trail record";

#[derive(Serialize, Deserialize)]
struct ServedV1 {
    at: u64,
    view: String,
    version: u32,
    model_version: u64,
    renderable: bool,
    fields: Vec<FieldV1>,
    about: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct ServedV2 {
    of_v1: ServedV1,
    customer: Option<StoredId>,
}

#[derive(Serialize, Deserialize)]
struct FieldV1 {
    name: String,
    value: Option<Vec<u8>>,
    state: StoredState,
    because: Option<StoredState>,
    rung: Option<u32>,
    as_of: Option<u64>,
    scope: String,
}

#[derive(Serialize, Deserialize)]
enum StoredState {
    Present,
    Defaulted,
    NotSet,
    Stale,
    Suppressed,
    Forbidden,
    Ambiguous,
    Erased,
    Rejected,
    TooLarge,
}

impl Record for Served {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { at, view, version, model_version, renderable, fields, customer, about } = self;
        let of_v1 = ServedV1 {
            at: at.micros(),
            view: view.clone(),
            version: *version,
            model_version: *model_version,
            renderable: *renderable,
            fields: fields.iter().map(FieldV1::try_from).collect::<Result<_, _>>()?,
            about: about.iter().map(text).collect(),
        };
        seal(WHAT, 2, &ServedV2 { of_v1, customer: customer.map(StoredId::from) })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let ServedV2 { of_v1, customer } = match bytes.first() {
            Some(1) => ServedV2 { of_v1: open(WHAT, 1, bytes)?, customer: None },
            _ => open(WHAT, 2, bytes)?,
        };
        let ServedV1 { at, view, version, model_version, renderable, fields, about } = of_v1;
        Ok(Self {
            at: Time::from_micros(at),
            view,
            version,
            model_version,
            renderable,
            fields: fields.into_iter().map(Shown::try_from).collect::<Result<_, _>>()?,
            customer: customer.map(ProfileId::from),
            about: about.iter().map(|stored| identifier(WHAT, stored)).collect::<Result<_, _>>()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct TrailV1 {
    at: u64,
}

impl Record for Trail {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { at } = self;
        seal(TRAIL, 1, &TrailV1 { at: at.micros() })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let TrailV1 { at } = open(TRAIL, 1, bytes)?;
        Ok(Self { at: Time::from_micros(at) })
    }
}

impl TryFrom<&Shown> for FieldV1 {
    type Error = Error;

    fn try_from(shown: &Shown) -> Result<Self, Error> {
        let Shown { name, value, state, because, rung, as_of, scope } = shown;
        let rung = rung.map(u32::try_from).transpose().map_err(|error| Error::malformed(WHAT, error))?;
        Ok(Self {
            name: name.to_string(),
            value: value.as_ref().map(bytes),
            state: (*state).into(),
            because: because.map(StoredState::from),
            rung,
            as_of: as_of.map(Time::micros),
            scope: scope.to_string(),
        })
    }
}

impl TryFrom<FieldV1> for Shown {
    type Error = Error;

    fn try_from(stored: FieldV1) -> Result<Self, Error> {
        let FieldV1 { name, value, state, because, rung, as_of, scope } = stored;
        let rung = rung.map(usize::try_from).transpose().map_err(|error| Error::malformed(WHAT, error))?;
        Ok(Self {
            name: name.into(),
            value: value.as_deref().map(read).transpose()?,
            state: state.into(),
            because: because.map(State::from),
            rung,
            as_of: as_of.map(Time::from_micros),
            scope: scope.into(),
        })
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    value::put(&mut bytes, value);
    bytes
}

fn read(bytes: &[u8]) -> Result<Value, Error> {
    let mut cursor = Cursor::new(bytes, WHAT);
    let value = value::take(&mut cursor)?;
    cursor.end().map(|()| value)
}

impl From<State> for StoredState {
    fn from(state: State) -> Self {
        match state {
            State::Present => Self::Present,
            State::Defaulted => Self::Defaulted,
            State::NotSet => Self::NotSet,
            State::Stale => Self::Stale,
            State::Suppressed => Self::Suppressed,
            State::Forbidden => Self::Forbidden,
            State::Ambiguous => Self::Ambiguous,
            State::Erased => Self::Erased,
            State::Rejected => Self::Rejected,
            State::TooLarge => Self::TooLarge,
        }
    }
}

impl From<StoredState> for State {
    fn from(stored: StoredState) -> Self {
        match stored {
            StoredState::Present => Self::Present,
            StoredState::Defaulted => Self::Defaulted,
            StoredState::NotSet => Self::NotSet,
            StoredState::Stale => Self::Stale,
            StoredState::Suppressed => Self::Suppressed,
            StoredState::Forbidden => Self::Forbidden,
            StoredState::Ambiguous => Self::Ambiguous,
            StoredState::Erased => Self::Erased,
            StoredState::Rejected => Self::Rejected,
            StoredState::TooLarge => Self::TooLarge,
        }
    }
}
