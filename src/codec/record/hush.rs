//! What is hushed, as a part of holdings and of profiles.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::holdings::{StoredStamp, stamp};
use super::parts::{StoredMoment, identifier, text};
use super::{open, seal};
use crate::codec::Error;
use crate::domain::hush::{self, Hushes, Opinions, Topic};
use crate::domain::identifier::Identifier;
use crate::domain::link::Moment;
use crate::domain::time::Time;

const WHAT: &str = "hush of a profile";

#[derive(Serialize, Deserialize)]
struct StoredHush<'a> {
    #[serde(borrow)]
    topics: StoredHushes<'a>,
    personas: Vec<String>,
}

pub(super) type StoredHushes<'a> = Vec<StoredTopic<'a>>;

#[derive(Serialize, Deserialize)]
pub(super) struct StoredTopic<'a> {
    name: String,
    channel: String,
    lifted: Option<StoredMoment>,
    #[serde(borrow)]
    hushes: Vec<(Option<u64>, StoredStamp<'a>)>,
}

/// What is hushed for a profile, and where to look for more.
#[derive(Default)]
pub struct Hush {
    /// What was said of topics.
    pub hushes: Hushes,
    /// The identifiers right beyond walls that are of the same human: what is hushed for their profiles is hushed here
    /// too.
    pub personas: Vec<Identifier>,
}

/// Writes what is hushed for a profile; nothing if nothing was ever said of a topic and there is nowhere else to look.
pub(super) fn write(hushes: &Hushes, personas: &BTreeSet<&Identifier>) -> Result<Vec<u8>, Error> {
    if hushes.is_empty() && personas.is_empty() {
        return Ok(Vec::new());
    }
    let personas = personas.iter().map(|identifier| text(identifier)).collect();
    seal(WHAT, 1, &StoredHush { topics: stored_topics(hushes), personas })
}

/// Reads what is hushed for a profile, as [`split_profile`](super::split_profile) gives it.
pub fn read(bytes: &[u8]) -> Result<Hush, Error> {
    if bytes.is_empty() {
        return Ok(Hush::default());
    }
    let StoredHush { topics, personas } = open(WHAT, 1, bytes)?;
    let personas = personas.iter().map(|stored| identifier(WHAT, stored)).collect::<Result<_, _>>()?;
    Ok(Hush { hushes: read_topics(topics)?, personas })
}

pub(super) fn stored_topics(Hushes { topics }: &Hushes) -> StoredHushes<'_> {
    topics.iter().map(stored_topic).collect()
}

fn stored_topic<'a>((topic, opinions): (&'a Topic, &'a Opinions)) -> StoredTopic<'a> {
    let (Topic { name, channel }, Opinions { lifted, hushes }) = (topic, opinions);
    StoredTopic {
        name: name.clone(),
        channel: channel.clone(),
        lifted: lifted.as_ref().map(StoredMoment::from),
        hushes: hushes.values().map(stored_hush).collect(),
    }
}

fn stored_hush(hush::Hush { until, stamp }: &hush::Hush) -> (Option<u64>, StoredStamp<'_>) {
    (until.map(Time::micros), stamp.as_ref().into())
}

pub(super) fn read_topics(stored: StoredHushes<'_>) -> Result<Hushes, Error> {
    let topic = |StoredTopic { name, channel, lifted, hushes }: StoredTopic<'_>| {
        let hushes = hushes.into_iter().map(read_one).collect::<Result<_, Error>>()?;
        Ok((Topic { name, channel }, Opinions { lifted: lifted.map(Moment::from), hushes }))
    };
    Ok(Hushes { topics: stored.into_iter().map(topic).collect::<Result<_, Error>>()? })
}

fn read_one((until, stored): (Option<u64>, StoredStamp<'_>)) -> Result<(Identifier, hush::Hush), Error> {
    let stamp = Arc::new(stamp(stored)?);
    Ok((stamp.origin.clone(), hush::Hush { until: until.map(Time::from_micros), stamp }))
}
