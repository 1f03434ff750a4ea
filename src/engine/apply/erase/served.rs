//! What was served to the erased, or to others and about the erased.

use std::collections::BTreeSet;

use super::Work;
use crate::codec::key::ServedKey;
use crate::domain::ids::ProfileId;
use crate::domain::key::Key;
use crate::domain::served::Trace;
use crate::engine::apply::component::Component;
use crate::store;
use crate::store::catalogue::SERVED;

impl Work<'_, '_> {
    /// Notes what hung together with the erased: by these keys too they may have been served.
    pub(super) fn note_near(&mut self, component: &Component) {
        self.near.extend(component.owners.keys().cloned());
        self.near_ids.extend(component.owners.values().filter_map(|owner| owner.founded));
        self.near_ids.extend(component.profiles.keys().copied());
    }

    /// Takes away what was served to the erased, and what was served to those who hung together with them if it was about
    /// the erased as well: they were one customer then, or the erased were their group.
    pub(super) fn forget_served(&mut self) -> Result<(), store::Error> {
        let traces: BTreeSet<Trace> = self.erased.iter().map(Trace::of).collect();
        for identifier in self.erased.clone() {
            self.forget_served_to(&Key::Identifier(identifier), None)?;
        }
        let mut near = std::mem::take(&mut self.near);
        near.extend(self.others.iter().cloned());
        let keys = near.difference(&self.erased).cloned().map(Key::Identifier);
        let ids = std::mem::take(&mut self.near_ids).into_iter().map(Key::Profile);
        for key in keys.chain(ids).collect::<Vec<_>>() {
            self.forget_served_to(&key, Some(&traces))?;
        }
        Ok(())
    }

    /// Takes away all that was served to the id of a profile that leads nowhere now.
    pub(super) fn forget_served_to_id(&mut self, id: ProfileId) -> Result<(), store::Error> {
        self.forget_served_to(&Key::Profile(id), None)
    }

    /// Takes away what was served by a key; where `about` is given, only what was about one of those.
    fn forget_served_to(&mut self, key: &Key, about: Option<&BTreeSet<Trace>>) -> Result<(), store::Error> {
        let prefix = ServedKey::prefix(self.place.workspace, key);
        let gone: Vec<ServedKey> = match about {
            None => SERVED.keys(self.batch, &prefix, &prefix, usize::MAX)?,
            Some(about) => {
                let rows = SERVED.rows(self.batch, &prefix, &prefix, usize::MAX)?.into_iter();
                rows.filter(|(_, served)| !served.about.is_disjoint(about)).map(|(key, _)| key).collect()
            }
        };
        gone.iter().for_each(|key| SERVED.delete(self.batch, key));
        Ok(())
    }
}
