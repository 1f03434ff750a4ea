//! Profiles: the result of folding links for one kind, with what belongs to their identifiers.

use super::holdings::Holdings;
use super::identifier::Identifier;
use super::ids::{KindId, ProfileId};
use super::link::Moment;

/// How many identifiers a profile may have; past it, facts still land and identifiers are not added.
pub const MAX_PROFILE_IDENTIFIERS: usize = 1_000;

/// An identifier of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The identifier.
    pub identifier: Identifier,
    /// The identifier that this one is another name of. It then counts against no limit.
    pub alias_of: Option<Identifier>,
}

/// The identifiers that form a profile, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The fact that created the profile; orders profiles at a merge.
    pub created: Moment,
    /// The identifiers, in the order in which they came.
    pub members: Vec<Member>,
}

/// A materialised profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its stable id.
    pub id: ProfileId,
    /// Its kind.
    pub kind: KindId,
    /// What forms it.
    pub membership: Membership,
    /// Ids of profiles that were merged into it; they resolve to it.
    pub retired: Vec<ProfileId>,
    /// The union of what belongs to its identifiers.
    pub holdings: Holdings,
}

/// The record of one profile becoming part of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The profile that was merged away.
    pub absorbed: ProfileId,
    /// The profile that remained.
    pub survivor: ProfileId,
    /// The fact whose identifiers joined the two.
    pub by: Moment,
}
