//! The lookup: identifier → owner → document → fields. Two point reads, and a third only for `address.` fields.

use super::{Engine, Error, Tier};
use crate::codec;
use crate::codec::document::Document;
use crate::codec::key::{IdentifierKey, Key as _, ProfileKey};
use crate::codec::record::{Record, split_profile};
use crate::domain::answer::{ADDRESS_PREFIX, Answer, Fields, Resolution};
use crate::domain::holdings::Holdings;
use crate::domain::ids::{KindId, ProfileId, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::owner::Owner;
use crate::domain::value::Value;
use crate::store::catalogue::{FRAGMENTS, OWNERS, PROFILES, SURVIVORS};
use crate::store::view::View;

/// How often a lookup starts anew because the profile it was led to was merged away in between.
const MAX_TRIES: usize = 3;

type Answered = Vec<(String, Option<Value>)>;

impl Engine {
    /// Looks up one customer by keys, the strongest first, each with its place in the request.
    ///
    /// With [`Tier::Memory`] fails with [`Error::NotInMemory`] instead of waiting for the disk.
    pub fn lookup(
        &self,
        workspace: WorkspaceId,
        keys: &[(usize, Key)],
        kind: KindId,
        fields: &Fields,
        tier: Tier,
    ) -> Result<Answer, Error> {
        let view = self.state.store.view(tier);
        let reader = Reader { view: &view, workspace, kind, fields };
        for (at, key) in keys {
            if let Some(answer) = reader.find(*at, key)? {
                return Ok(answer);
            }
        }
        let (at, key) = keys.first().ok_or(Error::NotFound("the key"))?;
        reader.nobody(*at, key)
    }

    /// Looks up many customers, one key each, in one consistent view. Answers come in the order of `keys`.
    pub fn lookup_batch(
        &self,
        workspace: WorkspaceId,
        keys: &[Key],
        kind: KindId,
        fields: &Fields,
    ) -> Result<Vec<Answer>, Error> {
        let store = &self.state.store;
        let version = store.version();
        let view = store.view(Tier::Disk);
        let answers = Reader { view: &view, workspace, kind, fields }.find_many(keys);
        if store.version() == version {
            return answers;
        }
        // Something was committed meanwhile, and the answers may be of two minds. A snapshot is slower and of one.
        let view = store.snapshot();
        Reader { view: &view, workspace, kind, fields }.find_many(keys)
    }
}

/// One lookup on its way through the tables.
struct Reader<'a> {
    view: &'a View<'a>,
    workspace: WorkspaceId,
    kind: KindId,
    fields: &'a Fields,
}

impl<'a> Reader<'a> {
    fn find(&self, at: usize, key: &Key) -> Result<Option<Answer>, Error> {
        for _ in 0..MAX_TRIES {
            let Some(id) = self.owner_of(key)? else { return Ok(None) };
            if let Some(answer) = self.read(at, key, id)? {
                return Ok(Some(answer));
            }
            match (key, SURVIVORS.get(self.view, &self.profile_key(id))?) {
                (_, Some(survivor)) => {
                    if let Some(answer) = self.read(at, key, survivor)? {
                        return Ok(Some(answer));
                    }
                }
                (Key::Profile(_), None) => return Ok(None),
                (Key::Identifier(_), None) => {}
            }
        }
        // Three merges in the time of one lookup are not credible: the owner is of a profile that is not there.
        Err(OWNERS.corrupt(codec::Error::malformed("owner record", "names a profile that is not stored")).into())
    }

    /// The answer of profile `id`; `None` if there is none of this id and kind.
    fn read(&self, at: usize, key: &Key, id: ProfileId) -> Result<Option<Answer>, Error> {
        let read = PROFILES.read(self.view, &self.profile_key(id), |bytes| self.pick(bytes))?;
        match read.flatten() {
            Some(fields) => self.complete(at, key, id, fields).map(Some),
            None => Ok(None),
        }
    }

    fn owner_of(&self, key: &Key) -> Result<Option<ProfileId>, Error> {
        match key {
            Key::Profile(id) => Ok(Some(*id)),
            Key::Identifier(identifier) => {
                let key = self.identifier_key(self.kind, identifier);
                Ok(OWNERS.get(self.view, &key)?.and_then(|owner| owner.profile))
            }
        }
    }

