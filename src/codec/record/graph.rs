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
use crate::domain::wall::{Quarantine, Wall};

const OWNER: &str = "owner record";
const LINK: &str = "link record";
const WALL: &str = "wall record";
const MERGE: &str = "merge record";
const SURVIVOR: &str = "survivor record";

#[derive(Serialize, Deserialize)]
struct OwnerV1 {
    alias_of: Option<String>,
    profile: Option<StoredId>,
    founded: Option<StoredId>,
    quarantine: Option<StoredQuarantine>,
    refusals: Vec<(StoredId, StoredRule)>,
}

#[derive(Serialize, Deserialize)]
enum StoredQuarantine {
    Closed,
    ReleasedAt(StoredMoment),
}

impl From<&Quarantine> for StoredQuarantine {
    fn from(quarantine: &Quarantine) -> Self {
        match quarantine {
            Quarantine::Closed => Self::Closed,
            Quarantine::ReleasedAt(moment) => Self::ReleasedAt(moment.into()),
        }
    }
}

impl From<StoredQuarantine> for Quarantine {
    fn from(stored: StoredQuarantine) -> Self {
        match stored {
            StoredQuarantine::Closed => Self::Closed,
            StoredQuarantine::ReleasedAt(moment) => Self::ReleasedAt(moment.into()),
        }
    }
}

impl Record for Owner {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { alias_of, profile, founded, quarantine, refusals } = self;
        let stored = OwnerV1 {
            alias_of: alias_of.as_ref().map(text),
            profile: profile.map(StoredId::from),
            founded: founded.map(StoredId::from),
            quarantine: quarantine.as_ref().map(StoredQuarantine::from),
            refusals: refusals.iter().map(|(id, rule)| ((*id).into(), rule.into())).collect(),
        };
        seal(OWNER, 1, &stored)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let OwnerV1 { alias_of, profile, founded, quarantine, refusals } = open(OWNER, 1, bytes)?;
        Ok(Self {
            alias_of: alias_of.map(|stored| identifier(OWNER, &stored)).transpose()?,
            profile: profile.map(ProfileId::from),
            founded: founded.map(ProfileId::from),
            quarantine: quarantine.map(Quarantine::from),
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

#[derive(Serialize, Deserialize)]
pub(super) struct StoredWall {
    between: [String; 2],
    until: Option<StoredMoment>,
    same_human: bool,
    by: StoredMoment,
    source: String,
}

impl From<&Wall> for StoredWall {
    fn from(wall: &Wall) -> Self {
        let Wall { between, until, same_human, by, source } = wall;
        Self {
            between: [text(&between[0]), text(&between[1])],
            until: until.as_ref().map(StoredMoment::from),
            same_human: *same_human,
            by: by.into(),
            source: source.clone(),
        }
    }
}

impl TryFrom<StoredWall> for Wall {
    type Error = Error;

    fn try_from(stored: StoredWall) -> Result<Self, Error> {
        let StoredWall { between: [a, b], until, same_human, by, source } = stored;
        Ok(Self {
            between: [identifier(WALL, &a)?, identifier(WALL, &b)?],
            until: until.map(Moment::from),
            same_human,
            by: by.into(),
            source,
        })
    }
}

impl Record for Wall {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        seal(WALL, 1, &StoredWall::from(self))
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        open::<StoredWall>(WALL, 1, bytes)?.try_into()
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
