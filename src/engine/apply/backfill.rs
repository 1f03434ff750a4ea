//! Counting stored events for computed attributes that a model has added, portion by portion.
//!
//! Each portion is a command: it takes the next events in the order in which they are stored, counts them in the fragments
//! of their origins and in the profiles that have these, and notes the last of them. So an event is counted as soon as its
//! place is not after the one noted: [`awaited`] tells a fact on its way whether that is so, or whether its turn comes. What
//! is counted is merged in, exactly and in any order, so it does not matter what becomes of profiles meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use super::tombstones::Tombstones;
use super::{Place, fragments, model};
use crate::codec::key::{EventKey, Key as _, ModelKey};
use crate::domain::backfill::{Backfill, EventPlace};
use crate::domain::event::{Call, StoredEvent};
use crate::domain::fact::{Event, EventType};
use crate::domain::holdings::Holdings;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, WorkspaceId};
use crate::domain::key;
use crate::domain::model::{Computed, DEFAULT_KIND, Model};
use crate::domain::tombstone::TombstoneSecret;
use crate::engine::Error;
use crate::engine::state::ActiveModel;
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::{BACKFILLS, EVENTS};
use crate::store::view::Read;

/// Events that one command reads, at most: each may be as large as a fact.
const AT_ONCE: usize = 256;

/// All back-fills of a workspace, that of the newest model first.
pub(in crate::engine) fn all(
    from: &impl Read,
    workspace: WorkspaceId,
) -> Result<Vec<(ModelKey, Backfill)>, store::Error> {
    let prefix = workspace.0.to_be_bytes();
    BACKFILLS.rows(from, &prefix, &prefix, usize::MAX)
}

/// The attributes that do not count the event at this place yet, because it is stored and its turn is still to come.
pub(super) fn awaited(from: &impl Read, place: Place, event: &EventKey) -> Result<BTreeSet<String>, store::Error> {
    if !place.backfilling {
        return Ok(BTreeSet::new());
    }
    let event_key = event.encode();
    let is_to_come = |backfill: &Backfill| {
        let passed = |last: &EventPlace| event_key <= event_key_of(place.workspace, last);
        !backfill.finished && !backfill.after.as_ref().is_some_and(passed)
    };
    let to_come = all(from, place.workspace)?.into_iter().filter(|(_, backfill)| is_to_come(backfill));
    Ok(to_come.flat_map(|(_, backfill)| backfill.attributes).collect())
}

/// Does the next portion of the oldest back-fill that is not finished. If all are, changes nothing.
pub(super) fn go_on(
    batch: &mut Batch<'_>,
    active: &ActiveModel,
    place: Place,
    secret: Option<TombstoneSecret>,
    portion: usize,
) -> Result<(), Error> {
    let mut unfinished = all(batch, place.workspace)?.into_iter().filter(|(_, backfill)| !backfill.finished);
    let Some((key, mut backfill)) = unfinished.next_back() else { return Ok(()) };
    let prefix = place.workspace.0.to_be_bytes();
    let start = backfill.after.as_ref().map(|last| [event_key_of(place.workspace, last).as_slice(), &[0]].concat());
    let start = start.unwrap_or_else(|| prefix.to_vec());
    let rows = EVENTS.rows(batch, &prefix, &start, portion.clamp(1, AT_ONCE))?;
    if rows.is_empty() {
        backfill.finished = true;
        // Nothing is to name an identifier that may be erased one day.
        backfill.after = None;
        model::touch(batch, ModelKey { workspace: place.workspace, version: active.version })?;
    }
    let mut counted = Counted { model: &active.model, wanted: &backfill.attributes, by_subject: BTreeMap::new() };
    for (key, event) in &rows {
        let tombstones = Tombstones { from: &*batch, workspace: place.workspace, secret };
        counted.take_in(&tombstones, key, event)?;
    }
    for ((kind, identifier), holdings) in counted.by_subject {
        fragments::change(batch, place, kind, &identifier, |fragment| {
            fragment.absorb(holdings.clone());
            true
        })?;
    }
    for (EventKey { workspace: _, kind, identifier, moment }, _) in rows {
        backfill.read(EventPlace { kind, identifier, moment });
    }
    Ok(BACKFILLS.put(batch, &key, &backfill)?)
}

fn event_key_of(workspace: WorkspaceId, place: &EventPlace) -> Vec<u8> {
    let EventPlace { kind, identifier, moment } = place.clone();
    EventKey { workspace, kind, identifier, moment }.encode()
}

/// What the events of a portion come to.
struct Counted<'a> {
    model: &'a Model,
    /// The attributes that are counted.
    wanted: &'a BTreeSet<String>,
    /// By origin, or by address.
    by_subject: BTreeMap<(KindId, Identifier), Holdings>,
}

impl Counted<'_> {
    fn take_in(
        &mut self,
        tombstones: &Tombstones<'_, impl Read>,
        key: &EventKey,
        event: &StoredEvent,
    ) -> Result<(), store::Error> {
        if event.call != Call::Track {
            return Ok(());
        }
        let (name, properties) = (event.name.clone(), event.properties.clone());
        let told = Event { event_type: EventType::Track, name, properties };
        let wants = |computed: &Computed| self.wanted.contains(&computed.name);
        let mut add = |kind: KindId, identifier: &Identifier, counts: &dyn Fn(&Computed) -> bool| {
            let mut holdings = self.by_subject.remove(&(kind, identifier.clone())).unwrap_or_default();
            if holdings.count(&told, &key.moment, kind, self.model, counts) || holdings != Holdings::default() {
                self.by_subject.insert((kind, identifier.clone()), holdings);
            }
        };
        add(key.kind, &key.identifier, &wants);
        if key.kind != KindId::of(DEFAULT_KIND)
            || !self.model.computed().iter().any(|of| counts_address(of, &told, wants))
        {
            return Ok(());
        }
        let named = event.raw_keys.iter().filter_map(|raw| key::identifier(raw, "keys", self.model).ok());
        for address in named.collect::<BTreeSet<Identifier>>() {
            // What others said of an address that is erased may still be there, for a while.
            if !tombstones.erased_since(&address, &key.moment)? {
                add(KindId::ADDRESS, &address, &|computed| wants(computed) && computed.is_of_address(&address));
            }
        }
        Ok(())
    }
}

fn counts_address(computed: &Computed, event: &Event, wants: impl Fn(&Computed) -> bool) -> bool {
    computed.kind == KindId::ADDRESS && computed.event == event.name && wants(computed)
}
