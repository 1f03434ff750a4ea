//! What a lookup reads beyond the profile itself: through the groups of a customer, and over the members of a group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::changes::Changes;
use super::{Answered, Picked, Question, Reader};
use crate::domain::answer::{Answer, Field, Fields, ID, MEMBERS, Name, ROLE, SEATS_USED, SINCE};
use crate::domain::belonging::{Belonging, latest};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::model::{Computed, DEFAULT_KIND, Kind, Model};
use crate::domain::segment::Asked;
use crate::domain::time::Time;
use crate::domain::value::Value;
use crate::engine::members::{Count, Figures, Members, member_kind, over_members};
use crate::engine::{ActiveModel, Engine, Error};

/// What of a lookup is read elsewhere.
pub(super) struct Beyond {
    active: Arc<ActiveModel>,
    through: Vec<Through>,
    /// True if a field over the members is wanted.
    pub(super) members: bool,
}

/// Fields that are read through groups of one kind.
pub(super) struct Through {
    /// What their names start with, such as `account.`.
    prefix: String,
    kind: Kind,
    /// What is asked of the group, as if it was looked up itself.
    fields: Fields,
    asked: Option<Asked>,
    beyond: Beyond,
}

impl Engine {
    /// What of `fields` is read elsewhere; `None` where it is nothing.
    pub(super) fn beyond(
        &self,
        workspace: WorkspaceId,
        Question { kind, fields, .. }: Question<'_>,
    ) -> Result<Option<Beyond>, Error> {
        let names: &[Name] = match fields {
            Fields::Everything => &[],
            Fields::Named(names) => names,
        };
        let has_members = kind != member_kind();
        if !has_members && !names.iter().any(|name| name.contains('.')) {
            return Ok(None);
        }
        let active = self.model(workspace)?;
        let members = has_members && asks_of_members(fields, kind, &active.model);
        let through = active.model.kinds().iter().filter(|kind| names.iter().any(|name| is_through(name, kind)));
        let through: Vec<Through> = through.map(|kind| Through::of(names, kind, &active)).collect();
        Ok((members || !through.is_empty()).then(|| Beyond { active: Arc::clone(&active), through, members }))
    }
}

impl Beyond {
    /// True if groups of the customer have to be known.
    pub(super) fn reads_groups(&self) -> bool {
        !self.through.is_empty()
    }
}

impl Through {
    fn of(names: &[Name], kind: &Kind, active: &Arc<ActiveModel>) -> Self {
        let prefix = format!("{}.", kind.name);
        let ours = names.iter().filter_map(|name| name.strip_prefix(&prefix));
        let asked = ours.filter(|name| !name.is_empty() && ![ID, ROLE, SINCE].contains(name));
        let names: Vec<Name> = asked.map(Name::from).collect();
        let asked = Asked::of(&names, kind.id, &active.model);
        let fields = asked.as_ref().map_or(Fields::Named(names), |asked| asked.fields.clone());
        let members = kind.name != DEFAULT_KIND && asks_of_members(&fields, kind.id, &active.model);
        let beyond = Beyond { active: Arc::clone(active), through: Vec::new(), members };
        Self { prefix, kind: kind.clone(), fields, asked, beyond }
    }

    /// The group that counts: of those of this kind the one joined last.
    fn group<'a>(&self, belongings: &'a BTreeMap<Identifier, Belonging>) -> Option<(&'a Identifier, &'a Belonging)> {
        latest(belongings.iter().filter(|(group, _)| self.kind.rank(group.type_name()).is_some()))
    }

    fn asks_nothing(&self) -> bool {
        matches!(&self.fields, Fields::Named(names) if names.is_empty())
    }
}

/// True for the names of fields that are read through groups of `kind`.
fn is_through(name: &str, kind: &Kind) -> bool {
    name.strip_prefix(&kind.name).is_some_and(|rest| rest.starts_with('.'))
}

/// True if one of the fields is over the members of a profile of `kind`.
fn asks_of_members(fields: &Fields, kind: KindId, model: &Model) -> bool {
    let Fields::Named(names) = fields else { return true };
    let declared = |name: &str| {
        over_members(kind, model).any(|computed| computed.name == name || computed.companions().any(|own| own == name))
    };
    names.iter().any(|name| [MEMBERS, SEATS_USED].contains(&&**name) || declared(name))
}

/// What was read of groups already, by their kind and identifier.
pub(super) type Memo = BTreeMap<(KindId, Identifier), OfGroup>;

/// What was read of a group.
#[derive(Clone, Default)]
pub(super) struct OfGroup {
    fields: BTreeMap<Name, Field>,
    changes_at: Option<Time>,
}

impl From<Answer> for OfGroup {
    fn from(answer: Answer) -> Self {
        Self { fields: answer.fields.into_iter().collect(), changes_at: answer.changes_at }
    }
}

