//! Holdings as a record of their own (what came under one identifier), and the parts that profiles share with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::belonging::StoredTies;
use super::consent::{StoredConsents, read_purposes, stored_purposes};
use super::hush::{StoredHushes, read_topics, stored_topics};
use super::parts::{StoredMoment, identifier, text};
use super::{Record, open, seal};
use crate::codec::Error;
use crate::codec::document::{self, Document, Field, Origin};
use crate::codec::read::Cursor;
use crate::codec::value;
use crate::domain::aggregate::{Decimal, State};
use crate::domain::holdings::{Cell, Holdings, Stamp};
use crate::domain::value::Value;

const WHAT: &str = "holdings record";

#[derive(Serialize, Deserialize)]
struct HoldingsV1 {
    document: Vec<u8>,
    ties: StoredTies,
    hushes: StoredHushes,
    consents: StoredConsents,
    rest: StoredRest,
}

/// What [`lay_out`] splits: attributes, and states of computed ones.
type LaidOut = (BTreeMap<String, Cell>, BTreeMap<String, State>);

/// What a document does not hold: provenance by number, and the states behind computed values.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredRest {
    stamps: Vec<StoredStamp>,
    computed: BTreeMap<String, StoredState>,
    shadowed: BTreeMap<String, (u32, Vec<u8>)>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredStamp {
    moment: StoredMoment,
    source: String,
    origin: String,
}

#[derive(Serialize, Deserialize)]
pub(super) enum StoredState {
    Count(u64),
    Sum(i128),
    Min(Vec<u8>),
    Max(Vec<u8>),
    First(StoredMoment, Vec<u8>),
    Last(StoredMoment, Vec<u8>),
}

impl Record for Holdings {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let (document, rest) = lay_out(self);
        let (hushes, consents) = (stored_topics(&self.hushes), stored_purposes(&self.consents));
        seal(WHAT, 1, &HoldingsV1 { document, ties: (&self.ties).into(), hushes, consents, rest })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let HoldingsV1 { document, ties, hushes, consents, rest } = open(WHAT, 1, bytes)?;
        let (attributes, computed) = put_together(&document, rest)?;
        let (hushes, consents) = (read_topics(hushes)?, read_purposes(consents)?);
        Ok(Self { attributes, computed, ties: ties.try_into()?, hushes, consents })
    }
}

/// Splits attributes and computed ones into the document that lookups read and the rest. A computed attribute shadows an
/// attribute of the same name: lookups read the former, the latter is kept aside.
pub(super) fn lay_out(holdings: &Holdings) -> (Vec<u8>, StoredRest) {
    let Holdings { attributes, computed, ties: _, hushes: _, consents: _ } = holdings;
    let mut numbers: BTreeMap<&Stamp, u32> = BTreeMap::new();
    let (mut stamps, mut times) = (Vec::new(), Vec::new());
    let mut shadowed = BTreeMap::new();
    let mut fields: Vec<Field<'_>> = computed
        .iter()
        .map(|(name, state)| Field { name, origin: Origin::Computed(state.as_of()), value: state.value() })
        .collect();
    for (name, Cell { value, stamp }) in attributes {
        let number = *numbers.entry(stamp).or_insert_with(|| {
            stamps.push(StoredStamp::from(stamp.as_ref()));
            times.push(stamp.moment.time);
            u32::try_from(stamps.len() - 1).unwrap_or(u32::MAX)
        });
        if computed.contains_key(name) {
            shadowed.insert(name.clone(), (number, bytes(value)));
        } else {
            fields.push(Field { name, origin: Origin::Stamp(number), value: value.clone() });
        }
    }
    fields.sort_by(|a, b| a.name.cmp(b.name));
    let computed = computed.iter().map(|(name, state)| (name.clone(), state.into())).collect();
    (document::encode(&fields, &times), StoredRest { stamps, computed, shadowed })
}

/// The inverse of [`lay_out`].
pub(super) fn put_together(document: &[u8], rest: StoredRest) -> Result<LaidOut, Error> {
    let StoredRest { stamps, computed, shadowed } = rest;
    let stamps = stamps.into_iter().map(|stored| stamp(stored).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
    let cell = |number: u32, value| {
        let stamp = usize::try_from(number).ok().and_then(|number| stamps.get(number));
        let stamp = stamp.ok_or_else(|| Error::malformed(WHAT, "stamp is missing"))?;
        Ok::<_, Error>(Cell { value, stamp: Arc::clone(stamp) })
    };
    let mut attributes = BTreeMap::new();
    for field in Document::read(document)?.fields() {
        let Field { name, origin, value } = field?;
        if let Origin::Stamp(number) = origin {
            attributes.insert(name.to_owned(), cell(number, value)?);
        }
    }
    for (name, (number, bytes)) in shadowed {
        attributes.insert(name, cell(number, read(&bytes)?)?);
    }
    let computed = computed
        .into_iter()
        .map(|(name, stored)| state(stored).map(|state| (name, state)))
        .collect::<Result<_, _>>()?;
    Ok((attributes, computed))
}

impl From<&Stamp> for StoredStamp {
    fn from(stamp: &Stamp) -> Self {
        let Stamp { moment, source, origin } = stamp;
        Self { moment: moment.into(), source: source.clone(), origin: text(origin) }
    }
}

pub(super) fn stamp(stored: StoredStamp) -> Result<Stamp, Error> {
    let StoredStamp { moment, source, origin } = stored;
    Ok(Stamp { moment: moment.into(), source, origin: identifier(WHAT, &origin)? })
}

impl From<&State> for StoredState {
    fn from(state: &State) -> Self {
        match state {
            State::Count(count) => Self::Count(*count),
            State::Sum(sum) => Self::Sum(sum.billionths()),
            State::Min(value) => Self::Min(bytes(value)),
            State::Max(value) => Self::Max(bytes(value)),
            State::First(moment, value) => Self::First(moment.into(), bytes(value)),
            State::Last(moment, value) => Self::Last(moment.into(), bytes(value)),
        }
    }
}

pub(super) fn state(stored: StoredState) -> Result<State, Error> {
    Ok(match stored {
        StoredState::Count(count) => State::Count(count),
        StoredState::Sum(billionths) => State::Sum(Decimal::from_billionths(billionths)),
        StoredState::Min(bytes) => State::Min(read(&bytes)?),
        StoredState::Max(bytes) => State::Max(read(&bytes)?),
        StoredState::First(moment, bytes) => State::First(moment.into(), read(&bytes)?),
        StoredState::Last(moment, bytes) => State::Last(moment.into(), read(&bytes)?),
    })
}

fn bytes(of: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    value::put(&mut out, of);
    out
}

fn read(bytes: &[u8]) -> Result<Value, Error> {
    let mut cursor = Cursor::new(bytes, WHAT);
    let read = value::take(&mut cursor)?;
    cursor.end()?;
    Ok(read)
}
