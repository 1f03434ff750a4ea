//! Whether a customer, and the address asked by, allow what is asked for.

use super::Reader;
use crate::domain::consent::{self, Consent, Consents};
use crate::domain::ids::KindId;
use crate::domain::key::Key;
use crate::engine::Error;
use crate::store::catalogue::FRAGMENTS;

impl Reader<'_> {
    /// What is allowed by each of `people`, asked by `key`; nothing is read if no purpose is asked for.
    pub(super) fn consents(&self, key: &Key, people: &[Consents]) -> Result<Vec<Consent>, Error> {
        let Some(purpose) = self.question.purpose else { return Ok(Vec::new()) };
        let of_address = match key {
            Key::Identifier(identifier) => {
                FRAGMENTS.get(self.view, &self.identifier_key(KindId::ADDRESS, identifier))?
            }
            Key::Profile(_) => None,
        };
        let address = of_address.map(|holdings| holdings.consents.of(&purpose.name)).unwrap_or_default();
        Ok(consent::answer(purpose, people, &address))
    }
}
