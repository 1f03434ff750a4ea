//! The record of how far the identities of a workspace are folded again.

use serde::{Deserialize, Serialize};

use super::parts::{identifier, text};
use super::{Record, open, seal};
use crate::codec::Error;
use crate::domain::refold::{Refold, Tally};

const WHAT: &str = "refold record";

#[derive(Serialize, Deserialize)]
struct RefoldV1 {
    after: Option<String>,
    finished: bool,
    tally: StoredTally,
}

#[derive(Serialize, Deserialize)]
struct StoredTally {
    identifiers: u64,
    profiles_before: u64,
    profiles_after: u64,
    split: u64,
    merged: u64,
    joined: u64,
    freed: u64,
    left: u64,
}

impl Record for Refold {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { after, finished, tally } = self;
        let stored = RefoldV1 { after: after.as_ref().map(text), finished: *finished, tally: (*tally).into() };
        seal(WHAT, 1, &stored)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let RefoldV1 { after, finished, tally } = open(WHAT, 1, bytes)?;
        let after = after.map(|stored| identifier(WHAT, &stored)).transpose()?;
        Ok(Self { after, finished, tally: tally.into() })
    }
}

impl From<Tally> for StoredTally {
    fn from(tally: Tally) -> Self {
        let Tally { identifiers, profiles_before, profiles_after, split, merged, joined, freed, left } = tally;
        Self { identifiers, profiles_before, profiles_after, split, merged, joined, freed, left }
    }
}

impl From<StoredTally> for Tally {
    fn from(stored: StoredTally) -> Self {
        let StoredTally { identifiers, profiles_before, profiles_after, split, merged, joined, freed, left } = stored;
        Self { identifiers, profiles_before, profiles_after, split, merged, joined, freed, left }
    }
}
