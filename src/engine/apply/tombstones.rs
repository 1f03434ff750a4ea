//! Reading tombstones: what was erased, and what that refuses.

use crate::codec::key::{IdentifierKey, MessageKey, TombstoneKey};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{ProfileId, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::link::Moment;
use crate::domain::model::Model;
use crate::domain::resolution::Rules;
use crate::domain::time::MAX_AHEAD_MICROS;
use crate::domain::tombstone::{Tombstone, TombstoneHash, TombstoneSecret};
use crate::store;
use crate::store::catalogue::{OWNERS, RECEIPTS, TOMBSTONES};
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

    /// True if the identifier was erased after the event of that moment was said.
    pub(super) fn erased_since(&self, identifier: &Identifier, moment: &Moment) -> Result<bool, store::Error> {
        let Some(tombstone) = self.of(identifier)? else { return Ok(false) };
        said_before(self.from, self.workspace, &tombstone, moment)
    }

    fn get(&self, hash: impl Fn(TombstoneSecret) -> TombstoneHash) -> Result<Option<Tombstone>, store::Error> {
        let Some(secret) = self.secret else { return Ok(None) };
        TOMBSTONES.get(self.from, &TombstoneKey { workspace: self.workspace, hash: hash(secret) })
    }
}

/// True if the event of that moment was said before the erasure that `tombstone` stands for.
pub(super) fn said_before(
    from: &impl Read,
    workspace: WorkspaceId,
    tombstone: &Tombstone,
    moment: &Moment,
) -> Result<bool, store::Error> {
    // Of what is dated before the erasure nothing was taken in afterwards.
    if moment.time <= tombstone.erased {
        return Ok(true);
    }
    if moment.time > tombstone.erased.plus_micros(MAX_AHEAD_MICROS) {
        return Ok(false);
    }
    // It was dated ahead, or came afterwards: then it stays, with the receipt that keeps it from counting twice.
    let receipt = RECEIPTS.get(from, &MessageKey { workspace, message_id: moment.message_id.clone() })?;
    Ok(receipt.is_none_or(|first| first.receipt.seq < tombstone.seq))
}
