//! Commands: every change there is, and what each leads to.
//!
//! The seam to many machines: on one machine commands come in order from the writer's queue, past one from a
//! replicated log.

use crate::domain::access::{ApiKey, SecretHash};
use crate::domain::correction::Correction;
use crate::domain::erasure::Erasure;
use crate::domain::fact::Fact;
use crate::domain::ids::WorkspaceId;
use crate::domain::receipt::Receipt;
use crate::domain::served::Kept;
use crate::engine::{Error, Serving};

/// A change.
#[derive(Clone, Debug)]
pub(super) enum Command {
    /// Write a fact.
    Write { workspace: WorkspaceId, fact: Box<Fact> },
    /// Correct what is known of identities.
    Correct { workspace: WorkspaceId, correction: Box<Correction> },
    /// Erase a human.
    Erase { workspace: WorkspaceId, erasure: Box<Erasure> },
    /// Go on with what an erasure left to be gone through.
    Scrub { workspace: WorkspaceId },
    /// Make `source` the model of the workspace of that name, which is created if there is none.
    ApplyModel {
        workspace: String,
        source: String,
        /// Whether the rules of resolution may change, and identities be folded again.
        refolds: bool,
    },
    /// Fold the next identities of a workspace again whose rules have changed.
    Refold { workspace: WorkspaceId, portion: usize },
    /// Keep what was answered for sends.
    Serve { workspace: WorkspaceId, servings: Vec<Serving> },
    /// Count the next stored events of a workspace for computed attributes that its model has added.
    Backfill { workspace: WorkspaceId, portion: usize },
    /// Store an API key.
    CreateKey(ApiKey),
    /// Revoke the API key with this hash.
    RevokeKey(SecretHash),
}

/// What a command led to.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// The receipt of a fact, a correction or an erasure.
    Receipt(Receipt),
    /// So many events of a history that is long went. The rest of the erasure is not done: it is to be asked for again.
    Erasing { events: u64 },
    /// A part of what an erasure had left went; whether there is more.
    Scrubbed { more: bool },
    /// The workspace whose model is the one asked for.
    Model(WorkspaceId),
    /// The key as it is now.
    Key(ApiKey),
    /// Identities were folded again.
    Refolded,
    /// What became of each answer that was to be kept.
    Served(Vec<Kept>),
    /// Stored events were counted.
    Backfilled,
}

impl Command {
    /// True if commands after this one must see it committed, because it changes what all of them are read against.
    pub(super) fn stands_alone(&self) -> bool {
        !matches!(self, Self::Write { .. } | Self::Correct { .. } | Self::Scrub { .. } | Self::Serve { .. })
    }

    /// The workspace in which it erases somebody, or goes on with that.
    pub(super) fn erases(&self) -> Option<WorkspaceId> {
        match self {
            Self::Erase { workspace, .. } | Self::Scrub { workspace } => Some(*workspace),
            Self::Write { .. }
            | Self::Correct { .. }
            | Self::ApplyModel { .. }
            | Self::Refold { .. }
            | Self::Serve { .. }
            | Self::Backfill { .. }
            | Self::CreateKey(_)
            | Self::RevokeKey(_) => None,
        }
    }
}

impl Effect {
    /// The receipt that writing a fact leads to.
    pub(super) fn into_receipt(self) -> Result<Receipt, Error> {
        match self {
            Self::Receipt(receipt) => Ok(receipt),
            Self::Model(_)
            | Self::Key(_)
            | Self::Refolded
            | Self::Served(_)
            | Self::Backfilled
            | Self::Erasing { .. }
            | Self::Scrubbed { .. } => Err(Error::NotFound("the receipt")),
        }
    }

    /// What became of each of the answers that a command was to keep.
    pub(super) fn into_served(self) -> Result<Vec<Kept>, Error> {
        match self {
            Self::Served(kept) => Ok(kept),
            Self::Receipt(_)
            | Self::Model(_)
            | Self::Key(_)
            | Self::Refolded
            | Self::Backfilled
            | Self::Erasing { .. }
            | Self::Scrubbed { .. } => Err(Error::NotFound("the record")),
        }
    }
}
