//! The records of the graph of identities: owners, links, merges, and the survivor of a retired profile id.

use serde::{Deserialize, Serialize};

use super::parts::{StoredId, StoredMoment, StoredRule, identifier, text};
use super::{Record, open, seal};
use crate::codec::Error;
use crate::codec::read::Cursor;
use crate::domain::ids::ProfileId;
use crate::domain::link::{Link, Moment};
use crate::domain::owner::Owner;
use crate::domain::profile::Merge;

const OWNER: &str = "owner record";
const LINK: &str = "link record";
const MERGE: &str = "merge record";
const SURVIVOR: &str = "survivor record";

#[derive(Serialize, Deserialize)]
struct OwnerV1 {
    alias_of: Option<String>,
    profile: Option<StoredId>,
    refusals: Vec<(StoredId, StoredRule)>,
}

impl Record for Owner {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { alias_of, profile, refusals } = self;
        let stored = OwnerV1 {
            alias_of: alias_of.as_ref().map(text),
            profile: profile.map(StoredId::from),
            refusals: refusals.iter().map(|(id, rule)| ((*id).into(), rule.into())).collect(),
        };
        seal(OWNER, 1, &stored)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let OwnerV1 { alias_of, profile, refusals } = open(OWNER, 1, bytes)?;
        Ok(Self {
            alias_of: alias_of.map(|stored| identifier(OWNER, &stored)).transpose()?,
            profile: profile.map(ProfileId::from),
            refusals: refusals.into_iter().map(|(id, rule)| (id.into(), rule.into())).collect(),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct LinkV1 {
    first: StoredMoment,
    again: Vec<StoredMoment>,
    source: String,
    identifiers: Vec<String>,
    previous: Option<String>,
}

impl Record for Link {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { first, again, source, identifiers, previous } = self;
        let stored = LinkV1 {
            first: first.into(),
            again: again.iter().map(StoredMoment::from).collect(),
            source: source.clone(),
            identifiers: identifiers.iter().map(text).collect(),
            previous: previous.as_ref().map(text),
        };
        seal(LINK, 1, &stored)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let LinkV1 { first, again, source, identifiers, previous } = open(LINK, 1, bytes)?;
        Ok(Self {
            first: first.into(),
            again: again.into_iter().map(Moment::from).collect(),
            source,
            identifiers: identifiers.iter().map(|stored| identifier(LINK, stored)).collect::<Result<_, _>>()?,
            previous: previous.map(|stored| identifier(LINK, &stored)).transpose()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct MergeV1 {
    absorbed: StoredId,
    survivor: StoredId,
    by: StoredMoment,
}

impl Record for Merge {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { absorbed, survivor, by } = self;
        seal(MERGE, 1, &MergeV1 { absorbed: (*absorbed).into(), survivor: (*survivor).into(), by: by.into() })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let MergeV1 { absorbed, survivor, by } = open(MERGE, 1, bytes)?;
        Ok(Self { absorbed: absorbed.into(), survivor: survivor.into(), by: by.into() })
    }
}

/// `version:1 | profile id:16`.
impl Record for ProfileId {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut out = vec![1];
        out.extend_from_slice(&self.0.to_be_bytes());
        Ok(out)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes, SURVIVOR);
        match cursor.u8()? {
            1 => {}
            version => return Err(Error::Version { what: SURVIVOR, version }),
        }
        let id = cursor.u128()?;
        cursor.end()?;
        Ok(Self(id))
    }
}
