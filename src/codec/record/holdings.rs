//! Holdings as a record of their own (what came under one identifier), and the parts that profiles share with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::attributes::{self, StoredAttributes};
use super::belonging::StoredTies;
use super::consent::{StoredConsents, read_purposes, stored_purposes};
use super::hush::{StoredHushes, read_topics, stored_topics};
use super::parts::identifier;
use super::state::{StoredState, state};
use super::{Record, open, seal};
use crate::codec::Error;
use crate::codec::document::{self, Document, Field, Origin};
use crate::codec::read::Cursor;
use crate::codec::value;
use crate::domain::aggregate::State;
use crate::domain::attributes::Attributes;
use crate::domain::holdings::{Cell, Holdings, Stamp};
use crate::domain::link::Moment;
use crate::domain::model::{CAPPED, FULL};
use crate::domain::time::Time;
use crate::domain::value::Value;

const WHAT: &str = "holdings record";
const LIVE_STATES: &str = "live states of a profile";

#[derive(Serialize, Deserialize)]
struct HoldingsV1<'a> {
    #[serde(serialize_with = "super::put_bytes")]
    document: &'a [u8],
    ties: StoredTies,
    #[serde(borrow)]
    hushes: StoredHushes<'a>,
    consents: StoredConsents<'a>,
    live: StoredStates<'a>,
    rest: StoredRest<'a>,
}

/// States by the names of their attributes.
pub(super) type StoredStates<'a> = BTreeMap<&'a str, StoredState>;

/// What [`lay_out`] splits: attributes, and states of computed ones.
type Held = (Attributes, BTreeMap<String, State>);

/// What a document does not hold: provenance by number, and the states behind computed values.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredRest<'a> {
    #[serde(borrow)]
    stamps: Vec<StoredStamp<'a>>,
    computed: StoredStates<'a>,
    shadowed: BTreeMap<&'a str, (u32, Vec<u8>)>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredStamp<'a> {
    time: u64,
    message_id: &'a str,
    source: &'a str,
    origin: &'a str,
}

impl Record for Holdings {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let LaidOut { document, live, rest } = lay_out(self)?;
        let (hushes, consents) = (stored_topics(&self.hushes), stored_purposes(&self.consents));
        let document = &document;
        seal(WHAT, 1, &HoldingsV1 { document, ties: (&self.ties).into(), hushes, consents, live, rest })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let HoldingsV1 { document, ties, hushes, consents, live, rest } = open(WHAT, 1, bytes)?;
        let (attributes, computed) = put_together(document, live, rest)?;
        let (hushes, consents) = (read_topics(hushes)?, read_purposes(consents)?);
        Ok(Self { attributes, computed, ties: ties.try_into()?, hushes, consents })
    }
}

/// Attributes and computed ones as they are stored.
pub(super) struct LaidOut<'a> {
    /// What lookups read. Of live attributes it has the names alone.
    pub(super) document: Vec<u8>,
    /// The states of live attributes, which lookups decode only if one of them is asked for.
    pub(super) live: StoredStates<'a>,
    pub(super) rest: StoredRest<'a>,
}

/// Lays out attributes and computed ones. A computed attribute, and its companion, shadows an attribute of the same name:
/// lookups read the former, the latter is kept aside.
pub(super) fn lay_out(holdings: &Holdings) -> Result<LaidOut<'_>, Error> {
    let Holdings { attributes, computed, ties: _, hushes: _, consents: _ } = holdings;
    let of_computed: BTreeMap<String, Reading> = computed.iter().flat_map(readings).collect();
    let computed_fields = || of_computed.iter().map(|(name, (origin, value))| Field { name, origin: *origin, value });
    let stored = |live: bool| -> StoredStates<'_> {
        let states = computed.iter().filter(move |(_, state)| state.is_live() == live);
        states.map(|(name, state)| (name.as_str(), state.into())).collect()
    };
    let (live, computed) = (stored(true), stored(false));
    if let Some(unread) = attributes.as_stored::<StoredAttributes>()
        && let Some(document) = unread.document()?.with_computed(unread.stamps.len(), computed_fields())?
    {
        let stamps = unread.stamps.iter().map(|stamp| stamp.as_ref().into()).collect();
        return Ok(LaidOut { document, live, rest: StoredRest { stamps, computed, shadowed: BTreeMap::new() } });
    }
    let cells = attributes.cells();
    let mut stamps = Stamps::default();
    let mut shadowed = BTreeMap::new();
    let mut fields: Vec<Field<'_, &Value>> = Vec::with_capacity(of_computed.len() + cells.len());
    fields.extend(computed_fields());
    for (name, Cell { value, stamp }) in cells {
        let number = stamps.number(stamp);
        if of_computed.contains_key(name) {
            shadowed.insert(name.as_str(), (number, bytes(value)));
        } else {
            fields.push(Field { name, origin: Origin::Stamp(number), value });
        }
    }
    fields.sort_by(|a, b| a.name.cmp(b.name));
    let Stamps { stored: stamps, times, .. } = stamps;
    let rest = StoredRest { stamps, computed, shadowed };
    Ok(LaidOut { document: document::encode(&fields, &times), live, rest })
}

