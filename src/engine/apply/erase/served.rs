//! What was served to the erased, and what was served to others and was about the erased: they were one customer then, or
//! one was the group of the other.

use super::Work;
use crate::codec::key::{ServedKey, TrailKey};
use crate::domain::ids::ProfileId;
use crate::domain::key::Key;
use crate::engine::apply::serve;
use crate::store;
use crate::store::catalogue::{SERVED, TRAILS};

impl Work<'_, '_> {
    /// Takes away all that was served by the identifiers of the erased, or about them.
    pub(super) fn forget_served(&mut self) -> Result<(), store::Error> {
        for identifier in self.erased.clone() {
            let prefix = TrailKey::prefix(self.place.workspace, &identifier);
            for trail in TRAILS.keys(self.batch, &prefix, &prefix, usize::MAX)? {
                serve::forget(self.batch, &trail.served)?;
                TRAILS.delete(self.batch, &trail);
            }
            self.forget_served_by(&Key::Identifier(identifier))?;
        }
        Ok(())
    }

    /// Takes away all that was served by the id of a profile that leads nowhere now.
    pub(super) fn forget_served_by_id(&mut self, id: ProfileId) -> Result<(), store::Error> {
        self.forget_served_by(&Key::Profile(id))
    }

    fn forget_served_by(&mut self, key: &Key) -> Result<(), store::Error> {
        let prefix = ServedKey::prefix(self.place.workspace, key);
        let keys = SERVED.keys(self.batch, &prefix, &prefix, usize::MAX)?;
        keys.iter().try_for_each(|key| serve::forget(self.batch, key))
    }
}
