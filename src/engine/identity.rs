//! Looking into identities: why two identifiers are one profile, why they are not, what a write would do, which
//! profiles are large, and what was merged.

mod lists;
mod rehearsal;

use super::apply::{Component, too_large};
use super::{ActiveModel, Engine, Error};
use crate::codec::key::IdentifierKey;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::owner::Owner;
use crate::domain::resolution::Rules;
use crate::domain::resolution::explain::{self, Barriers, Step};
use crate::domain::resolution::fold::{Evidence, Partition, Refused, resolve};
use crate::domain::wall::Wall;
use crate::store::catalogue::OWNERS;
use crate::store::view::View;

pub use lists::{LargeProfile, LargestBy, Merges};
pub use rehearsal::MAX_SIMULATED_FACTS;

/// Two different identifiers of one kind, to be asked about.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Their workspace.
    pub workspace: WorkspaceId,
    /// The kind.
    pub kind: KindId,
    /// The one.
    pub a: Identifier,
    /// The other.
    pub b: Identifier,
}

/// Why two identifiers are one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Together {
    /// The profile.
    pub profile: ProfileId,
    /// The shortest way of links from the one to the other.
    pub way: Vec<Step>,
}

/// Why two identifiers are not one profile. No reason at all: nothing ever said that they belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    /// The profile of each; `None` for one that belongs to nobody.
    pub profiles: [Option<ProfileId>; 2],
    /// What would have joined the two and broke a rule, in order, with the profile that refused as it is now.
    pub refusals: Vec<Refused>,
    /// Walls between the two profiles.
    pub walls: Vec<Wall>,
}

impl Engine {
    /// Why the two are one profile.
    ///
    /// Fails with [`Error::NotFound`] if nothing is known of one of them, with [`Error::Erased`] if it was erased, and with [`Error::Conflict`] if they are not
    /// one profile, or if more hangs together with them than is folded at once.
    pub fn explain(&self, pair: &Pair) -> Result<Together, Error> {
        let active = self.model(pair.workspace)?;
        let reader = pair.reader(self, &active)?;
        let profile = match reader.profiles()? {
            [Some(one), Some(other)] if one == other => one,
            _ => return conflict("the two are not one profile; ask ExplainApart (`kith apart`) what keeps them apart"),
        };
        let (evidence, partition) = reader.fold()?;
        match explain::way(&evidence, &partition, reader.rules, &pair.a, &pair.b) {
            Some(way) => Ok(Together { profile, way }),
            None => conflict(
                "the two were put together by facts that came late and were too many to be folded in order; no way \
                 of links leads from one to the other",
            ),
        }
    }

    /// Why the two are not one profile.
    ///
    /// Fails with [`Error::NotFound`] if nothing is known of one of them, with [`Error::Erased`] if it was erased, and with [`Error::Conflict`] if they are one
    /// profile, or if more hangs together with them than is folded at once.
    pub fn explain_apart(&self, pair: &Pair) -> Result<Apart, Error> {
        let active = self.model(pair.workspace)?;
        let reader = pair.reader(self, &active)?;
        let profiles = reader.profiles()?;
        let [of_a, of_b] = profiles;
        if of_a.is_some() && of_a == of_b {
            return conflict("the two are one profile; ask Explain (`kith explain`) what holds them together");
        }
        let (evidence, partition) = reader.fold()?;
        let found = explain::barriers(&evidence, &partition, reader.rules, &pair.a, &pair.b);
        let Barriers { mut refusals, walls } = found;
        for refused in &mut refusals {
            // The fold has numbers of its own for the profiles; each refusal is of one of these two.
            let is_of_a = partition.owners.get(&pair.a) == Some(&refused.by);
            refused.by = if is_of_a { of_a } else { of_b }.unwrap_or(refused.by);
        }
        Ok(Apart { profiles, refusals, walls })
    }
}

impl Pair {
    fn reader<'a>(&'a self, engine: &'a Engine, active: &'a ActiveModel) -> Result<Reader<'a>, Error> {
        let model = &active.model;
        let kind = model.kind_by_id(self.kind).ok_or(Error::NotFound("the kind"))?;
        let view = engine.state.store.snapshot();
        Ok(Reader { pair: self, engine, view, rules: Rules { model, kind } })
    }
}

/// What is stored of a pair, as of one moment.
struct Reader<'a> {
    pair: &'a Pair,
    engine: &'a Engine,
    view: View<'a>,
    rules: Rules<'a>,
}

impl Reader<'_> {
    /// The profiles of the two.
    fn profiles(&self) -> Result<[Option<ProfileId>; 2], Error> {
        let Pair { a, b, .. } = self.pair;
        Ok([self.known(a, "the identifier `a`")?.profile, self.known(b, "the identifier `b`")?.profile])
    }

    fn known(&self, identifier: &Identifier, name: &'static str) -> Result<Owner, Error> {
        if let Some(owner) = self.owner(identifier)? {
            return Ok(owner);
        }
        let tombstones = self.engine.state.tombstones(&self.view, self.pair.workspace)?;
        let erased = tombstones.has(&Key::Identifier(identifier.clone()))?;
        Err(if erased { Error::Erased(name) } else { Error::NotFound(name) })
    }

    /// What is known of an identifier. One that the model blocks is known, and belongs to nobody.
    fn owner(&self, identifier: &Identifier) -> Result<Option<Owner>, Error> {
        let Pair { workspace, kind, .. } = *self.pair;
        let key = IdentifierKey { workspace, kind, identifier: identifier.clone() };
        let owner = OWNERS.get(&self.view, &key)?.filter(|owner| *owner != Owner::default());
        Ok(owner.or_else(|| self.rules.blocks(identifier).then(Owner::default)))
    }

    /// Folds all that hangs together with the two.
    fn fold(&self) -> Result<(Evidence, Partition), Error> {
        let Pair { workspace, a, b, .. } = self.pair;
        let component = Component::gather(&self.view, *workspace, self.rules, &[a.clone(), b.clone()])?;
        let Component { evidence, .. } = component.ok_or_else(|| too_large("explained"))?;
        let partition = resolve(&evidence, self.rules);
        Ok((evidence, partition))
    }
}

fn conflict<T>(text: &str) -> Result<T, Error> {
    Err(Error::Conflict(text.to_owned()))
}
