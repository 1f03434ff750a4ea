//! What stands between a customer and a view, whatever the values are.

use std::collections::BTreeSet;

pub use crate::domain::consent::Denier;
use crate::domain::time::Time;

/// What is to be respected when a customer is spoken to, as of the moment of asking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// The topics not to be raised, of all channels and of the view's.
    pub hushed: BTreeSet<String>,
    /// What the customer, and the address asked by, say to the purpose of the view.
    pub permission: Permission,
    /// True if the customer was erased: there is nothing to be read, and the reason is that.
    pub erased: bool,
    /// True if several people share the key asked by.
    pub shared: bool,
    /// The earliest moment at which any of this, or of the values that were read, is another without any write. `None` if
    /// nothing ever is.
    pub changes_at: Option<Time>,
}

/// What was said to a purpose; of several voices the most restrictive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Permission {
    /// Agreed to.
    Granted,
    /// Refused, and by whom.
    Denied(Denier),
    /// Nobody ever asked.
    #[default]
    Unknown,
}

impl Gate {
    /// True if one of `topics` is hushed.
    pub(super) fn hushes(&self, topics: &BTreeSet<String>) -> bool {
        !self.hushed.is_empty() && !self.hushed.is_disjoint(topics)
    }
}
