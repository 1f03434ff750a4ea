//! What is hushed for a customer: by what was said of the profile, and of each profile that is the same human right beyond
//! a wall. No other wall is looked across, and not the walls of those: whoever says that three personas are one human
//! says it of each two of them.

use super::reader::{Reader, astray};
use crate::codec::record::{Hush, read_hush, split_profile};
use crate::domain::hush::{Hushed, Hushes};
use crate::domain::identifier::Identifier;
use crate::engine::Error;
use crate::store::catalogue::{OWNERS, PROFILES};

impl Reader<'_> {
    /// The topics that are hushed. A lift said of one persona counts for all of them: they are one human.
    pub(super) fn hushed(&self, Hush { mut hushes, personas }: Hush) -> Result<Vec<Hushed>, Error> {
        for persona in &personas {
            hushes.absorb(self.hushes_of(persona)?);
        }
        Ok(hushes.hushed(self.question.now))
    }

    /// What was said of the profile that has an identifier; nothing if it is of none.
    fn hushes_of(&self, identifier: &Identifier) -> Result<Hushes, Error> {
        let owner = OWNERS.get(self.view, &self.identifier_key(self.question.kind, identifier))?;
        let Some(id) = owner.and_then(|owner| owner.profile) else { return Ok(Hushes::default()) };
        let read = |bytes: &[u8]| read_hush(split_profile(bytes)?.hush);
        let hush = PROFILES.read(self.view, &self.profile_key(id), read)?;
        hush.map(|Hush { hushes, personas: _ }| hushes).ok_or_else(astray)
    }
}