/// Stamps, numbered in the order in which attributes first have them.
#[derive(Default)]
struct Stamps<'a> {
    numbers: BTreeMap<&'a Stamp, u32>,
    last: Option<(&'a Arc<Stamp>, u32)>,
    stored: Vec<StoredStamp<'a>>,
    times: Vec<Time>,
}

impl<'a> Stamps<'a> {
    /// The number of `stamp`. Most attributes share that of the one before, so it is compared by where it is, first.
    fn number(&mut self, stamp: &'a Arc<Stamp>) -> u32 {
        if let Some((_, number)) = self.last.filter(|(last, _)| Arc::ptr_eq(last, stamp)) {
            return number;
        }
        let number = *self.numbers.entry(stamp).or_insert_with(|| {
            self.stored.push(StoredStamp::from(stamp.as_ref()));
            self.times.push(stamp.moment.time);
            u32::try_from(self.stored.len() - 1).unwrap_or(u32::MAX)
        });
        self.last = Some((stamp, number));
        number
    }
}

/// What the document has of a computed field: where it comes from, and its value.
type Reading = (Origin, Value);

/// The fields that a computed attribute has in the document: itself, and what says how much its value means.
fn readings((name, state): (&String, &State)) -> Vec<(String, Reading)> {
    let origin = if state.is_live() { Origin::Live } else { Origin::Computed(state.as_of()) };
    let own = (name.clone(), (origin, state.value()));
    let capped =
        state.capped().map(|capped| (format!("{name}{CAPPED}"), (Origin::Computed(None), Value::Bool(capped))));
    let full = matches!(state, State::Buckets(_)).then(|| (format!("{name}{FULL}"), (Origin::Live, Value::Null)));
    [Some(own), capped, full].into_iter().flatten().collect()
}

/// The inverse of [`lay_out`]. Attributes are read at once only where some are not in the document.
pub(super) fn put_together(document: &[u8], live: StoredStates<'_>, rest: StoredRest<'_>) -> Result<Held, Error> {
    let StoredRest { stamps, computed, shadowed } = rest;
    let stamps = stamps.into_iter().map(|stored| stamp(stored).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
    let mut states = read_states(computed)?;
    states.extend(read_states(live)?);
    if shadowed.is_empty() {
        return Ok((StoredAttributes::checked(document, stamps)?, states));
    }
    let mut cells = attributes::read(Document::read(document)?, &stamps)?;
    for (name, (number, bytes)) in shadowed {
        let stamp = usize::try_from(number).ok().and_then(|number| stamps.get(number)).ok_or_else(missing_stamp)?;
        cells.insert(name.to_owned(), Cell { value: read(&bytes)?, stamp: Arc::clone(stamp) });
    }
    Ok((cells.into(), states))
}

pub(super) fn missing_stamp() -> Error {
    Error::malformed(WHAT, "stamp is missing")
}

/// Writes the live states of a profile; nothing if there are none.
pub(super) fn write_live(live: &StoredStates<'_>) -> Result<Vec<u8>, Error> {
    if live.is_empty() { Ok(Vec::new()) } else { seal(LIVE_STATES, 1, live) }
}

pub(super) fn open_live(bytes: &[u8]) -> Result<StoredStates<'_>, Error> {
    if bytes.is_empty() { Ok(StoredStates::new()) } else { open(LIVE_STATES, 1, bytes) }
}

/// Reads the live states of a profile, as [`split_profile`](super::split_profile) gives them.
pub fn read_live(bytes: &[u8]) -> Result<BTreeMap<String, State>, Error> {
    read_states(open_live(bytes)?)
}

pub(super) fn read_states<N: Into<String>>(
    stored: impl IntoIterator<Item = (N, StoredState)>,
) -> Result<BTreeMap<String, State>, Error> {
    stored.into_iter().map(|(name, stored)| state(stored).map(|state| (name.into(), state))).collect()
}

impl<'a> From<&'a Stamp> for StoredStamp<'a> {
    fn from(stamp: &'a Stamp) -> Self {
        let Stamp { moment: Moment { time, message_id }, source, origin } = stamp;
        Self { time: time.micros(), message_id, source, origin: origin.as_str() }
    }
}

pub(super) fn stamp(stored: StoredStamp<'_>) -> Result<Stamp, Error> {
    let StoredStamp { time, message_id, source, origin } = stored;
    let moment = Moment { time: Time::from_micros(time), message_id: message_id.to_owned() };
    Ok(Stamp { moment, source: source.to_owned(), origin: identifier(WHAT, origin)? })
}

pub(super) fn bytes(of: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    value::put(&mut out, of);
    out
}

pub(super) fn read(bytes: &[u8]) -> Result<Value, Error> {
    let mut cursor = Cursor::new(bytes, WHAT);
    let read = value::take(&mut cursor)?;
    cursor.end()?;
    Ok(read)
}
