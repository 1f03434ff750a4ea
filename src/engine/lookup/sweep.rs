//! All members of a segment. Nothing is kept of who is in a segment: it is asked of every profile, or of every address, a
//! page of them at a time, each page at one moment of the data. So no list holds up anything, however slowly it is read,
//! and it goes on wherever it was left.

use std::sync::Arc;

use super::address::present;
use super::{Answered, Question, Reader};
use crate::codec::key::{IdentifierKey, Key as _, ProfileKey};
use crate::codec::record::Record as _;
use crate::domain::answer::Field;
use crate::domain::holdings::Holdings;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId, WorkspaceId};
use crate::domain::model::Model;
use crate::domain::profile::Profile;
use crate::domain::segment::{Asked, Segment};
use crate::domain::time::Time;
use crate::domain::value::Value;
use crate::engine::{Engine, Error};
use crate::store::catalogue::{FRAGMENTS, PROFILES};
use crate::store::view::View;

/// How many profiles or addresses a page asks: some 20 ms of work.
const PAGE_ROWS: usize = 5_000;
/// How many members a page has at most.
const PAGE_MEMBERS: usize = 1_000;

/// A place in the list of a segment's members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentPlace {
    /// After this profile.
    Profile(ProfileId),
    /// After this address.
    Address(Identifier),
}

/// A member of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentMember {
    /// The profile; `None` for an address.
    pub profile: Option<ProfileId>,
    /// Its strongest identifier, or the address; `None` if the profile has none any more.
    pub identifier: Option<Identifier>,
}

/// A part of the list of a segment's members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentPage {
    /// Members in order.
    pub members: Vec<SegmentMember>,
    /// How many profiles, of all kinds, or addresses were gone through for it.
    pub seen: u64,
    /// Of how many of them it could not be told.
    pub undecided: u64,
    /// Where the list goes on; `None` at its end.
    pub next: Option<SegmentPlace>,
}

impl Engine {
    /// How many profiles there are, about, over all workspaces and kinds.
    pub fn profiles_about(&self) -> Result<u64, Error> {
        let families = self.state.store.stats()?.into_iter();
        Ok(families.filter(|family| family.name == PROFILES.family().name()).map(|family| family.records).sum())
    }

    /// A page of the members that a segment has at the time `now`, strictly after the place `after`.
    pub fn segment_page(
        &self,
        workspace: WorkspaceId,
        segment: &Arc<Segment>,
        now: Time,
        after: Option<&SegmentPlace>,
    ) -> Result<SegmentPage, Error> {
        if segment.is_of_addresses() {
            return addresses(&self.state.store.snapshot(), workspace, segment, now, after);
        }
        let asked = Asked::only(segment);
        let question = Question { kind: segment.kind, fields: &asked.fields, now, purpose: None };
        let prepared = self.prepare(workspace, question, Some(&asked))?;
        let active = self.model(workspace)?;
        prepared.of_snapshot(|reader| reader.page(segment, &active.model, after))
    }
}

impl Reader<'_> {
    fn page(&self, segment: &Segment, model: &Model, after: Option<&SegmentPlace>) -> Result<SegmentPage, Error> {
        let prefix = self.workspace.0.to_be_bytes();
        let from = match after {
            Some(SegmentPlace::Profile(id)) => behind(self.profile_key(*id).encode()),
            Some(SegmentPlace::Address(_)) | None => prefix.to_vec(),
        };
        let mut page = SegmentPage::default();
        for row in self.view.scan(PROFILES.family(), &prefix, &from)? {
            if page.is_full() {
                return Ok(page);
            }
            let (key, bytes) = row?;
            let corrupt = |error| PROFILES.corrupt(error);
            let id = ProfileKey::decode(&key).map_err(corrupt)?.profile;
            page.seen += 1;
            page.next = Some(SegmentPlace::Profile(id));
            let Some(picked) = self.pick(&bytes).map_err(corrupt)? else { continue };
            let answer = truth(self.fill(picked)?, &segment.field());
            let identifier = || Ok(strongest(&Profile::decode(&bytes)?, model));
            page.take(answer, || Ok(SegmentMember { profile: Some(id), identifier: identifier().map_err(corrupt)? }))?;
        }
        page.next = None;
        Ok(page)
    }
}

impl SegmentPage {
    fn is_full(&self) -> bool {
        self.seen >= PAGE_ROWS as u64 || self.members.len() >= PAGE_MEMBERS
    }

    fn take(&mut self, answer: Option<bool>, who: impl FnOnce() -> Result<SegmentMember, Error>) -> Result<(), Error> {
        match answer {
            Some(true) => self.members.push(who()?),
            Some(false) => {}
            None => self.undecided += 1,
        }
        Ok(())
    }
}

fn addresses(
    view: &View<'_>,
    workspace: WorkspaceId,
    segment: &Segment,
    now: Time,
    after: Option<&SegmentPlace>,
) -> Result<SegmentPage, Error> {
    let kind = KindId::ADDRESS;
    let prefix = [workspace.0.to_be_bytes(), kind.0.to_be_bytes()].concat();
    let from = match after {
        Some(SegmentPlace::Address(identifier)) => {
            behind(IdentifierKey { workspace, kind, identifier: identifier.clone() }.encode())
        }
        Some(SegmentPlace::Profile(_)) | None => prefix.clone(),
    };
    let mut page = SegmentPage::default();
    for row in FRAGMENTS.scan(view, &prefix, &from)? {
        if page.is_full() {
            return Ok(page);
        }
        let (IdentifierKey { identifier, .. }, Holdings { attributes, .. }) = row?;
        page.seen += 1;
        page.next = Some(SegmentPlace::Address(identifier.clone()));
        let set = attributes.into_cells().into_iter().filter(|(_, cell)| cell.value != Value::Null);
        let fields: Answered = set.map(|(name, cell)| (name.into(), present(cell))).collect();
        let read = |name: &str| fields.iter().find(|(known, _)| **known == *name).map(|(_, field)| field);
        let answer = truth(vec![(segment.field().into(), segment.ask(read, now))], &segment.field());
        page.take(answer, || Ok(SegmentMember { profile: None, identifier: Some(identifier) }))?;
    }
    page.next = None;
    Ok(page)
}

/// The smallest key after `key`.
fn behind(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

/// What the field called so says; `None` if that cannot be told.
fn truth(fields: Answered, name: &str) -> Option<bool> {
    let (_, field) = fields.into_iter().find(|(known, _)| **known == *name)?;
    match field {
        Field::Present { value: Value::Bool(truth), as_of: _ } => Some(truth),
        Field::Present { .. } | Field::NotSet | Field::Ambiguous | Field::TooLarge => None,
    }
}

/// The identifier that ranks highest; of several of a type the one that came first.
fn strongest(profile: &Profile, model: &Model) -> Option<Identifier> {
    let kind = model.kind_by_id(profile.kind)?;
    let members = profile.membership.members().iter().filter(|member| member.alias_of.is_none());
    let ranked = members.filter_map(|member| Some((kind.rank(member.identifier.type_name())?, &member.identifier)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, identifier)| identifier.clone())
}
