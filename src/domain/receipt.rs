//! Receipts: what a write did, line by line, with the rule that did it.

use std::fmt;

use super::belonging::MAX_GROUPS;
use super::consent::MAX_CONSENTS;
use super::erasure::Erased;
use super::holdings::MAX_ATTRIBUTES;
use super::hush::MAX_TOPICS;
use super::identifier::Identifier;
use super::ids::{KindId, ProfileId, Seq};
use super::owner::MAX_REFUSING_PROFILES;
use super::profile::MAX_PROFILE_IDENTIFIERS;
use super::time::Time;

/// What was done to an identifier or a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A profile was created.
    Created,
    /// The identifier joined the profile.
    Attached,
    /// The profile named was merged into the one the fact landed on.
    Merged,
    /// The identifier stayed where it was.
    Demoted,
    /// The identifier's value identifies nobody.
    Blocked,
    /// The profile has as many identifiers as it may have; this one was not added.
    Capped,
    /// This part of the fact was not applied.
    Refused,
    /// The identifier became another name.
    Aliased,
    /// The profile named came apart from another, under the id that it had before if it had one.
    Split,
    /// The identifier went from one profile to the one named.
    Moved,
    /// Too many profiles could not have the identifier: it joins nobody from now on.
    Quarantined,
    /// The identifier is in quarantine no more.
    Released,
    /// A wall stands at the identifier now.
    Walled,
    /// The fact is older than others about the same identifiers, which are too many to be folded again: it counts as
    /// if it were the newest.
    Unordered,
    /// The identifier was erased: the fact is refused whole, and nothing of it is stored.
    Erased,
}

/// The rule that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A profile may have so many values of an identifier type.
    Limit {
        /// The type.
        type_name: String,
        /// How many.
        limit: u32,
    },
    /// A profile may have [`MAX_PROFILE_IDENTIFIERS`] identifiers.
    Size,
    /// The value is on the model's list of values that identify nobody.
    BlockedValue,
    /// One identifier may bring [`MAX_ATTRIBUTES`] attributes.
    Attributes,
    /// Two of the identifiers are to be kept apart.
    Wall,
    /// More than [`MAX_REFUSING_PROFILES`] profiles could not have the identifier.
    Quarantine,
    /// So many links, or identifiers, are folded again at once, at most.
    Component {
        /// The bound.
        bound: u32,
    },
    /// One identifier may bring [`MAX_GROUPS`] groups.
    Groups,
    /// One identifier may bring [`MAX_TOPICS`] topics.
    Topics,
    /// The fact is dated before the erasure of the identifier.
    Erasure,
    /// The identifier was erased for good.
    Suppression,
    /// One identifier may bring [`MAX_CONSENTS`] purposes, and speak in each of them for as many others.
    Consents,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit { type_name, limit } => write!(f, "{type_name} limit {limit}"),
            Self::Size => write!(f, "profile size {MAX_PROFILE_IDENTIFIERS}"),
            Self::BlockedValue => write!(f, "blocked value"),
            Self::Attributes => write!(f, "attribute limit {MAX_ATTRIBUTES}"),
            Self::Wall => write!(f, "wall"),
            Self::Quarantine => write!(f, "quarantine after {MAX_REFUSING_PROFILES} profiles"),
            Self::Component { bound } => write!(f, "component of {bound} links"),
            Self::Groups => write!(f, "group limit {MAX_GROUPS}"),
            Self::Topics => write!(f, "topic limit {MAX_TOPICS}"),
            Self::Erasure => write!(f, "dated before the erasure"),
            Self::Suppression => write!(f, "suppressed at the erasure"),
            Self::Consents => write!(f, "consent limit {MAX_CONSENTS}"),
        }
    }
}

/// One line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What was done.
    pub action: Action,
    /// The kind of profile it was done to.
    pub kind: KindId,
    /// The identifier concerned.
    pub identifier: Option<Identifier>,
    /// The profile concerned: created, joined, merged away, or for a demotion the identifier's owner.
    pub profile: Option<ProfileId>,
    /// The rule that decided, where one did.
    pub rule: Option<Rule>,
}

/// What a fact, a correction or an erasure did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The fact's message id.
    pub message_id: String,
    /// The profiles it landed on, at most one a kind.
    pub profiles: Vec<(KindId, ProfileId)>,
    /// What it did to the graph of identities.
    pub lines: Vec<Line>,
    /// Its place in the log: reads from there on see it.
    pub seq: Seq,
    /// True if the message id had been seen before; then this is the first receipt again.
    pub duplicate: bool,
    /// What went, if it was an erasure.
    pub erased: Option<Erased>,
}

impl Receipt {
    /// True if nothing of the fact is stored, because it names what was erased.
    pub fn refuses_the_erased(&self) -> bool {
        self.lines.iter().any(|line| line.action == Action::Erased)
    }
}

/// A receipt as it is kept: with the log time of its fact, after which it is forgotten in due time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedReceipt {
    /// The log time of the fact.
    pub logged: Time,
    /// The receipt.
    pub receipt: Receipt,
}

/// How long a receipt is kept, in microseconds of log time: 30 days.
pub const RECEIPT_WINDOW_MICROS: u64 = 30 * 24 * 60 * 60 * 1_000_000;

impl LoggedReceipt {
    /// True if the receipt is to be forgotten at log time `now`.
    pub fn expired(&self, now: Time) -> bool {
        self.mention().expired(now)
    }

    /// That the receipt names an identifier.
    pub fn mention(&self) -> Mention {
        Mention { logged: self.logged }
    }
}

/// That a receipt names an identifier which does not lead to it otherwise: the fact does not name it, or has no place in
/// a history. It is forgotten with the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The log time of the receipt.
    pub logged: Time,
}

impl Mention {
    /// True if it is to be forgotten at log time `now`.
    pub fn expired(&self, now: Time) -> bool {
        self.logged.plus_micros(RECEIPT_WINDOW_MICROS) <= now
    }
}
