//! The histories of the erased.

use super::{MAX_EVENTS, Work};
use crate::codec::key::EventKey;
use crate::domain::time::Time;
use crate::store;
use crate::store::catalogue::EVENTS;

impl Work<'_, '_> {
    /// Takes away the events of the erased, newest first, with the receipts of their facts. Answers the time of the
    /// newest; `None` if there are more than may go at once.
    pub(super) fn forget_history(&mut self) -> Result<Option<Time>, store::Error> {
        let workspace = self.place.workspace;
        let mut newest = Time::default();
        let mut room = MAX_EVENTS;
        let mut events: Vec<EventKey> = Vec::new();
        for identifier in &self.erased {
            for kind in self.kinds_of(identifier) {
                let prefix = EventKey::prefix(workspace, kind, identifier);
                let keys = EVENTS.keys(self.batch, &prefix, &prefix, room + 1)?;
                newest = newest.max(keys.first().map(|key| key.moment.time).unwrap_or_default());
                room = room.saturating_sub(keys.len());
                events.extend(keys);
            }
        }
        let complete = events.len() <= MAX_EVENTS;
        events.truncate(MAX_EVENTS);
        self.count.events += events.len() as u64;
        for key in events {
            EVENTS.delete(self.batch, &key);
            self.forget_receipt(&key.moment.message_id);
        }
        Ok(complete.then_some(newest))
    }
}
