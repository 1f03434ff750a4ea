//! Evidence without the erased: links and walls.

use std::collections::BTreeSet;

use super::{MAX_LINKS, Work};
use crate::codec::key::{LinkIndexKey, LinkKey, WallKey};
use crate::domain::identifier::Identifier;
use crate::domain::link::LinkId;
use crate::domain::wall::MAX_WALLS;
use crate::engine::Error;
use crate::store;
use crate::store::catalogue::{HELD_LINKS, LINK_INDEX, LINKS, WALLS};

impl Work<'_, '_> {
    /// The links that name one of the erased. Refuses an erasure of which there are too many.
    pub(super) fn links(&self) -> Result<BTreeSet<LinkId>, Error> {
        let workspace = self.place.workspace;
        let mut named = BTreeSet::new();
        for identifier in &self.erased {
            let prefix = LinkIndexKey::prefix(workspace, identifier);
            for index in [LINK_INDEX, HELD_LINKS] {
                named.extend(index.keys(self.batch, &prefix, &prefix, MAX_LINKS + 1)?.into_iter().map(|key| key.link));
                if named.len() > MAX_LINKS {
                    return Err(Error::Conflict(format!(
                        "more than {MAX_LINKS} links name whom the key leads to, too many for one erasure; erase some \
                         of those first that it is linked with, a member of a group, say: their links go with them"
                    )));
                }
            }
        }
        Ok(named)
    }

    /// Takes the erased out of the links that name one of them.
    pub(super) fn strip_links(&mut self, named: BTreeSet<LinkId>) -> Result<(), store::Error> {
        self.count.links = named.len() as u64;
        named.into_iter().try_for_each(|link| self.strip_link(link))
    }

    fn strip_link(&mut self, link: LinkId) -> Result<(), store::Error> {
        let workspace = self.place.workspace;
        let key = LinkKey { workspace, link };
        let Some(said) = LINKS.get(self.batch, &key)? else { return Ok(()) };
        LINKS.delete(self.batch, &key);
        for moment in said.moments() {
            self.newest = self.newest.max(moment.time);
            self.forget_receipt(&moment.message_id);
        }
        let mut indexed = Vec::new();
        for identifier in said.identifiers.iter().chain(&said.previous) {
            let key = LinkIndexKey { workspace, identifier: identifier.clone(), link };
            for index in [LINK_INDEX, HELD_LINKS] {
                if index.contains(self.batch, &key)? {
                    index.delete(self.batch, &key);
                    indexed.push((index, identifier.clone()));
                }
            }
        }
        let Some(rest) = said.without(&self.erased) else { return Ok(()) };
        let key = LinkKey { workspace, link: rest.id() };
        let rest = match LINKS.get(self.batch, &key)? {
            Some(known) => known.and(rest),
            None => rest,
        };
        LINKS.put(self.batch, &key, &rest)?;
        for (index, identifier) in indexed.into_iter().filter(|(_, identifier)| !self.erased.contains(identifier)) {
            index.put(self.batch, &LinkIndexKey { workspace, identifier, link: key.link }, &())?;
        }
        self.others.extend(rest.identifiers.into_iter().chain(rest.previous));
        Ok(())
    }

    /// Takes away the walls at the erased.
    pub(super) fn take_down_walls(&mut self) -> Result<(), store::Error> {
        let workspace = self.place.workspace;
        let erased: Vec<Identifier> = self.erased.iter().cloned().collect();
        for identifier in &erased {
            let prefix = WallKey::prefix(workspace, identifier);
            for (key, wall) in WALLS.rows(self.batch, &prefix, &prefix, MAX_WALLS)? {
                let WallKey { workspace, identifier, beyond } = key.clone();
                let there = WallKey { workspace, identifier: beyond, beyond: identifier };
                WALLS.delete(self.batch, &key);
                WALLS.delete(self.batch, &there);
                self.forget_receipt(&wall.by.message_id);
                if !self.erased.contains(&there.identifier) {
                    self.others.insert(there.identifier);
                }
            }
        }
        Ok(())
    }
}
