//! The profile record: the document that lookups read, its ties to groups, what is hushed and what is allowed, then all
//! that only the writer needs.
//!
//! ```text
//! version:1 = 01 | kind:4 | document length:4 | document (see codec::document) | ties length:4 | ties, sealed
//!                | hush length:4 | hush, sealed | consents length:4 | consents, sealed
//!                | live length:4 | live states, sealed | sealed rest
//! ```
//!
//! The rest of version 1 does not say under which identifier all came; it never was but in fragments as well.

use serde::{Deserialize, Serialize};

use super::graph::StoredWall;
use super::holdings::{LaidOut, StoredRest, lay_out, open_live, put_together, write_live};
use super::parts::{StoredId, StoredMoment, identifier};
use super::{ROOM, Record, belonging, consent, hush, open, seal_into};
use crate::codec::Error;
use crate::codec::read::{Cursor, put_block};
use crate::domain::holdings::Holdings;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId};
use crate::domain::profile::{Member, Membership, Profile};
use crate::domain::wall::Wall;

const WHAT: &str = "profile record";
const VERSION: u8 = 1;
const REST_VERSION: u8 = 2;

#[derive(Serialize, Deserialize)]
struct RestV1<'a> {
    id: StoredId,
    created: StoredMoment,
    latest: StoredMoment,
    contested: bool,
    loosened: bool,
    oversized: bool,
    walls: Vec<StoredWall>,
    #[serde(borrow)]
    members: Vec<StoredMember<'a>>,
    retired: Vec<StoredId>,
    holdings: StoredRest<'a>,
    rules: u64,
}

/// The same, and the place among the members of the one that all came under, if that is stored nowhere else.
#[derive(Serialize, Deserialize)]
struct RestV2<'a> {
    #[serde(borrow)]
    rest: RestV1<'a>,
    sole: Option<u32>,
}

/// An identifier, and the one that it is another name of.
type StoredMember<'a> = (&'a str, Option<&'a str>);

/// The parts of an encoded profile.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// Its kind.
    pub kind: KindId,
    /// What lookups read.
    pub document: &'a [u8],
    /// What it has to do with groups; see [`read_ties`](super::read_ties).
    pub ties: &'a [u8],
    /// What is hushed; see [`read_hush`](super::read_hush).
    pub hush: &'a [u8],
    /// What is allowed; see [`read_consents`](super::read_consents).
    pub consents: &'a [u8],
    /// States of live attributes; see [`read_live`](super::read_live).
    pub live: &'a [u8],
    rest: &'a [u8],
}

/// Splits an encoded profile. A lookup needs no more of it.
pub fn split(bytes: &[u8]) -> Result<Parts<'_>, Error> {
    let mut cursor = Cursor::new(bytes, WHAT);
    match cursor.u8()? {
        VERSION => {}
        version => return Err(Error::Version { what: WHAT, version }),
    }
    let kind = KindId(cursor.u32()?);
    let (document, ties) = (cursor.block()?, cursor.block()?);
    let (hush, consents) = (cursor.block()?, cursor.block()?);
    Ok(Parts { kind, document, ties, hush, consents, live: cursor.block()?, rest: cursor.rest() })
}

