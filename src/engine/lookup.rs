//! The lookup: identifier → owner → document → fields. Two point reads, and a third only for `address.` fields and where
//! it is asked whether a purpose is allowed. A key that several people use reads the documents of all of them; fields of a
//! group are two point reads more, and so is each other persona of a human who is spoken to as two.

mod address;
mod batch;
mod beyond;
mod changes;
mod consent;
mod hush;
mod lead;
mod leased;
mod live;
mod segments;
mod shared;
mod sweep;
mod through_view;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::state::State;
use super::{ActiveModel, Engine, Error, Tier, members};
use crate::codec;
use crate::codec::document::{self, Document, Origin};
use crate::codec::key::{IdentifierKey, ProfileKey};
use crate::codec::record::{Hush, Record, read_consents, read_hush, read_ties, split_profile};
use crate::domain::answer::{Answer, Field, Fields, Name, Resolution};
use crate::domain::belonging::Belonging;
use crate::domain::consent::{Consents, Purpose};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::profile::Profile;
use crate::domain::segment::Asked;
use crate::domain::time::Time;
use crate::domain::value::Value;
use crate::store::Basis;
use crate::store::catalogue::{OWNERS, PROFILES, SURVIVORS};
use crate::store::view::View;
use address::Zones;
use beyond::{Beyond, Memo};
use changes::Changes;
use shared::People;

pub use leased::{Ask, Lease, Leased};
pub use sweep::{SegmentMember, SegmentPage, SegmentPlace};
pub use through_view::Occasion;

/// How often a lookup starts anew because something was committed in between.
const MAX_TRIES: usize = 3;

type Answered = Vec<(Name, Field)>;

/// What is asked of every customer of a lookup.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What "the customer" means.
    pub kind: KindId,
    /// The fields wanted.
    pub fields: &'a Fields,
    /// The time at which it is asked: hushes that have ended by then do not count.
    pub now: Time,
    /// The purpose, and the channel if there is one, of which it is asked whether they are allowed.
    pub purpose: Option<&'a Purpose>,
}

impl<'a> Question<'a> {
    /// The question with all that is read for it.
    fn widened(self, asked: Option<&'a Asked>) -> Self {
        Self { fields: asked.map_or(self.fields, |asked| &asked.fields), ..self }
    }
}

/// What a stored profile says of the fields wanted, and what leads to the rest of them.
struct Picked {
    fields: Answered,
    hush: Hush,
    consents: Consents,
    groups: BTreeMap<Identifier, Belonging>,
    identifiers: BTreeSet<Identifier>,
    changes_at: Option<Time>,
    zones: Zones,
}

impl Engine {
    /// Looks up one customer by keys, the strongest first, each with its place in the request. The strongest that leads
    /// to one profile counts; only if none does, the strongest that several people use.
    ///
    /// The answer is of one moment: what was read while something was committed is read again.
    ///
    /// With [`Tier::Memory`] fails with [`Error::NotInMemory`] instead of waiting for the disk, for many members of a
    /// group to be counted, or for a moment at which nothing is committed; with [`Tier::DiskBriefly`] instead of the last
    /// two.
    pub fn lookup(
        &self,
        workspace: WorkspaceId,
        keys: &[(usize, Key)],
        question: Question<'_>,
        tier: Tier,
    ) -> Result<Answer, Error> {
        let asked = self.asked(workspace, question)?;
        self.lookup_in(&self.state.store.view(tier), workspace, keys, (question, asked.as_ref()))
    }

    /// The same in `view`, with the segments that are asked.
    fn lookup_in(
        &self,
        view: &View<'_>,
        workspace: WorkspaceId,
        keys: &[(usize, Key)],
        (question, asked): (Question<'_>, Option<&Asked>),
    ) -> Result<Answer, Error> {
        let question = question.widened(asked);
        let beyond = self.beyond(workspace, question)?;
        let more = (asked, beyond.as_ref());
        let store = &self.state.store;
        for _ in 0..MAX_TRIES {
            // What an earlier try read is of no moment.
            let _none = view.basis();
            let version = store.version();
            let answer = self.reader(view, workspace, question, more).find_any(keys);
            if store.version() == version {
                return answer;
            }
        }
        // What is read from a snapshot is not watched.
        view.note(None);
        match view.tier() {
            Tier::Memory | Tier::DiskBriefly => Err(Error::NotInMemory),
            Tier::Disk => self.reader(&store.snapshot(), workspace, question, more).find_any(keys),
        }
    }

    /// Looks up many customers, one key each, in one consistent view. Answers come in the order of `keys`.
    pub fn lookup_batch(
        &self,
        workspace: WorkspaceId,
        keys: &[Key],
        question: Question<'_>,
    ) -> Result<Vec<Answer>, Error> {
        let asked = self.asked(workspace, question)?;
        let view = self.state.store.view(Tier::Disk);
        Ok(without_basis(self.lookup_batch_in(view, workspace, keys, (question, asked.as_ref()))?))
    }

    /// The same in `view`, with the segments that are asked; each answer with what it was read from, if that is watched.
    fn lookup_batch_in<'s>(
        &'s self,
        view: View<'s>,
        workspace: WorkspaceId,
        keys: &[Key],
        (question, asked): (Question<'_>, Option<&Asked>),
    ) -> Result<Vec<(Answer, Option<Basis>)>, Error> {
        let question = question.widened(asked);
        let beyond = self.beyond(workspace, question)?;
        let more = (asked, beyond.as_ref());
        let store = &self.state.store;
        let version = store.version();
        let answers = self.reader(&view, workspace, question, more).find_many(keys);
        if store.version() == version {
            return answers;
        }
        // Something was committed meanwhile, and the answers may be of two minds. A snapshot is slower and of one.
        let view = store.snapshot();
        self.reader(&view, workspace, question, more).find_many(keys)
    }

    fn reader<'a>(
        &'a self,
        view: &'a View<'a>,
        workspace: WorkspaceId,
        question: Question<'a>,
        (asked, beyond): (Option<&'a Asked>, Option<&'a Beyond>),
    ) -> Reader<'a> {
        Reader {
            state: &self.state,
            view,
            workspace,
            question,
            asked,
            beyond,
            hiding: self.state.hiding(workspace),
            of_addresses: self.of_addresses(workspace, question.fields),
            memo: RefCell::default(),
            changes_at: Changes::default(),
        }
    }
}

