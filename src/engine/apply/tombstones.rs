//! Reading tombstones: what was erased, and what that refuses.

use crate::codec::key::{IdentifierKey, TombstoneKey};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{ProfileId, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::model::Model;
use crate::domain::resolution::Rules;
use crate::domain::tombstone::{Tombstone, TombstoneHash, TombstoneSecret};
use crate::store;
use crate::store::catalogue::{OWNERS, TOMBSTONES};
use crate::store::view::Read;

/// The tombstones of a workspace. One that never erased anybody has no secret, and nothing is read then.
pub(in crate::engine) struct Tombstones<'a, R> {
    pub(in crate::engine) from: &'a R,
    pub(in crate::engine) workspace: WorkspaceId,
    pub(in crate::engine) secret: Option<TombstoneSecret>,
}

impl<R: Read> Tombstones<'_, R> {
    /// The tombstone of an identifier. Facts may have brought it back since.
    pub(super) fn of(&self, identifier: &Identifier) -> Result<Option<Tombstone>, store::Error> {
        self.get(|secret| secret.hash(identifier))
    }

    /// True if a profile of this id was erased.
    pub(super) fn has_profile(&self, id: ProfileId) -> Result<bool, store::Error> {
        Ok(self.get(|secret| secret.hash_profile(id))?.is_some())
    }

    /// True if what a key names was erased. Asked of a key that leads nowhere.
    pub(in crate::engine) fn has(&self, key: &Key) -> Result<bool, store::Error> {
        Ok(self.get(|secret| secret.hash_key(key))?.is_some())
    }

    /// True if the identifier was erased and no kind knows it again.
    pub(super) fn holds(&self, identifier: &Identifier, model: &Model) -> Result<bool, store::Error> {
        if self.of(identifier)?.is_none() {
            return Ok(false);
        }
        let kinds = model.kinds().iter().map(|kind| Rules { model, kind }).filter(|rules| rules.has(identifier));
        for rules in kinds {
            let (workspace, kind) = (self.workspace, rules.kind.id);
            if OWNERS.contains(self.from, &IdentifierKey { workspace, kind, identifier: identifier.clone() })? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn get(&self, hash: impl Fn(TombstoneSecret) -> TombstoneHash) -> Result<Option<Tombstone>, store::Error> {
        let Some(secret) = self.secret else { return Ok(None) };
        TOMBSTONES.get(self.from, &TombstoneKey { workspace: self.workspace, hash: hash(secret) })
    }
}