impl Reader<'_> {
    /// The fields of a profile with what is read elsewhere.
    pub(super) fn fill(&self, picked: Picked) -> Result<Answered, Error> {
        let Picked { mut fields, hush: _, consents: _, groups, identifiers, changes_at, zones: _ } = picked;
        self.changes(changes_at);
        let Some(beyond) = self.beyond else {
            self.put_segments(&mut fields);
            return Ok(fields);
        };
        if beyond.members {
            let (members, model) = (Members { view: self.view, workspace: self.workspace }, &beyond.active.model);
            let count = members.count(&identifiers, model)?;
            let figure = |of: fn(Figures) -> u32| match count {
                Count::Nobody => Field::NotSet,
                Count::Of(figures) => Field::now(Value::Number(of(figures).into())),
                Count::TooLarge => Field::TooLarge,
            };
            self.put(&mut fields, MEMBERS, figure(|figures| figures.members));
            self.put(&mut fields, SEATS_USED, figure(|figures| figures.seats_used));
            self.put_over_members(&mut fields, &members, &identifiers, &beyond.active)?;
        }
        for through in &beyond.through {
            self.put_group(&mut fields, through, &groups)?;
        }
        self.put_segments(&mut fields);
        Ok(fields)
    }

    /// Puts in what the members of a group come to. They live in many time zones, so hours are of UTC.
    fn put_over_members(
        &self,
        fields: &mut Answered,
        members: &Members<'_>,
        identifiers: &BTreeSet<Identifier>,
        active: &ActiveModel,
    ) -> Result<(), Error> {
        let wanted: Vec<&Computed> = over_members(self.question.kind, &active.model)
            .filter(|computed| computed.names().any(|name| self.wants(&name)))
            .collect();
        let asked: Vec<&str> = wanted.iter().map(|computed| computed.name.as_str()).collect();
        let states = members.computed(identifiers, &asked)?;
        let hiding = self.hiding();
        for computed in wanted {
            let hidden = hiding.as_ref().is_some_and(|active| active.awaited.contains(&computed.name));
            let state = states.as_ref().map(|states| states.get(&computed.name));
            for name in computed.names() {
                let read = |state| self.say(active, computed, &name, state, &TimeZone::UTC);
                let field = match state {
                    _ if hidden => self.awaited(),
                    state => state.map_or(Field::TooLarge, |state| state.map_or(Field::NotSet, read)),
                };
                self.put(fields, &name, field);
            }
        }
        Ok(())
    }

    /// Puts in a field that hides an attribute of the same name.
    pub(super) fn put(&self, fields: &mut Answered, name: &str, field: Field) {
        if *self.question.fields == Fields::Everything {
            fields.retain(|(known, _)| **known != *name);
            fields.extend((field != Field::NotSet).then(|| (name.into(), field)));
        } else if let Some((_, wanted)) = fields.iter_mut().find(|(wanted, _)| **wanted == *name) {
            *wanted = field;
        }
    }

    fn wants(&self, name: &str) -> bool {
        match self.question.fields {
            Fields::Everything => true,
            Fields::Named(names) => names.iter().any(|wanted| **wanted == *name),
        }
    }

    /// Puts in what is read through the one group of a kind that counts.
    fn put_group(
        &self,
        fields: &mut Answered,
        through: &Through,
        belongings: &BTreeMap<Identifier, Belonging>,
    ) -> Result<(), Error> {
        let Some((group, belonging)) = through.group(belongings) else { return Ok(()) };
        let since = belonging.since().map(|moment| moment.time);
        let OfGroup { fields: read, changes_at } = self.of_group(through, group)?;
        self.changes(changes_at);
        for (name, field) in fields {
            let Some(name) = name.strip_prefix(&through.prefix) else { continue };
            let value = match name {
                ID => Some(Value::Text(group.as_str().to_owned())),
                ROLE => belonging.role().map(|role| Value::Text(role.to_owned())),
                SINCE => since.map(Value::Time),
                name => {
                    *field = read.get(name).cloned().unwrap_or(Field::NotSet);
                    continue;
                }
            };
            *field = value.map_or(Field::NotSet, |value| Field::Present { value, as_of: since });
        }
        Ok(())
    }

    /// What a lookup of the group answers.
    fn of_group(&self, through: &Through, group: &Identifier) -> Result<OfGroup, Error> {
        if through.asks_nothing() {
            return Ok(OfGroup::default());
        }
        let place = (through.kind.id, group.clone());
        if let Some(known) = self.memo.borrow().get(&place) {
            return Ok(known.clone());
        }
        let found = self.at_group(through).find(0, &Key::Identifier(group.clone()))?;
        let read = found.map(OfGroup::from).unwrap_or_default();
        self.memo.borrow_mut().insert(place, read.clone());
        Ok(read)
    }

    /// Reads the groups of many customers by one read of each family.
    pub(super) fn foresee<'p>(&self, picked: impl Iterator<Item = &'p Picked> + Clone) -> Result<(), Error> {
        for through in self.beyond.iter().flat_map(|beyond| &beyond.through).filter(|through| !through.asks_nothing()) {
            let mut groups: Vec<&Identifier> =
                picked.clone().filter_map(|picked| Some(through.group(&picked.groups)?.0)).collect();
            groups.sort_unstable();
            groups.dedup();
            let keys: Vec<Key> = groups.into_iter().cloned().map(Key::Identifier).collect();
            let answers = self.at_group(through).find_many(&keys)?;
            for (key, (answer, _)) in keys.into_iter().zip(answers) {
                let Key::Identifier(group) = key else { continue };
                self.memo.borrow_mut().insert((through.kind.id, group), answer.into());
            }
        }
        Ok(())
    }

    fn at_group<'t>(&'t self, through: &'t Through) -> Reader<'t> {
        let Through { prefix: _, kind, fields, asked, beyond } = through;
        let (state, view, workspace) = (self.state, self.view, self.workspace);
        let question = Question { kind: kind.id, fields, purpose: None, ..self.question };
        let (asked, beyond) = (asked.as_ref(), Some(beyond));
        let (memo, changes_at) = (Memo::default().into(), Changes::default());
        // What is read of a group is never said of its key as an address.
        let (hiding, of_addresses) = (self.hiding.clone(), None);
        Reader { state, view, workspace, question, asked, beyond, hiding, of_addresses, memo, changes_at }
    }
}
