//! Corrections: what people say about identities when the facts say it wrong.

use std::fmt;

use super::fact::{MAX_MESSAGE_ID_BYTES, MAX_SOURCE_BYTES, check_text};
use super::identifier::Identifier;
use super::ids::ProfileId;
use super::invalid::{Invalid, Reason};
use super::key;
use super::model::Model;

/// A correction. It happens when it arrives: its event time is its log time.
#[derive(Clone)]
pub struct Correction {
    /// The sender's id for it; the same id is applied once.
    pub message_id: String,
    /// Who said so; may be empty.
    pub source: String,
    /// What is corrected.
    pub act: Act,
}

/// What a correction does.
#[derive(Clone)]
pub enum Act {
    /// No profile is to have both identifiers, ever.
    KeepApart {
        /// The two, in their order.
        between: [Identifier; 2],
        /// True if both belong to one human.
        same_human: bool,
    },
    /// What was said so far does not join the two; what is said from now on may.
    Unlink {
        /// The two, in their order.
        between: [Identifier; 2],
    },
    /// A profile that was merged away is to be one of its own again, as by [`Act::Unlink`] of the identifiers that the
    /// two profiles were created for.
    UndoMerge {
        /// The profile that was merged away.
        merge: ProfileId,
    },
    /// The identifier may join profiles again, by what is said from now on.
    ReleaseQuarantine {
        /// The identifier.
        identifier: Identifier,
    },
}

impl Correction {
    /// A correction whose texts are within their limits, which are those of facts.
    pub fn new(message_id: String, source: String, act: Act) -> Result<Self, Invalid> {
        check_text(&message_id, "message_id", MAX_MESSAGE_ID_BYTES, true)?;
        check_text(&source, "source", MAX_SOURCE_BYTES, false)?;
        Ok(Self { message_id, source, act })
    }
}

/// Says what is done and nothing of whom.
impl fmt::Debug for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.act {
            Act::KeepApart { .. } => "KeepApart",
            Act::Unlink { .. } => "Unlink",
            Act::UndoMerge { .. } => "UndoMerge",
            Act::ReleaseQuarantine { .. } => "ReleaseQuarantine",
        })
    }
}

/// Reads two different identifiers that some kind has both of. The fields are called `a` and `b`.
pub fn pair(a: &str, b: &str, model: &Model) -> Result<[Identifier; 2], Invalid> {
    let mut pair = [key::identifier(a, "a", model)?, key::identifier(b, "b", model)?];
    pair.sort();
    let [first, second] = &pair;
    if first == second {
        return Err(Invalid::new(Reason::BadValue, "b", "is the same identifier as `a`"));
    }
    if !model.share_a_kind(first.type_name(), second.type_name()) {
        return Err(Invalid::new(Reason::BadValue, "b", "is of a type that has no kind in common with that of `a`"));
    }
    Ok(pair)
}
