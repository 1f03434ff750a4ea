//! The records that erasures leave: tombstones, and histories that are still to be gone through.

use serde::{Deserialize, Serialize};

use super::parts::StoredMoment;
use super::{Record, open, seal};
use crate::codec::Error;
use crate::domain::erasure::Scrub;
use crate::domain::ids::Seq;
use crate::domain::link::Moment;
use crate::domain::time::Time;
use crate::domain::tombstone::Tombstone;

const TOMBSTONE: &str = "tombstone record";
const SCRUB: &str = "scrub record";

#[derive(Serialize, Deserialize)]
struct TombstoneV1 {
    seq: u64,
    erased: u64,
    suppress: bool,
}

impl Record for Tombstone {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { seq, erased, suppress } = self;
        seal(TOMBSTONE, 1, &TombstoneV1 { seq: seq.0, erased: erased.micros(), suppress: *suppress })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let TombstoneV1 { seq, erased, suppress } = open(TOMBSTONE, 1, bytes)?;
        Ok(Self { seq: Seq(seq), erased: Time::from_micros(erased), suppress })
    }
}

#[derive(Serialize, Deserialize)]
struct ScrubV1 {
    after: Option<StoredMoment>,
}

impl Record for Scrub {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { after } = self;
        seal(SCRUB, 1, &ScrubV1 { after: after.as_ref().map(StoredMoment::from) })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let ScrubV1 { after } = open(SCRUB, 1, bytes)?;
        Ok(Self { after: after.map(Moment::from) })
    }
}
