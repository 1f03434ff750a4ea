//! One lookup on its way through the tables, in one view of the data.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::address::Zones;
use super::beyond::{Beyond, Memo};
use super::changes::Changes;
use super::shared::People;
use super::{Ask, Question};
use crate::codec;
use crate::codec::document::{self, Document, Origin};
use crate::codec::key::{IdentifierKey, ProfileKey};
use crate::codec::record::{Hush, Record, read_consents, read_hush, read_ties, split_profile};
use crate::domain::answer::{Answer, Field, Fields, Name, Resolution};
use crate::domain::belonging::Belonging;
use crate::domain::consent::Consents;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::profile::Profile;
use crate::domain::segment::Asked;
use crate::domain::time::Time;
use crate::domain::value::Value;
use crate::engine::state::State;
use crate::engine::{ActiveModel, Engine, Error, members};
use crate::store::catalogue::{OWNERS, PROFILES, SURVIVORS};
use crate::store::view::View;

pub(super) type Answered = Vec<(Name, Field)>;

/// What a stored profile says of the fields wanted, and what leads to the rest of them.
pub(super) struct Picked {
    pub(super) fields: Answered,
    pub(super) hush: Hush,
    pub(super) consents: Consents,
    pub(super) groups: BTreeMap<Identifier, Belonging>,
    pub(super) identifiers: BTreeSet<Identifier>,
    pub(super) changes_at: Option<Time>,
    pub(super) zones: Zones,
}

/// A question with what the model says of it, read before any data is.
pub(super) struct Prepared<'a> {
    state: &'a State,
    workspace: WorkspaceId,
    question: Question<'a>,
    /// The segments that are asked.
    asked: Option<&'a Asked>,
    beyond: Option<Beyond>,
    of_addresses: Option<Arc<ActiveModel>>,
}

/// One lookup on its way through the tables.
pub(super) struct Reader<'a> {
    pub(super) state: &'a State,
    pub(super) view: &'a View<'a>,
    pub(super) workspace: WorkspaceId,
    pub(super) question: Question<'a>,
    /// The segments that are asked.
    pub(super) asked: Option<&'a Asked>,
    pub(super) beyond: Option<&'a Beyond>,
    /// The model, if some of its computed attributes were not to be read when the lookup began.
    pub(super) hiding: Option<Arc<ActiveModel>>,
    /// The model, if computed attributes of addresses are wanted.
    pub(super) of_addresses: Option<Arc<ActiveModel>>,
    pub(super) memo: RefCell<Memo>,
    /// The earliest moment at which what was read for the answer that is being made is another without any write.
    pub(super) changes_at: Changes,
}

impl Engine {
    /// What `read` makes of what is asked.
    pub(super) fn with_prepared<R>(
        &self,
        workspace: WorkspaceId,
        ask: Ask<'_>,
        read: impl FnOnce(&Prepared<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        match ask {
            Ask::Fields(question) => {
                let asked = self.asked(workspace, question)?;
                read(&self.prepare(workspace, question, asked.as_ref())?)
            }
            Ask::View(occasion) => {
                let purpose = occasion.purpose();
                read(&self.prepare(workspace, occasion.question(purpose.as_ref()), occasion.view.asked.as_deref())?)
            }
        }
    }

    /// A question, and the segments that it asks.
    pub(super) fn prepare<'a>(
        &'a self,
        workspace: WorkspaceId,
        question: Question<'a>,
        asked: Option<&'a Asked>,
    ) -> Result<Prepared<'a>, Error> {
        let fields = asked.map_or(question.fields, |asked| &asked.fields);
        let question = Question { fields, ..question };
        Ok(Prepared {
            state: &self.state,
            workspace,
            question,
            asked,
            beyond: self.beyond(workspace, question)?,
            of_addresses: self.of_addresses(workspace, fields),
        })
    }
}

impl Prepared<'_> {
    /// Reads from `view`, of the latest data.
    pub(super) fn reader<'r>(&'r self, view: &'r View<'r>) -> Reader<'r> {
        self.reader_hiding(self.state.hiding(self.workspace), view)
    }

    /// What `read` makes of the data as they are now. What is not to be read of them is asked before they are fixed: it may
    /// be counted to its end right after.
    pub(super) fn of_snapshot<R>(&self, read: impl FnOnce(Reader<'_>) -> R) -> R {
        let hiding = self.state.hiding(self.workspace);
        read(self.reader_hiding(hiding, &self.state.store.snapshot()))
    }

    fn reader_hiding<'r>(&'r self, hiding: Option<Arc<ActiveModel>>, view: &'r View<'r>) -> Reader<'r> {
        Reader {
            state: self.state,
            view,
            workspace: self.workspace,
            question: self.question,
            asked: self.asked,
            beyond: self.beyond.as_ref(),
            hiding,
            of_addresses: self.of_addresses.clone(),
            memo: RefCell::default(),
            changes_at: Changes::default(),
        }
    }
}

