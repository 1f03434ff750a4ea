//! Applying an erasure: all that is stored of a human goes, and tombstones stay.
//!
//! Evidence first: links and walls lose the erased identifiers, and so do the histories and the groups of others. Then
//! everything that hung together with them is folded again from what is left, which also takes the erased profiles away.
//! Last go the rows of the identifiers themselves. All of it is one command, so it happens or it does not.
//!
//! Only what is long is done in parts. A history of more than [`MAX_EVENTS`] loses so many by a command of its own,
//! again and again, before the erasure itself. And what histories of others say of the erased is taken out of so
//! many events at once; the rest is noted down and gone through by further commands, which the writer sees to.

mod evidence;
mod history;
mod rest;
mod scrub;
mod served;
mod whom;

use std::collections::BTreeSet;

use super::component::Component;
use super::fact::{keep_receipt, new_receipt, seen_before};
use super::folding::{Fold, Trigger};
use super::tombstones::Tombstones;
use super::{Ids, Place, refold};
use crate::codec::key::{MessageKey, ProfileKey, TombstoneKey};
use crate::domain::erasure::{Erased, Erasure};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId};
use crate::domain::key::Key;
use crate::domain::model::Model;
use crate::domain::receipt::Action;
use crate::domain::resolution::Rules;
use crate::domain::time::Time;
use crate::domain::tombstone::{Tombstone, TombstoneHash, TombstoneSecret};
use crate::engine::Error;
use crate::engine::command::Effect;
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::{MERGES, PROFILES, RECEIPTS, SURVIVORS, TOMBSTONES};
use crate::store::meta::{put_last_erasure, put_tombstone_secret};

pub(super) use scrub::scrub;

/// How many events of the erased go by one command, at most, and how many of others are gone through: others wait for
/// the writer some tens of milliseconds at a time.
const MAX_EVENTS: usize = 5_000;
/// How many links may name the erased. They go by one command, so that others are folded again without all of them.
const MAX_LINKS: usize = 50_000;

/// Applies `erasure`. `known` is the secret of the workspace, if it has one.
pub(super) fn erase(
    batch: &mut Batch<'_>,
    model: &Model,
    place: Place,
    known: Option<TombstoneSecret>,
    erasure: &Erasure,
) -> Result<Effect, Error> {
    if let Some(first) = seen_before(batch, place, &erasure.message_id)? {
        if first.erased.is_none() {
            return Err(Error::Conflict("the message id is that of a fact or a correction".to_owned()));
        }
        return Ok(Effect::Receipt(first));
    }
    let mut new_ids = Ids::new(place);
    catch_up(batch, model, place, &mut new_ids, known, erasure)?;
    let tombstones = Tombstones { from: &*batch, workspace: place.workspace, secret: known };
    let human = whom::human(&tombstones, place, erasure)?;
    let members = human.iter().flat_map(|profile| profile.membership.members());
    let erased: BTreeSet<Identifier> = members.map(|member| member.identifier.clone()).collect();

    let mut work = Work {
        batch,
        model,
        place,
        new_ids,
        others: BTreeSet::new(),
        ids: BTreeSet::new(),
        newest: Time::default(),
        count: Erased { identifiers: erased.len() as u64, events: erasure.gone, ..Erased::default() },
        erased,
    };
    let links = work.links()?;
    if !work.forget_history()? {
        return Ok(Effect::Erasing { events: MAX_EVENTS as u64 });
    }
    work.strip_links(links)?;
    let secret = known.unwrap_or(erasure.secret);
    if known.is_none() {
        put_tombstone_secret(work.batch, place.workspace, secret);
    }
    let erased = place.logged.max(work.newest);
    let tombstone = Tombstone { seq: place.seq, erased, suppress: erasure.suppress };
    work.take_away(secret, tombstone)?;

    let mut receipt = new_receipt(place, &erasure.message_id);
    receipt.profiles = human.iter().map(|profile| (erasure.kind, profile.id)).collect();
    receipt.erased = Some(work.count);
    keep_receipt(batch, place, receipt, None).map(Effect::Receipt)
}

/// Who is erased is decided by the rules of today: what the key leads to is brought up to them first, and then what that
/// leads to, until nothing is left to bring.
fn catch_up(
    batch: &mut Batch<'_>,
    model: &Model,
    place: Place,
    ids: &mut Ids,
    secret: Option<TombstoneSecret>,
    erasure: &Erasure,
) -> Result<(), Error> {
    if !place.refolding {
        return Ok(());
    }
    let mut done: BTreeSet<Identifier> = BTreeSet::new();
    let mut next: BTreeSet<Identifier> = match &erasure.key {
        Key::Identifier(identifier) => BTreeSet::from([identifier.clone()]),
        Key::Profile(_) => BTreeSet::new(),
    };
    loop {
        refold::catch_up(batch, model, place, ids, &next)?;
        done.append(&mut next);
        let tombstones = Tombstones { from: &*batch, workspace: place.workspace, secret };
        let human = whom::human(&tombstones, place, erasure)?;
        let members = human.iter().flat_map(|profile| profile.membership.members());
        next.extend(members.map(|member| member.identifier.clone()).filter(|identifier| !done.contains(identifier)));
        if next.is_empty() {
            return Ok(());
        }
    }
}