impl Record for Profile {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { id, kind, membership, retired, holdings, sole, rules } = self;
        let ties = belonging::write(&holdings.ties)?;
        let hush = hush::write(&holdings.hushes, &membership.personas())?;
        let consents = consent::write(&holdings.consents)?;
        let LaidOut { document, live, rest: holdings } = lay_out(holdings)?;
        let rest = RestV1 {
            id: (*id).into(),
            created: (&membership.created).into(),
            latest: (&membership.latest).into(),
            contested: membership.contested,
            loosened: membership.loosened,
            oversized: membership.oversized,
            walls: membership.walls.iter().map(StoredWall::from).collect(),
            members: membership.members().iter().map(stored_member).collect(),
            retired: retired.iter().map(|id| (*id).into()).collect(),
            holdings,
            rules: *rules,
        };
        let mut out = Vec::with_capacity(document.len() + ROOM);
        out.push(VERSION);
        out.extend_from_slice(&kind.0.to_be_bytes());
        put_block(&mut out, &document);
        put_block(&mut out, &ties);
        put_block(&mut out, &hush);
        put_block(&mut out, &consents);
        put_block(&mut out, &write_live(&live)?);
        let sole = sole.as_ref().map(|sole| place(membership, sole)).transpose()?;
        seal_into(&mut out, WHAT, REST_VERSION, &RestV2 { rest, sole })?;
        Ok(out)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let Parts { kind, document, ties, hush, consents, live, rest } = split(bytes)?;
        let RestV2 { rest, sole } = open_rest(rest)?;
        let RestV1 { id, created, latest, contested, loosened, oversized, walls, members, retired, holdings, rules } =
            rest;
        let mut membership = Membership::new(created.into());
        for stored in members {
            membership.join(member(stored)?);
        }
        membership.latest = latest.into();
        membership.contested = contested;
        membership.loosened = loosened;
        membership.oversized = oversized;
        let hush::Hush { hushes, personas: _ } = hush::read(hush)?;
        let (attributes, computed) = put_together(document, open_live(live)?, holdings)?;
        let (ties, consents) = (belonging::read(ties)?, consent::read(consents)?);
        membership.walls = walls.into_iter().map(Wall::try_from).collect::<Result<_, _>>()?;
        let sole = sole.map(|sole| named(&membership, sole)).transpose()?;
        Ok(Self {
            id: id.into(),
            kind,
            membership,
            sole,
            retired: retired.into_iter().map(ProfileId::from).collect(),
            holdings: Holdings { attributes, computed, ties, hushes, consents },
            rules,
        })
    }
}

fn open_rest(bytes: &[u8]) -> Result<RestV2<'_>, Error> {
    match bytes.first() {
        Some(&VERSION) => Ok(RestV2 { rest: open(WHAT, VERSION, bytes)?, sole: None }),
        _ => open(WHAT, REST_VERSION, bytes),
    }
}

fn place(membership: &Membership, identifier: &Identifier) -> Result<u32, Error> {
    let place = membership.members().iter().position(|member| member.identifier == *identifier);
    let place = place.and_then(|place| u32::try_from(place).ok());
    place.ok_or_else(|| Error::malformed(WHAT, "what all came under is no member"))
}

fn named(membership: &Membership, place: u32) -> Result<Identifier, Error> {
    let member = usize::try_from(place).ok().and_then(|place| membership.members().get(place));
    let member = member.ok_or_else(|| Error::malformed(WHAT, "what all came under is no member"))?;
    Ok(member.identifier.clone())
}

fn stored_member(member: &Member) -> StoredMember<'_> {
    let Member { identifier, alias_of } = member;
    (identifier.as_str(), alias_of.as_ref().map(Identifier::as_str))
}

fn member((stored, alias_of): StoredMember<'_>) -> Result<Member, Error> {
    Ok(Member {
        identifier: identifier(WHAT, stored)?,
        alias_of: alias_of.map(|stored| identifier(WHAT, stored)).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::link::Moment;
    use crate::domain::time::Time;

    #[test]
    fn a_profile_of_version_1_has_its_fragments_apart() {
        let identifier = Identifier::from_stored("user_id:u1").unwrap();
        let mut membership = Membership::new(Moment { time: Time::from_micros(1), message_id: "m1".into() });
        membership.join(Member { identifier: identifier.clone(), alias_of: None });
        let (kind, holdings) = (KindId::of("person"), Holdings::default());
        let sole = Some(identifier);
        let mut profile = Profile { id: ProfileId(1), kind, membership, retired: vec![], holdings, sole, rules: 1 };
        assert_eq!(Profile::decode(&profile.encode().unwrap()).unwrap(), profile);

        profile.sole = None;
        let mut old = profile.encode().unwrap();
        let rest = old.len() - split(&old).unwrap().rest.len();
        old[rest] = 1;
        assert_eq!(old.pop(), Some(0));
        assert_eq!(Profile::decode(&old).unwrap(), profile);
    }
}
