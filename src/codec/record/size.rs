//! The record of the size of a profile.

use serde::{Deserialize, Serialize};

use super::{Record, open, seal};
use crate::codec::Error;
use crate::domain::size::{Gain, Size};

const WHAT: &str = "size record";

#[derive(Serialize, Deserialize)]
struct SizeV1 {
    identifiers: u32,
    gained: Vec<(u32, u32)>,
}

impl Record for Size {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { identifiers, gained } = self;
        let gained = gained.iter().map(|Gain { day, identifiers }| (*day, *identifiers)).collect();
        seal(WHAT, 1, &SizeV1 { identifiers: *identifiers, gained })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let SizeV1 { identifiers, gained } = open(WHAT, 1, bytes)?;
        let gained = gained.into_iter().map(|(day, identifiers)| Gain { day, identifiers }).collect();
        Ok(Self { identifiers, gained })
    }
}
