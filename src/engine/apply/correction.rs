//! Applying a correction: a wall is raised or a quarantine ended, and the components concerned are folded again.

use super::component::{Component, too_large};
use super::fact::{keep_receipt, new_receipt, seen_before};
use super::folding::{Fold, Trigger};
use super::tombstones::Tombstones;
use super::{Ids, Place, fragments, refold};
use crate::codec::key::{IdentifierKey, LinkIndexKey, LinkKey, ProfileKey, WallKey};
use crate::domain::correction::{Act, Correction};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId};
use crate::domain::link::{Link, Moment};
use crate::domain::model::Model;
use crate::domain::owner::Owner;
use crate::domain::profile::Profile;
use crate::domain::receipt::{Action, Line, Receipt};
use crate::domain::resolution::Rules;
use crate::domain::tombstone::TombstoneSecret;
use crate::domain::wall::{MAX_WALLS, Quarantine, Wall};
use crate::engine::Error;
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::{LINK_INDEX, LINKS, MERGES, OWNERS, PROFILES, SURVIVORS, WALLS};
use crate::store::view::Read;

/// Applies `correction`. What is refused leaves everything as it was. `secret` is that of the workspace, if anybody was
/// ever erased there.
pub(super) fn correct(
    batch: &mut Batch<'_>,
    model: &Model,
    place: Place,
    secret: Option<TombstoneSecret>,
    correction: &Correction,
) -> Result<Receipt, Error> {
    if let Some(first) = seen_before(batch, place, &correction.message_id)? {
        return Ok(first);
    }
    check_not_erased(&Tombstones { from: &*batch, workspace: place.workspace, secret }, model, &correction.act)?;
    let moment = Moment { time: place.logged, message_id: correction.message_id.clone() };
    let receipt = new_receipt(place, &correction.message_id);
    let ids = Ids::new(place);
    let mut work = Work { batch, model, place, ids, moment, source: &correction.source, receipt };
    match &correction.act {
        Act::KeepApart { between, same_human } => {
            work.catch_up(between)?;
            work.keep_apart(between, *same_human)?;
        }
        Act::Unlink { between } => {
            work.catch_up(between)?;
            work.unlink(between)?;
        }
        Act::UndoMerge { merge } => work.undo(*merge)?,
        Act::ReleaseQuarantine { identifier } => {
            work.catch_up(std::slice::from_ref(identifier))?;
            work.release(identifier)?;
        }
    }
    let Work { batch, receipt, .. } = work;
    keep_receipt(batch, place, receipt, None)
}

/// Refuses to correct what is known of somebody of whom nothing is known any more.
fn check_not_erased(tombstones: &Tombstones<'_, impl Read>, model: &Model, act: &Act) -> Result<(), Error> {
    let named = match act {
        Act::KeepApart { between, .. } | Act::Unlink { between } => between.as_slice(),
        Act::ReleaseQuarantine { identifier } => std::slice::from_ref(identifier),
        Act::UndoMerge { merge } if tombstones.has_profile(*merge)? => {
            return Err(Error::Erased("the profile that was merged away"));
        }
        Act::UndoMerge { .. } => &[],
    };
    for identifier in named {
        if tombstones.holds(identifier, model)? {
            return Err(Error::Erased("an identifier of the correction"));
        }
    }
    Ok(())
}

struct Work<'a, 'b> {
    batch: &'a mut Batch<'b>,
    model: &'a Model,
    place: Place,
    ids: Ids,
    moment: Moment,
    source: &'a str,
    receipt: Receipt,
}

