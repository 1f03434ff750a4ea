//! Who owns an identifier, for one kind.

use super::identifier::Identifier;
use super::ids::ProfileId;
use super::receipt::Rule;
use super::wall::Quarantine;

/// How many refusing profiles an identifier may have; with one more it is quarantined.
pub const MAX_REFUSING_PROFILES: usize = 20;

/// What is known of an identifier in the graph of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The identifier that this one is another name of. Chains are shortened on write: this is the final one.
    pub alias_of: Option<Identifier>,
    /// The profile that has it.
    pub profile: Option<ProfileId>,
    /// The id of the profile that was created for this identifier. It stays that profile's for ever: wherever the
    /// identifier goes, the id leads there.
    pub founded: Option<ProfileId>,
    /// Whether it is or was in quarantine.
    pub quarantine: Option<Quarantine>,
    /// Profiles that it could not join, and why, in the order in which they refused; at most one more than
    /// [`MAX_REFUSING_PROFILES`]. Ids of profiles that were merged away since may be among them.
    pub refusals: Vec<(ProfileId, Rule)>,
}

impl Owner {
    /// Remembers that `profile` could not have the identifier. True if that is new.
    ///
    /// A wall is no such case: it does not say that the identifier is of several people, but of whom it is not. Nor is
    /// the profile that has it, which may keep no more than it has for the sake of a stronger identifier.
    pub fn refuse(&mut self, profile: ProfileId, rule: Rule) -> bool {
        if rule == Rule::Wall || self.profile == Some(profile) {
            return false;
        }
        let known = self.refusals.iter().any(|(refusing, _)| *refusing == profile);
        let new = !known && self.refusals.len() <= MAX_REFUSING_PROFILES;
        if new {
            self.refusals.push((profile, rule));
        }
        new
    }

    /// True if more profiles than may be could not have the identifier, and it is not in quarantine for that.
    pub fn is_crowded(&self) -> bool {
        self.refusals.len() > MAX_REFUSING_PROFILES && self.quarantine != Some(Quarantine::Closed)
    }

    /// True if it may belong to more than one profile: some profile other than its owner could not have it. Whether
    /// those profiles are still others is for the reader to find out.
    pub fn may_be_shared(&self) -> bool {
        !self.refusals.is_empty()
    }
}
