//! Where the keys of a batch lead, step by step: all of them go through each family together.

use super::Picked;
use crate::domain::ids::ProfileId;
use crate::domain::owner::Owner;

/// Where a key of a batch leads, as far as its owner record says.
pub(super) enum Lead {
    Nobody,
    To(ProfileId),
    /// Several people may use it: there is more to read.
    Unclear,
}

impl Lead {
    pub(super) fn of(owner: &Owner) -> Self {
        match owner.profile {
            _ if owner.may_be_shared() => Self::Unclear,
            Some(id) => Self::To(id),
            None => Self::Nobody,
        }
    }

    pub(super) fn id(&self) -> Option<ProfileId> {
        match self {
            Self::To(id) => Some(*id),
            Self::Nobody | Self::Unclear => None,
        }
    }
}

/// What was found of a key of a batch.
pub(super) enum Found {
    Nobody,
    Profile(ProfileId, Picked),
    /// Used by several people; or the id of a profile that was merged away, or of none.
    Further,
}

impl Found {
    pub(super) fn picked(&self) -> Option<&Picked> {
        match self {
            Self::Profile(_, picked) => Some(picked),
            Self::Nobody | Self::Further => None,
        }
    }
}