impl<'a> Work<'a, '_> {
    fn catch_up(&mut self, identifiers: &[Identifier]) -> Result<(), Error> {
        refold::catch_up(self.batch, self.model, self.place, &mut self.ids, identifiers)
    }

    /// What the merge is about is brought up to the rules of today, under which there may be no such merge.
    fn catch_up_with(&mut self, merge: ProfileId) -> Result<(), Error> {
        let key = ProfileKey { workspace: self.place.workspace, profile: merge };
        let Some(profile) = SURVIVORS.get(self.batch, &key)? else { return Ok(()) };
        let Some(profile) = PROFILES.get(self.batch, &ProfileKey { profile, ..key })? else { return Ok(()) };
        let members: Vec<Identifier> =
            profile.membership.members().iter().map(|member| member.identifier.clone()).collect();
        self.catch_up(&members)
    }

    fn keep_apart(&mut self, between: &[Identifier; 2], same_human: bool) -> Result<(), Error> {
        for rules in self.kinds_of(between) {
            let [a, b] = between;
            let (name_a, name_b) = (self.name(rules, a)?, self.name(rules, b)?);
            if name_a == name_b {
                let text = "the two are names of one identifier, as an alias said; unlink them first";
                return Err(Error::Conflict(text.to_owned()));
            }
        }
        self.raise(between, None, same_human)
    }

    fn unlink(&mut self, between: &[Identifier; 2]) -> Result<(), Error> {
        let [a, b] = between;
        let mut together = false;
        for rules in self.kinds_of(between) {
            let (a, b) = (self.owner(rules, a)?.profile, self.owner(rules, b)?.profile);
            together |= a.is_some() && a == b;
        }
        if !together {
            return Err(Error::Conflict("the two are not of one profile; there is nothing to unlink".to_owned()));
        }
        self.take_apart(between)
    }

    /// Raises a wall that ends where the evidence of today does, which may be dated a little ahead.
    fn take_apart(&mut self, between: &[Identifier; 2]) -> Result<(), Error> {
        let mut until = self.moment.clone();
        for rules in self.kinds_of(between) {
            for identifier in between {
                let profile = super::component::profile_of(self.batch, self.place, rules.kind.id, identifier)?;
                until = profile.map_or(until.clone(), |profile| until.clone().max(profile.membership.latest));
            }
        }
        self.raise(between, Some(until), false)?;
        let [a, b] = between;
        for rules in self.kinds_of(between) {
            let (a, b) = (self.owner(rules, a)?.profile, self.owner(rules, b)?.profile);
            if a.is_some() && a == b {
                let text = "facts dated ahead of now join the two again; try again when their time has come";
                return Err(Error::Conflict(text.to_owned()));
            }
        }
        Ok(())
    }

    /// The two profiles come apart where they began: at the identifiers that they were created for.
    fn undo(&mut self, merge: ProfileId) -> Result<(), Error> {
        self.catch_up_with(merge)?;
        let key = ProfileKey { workspace: self.place.workspace, profile: merge };
        let Some(record) = MERGES.get(self.batch, &key)? else {
            return Err(match PROFILES.contains(self.batch, &key)? {
                true => Error::Conflict("the profile is not merged into another; was the merge undone?".to_owned()),
                false => Error::NotFound("the merge"),
            });
        };
        let survivor = SURVIVORS.get(self.batch, &key)?.ok_or(Error::NotFound("the merge"))?;
        let key = ProfileKey { workspace: self.place.workspace, profile: survivor };
        let profile = PROFILES.get(self.batch, &key)?.ok_or_else(super::plan::missing)?;
        let absorbed = self.founder(&profile, merge)?;
        let remained = match self.founder(&profile, record.survivor)? {
            Some(founder) => Some(founder),
            None => self.founder(&profile, survivor)?,
        };
        match (absorbed, remained) {
            (Some(a), Some(b)) if a != b => {
                let mut between = [a, b];
                between.sort();
                self.take_apart(&between)
            }
            _ => Err(Error::Conflict("the profile was created for what is no part of it any more".to_owned())),
        }
    }

    fn founder(&self, profile: &Profile, id: ProfileId) -> Result<Option<Identifier>, Error> {
        for member in profile.membership.members() {
            let (workspace, kind) = (self.place.workspace, profile.kind);
            let key = IdentifierKey { workspace, kind, identifier: member.identifier.clone() };
            if OWNERS.get(self.batch, &key)?.is_some_and(|owner| owner.founded == Some(id)) {
                return Ok(Some(key.identifier));
            }
        }
        Ok(None)
    }

    fn release(&mut self, identifier: &Identifier) -> Result<(), Error> {
        let mut released = false;
        for rules in self.kinds_of(std::slice::from_ref(identifier)) {
            let mut owner = self.owner(rules, identifier)?;
            if owner.quarantine == Some(Quarantine::Closed) {
                owner.quarantine = Some(Quarantine::ReleasedAt(self.moment.clone()));
                owner.refusals.clear();
                OWNERS.put(self.batch, &self.key(rules.kind.id, identifier), &owner)?;
                self.line(Action::Released, rules.kind.id, identifier);
                released = true;
            }
        }
        if released { Ok(()) } else { Err(Error::Conflict("the identifier is not in quarantine".to_owned())) }
    }

    /// Raises a wall. That is a sighting of its two ends as well: each has a profile afterwards.
    fn raise(&mut self, between: &[Identifier; 2], until: Option<Moment>, same_human: bool) -> Result<(), Error> {
        let (by, source) = (self.moment.clone(), self.source.to_owned());
        let wall = Wall { between: between.clone(), until, same_human, by, source };
        self.put_wall(wall)?;
        for identifier in between {
            self.sight(identifier)?;
        }
        for rules in self.kinds_of(between) {
            for identifier in between {
                self.line(Action::Walled, rules.kind.id, identifier);
            }
            self.keep_hushed(rules, between)?;
            let component = Component::gather(self.batch, self.place.workspace, rules, between)?
                .ok_or_else(|| too_large("folded again"))?;
            let (batch, place, lines) = (&mut *self.batch, self.place, &mut self.receipt.lines);
            Fold { batch, place, rules, ids: &mut self.ids, lines }.fold(component, Trigger::Correction)?;
            for identifier in between {
                let profile = self.owner(rules, identifier)?.profile;
                self.receipt.profiles.extend(profile.map(|profile| (rules.kind.id, profile)));
            }
        }
        self.receipt.profiles.dedup();
        Ok(())
    }

    /// What is hushed for a profile that is to come apart stays hushed on both sides of the wall: each of its ends says it
    /// from then on.
    fn keep_hushed(&mut self, rules: Rules<'_>, between: &[Identifier; 2]) -> Result<(), Error> {
        let [a, b] = between;
        let Some(profile) = super::component::profile_of(self.batch, self.place, rules.kind.id, a)? else {
            return Ok(());
        };
        let hushes = profile.holdings.hushes.holding(self.place.logged);
        if hushes.is_empty() || self.owner(rules, b)?.profile != Some(profile.id) {
            return Ok(());
        }
        for end in between {
            fragments::change(self.batch, self.place, rules.kind.id, end, |fragment| {
                fragment.hushes.absorb(hushes.said_of(end));
                true
            })?;
        }
        Ok(())
    }

    fn put_wall(&mut self, wall: Wall) -> Result<(), Error> {
        let workspace = self.place.workspace;
        let [a, b] = wall.between.clone();
        let keys = [
            WallKey { workspace, identifier: a.clone(), beyond: b.clone() },
            WallKey { workspace, identifier: b, beyond: a },
        ];
        let mut wall = wall;
        for key in &keys {
            match WALLS.get(self.batch, key)? {
                Some(known) => wall = known.and(wall),
                None => self.check_room(&key.identifier)?,
            }
        }
        for key in &keys {
            WALLS.put(self.batch, key, &wall)?;
        }
        Ok(())
    }

    fn check_room(&self, identifier: &Identifier) -> Result<(), Error> {
        let prefix = WallKey::prefix(self.place.workspace, identifier);
        if WALLS.rows(self.batch, &prefix, &prefix, MAX_WALLS)?.len() < MAX_WALLS {
            return Ok(());
        }
        Err(Error::Conflict(format!("an identifier has {MAX_WALLS} walls already, which is as many as may be")))
    }

    fn sight(&mut self, identifier: &Identifier) -> Result<(), store::Error> {
        let (workspace, first, source) = (self.place.workspace, self.moment.clone(), self.source.to_owned());
        let link = Link { first, again: Vec::new(), source, identifiers: vec![identifier.clone()], previous: None };
        let key = LinkKey { workspace, link: link.id() };
        if LINKS.contains(self.batch, &key)? {
            return Ok(());
        }
        LINKS.put(self.batch, &key, &link)?;
        LINK_INDEX.put(self.batch, &LinkIndexKey { workspace, identifier: identifier.clone(), link: key.link }, &())
    }

    fn kinds_of(&self, identifiers: &[Identifier]) -> Vec<Rules<'a>> {
        let model = self.model;
        let rules = model.kinds().iter().map(|kind| Rules { model, kind });
        rules.filter(|rules| identifiers.iter().all(|identifier| rules.has(identifier))).collect()
    }

    fn key(&self, kind: KindId, identifier: &Identifier) -> IdentifierKey {
        IdentifierKey { workspace: self.place.workspace, kind, identifier: identifier.clone() }
    }

    fn owner(&self, rules: Rules<'_>, identifier: &Identifier) -> Result<Owner, store::Error> {
        Ok(OWNERS.get(self.batch, &self.key(rules.kind.id, identifier))?.unwrap_or_default())
    }

    fn name(&self, rules: Rules<'_>, identifier: &Identifier) -> Result<Identifier, store::Error> {
        Ok(self.owner(rules, identifier)?.alias_of.unwrap_or_else(|| identifier.clone()))
    }

    fn line(&mut self, action: Action, kind: KindId, identifier: &Identifier) {
        let identifier = Some(identifier.clone());
        self.receipt.lines.push(Line { action, kind, identifier, profile: None, rule: None });
    }
}
