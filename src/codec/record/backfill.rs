//! The record of how far stored events are counted for new computed attributes.

use serde::{Deserialize, Serialize};

use super::parts::{StoredMoment, identifier, text};
use super::{Record, open, seal};
use crate::codec::Error;
use crate::domain::backfill::{Backfill, EventPlace};
use crate::domain::ids::KindId;

const WHAT: &str = "back-fill record";

#[derive(Serialize, Deserialize)]
struct BackfillV1 {
    attributes: Vec<String>,
    after: Option<StoredPlace>,
    finished: bool,
    origins: u64,
    events: u64,
}

#[derive(Serialize, Deserialize)]
struct StoredPlace {
    kind: u32,
    identifier: String,
    moment: StoredMoment,
}

impl Record for Backfill {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { attributes, after, finished, origins, events } = self;
        let after = after.as_ref().map(|EventPlace { kind, identifier, moment }| StoredPlace {
            kind: kind.0,
            identifier: text(identifier),
            moment: moment.into(),
        });
        let attributes = attributes.iter().cloned().collect();
        let stored = BackfillV1 { attributes, after, finished: *finished, origins: *origins, events: *events };
        seal(WHAT, 1, &stored)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let BackfillV1 { attributes, after, finished, origins, events } = open(WHAT, 1, bytes)?;
        let place = |StoredPlace { kind, identifier: stored, moment }| {
            let (kind, identifier) = (KindId(kind), identifier(WHAT, &stored)?);
            Ok(EventPlace { kind, identifier, moment: moment.into() })
        };
        let after = after.map(place).transpose()?;
        Ok(Self { attributes: attributes.into_iter().collect(), after, finished, origins, events })
    }
}
