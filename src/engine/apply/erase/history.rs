//! The histories of the erased.

use super::{MAX_EVENTS, Work};
use crate::codec::key::EventKey;
use crate::store;
use crate::store::catalogue::EVENTS;

impl Work<'_, '_> {
    /// Takes away the events of the erased with the receipts of their facts, newest first. False if there are more than
    /// may go at once: then the newest of each history stays, so that the last command still knows how far ahead they
    /// were dated, whatever interrupts the erasure before.
    pub(super) fn forget_history(&mut self) -> Result<bool, store::Error> {
        let workspace = self.place.workspace;
        let mut newest: Vec<EventKey> = Vec::new();
        let mut older: Vec<EventKey> = Vec::new();
        for identifier in &self.erased {
            for kind in self.kinds_of(identifier) {
                let prefix = EventKey::prefix(workspace, kind, identifier);
                let room = MAX_EVENTS.saturating_sub(older.len());
                let mut keys = EVENTS.keys(self.batch, &prefix, &prefix, room + 2)?.into_iter();
                newest.extend(keys.next());
                older.extend(keys);
            }
        }
        let complete = older.len() <= MAX_EVENTS;
        older.truncate(MAX_EVENTS);
        if complete {
            self.newest = newest.iter().map(|key| key.moment.time).fold(self.newest, Ord::max);
            older.append(&mut newest);
        }
        self.count.events += older.len() as u64;
        for key in older {
            EVENTS.delete(self.batch, &key);
            self.forget_receipt(&key.moment.message_id);
        }
        Ok(complete)
    }
}
