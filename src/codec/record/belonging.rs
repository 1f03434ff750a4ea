//! What a subject has to do with groups, as a part of holdings and of profiles; and the records of a group's members.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::holdings::read_states;
use super::parts::{StoredMoment, identifier, text};
use super::state::StoredState;
use super::{Record, open, seal};
use crate::codec::Error;
use crate::domain::aggregate::State;
use crate::domain::belonging::{Belonging, GroupMember, Tally, Ties};
use crate::domain::link::Moment;

const TIES: &str = "ties of a profile";
const MEMBER: &str = "member record";
const TALLY: &str = "tally record";

#[derive(Default, Serialize, Deserialize)]
pub(super) struct StoredTies {
    groups: BTreeMap<String, StoredBelonging>,
    for_groups: BTreeMap<String, StoredState>,
}

#[derive(Serialize, Deserialize)]
struct StoredBelonging {
    left: Option<StoredMoment>,
    joined: Vec<StoredMoment>,
    role: Option<(StoredMoment, String)>,
}

#[derive(Serialize, Deserialize)]
struct MemberV1 {
    since: Option<StoredMoment>,
    role: String,
    types: Vec<String>,
    states: BTreeMap<String, StoredState>,
}

/// Writes the ties of a profile; nothing if there are none.
pub(super) fn write(ties: &Ties) -> Result<Vec<u8>, Error> {
    if *ties == Ties::default() {
        return Ok(Vec::new());
    }
    seal(TIES, 1, &StoredTies::from(ties))
}

/// Reads the ties of a profile, as [`split_profile`](super::split_profile) gives them.
pub fn read(bytes: &[u8]) -> Result<Ties, Error> {
    if bytes.is_empty() {
        return Ok(Ties::default());
    }
    open::<StoredTies>(TIES, 1, bytes)?.try_into()
}

impl Record for GroupMember {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { since, role, types, states } = self;
        let (since, role, types) = (since.as_ref().map(StoredMoment::from), role.clone(), types.clone());
        seal(MEMBER, 1, &MemberV1 { since, role, types, states: stored_states(states) })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let MemberV1 { since, role, types, states } = open(MEMBER, 1, bytes)?;
        Ok(Self { since: since.map(Moment::from), role, types, states: read_states(states)? })
    }
}

impl Record for Tally {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { by_types } = self;
        seal(TALLY, 1, by_types)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self { by_types: open(TALLY, 1, bytes)? })
    }
}

fn stored_states(states: &BTreeMap<String, State>) -> BTreeMap<String, StoredState> {
    states.iter().map(|(name, state)| (name.clone(), state.into())).collect()
}

impl From<&Ties> for StoredTies {
    fn from(ties: &Ties) -> Self {
        let Ties { groups, for_groups } = ties;
        Self {
            groups: groups.iter().map(|(group, belonging)| (text(group), belonging.into())).collect(),
            for_groups: stored_states(for_groups),
        }
    }
}

impl TryFrom<StoredTies> for Ties {
    type Error = Error;

    fn try_from(stored: StoredTies) -> Result<Self, Error> {
        let StoredTies { groups, for_groups } = stored;
        let group = |(group, stored): (String, _)| Ok((identifier(TIES, &group)?, Belonging::from(stored)));
        Ok(Self {
            groups: groups.into_iter().map(group).collect::<Result<_, Error>>()?,
            for_groups: read_states(for_groups)?,
        })
    }
}

impl From<&Belonging> for StoredBelonging {
    fn from(belonging: &Belonging) -> Self {
        let Belonging { left, joined, role } = belonging;
        Self {
            left: left.as_ref().map(StoredMoment::from),
            joined: joined.iter().map(StoredMoment::from).collect(),
            role: role.as_ref().map(|(moment, role)| (moment.into(), role.clone())),
        }
    }
}

impl From<StoredBelonging> for Belonging {
    fn from(stored: StoredBelonging) -> Self {
        let StoredBelonging { left, joined, role } = stored;
        Self {
            left: left.map(Moment::from),
            joined: joined.into_iter().map(Moment::from).collect(),
            role: role.map(|(moment, role)| (moment.into(), role)),
        }
    }
}
