//! What is allowed, as a part of holdings and of profiles.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::holdings::{StoredStamp, stamp};
use super::parts::{StoredMoment, identifier, text};
use super::{open, seal};
use crate::codec::Error;
use crate::domain::consent::{Consents, Decisions, Purpose};
use crate::domain::holdings::Stamp;
use crate::domain::identifier::Identifier;

const WHAT: &str = "consents of a profile";

pub(super) type StoredConsents<'a> = Vec<StoredPurpose<'a>>;

#[derive(Serialize, Deserialize)]
pub(super) struct StoredPurpose<'a> {
    name: String,
    channel: String,
    #[serde(borrow)]
    denied: Vec<StoredStamp<'a>>,
    granted: Vec<StoredStamp<'a>>,
    spoken_for: Vec<(String, StoredMoment)>,
}

/// Writes the consents of a profile; nothing if there are none.
pub(super) fn write(consents: &Consents) -> Result<Vec<u8>, Error> {
    if consents.is_empty() {
        return Ok(Vec::new());
    }
    seal(WHAT, 1, &stored_purposes(consents))
}

/// Reads the consents of a profile, as [`split_profile`](super::split_profile) gives them.
pub fn read(bytes: &[u8]) -> Result<Consents, Error> {
    if bytes.is_empty() {
        return Ok(Consents::default());
    }
    read_purposes(open(WHAT, 1, bytes)?)
}

pub(super) fn stored_purposes(Consents { purposes }: &Consents) -> StoredConsents<'_> {
    purposes.iter().map(stored_purpose).collect()
}

fn stored_purpose<'a>((purpose, decisions): (&'a Purpose, &'a Decisions)) -> StoredPurpose<'a> {
    let (Purpose { name, channel }, Decisions { denied, granted, spoken_for }) = (purpose, decisions);
    StoredPurpose {
        name: name.clone(),
        channel: channel.clone(),
        denied: denied.values().map(|stamp| stamp.as_ref().into()).collect(),
        granted: granted.values().map(|stamp| stamp.as_ref().into()).collect(),
        spoken_for: spoken_for.iter().map(|(identifier, moment)| (text(identifier), moment.into())).collect(),
    }
}

pub(super) fn read_purposes(stored: StoredConsents<'_>) -> Result<Consents, Error> {
    let spoken_for = |(stored, moment): (String, StoredMoment)| Ok((identifier(WHAT, &stored)?, moment.into()));
    let purpose = |StoredPurpose { name, channel, denied, granted, spoken_for: stored }: StoredPurpose<'_>| {
        let spoken_for = stored.into_iter().map(spoken_for).collect::<Result<_, Error>>()?;
        let decisions = Decisions { denied: by_origin(denied)?, granted: by_origin(granted)?, spoken_for };
        Ok((Purpose { name, channel }, decisions))
    };
    Ok(Consents { purposes: stored.into_iter().map(purpose).collect::<Result<_, Error>>()? })
}

fn by_origin(stored: Vec<StoredStamp<'_>>) -> Result<BTreeMap<Identifier, Arc<Stamp>>, Error> {
    let stamps = stored.into_iter().map(|stored| stamp(stored).map(Arc::new));
    stamps.map(|stamp| stamp.map(|stamp| (stamp.origin.clone(), stamp))).collect()
}