impl<'a> Reader<'a> {
    /// The answer of the strongest key that leads to one profile, or else of the strongest that several people use, or
    /// that was erased, or of the first.
    pub(super) fn find_any(&self, keys: &[(usize, Key)]) -> Result<Answer, Error> {
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
                return self.nobody(*at, key, Resolution::Erased);
            }
        }
        let (at, key) = keys.first().ok_or(Error::NotFound("the key"))?;
        self.nobody(*at, key, Resolution::NotFound)
    }

    pub(super) fn find(&self, at: usize, key: &Key) -> Result<Option<Answer>, Error> {
        let Key::Identifier(identifier) = key else { return self.follow(at, key) };
        let Some(owner) = OWNERS.get(self.view, &self.identifier_key(self.question.kind, identifier))? else {
            return Ok(None);
        };
        let answer = match self.people(&owner)? {
            Some(People::One(id)) => self.read(at, key, id)?,
            Some(People::Many(ids)) => self.read_all(at, key, &ids)?,
            None => return Ok(None),
        };
        answer.map(Some).ok_or_else(astray)
    }

    /// The answer of the profile that `key` names, or of the one that it became part of.
    fn follow(&self, at: usize, key: &Key) -> Result<Option<Answer>, Error> {
        let Key::Profile(id) = key else { return Ok(None) };
        if let Some(answer) = self.read(at, key, *id)? {
            return Ok(Some(answer));
        }
        let survivor = SURVIVORS.get(self.view, &self.profile_key(*id))?;
        Ok(survivor.map(|survivor| self.read(at, key, survivor)).transpose()?.flatten())
    }

    /// The answer of profile `id`; `None` if there is none of this id and kind.
    pub(super) fn read(&self, at: usize, key: &Key, id: ProfileId) -> Result<Option<Answer>, Error> {
        let read = PROFILES.read(self.view, &self.profile_key(id), |bytes| self.pick(bytes))?;
        match read.flatten() {
            Some(picked) => self.complete(at, key, id, picked).map(Some),
            None => Ok(None),
        }
    }

    /// Reads the wanted fields out of a stored profile, and nothing else of it that is not wanted for the others.
    /// `None` if it is of another kind, which a profile id can name.
    pub(super) fn pick(&self, bytes: &[u8]) -> Result<Option<Picked>, codec::Error> {
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

    pub(super) fn complete(&self, at: usize, key: &Key, id: ProfileId, mut picked: Picked) -> Result<Answer, Error> {
        let hushed = self.hushed(std::mem::take(&mut picked.hush))?;
        let consents = self.consents(key, &[std::mem::take(&mut picked.consents)])?;
        let zones = std::mem::take(&mut picked.zones);
        let fields = self.with_address(key, self.fill(picked)?, &zones)?;
        let (resolution, changes_at) = (Resolution::Found(id), self.changes_at.take());
        Ok(Answer { key: at, resolution, fields, apart: Vec::new(), hushed, consents, viewed: None, changes_at })
    }

    /// The answer of a key that leads nowhere, because nobody has it or because whoever had it was erased.
    pub(super) fn nobody(&self, at: usize, key: &Key, resolution: Resolution) -> Result<Answer, Error> {
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
    pub(super) fn is_erased(&self, key: &Key) -> Result<bool, Error> {
        Ok(self.state.tombstones(self.view, self.workspace)?.has(key)?)
    }

    /// The model, if some of its computed attributes are not to be read: they may not have been when the lookup began, or
    /// not be now that a profile was read, and what was read is of neither.
    pub(super) fn hiding(&self) -> Option<Arc<ActiveModel>> {
        self.hiding.clone().or_else(|| self.state.hiding(self.workspace))
    }

    pub(super) fn identifier_key(&self, kind: KindId, identifier: &Identifier) -> IdentifierKey {
        IdentifierKey { workspace: self.workspace, kind, identifier: identifier.clone() }
    }

    pub(super) fn profile_key(&self, profile: ProfileId) -> ProfileKey {
        ProfileKey { workspace: self.workspace, profile }
    }
}

/// An owner is of a profile that is not there. If something was committed in between, nobody is told: see
/// [`Engine::lookup`].
pub(super) fn astray() -> Error {
    OWNERS.corrupt(codec::Error::malformed("owner record", "names a profile that is not stored")).into()
}
