//! Who owns an identifier, for one kind.

use super::identifier::Identifier;
use super::ids::ProfileId;
use super::receipt::Rule;

/// How many refusing profiles are remembered of one identifier; more of them change nothing.
pub const MAX_REFUSALS: usize = 21;

/// What is known of an identifier in the graph of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The identifier that this one is another name of. Chains are shortened on write: this is the final one.
    pub alias_of: Option<Identifier>,
    /// The profile that has it.
    pub profile: Option<ProfileId>,
    /// Profiles that it could not join, and why, in the order in which they refused; at most [`MAX_REFUSALS`].
    pub refusals: Vec<(ProfileId, Rule)>,
}

impl Owner {
    /// Remembers that `profile` could not have the identifier.
    pub fn refuse(&mut self, profile: ProfileId, rule: Rule) {
        let known = self.refusals.iter().any(|(refusing, _)| *refusing == profile);
        if !known && self.refusals.len() < MAX_REFUSALS {
            self.refusals.push((profile, rule));
        }
    }
}
