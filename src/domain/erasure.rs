//! Erasures: taking away all that is stored of a human.

use std::fmt;

use super::fact::{MAX_MESSAGE_ID_BYTES, check_text};
use super::ids::KindId;
use super::invalid::Invalid;
use super::key::Key;
use super::link::Moment;
use super::tombstone::TombstoneSecret;

/// Who is to be erased, and how.
#[derive(Clone)]
pub struct Erasure {
    /// The sender's id for it; the same id is applied once.
    pub message_id: String,
    /// Leads to the profile that is to be erased.
    pub key: Key,
    /// The kind of the profile.
    pub kind: KindId,
    /// True if facts dated after the erasure are to be refused as well.
    pub suppress: bool,
    /// Becomes the secret of the workspace if it has none yet. Random: it comes in from the top, because applying a
    /// command makes nothing up.
    pub secret: TombstoneSecret,
    /// How many events of a long history went already, in parts of their own: they are counted with the rest.
    pub gone: u64,
}

/// What an erasure took away, in numbers: nothing that was erased is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Identifiers, those of all personas of the human.
    pub identifiers: u64,
    /// Links that named one of them. What they say of others stays.
    pub links: u64,
    /// Facts in the histories of the identifiers, of every kind.
    pub events: u64,
    /// Records of what came under one identifier, of every kind and of the address.
    pub fragments: u64,
    /// True if more hung together with them than is folded again at once: the profiles of others stay as they were,
    /// without the erased identifiers.
    pub unordered: bool,
}

/// How far a history of others has been gone through for what it says of erased identifiers. The record is there as long
/// as there is more to go through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrub {
    /// The last event that was looked at, from the newest on. `None`: the whole history is to be gone through.
    pub after: Option<Moment>,
}

impl Erasure {
    /// An erasure whose message id is within its limits, which are those of facts.
    pub fn new(
        message_id: String,
        key: Key,
        kind: KindId,
        suppress: bool,
        secret: TombstoneSecret,
    ) -> Result<Self, Invalid> {
        check_text(&message_id, "message_id", MAX_MESSAGE_ID_BYTES, true)?;
        Ok(Self { message_id, key, kind, suppress, secret, gone: 0 })
    }
}

/// Says how, and not who.
impl fmt::Debug for Erasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Erasure").field("suppress", &self.suppress).finish_non_exhaustive()
    }
}
