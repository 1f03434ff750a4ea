//! Keys that several people use: the answer holds what is true of all of them, and guesses nothing. What is hushed for any
//! of them is hushed, and only what all of them allow is allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::address::Zones;
use super::{Answered, Reader};
use crate::codec::key::Key as _;
use crate::domain::answer::{Answer, Field, Fields, Name, Resolution};
use crate::domain::hush::union;
use crate::domain::ids::ProfileId;
use crate::domain::key::Key;
use crate::domain::owner::Owner;
use crate::engine::Error;
use crate::store::catalogue::{PROFILES, SURVIVORS};
use crate::store::view::Read;

/// Those who use an identifier.
pub(super) enum People {
    One(ProfileId),
    /// At least two.
    Many(BTreeSet<ProfileId>),
}

impl Reader<'_> {
    /// Who uses an identifier: its owner, and those that could not have it and are still others. `None` if it has no
    /// owner and was never of several people.
    pub(super) fn people(&self, owner: &Owner) -> Result<Option<People>, Error> {
        if !owner.may_be_shared() {
            return Ok(owner.profile.map(People::One));
        }
        let mut people: BTreeSet<ProfileId> = owner.profile.into_iter().collect();
        for (id, _) in &owner.refusals {
            let key = self.profile_key(*id);
            if self.view.get(PROFILES.family(), &key.encode())?.is_some() {
                people.insert(*id);
            } else {
                people.extend(SURVIVORS.get(self.view, &key)?);
            }
        }
        Ok(if people.len() > 1 { Some(People::Many(people)) } else { owner.profile.map(People::One) })
    }

    /// What is true of all of `people`; `None` if one of them was merged away in between.
    pub(super) fn read_all(&self, at: usize, key: &Key, people: &BTreeSet<ProfileId>) -> Result<Option<Answer>, Error> {
        let mut picked: Vec<Answered> = Vec::with_capacity(people.len());
        let (mut hushed, mut consents) = (Vec::new(), Vec::with_capacity(people.len()));
        for id in people {
            let read = PROFILES.read(self.view, &self.profile_key(*id), |bytes| self.pick(bytes))?;
            let Some(mut one) = read.flatten() else { return Ok(None) };
            hushed.extend(self.hushed(std::mem::take(&mut one.hush))?);
            consents.push(std::mem::take(&mut one.consents));
            picked.push(self.fill(one)?);
        }
        let apart = match self.question.fields {
            Fields::Named(_) => picked.clone(),
            Fields::Everything => Vec::new(),
        };
        let fields = self.with_address(key, self.agreed(picked), &Zones::new())?;
        let resolution = Resolution::Shared { people: people.len() };
        let consents = self.consents(key, &consents)?;
        let (hushed, changes_at) = (union(hushed), self.changes_at.take());
        Ok(Some(Answer { key: at, resolution, fields, apart, hushed, consents, viewed: None, changes_at }))
    }

    fn agreed(&self, picked: Vec<Answered>) -> Answered {
        let people = picked.len();
        let mut by_name: BTreeMap<Name, Vec<Field>> = BTreeMap::new();
        for (name, field) in picked.into_iter().flatten() {
            by_name.entry(name).or_default().push(field);
        }
        if let Fields::Named(names) = self.question.fields {
            let mut agreed = |name: &Name| (Arc::clone(name), agree(by_name.remove(name).unwrap_or_default(), people));
            return names.iter().map(&mut agreed).collect();
        }
        by_name.into_iter().map(|(name, fields)| (name, agree(fields, people))).collect()
    }
}

/// What all of so many people have, if they have the same value. It is as old as the oldest of theirs.
fn agree(fields: Vec<Field>, people: usize) -> Field {
    let all = fields.len() == people;
    let joined = fields.into_iter().map(Some).reduce(|a, b| agree_two(a?, b?));
    match joined {
        None => Field::NotSet,
        Some(Some(agreed)) if all => agreed,
        Some(_) => Field::Ambiguous,
    }
}

fn agree_two(a: Field, b: Field) -> Option<Field> {
    match (a, b) {
        (Field::Present { value, as_of }, Field::Present { value: other, as_of: at }) => {
            let oldest = [as_of, at].into_iter().flatten().min();
            (value == other).then_some(Field::Present { value, as_of: oldest })
        }
        (a, b) => (a == b).then_some(a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Time;
    use crate::domain::value::Value;

    #[test]
    fn only_what_everybody_has_is_said() {
        let named = |name: &str, at: u64| {
            let (value, as_of) = (Value::Text(name.to_owned()), Some(Time::from_micros(at)));
            Field::Present { value, as_of }
        };
        let (joe, ann) = (|| named("Joe", 1), || named("Ann", 1));
        assert_eq!(agree(vec![named("Joe", 3), named("Joe", 2)], 2), named("Joe", 2));
        assert_eq!(agree(vec![joe(), joe()], 2), joe());
        assert_eq!(agree(vec![joe(), ann()], 2), Field::Ambiguous);
        assert_eq!(agree(vec![joe(), Field::NotSet], 2), Field::Ambiguous);
        assert_eq!(agree(vec![joe()], 2), Field::Ambiguous);
        assert_eq!(agree(vec![Field::NotSet, Field::NotSet], 2), Field::NotSet);
        assert_eq!(agree(Vec::new(), 2), Field::NotSet);
    }
}
