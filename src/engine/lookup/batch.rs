//! Lookups of many customers: all keys go through each family together.

use super::Reader;
use super::lead::{Found, Lead};
use crate::codec::key::Key as _;
use crate::codec::record::Record as _;
use crate::domain::answer::Answer;
use crate::domain::key::Key;
use crate::domain::owner::Owner;
use crate::engine::Error;
use crate::store::catalogue::{OWNERS, PROFILES};

impl Reader<'_> {
    /// Finds many customers by one read of each family.
    pub(super) fn find_many(&self, keys: &[Key]) -> Result<Vec<Answer>, Error> {
        let owners = self.owners_of(keys)?;
        let wanted: Vec<Vec<u8>> = owners.iter().filter_map(Lead::id).map(|id| self.profile_key(id).encode()).collect();
        let mut profiles = self.view.get_many(PROFILES.family(), &wanted)?.into_iter();
        let mut found = Vec::with_capacity(keys.len());
        for lead in owners {
            let profile = lead.id().and_then(|id| Some((id, profiles.next()??)));
            found.push(match (lead, profile) {
                (Lead::Nobody, _) => Found::Nobody,
                (Lead::To(_), Some((id, bytes))) => match self.pick(&bytes).map_err(|error| PROFILES.corrupt(error))? {
                    Some(picked) => Found::Profile(id, picked),
                    None => Found::Nobody,
                },
                (Lead::To(_) | Lead::Unclear, _) => Found::Further,
            });
        }
        self.foresee(found.iter().filter_map(Found::picked))?;
        let answers = keys.iter().enumerate().zip(found).map(|((at, key), found)| match found {
            Found::Profile(id, picked) => self.complete(at, key, id, picked),
            Found::Nobody => self.nobody(at, key),
            Found::Further => self.find(at, key)?.map_or_else(|| self.nobody(at, key), Ok),
        });
        answers.collect()
    }

    fn owners_of(&self, keys: &[Key]) -> Result<Vec<Lead>, Error> {
        let encoded = |key: &Key| match key {
            Key::Profile(_) => None,
            Key::Identifier(identifier) => Some(self.identifier_key(self.question.kind, identifier).encode()),
        };
        let wanted: Vec<Vec<u8>> = keys.iter().filter_map(encoded).collect();
        let mut found = self.view.get_many(OWNERS.family(), &wanted)?.into_iter();
        keys.iter()
            .map(|key| match key {
                Key::Profile(id) => Ok(Lead::To(*id)),
                Key::Identifier(_) => {
                    let owner = found.next().flatten().map(|bytes| Owner::decode(&bytes)).transpose();
                    Ok(owner.map_err(|error| OWNERS.corrupt(error))?.map_or(Lead::Nobody, |owner| Lead::of(&owner)))
                }
            })
            .collect()
    }
}
