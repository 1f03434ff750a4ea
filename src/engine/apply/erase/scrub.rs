//! Going through the histories of others for what they say of erased identifiers: keys of a demoted address, say, or the
//! group of a member.

use std::collections::BTreeMap;

use super::{MAX_EVENTS, Work};
use crate::codec::key::{EventKey, IdentifierKey, Key as _, MessageKey};
use crate::domain::erasure::Scrub;
use crate::domain::event::StoredEvent;
use crate::domain::identifier::Identifier;
use crate::domain::ids::WorkspaceId;
use crate::domain::key;
use crate::domain::link::Moment;
use crate::domain::model::Model;
use crate::domain::tombstone::{Tombstone, TombstoneSecret};
use crate::engine::Error;
use crate::engine::apply::tombstones::{Tombstones, said_before};
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::{EVENTS, RECEIPTS, SCRUBS};

/// Events that are read at once.
const AT_ONCE: usize = 256;

/// Goes on with what erasures have left to be gone through. True if there is more.
pub(in crate::engine::apply) fn scrub(
    batch: &mut Batch<'_>,
    model: &Model,
    workspace: WorkspaceId,
    secret: Option<TombstoneSecret>,
) -> Result<bool, Error> {
    let prefix = workspace.0.to_be_bytes();
    let mut scrubber = Scrubber::new(batch, model, workspace, secret);
    while let Some((history, from)) = SCRUBS.rows(scrubber.batch, &prefix, &prefix, 1)?.pop() {
        if !scrubber.go_through(&history, from)? {
            return Ok(true);
        }
        SCRUBS.delete(scrubber.batch, &history);
    }
    Ok(false)
}

impl Work<'_, '_> {
    /// Goes through the histories of those who were named together with the erased, as far as one command may.
    pub(super) fn scrub_others(&mut self, secret: TombstoneSecret) -> Result<(), Error> {
        let workspace = self.place.workspace;
        let kinds = |identifier: &Identifier| self.kinds_of(identifier);
        let histories = self.others.iter().flat_map(|identifier| {
            let key = |kind| IdentifierKey { workspace, kind, identifier: identifier.clone() };
            kinds(identifier).into_iter().map(key)
        });
        let histories: Vec<IdentifierKey> = histories.collect();
        let mut scrubber = Scrubber::new(self.batch, self.model, workspace, Some(secret));
        for history in histories {
            scrubber.go_through(&history, Scrub::default())?;
        }
        Ok(())
    }
}

struct Scrubber<'a, 'b> {
    batch: &'a mut Batch<'b>,
    model: &'a Model,
    workspace: WorkspaceId,
    secret: Option<TombstoneSecret>,
    /// How many more events may be looked at.
    room: usize,
    /// The tombstones of keys, as they were given. Most events of a history have the same ones.
    known: BTreeMap<String, Option<Tombstone>>,
}

impl<'a, 'b> Scrubber<'a, 'b> {
    fn new(
        batch: &'a mut Batch<'b>,
        model: &'a Model,
        workspace: WorkspaceId,
        secret: Option<TombstoneSecret>,
    ) -> Self {
        Self { batch, model, workspace, secret, room: MAX_EVENTS, known: BTreeMap::new() }
    }

    /// Goes through a history. False if there was no room to come to its end: then it is noted where to go on.
    fn go_through(&mut self, history: &IdentifierKey, from: Scrub) -> Result<bool, Error> {
        let IdentifierKey { workspace, kind, identifier } = history;
        let prefix = EventKey::prefix(*workspace, *kind, identifier);
        let key = |moment| EventKey { workspace: *workspace, kind: *kind, identifier: identifier.clone(), moment };
        let mut after = from.after;
        loop {
            let start = after.clone().map(|moment| [key(moment).encode().as_slice(), &[0]].concat());
            let wanted = AT_ONCE.min(self.room);
            let rows = EVENTS.rows(self.batch, &prefix, start.as_deref().unwrap_or(&prefix), wanted.max(1))?;
            if rows.is_empty() {
                return Ok(true);
            }
            if self.room == 0 {
                SCRUBS.put(self.batch, history, &Scrub { after })?;
                return Ok(false);
            }
            self.room -= rows.len();
            for (key, event) in rows {
                self.strip(&key, event)?;
                after = Some(key.moment);
            }
        }
    }

    /// Takes erased identifiers out of an event, and with the group or the address that it is about what it says of
    /// that. Its receipt goes too: it may name them.
    fn strip(&mut self, key: &EventKey, mut event: StoredEvent) -> Result<(), Error> {
        let moment = &key.moment;
        let mut raw_keys = Vec::with_capacity(event.raw_keys.len());
        for raw in &event.raw_keys {
            if !self.is_erased(raw, moment)? {
                raw_keys.push(raw.clone());
            }
        }
        let about_erased = match &event.other {
            Some(other) => self.is_erased(other.as_str(), moment)?,
            None => false,
        };
        if raw_keys.len() == event.raw_keys.len() && !about_erased {
            return Ok(());
        }
        event.raw_keys = raw_keys;
        if about_erased {
            event.other = None;
            event.name.clear();
            event.properties.clear();
        }
        EVENTS.put(self.batch, key, &event)?;
        RECEIPTS.delete(self.batch, &self.receipt_key(moment));
        Ok(())
    }

    /// True if the identifier was erased after the event of that moment was said.
    fn is_erased(&mut self, raw: &str, moment: &Moment) -> Result<bool, store::Error> {
        let Some(tombstone) = self.tombstone(raw)? else { return Ok(false) };
        said_before(self.batch, self.workspace, &tombstone, moment)
    }

    fn tombstone(&mut self, raw: &str) -> Result<Option<Tombstone>, store::Error> {
        if let Some(known) = self.known.get(raw) {
            return Ok(*known);
        }
        let tombstones = Tombstones { from: &*self.batch, workspace: self.workspace, secret: self.secret };
        let tombstone = match key::identifier(raw, "keys", self.model) {
            Ok(identifier) => tombstones.of(&identifier)?,
            Err(_) => None,
        };
        self.known.insert(raw.to_owned(), tombstone);
        Ok(tombstone)
    }

    fn receipt_key(&self, moment: &Moment) -> MessageKey {
        MessageKey { workspace: self.workspace, message_id: moment.message_id.clone() }
    }
}