/// One lookup on its way through the tables.
struct Reader<'a> {
    state: &'a State,
    view: &'a View<'a>,
    workspace: WorkspaceId,
    question: Question<'a>,
    asked: Option<&'a Asked>,
    beyond: Option<&'a Beyond>,
    /// The model, if some of its computed attributes were not to be read when the lookup began.
    hiding: Option<Arc<ActiveModel>>,
    /// The model, if computed attributes of addresses are wanted.
    of_addresses: Option<Arc<ActiveModel>>,
    memo: RefCell<Memo>,
    /// The earliest moment at which what was read for the answer that is being made is another without any write.
    changes_at: Changes,
}

impl<'a> Reader<'a> {
    /// The answer of the strongest key that leads to one profile, or else of the strongest that several people use, or
    /// that was erased, or of the first.
    fn find_any(&self, keys: &[(usize, Key)]) -> Result<Answer, Error> {
        let mut shared = None;
        for (at, key) in keys {
            match self.find(*at, key)? {
                Some(answer @ Answer { resolution: Resolution::Shared { .. }, .. }) => shared = shared.or(Some(answer)),
                Some(answer) => return Ok(answer),
                None => {}
            }
        }
        if let Some(answer) = shared {
            return Ok(answer);
        }
        for (at, key) in keys {
            if self.is_erased(key)? {
                return self.nobody(*at, key);
            }
        }
        let (at, key) = keys.first().ok_or(Error::NotFound("the key"))?;
        self.nobody(*at, key)
    }

    fn find(&self, at: usize, key: &Key) -> Result<Option<Answer>, Error> {
        let Key::Identifier(identifier) = key else { return self.follow(at, key) };
        for _ in 0..MAX_TRIES {
            let Some(owner) = OWNERS.get(self.view, &self.identifier_key(self.question.kind, identifier))? else {
                return Ok(None);
            };
            let Some(people) = self.people(&owner)? else { return Ok(None) };
            if let Some(answer) = self.read_people(at, key, &people)? {
                return Ok(Some(answer));
            }
        }
        Err(astray())
    }

    /// The answer of one profile, or of all who share an identifier; `None` if one of them was merged away in between.
    fn read_people(&self, at: usize, key: &Key, people: &People) -> Result<Option<Answer>, Error> {
        match people {
            People::One(id) => self.read(at, key, *id),
            People::Many(ids) => self.read_all(at, key, ids),
        }
    }

