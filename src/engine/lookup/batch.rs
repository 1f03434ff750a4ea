//! Lookups of many customers: all keys go through each family together.

use super::{Picked, Reader};
use crate::codec::key::Key as _;
use crate::codec::record::Record as _;
use crate::domain::answer::{Answer, Resolution};
use crate::domain::ids::ProfileId;
use crate::domain::key::Key;
use crate::domain::owner::Owner;
use crate::engine::Error;
use crate::store::catalogue::{Family, OWNERS, PROFILES};
use crate::store::view::Slice;
use crate::store::{Basis, Stamp};

/// Stored bytes, and the stamp that their key had before they were read.
type Stamped<'a> = (Option<Stamp>, Option<Slice<'a>>);

/// Where a key of a batch leads, as far as its owner record says.
enum Lead {
    Nobody,
    To(ProfileId),
    /// Several people may use it: there is more to read.
    Unclear,
}

impl Lead {
    fn of(owner: &Owner) -> Self {
        match owner.profile {
            _ if owner.may_be_shared() => Self::Unclear,
            Some(id) => Self::To(id),
            None => Self::Nobody,
        }
    }

    fn id(&self) -> Option<ProfileId> {
        match self {
            Self::To(id) => Some(*id),
            Self::Nobody | Self::Unclear => None,
        }
    }
}

/// What was found of a key of a batch.
enum Found {
    Nobody,
    Profile(ProfileId, Picked),
    /// Used by several people; or the id of a profile that was merged away, or of none.
    Further,
}

impl Found {
    fn picked(&self) -> Option<&Picked> {
        match self {
            Self::Profile(_, picked) => Some(picked),
            Self::Nobody | Self::Further => None,
        }
    }
}

/// A key of a batch on its way: where it leads, and the stamps of what was read to find that out.
struct Way {
    lead: Lead,
    stamps: Vec<Option<Stamp>>,
}

impl Reader<'_> {
    /// Finds many customers by one read of each family; each answer with what it was read from, if that is watched.
    pub(super) fn find_many(&self, keys: &[Key]) -> Result<Vec<(Answer, Option<Basis>)>, Error> {
        let mut ways = self.ways(keys)?;
        let wanted: Vec<Vec<u8>> =
            ways.iter().filter_map(|way| way.lead.id()).map(|id| self.profile_key(id).encode()).collect();
        let mut profiles = self.get_many(PROFILES.family(), &wanted)?.into_iter();
        let mut found = Vec::with_capacity(keys.len());
        for Way { lead, stamps } in &mut ways {
            let profile = lead.id().and_then(|id| {
                let (stamp, bytes) = profiles.next()?;
                stamps.push(stamp);
                Some((id, bytes?))
            });
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
        // What was read for all of them together belongs to none of them.
        let _of_all = self.view.basis();
        let answers = keys.iter().enumerate().zip(found).zip(ways).map(|(((at, key), found), way)| {
            let answer = match found {
                Found::Profile(id, picked) => self.complete(at, key, id, picked),
                Found::Nobody => self.nowhere(at, key),
                Found::Further => self.find(at, key)?.map_or_else(|| self.nowhere(at, key), Ok),
            };
            way.stamps.into_iter().for_each(|stamp| self.view.note(stamp));
            let basis = self.view.basis().filter(|_| self.beyond.is_none());
            Ok((answer?, basis))
        });
        answers.collect()
    }

    /// The answer of a key that leads nowhere and was not looked for among the erased yet.
    fn nowhere(&self, at: usize, key: &Key) -> Result<Answer, Error> {
        self.nobody(at, key, if self.is_erased(key)? { Resolution::Erased } else { Resolution::NotFound })
    }

    /// The bytes stored under each of `keys`, and the stamps that these had before.
    fn get_many(&self, family: Family, keys: &[Vec<u8>]) -> Result<Vec<Stamped<'_>>, Error> {
        let stamps: Vec<Option<Stamp>> = keys.iter().map(|key| self.view.stamp(family, key)).collect();
        Ok(stamps.into_iter().zip(self.view.get_many(family, keys)?).collect())
    }

    fn ways(&self, keys: &[Key]) -> Result<Vec<Way>, Error> {
        let encoded = |key: &Key| match key {
            Key::Profile(_) => None,
            Key::Identifier(identifier) => Some(self.identifier_key(self.question.kind, identifier).encode()),
        };
        let wanted: Vec<Vec<u8>> = keys.iter().filter_map(encoded).collect();
        let mut found = self.get_many(OWNERS.family(), &wanted)?.into_iter();
        keys.iter()
            .map(|key| match key {
                Key::Profile(id) => Ok(Way { lead: Lead::To(*id), stamps: Vec::new() }),
                Key::Identifier(_) => {
                    let (stamp, bytes) = found.next().unwrap_or_default();
                    let owner = bytes.map(|bytes| Owner::decode(&bytes)).transpose();
                    let owner = owner.map_err(|error| OWNERS.corrupt(error))?;
                    Ok(Way { lead: owner.map_or(Lead::Nobody, |owner| Lead::of(&owner)), stamps: vec![stamp] })
                }
            })
            .collect()
    }
}