struct Work<'a, 'b> {
    batch: &'a mut Batch<'b>,
    model: &'a Model,
    place: Place,
    /// Ids for profiles that come of what is folded again.
    new_ids: Ids,
    erased: BTreeSet<Identifier>,
    /// The identifiers of others that evidence names together with erased ones.
    others: BTreeSet<Identifier>,
    /// Ids of profiles that had erased identifiers, and ids that led to those.
    ids: BTreeSet<ProfileId>,
    /// The time of the newest event of theirs, or of the newest link that named one of them.
    newest: Time,
    count: Erased,
}

impl<'a> Work<'a, '_> {
    fn take_away(&mut self, secret: TombstoneSecret, tombstone: Tombstone) -> Result<(), Error> {
        self.take_down_walls()?;
        self.note_ids()?;
        for identifier in self.erased.clone() {
            self.bury(secret.hash(&identifier), tombstone)?;
        }
        self.forget_in_others()?;
        self.scrub_others(secret)?;
        for rules in self.all_rules() {
            if self.erased.iter().any(|identifier| rules.has(identifier)) {
                self.fold_again(rules)?;
            }
        }
        self.forget_identifiers()?;
        self.forget_served()?;
        put_last_erasure(self.batch, self.place.workspace, self.place.seq);
        self.bury_ids(secret, tombstone)
    }

    /// Folds everything again that hung together with the erased of one kind, or takes them out of their profiles where
    /// that is too much.
    fn fold_again(&mut self, rules: Rules<'_>) -> Result<(), Error> {
        let seeds: Vec<Identifier> = self.erased.iter().chain(&self.others).cloned().collect();
        let Some(mut component) = Component::gather(self.batch, self.place.workspace, rules, &seeds)? else {
            self.count.unordered = true;
            return Ok(self.strip_profiles(rules)?);
        };
        // Profiles still know walls that are not there any more.
        component.evidence.walls.retain(|wall| !wall.between.iter().any(|end| self.erased.contains(end)));
        let mut lines = Vec::new();
        let (batch, place, ids) = (&mut *self.batch, self.place, &mut self.new_ids);
        Fold { batch, place, rules, ids, lines: &mut lines }.fold(component, Trigger::Correction)?;
        self.count.unordered |= lines.iter().any(|line| line.action == Action::Unordered);
        Ok(())
    }

    /// Puts tombstones on the ids that lead nowhere now.
    fn bury_ids(&mut self, secret: TombstoneSecret, tombstone: Tombstone) -> Result<(), Error> {
        let workspace = self.place.workspace;
        for id in std::mem::take(&mut self.ids) {
            let key = ProfileKey { workspace, profile: id };
            let leads_to = SURVIVORS.get(self.batch, &key)?.unwrap_or(id);
            if PROFILES.contains(self.batch, &ProfileKey { workspace, profile: leads_to })? {
                continue;
            }
            SURVIVORS.delete(self.batch, &key);
            MERGES.delete(self.batch, &key);
            self.forget_served_by_id(id)?;
            self.bury(secret.hash_profile(id), tombstone)?;
        }
        Ok(())
    }

    /// Puts up a tombstone. Where there is one from an earlier erasure, both hold.
    fn bury(&mut self, hash: TombstoneHash, tombstone: Tombstone) -> Result<(), store::Error> {
        let key = TombstoneKey { workspace: self.place.workspace, hash };
        let known = TOMBSTONES.get(self.batch, &key)?;
        TOMBSTONES.put(self.batch, &key, &known.map_or(tombstone, |known| known.and(tombstone)))
    }

    fn all_rules(&self) -> impl Iterator<Item = Rules<'a>> + use<'a> {
        let model = self.model;
        model.kinds().iter().map(move |kind| Rules { model, kind })
    }

    /// The kinds that an identifier is of.
    fn kinds_of(&self, identifier: &Identifier) -> Vec<KindId> {
        self.all_rules().filter(|rules| rules.has(identifier)).map(|rules| rules.kind.id).collect()
    }

    /// The receipt of what was said of the erased may name them.
    fn forget_receipt(&mut self, message_id: &str) {
        let key = MessageKey { workspace: self.place.workspace, message_id: message_id.to_owned() };
        RECEIPTS.delete(self.batch, &key);
    }
}