    /// Finds many customers by one read of each family.
    fn find_many(&self, keys: &[Key]) -> Result<Vec<Answer>, Error> {
        let owners = self.owners_of(keys)?;
        let wanted: Vec<Vec<u8>> = owners.iter().flatten().map(|id| self.profile_key(*id).encode()).collect();
        let mut profiles = self.view.get_many(PROFILES.family(), &wanted)?.into_iter();
        let mut answers = Vec::with_capacity(keys.len());
        for ((at, key), owner) in keys.iter().enumerate().zip(owners) {
            let profile = owner.and_then(|id| Some((id, profiles.next()??)));
            answers.push(match (owner, profile) {
                (None, _) => self.nobody(at, key)?,
                (Some(_), Some((id, bytes))) => match self.pick(&bytes).map_err(|error| PROFILES.corrupt(error))? {
                    Some(fields) => self.complete(at, key, id, fields)?,
                    None => self.nobody(at, key)?,
                },
                // Not the id of a profile that is there: of one that was merged away, or of none.
                (Some(_), None) => self.find(at, key)?.map_or_else(|| self.nobody(at, key), Ok)?,
            });
        }
        Ok(answers)
    }

    fn owners_of(&self, keys: &[Key]) -> Result<Vec<Option<ProfileId>>, Error> {
        let encoded = |key: &Key| match key {
            Key::Profile(_) => None,
            Key::Identifier(identifier) => Some(self.identifier_key(self.kind, identifier).encode()),
        };
        let wanted: Vec<Vec<u8>> = keys.iter().filter_map(encoded).collect();
        let mut found = self.view.get_many(OWNERS.family(), &wanted)?.into_iter();
        keys.iter()
            .map(|key| match key {
                Key::Profile(id) => Ok(Some(*id)),
                Key::Identifier(_) => {
                    let owner = found.next().flatten().map(|bytes| Owner::decode(&bytes)).transpose();
                    Ok(owner.map_err(|error| OWNERS.corrupt(error))?.and_then(|owner| owner.profile))
                }
            })
            .collect()
    }

    /// Reads the wanted fields out of a stored profile, and nothing else of it. `None` if it is of another kind, which
    /// a profile id can name.
    fn pick(&self, bytes: &[u8]) -> Result<Option<Answered>, codec::Error> {
        let parts = split_profile(bytes)?;
        if parts.kind != self.kind {
            return Ok(None);
        }
        let document = Document::read(parts.document)?;
        let picked: Result<Answered, codec::Error> = match self.fields {
            Fields::Named(names) => names
                .iter()
                .map(|name| Ok((name.clone(), document.get(name)?.filter(|value| *value != Value::Null))))
                .collect(),
            Fields::Everything => document
                .fields()
                .filter(|field| !matches!(field, Ok((_, _, Value::Null))))
                .map(|field| field.map(|(_, name, value)| (name.to_owned(), Some(value))))
                .collect(),
        };
        picked.map(Some)
    }

    fn complete(&self, at: usize, key: &Key, id: ProfileId, fields: Answered) -> Result<Answer, Error> {
        let fields = self.with_address(key, fields)?;
        Ok(Answer { key: at, resolution: Resolution::Found(id), fields })
    }

    fn nobody(&self, at: usize, key: &Key) -> Result<Answer, Error> {
        let fields = match self.fields {
            Fields::Named(names) => names.iter().map(|name| (name.clone(), None)).collect(),
            Fields::Everything => Vec::new(),
        };
        let fields = self.with_address(key, fields)?;
        Ok(Answer { key: at, resolution: Resolution::NotFound, fields })
    }

    /// Fills in what belongs to the identifier asked by, and not to the customer.
    fn with_address(&self, key: &Key, mut fields: Answered) -> Result<Answered, Error> {
        let wanted = match self.fields {
            Fields::Everything => true,
            Fields::Named(names) => names.iter().any(|name| name.starts_with(ADDRESS_PREFIX)),
        };
        let Key::Identifier(identifier) = key else { return Ok(fields) };
        if !wanted {
            return Ok(fields);
        }
        let key = self.identifier_key(KindId::ADDRESS, identifier);
        let Some(Holdings { mut attributes, .. }) = FRAGMENTS.get(self.view, &key)? else { return Ok(fields) };
        attributes.retain(|_, cell| cell.value != Value::Null);
        if *self.fields == Fields::Everything {
            let named = |(name, cell): (String, crate::domain::holdings::Cell)| {
                (format!("{ADDRESS_PREFIX}{name}"), Some(cell.value))
            };
            fields.extend(attributes.into_iter().map(named));
            return Ok(fields);
        }
        for (name, value) in &mut fields {
            if let Some(cell) = name.strip_prefix(ADDRESS_PREFIX).and_then(|name| attributes.remove(name)) {
                *value = Some(cell.value);
            }
        }
        Ok(fields)
    }

    fn identifier_key(&self, kind: KindId, identifier: &crate::domain::identifier::Identifier) -> IdentifierKey {
        IdentifierKey { workspace: self.workspace, kind, identifier: identifier.clone() }
    }

    fn profile_key(&self, profile: ProfileId) -> ProfileKey {
        ProfileKey { workspace: self.workspace, profile }
    }
}