    /// The answer of the profile that `key` names, or of the one that it became part of.
    fn follow(&self, at: usize, key: &Key) -> Result<Option<Answer>, Error> {
        let Key::Profile(id) = key else { return Ok(None) };
        for _ in 0..MAX_TRIES {
            if let Some(answer) = self.read(at, key, *id)? {
                return Ok(Some(answer));
            }
            let survivor = SURVIVORS.get(self.view, &self.profile_key(*id))?;
            if let Some(answer) = survivor.map(|survivor| self.read(at, key, survivor)).transpose()?.flatten() {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    /// The answer of profile `id`; `None` if there is none of this id and kind.
    fn read(&self, at: usize, key: &Key, id: ProfileId) -> Result<Option<Answer>, Error> {
        let read = PROFILES.read(self.view, &self.profile_key(id), |bytes| self.pick(bytes))?;
        match read.flatten() {
            Some(picked) => self.complete(at, key, id, picked).map(Some),
            None => Ok(None),
        }
    }

    /// Reads the wanted fields out of a stored profile, and nothing else of it that is not wanted for the others.
    /// `None` if it is of another kind, which a profile id can name.
    fn pick(&self, bytes: &[u8]) -> Result<Option<Picked>, codec::Error> {
        let parts = split_profile(bytes)?;
        if parts.kind != self.question.kind {
            return Ok(None);
        }
        let document = Document::read(parts.document)?;
        let zones = self.zones(document)?;
        let fields = self.pick_fields(document, parts.live)?;
        let groups = match self.beyond {
            Some(beyond) if beyond.reads_groups() => read_ties(parts.ties)?.groups,
            Some(_) | None => BTreeMap::new(),
        };
        let identifiers = match self.beyond {
            Some(beyond) if beyond.members => members::identifiers(&Profile::decode(bytes)?),
            Some(_) | None => BTreeSet::new(),
        };
        let hush = read_hush(parts.hush)?;
        let consents = match self.question.purpose {
            Some(purpose) => read_consents(parts.consents)?.of(&purpose.name),
            None => Consents::default(),
        };
        // Of a batch all are picked before the first is filled.
        let changes_at = self.changes_at.take();
        Ok(Some(Picked { fields, hush, consents, groups, identifiers, changes_at, zones }))
    }

    /// The wanted fields of a document. The states of live attributes are read once one of those is wanted.
    fn pick_fields(&self, document: Document<'_>, live: &[u8]) -> Result<Answered, codec::Error> {
        let mut states = None;
        let hiding = self.hiding();
        let mut read = |document::Field { name, origin, value }: document::Field<'_>| match value {
            _ if hiding.as_ref().is_some_and(|active| active.awaits(self.question.kind, name)) => Ok(self.awaited()),
            _ if origin == Origin::Live => {
                let states = match &mut states {
                    Some(states) => states,
                    none => none.insert(self.live(live)?),
                };
                states.as_ref().map_or(Ok(Field::NotSet), |states| self.read_live(states, name, document))
            }
            Value::Null => Ok(Field::NotSet),
            value => Ok(Field::Present { value, as_of: document.as_of(origin)? }),
        };
        match self.question.fields {
            Fields::Named(names) => names
                .iter()
                .map(|name| Ok((Arc::clone(name), document.get(name)?.map_or(Ok(Field::NotSet), &mut read)?)))
                .collect(),
            Fields::Everything => {
                let mut fields = Answered::new();
                for field in document.fields() {
                    let field = field?;
                    let (name, found) = (field.name.into(), read(field)?);
                    fields.extend((found != Field::NotSet).then_some((name, found)));
                }
                Ok(fields)
            }
        }
    }

    fn complete(&self, at: usize, key: &Key, id: ProfileId, mut picked: Picked) -> Result<Answer, Error> {
        let hushed = self.hushed(std::mem::take(&mut picked.hush))?;
        let consents = self.consents(key, &[std::mem::take(&mut picked.consents)])?;
        let zones = std::mem::take(&mut picked.zones);
        let fields = self.with_address(key, self.fill(picked)?, &zones)?;
        let (resolution, changes_at) = (Resolution::Found(id), self.changes_at.take());
        Ok(Answer { key: at, resolution, fields, apart: Vec::new(), hushed, consents, viewed: None, changes_at })
    }

    /// The answer of a key that leads nowhere, because nobody has it or because whoever had it was erased.
    fn nobody(&self, at: usize, key: &Key) -> Result<Answer, Error> {
        let resolution = if self.is_erased(key)? { Resolution::Erased } else { Resolution::NotFound };
        let fields = match self.question.fields {
            Fields::Named(names) => names.iter().map(|name| (Arc::clone(name), Field::NotSet)).collect(),
            Fields::Everything => Vec::new(),
        };
        let fields = self.with_address(key, fields, &Zones::new())?;
        let consents = self.consents(key, &[])?;
        let (hushed, changes_at) = (Vec::new(), self.changes_at.take());
        Ok(Answer { key: at, resolution, fields, apart: Vec::new(), hushed, consents, viewed: None, changes_at })
    }

    /// Whether a key that leads nowhere names what was erased.
    fn is_erased(&self, key: &Key) -> Result<bool, Error> {
        Ok(self.state.tombstones(self.view, self.workspace)?.has(key)?)
    }

    /// The model, if some of its computed attributes are not to be read: they may not have been when the lookup began, or
    /// not be now that a profile was read, and what was read is of neither.
    fn hiding(&self) -> Option<Arc<ActiveModel>> {
        self.hiding.clone().or_else(|| self.state.hiding(self.workspace))
    }

    fn identifier_key(&self, kind: KindId, identifier: &Identifier) -> IdentifierKey {
        IdentifierKey { workspace: self.workspace, kind, identifier: identifier.clone() }
    }

    fn profile_key(&self, profile: ProfileId) -> ProfileKey {
        ProfileKey { workspace: self.workspace, profile }
    }
}

fn without_basis(answers: Vec<(Answer, Option<Basis>)>) -> Vec<Answer> {
    answers.into_iter().map(|(answer, _)| answer).collect()
}

/// Three merges in the time of one lookup are not credible: the owner is of a profile that is not there.
fn astray() -> Error {
    OWNERS.corrupt(codec::Error::malformed("owner record", "names a profile that is not stored")).into()
}
