//! Applying a fact: plan for every kind, keep the evidence, take every step, then take in what the fact brings.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::component::Component;
use super::evidence::keep_link;
use super::folding::{Fold, Trigger};
use super::fragments::Fragment;
use super::plan::Plan;
use super::step::Step;
use super::tombstones::Tombstones;
use super::{Ids, Place, address, backfill, profile_rows, refold};
use crate::codec::key::{EventKey, LinkKey, MentionKey, MessageKey};
use crate::domain::belonging::Belonging;
use crate::domain::event::StoredEvent;
use crate::domain::fact::{Body, Fact};
use crate::domain::holdings::{Holdings, Stamp};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId, Seq};
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::link::Link;
use crate::domain::model::{Computed, DEFAULT_KIND, Model};
use crate::domain::profile::{Membership, Profile};
use crate::domain::receipt::{Action, Line, LoggedReceipt, Receipt, Rule};
use crate::domain::resolution::Rules;
use crate::domain::tombstone::TombstoneSecret;
use crate::domain::value::Values;
use crate::domain::{consent, hush};
use crate::engine::Error;
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::{EVENTS, LINKS, MENTIONS, RECEIPTS};
use crate::store::view::Read;

/// The receipt of a message that was seen before, as a duplicate; `None` for a new one.
pub(super) fn seen_before(batch: &Batch<'_>, place: Place, message_id: &str) -> Result<Option<Receipt>, Error> {
    let key = MessageKey { workspace: place.workspace, message_id: message_id.to_owned() };
    let first = RECEIPTS.get(batch, &key)?.filter(|first| !first.expired(place.logged));
    Ok(first.map(|first| Receipt { duplicate: true, ..first.receipt }))
}

/// A receipt with nothing on it yet.
pub(super) fn new_receipt(place: Place, message_id: &str) -> Receipt {
    let message_id = message_id.to_owned();
    Receipt { message_id, profiles: Vec::new(), lines: Vec::new(), seq: place.seq, duplicate: false, erased: None }
}

/// Keeps the receipt, so that the same message does nothing again. Should an identifier be erased that `fact` names, the
/// receipt is found by its history. Where a line names another one, or one in quarantine, that is noted down.
pub(super) fn keep_receipt(
    batch: &mut Batch<'_>,
    place: Place,
    receipt: Receipt,
    fact: Option<&Fact>,
) -> Result<Receipt, Error> {
    let workspace = place.workspace;
    let key = MessageKey { workspace, message_id: receipt.message_id.clone() };
    let logged = LoggedReceipt { logged: place.logged, receipt };
    RECEIPTS.put(batch, &key, &logged)?;
    let names = |identifier: &Identifier| fact.is_some_and(|fact| fact.names(identifier));
    for line in &logged.receipt.lines {
        let found = |identifier: &&Identifier| names(identifier) && line.rule != Some(Rule::Quarantine);
        if let Some(identifier) = line.identifier.as_ref().filter(|identifier| !found(identifier)).cloned() {
            let key = MentionKey { workspace, identifier, message_id: key.message_id.clone() };
            MENTIONS.put(batch, &key, &logged.mention())?;
        }
    }
    Ok(logged.receipt)
}

/// Applies `fact`. All that can be refused is refused before anything is written.
/// `secret` is that of the workspace, if anybody was ever erased there.
pub(super) fn write(
    batch: &mut Batch<'_>,
    model: &Model,
    place: Place,
    secret: Option<TombstoneSecret>,
    fact: &Fact,
) -> Result<Receipt, Error> {
    let link = fact.link();
    // Before anything else: what says again what was erased is no duplicate of it.
    let erased = erased_lines(&Tombstones { from: &*batch, workspace: place.workspace, secret }, model, &link)?;
    if !erased.is_empty() {
        // It has no place in the log, so a token of it is that of the command before.
        let seq = Seq(place.seq.0.saturating_sub(1));
        return Ok(Receipt { lines: erased, seq, ..new_receipt(place, &fact.moment.message_id) });
    }
    if let Some(first) = seen_before(batch, place, &fact.moment.message_id)? {
        return Ok(first);
    }
    check_types(model, &link)?;
    let known = LINKS.get(batch, &LinkKey { workspace: place.workspace, link: link.id() })?;
    let mut ids = Ids::new(place);
    refold::catch_up(batch, model, place, &mut ids, link.identifiers.iter().chain(&link.previous))?;
    let mut plans: Vec<Plan<'_>> = Vec::new();
    for kind in model.kinds() {
        plans.extend(Plan::make(batch, place, &link, known.as_ref(), Rules { model, kind })?);
    }
    let mut receipt = new_receipt(place, &fact.moment.message_id);
    let kept = keep_link(batch, place, link, known, &plans)?;
    for plan in plans {
        let landing = Landing { batch, place, fact, ids: &mut ids, receipt: &mut receipt };
        landing.take(plan, kept)?;
    }
    address::describe(batch, place, fact, &mut receipt)?;
    keep_receipt(batch, place, receipt, Some(fact))
}

/// Refuses a fact that was checked against a model which was not in force any more when its turn came, and names a type that
/// today's does not have: no key could ever lead to what it says.
fn check_types(model: &Model, link: &Link) -> Result<(), Error> {
    let unknown = |identifier: &&Identifier| model.identifier_type(identifier.type_name()).is_none();
    match link.identifiers.iter().chain(&link.previous).find(unknown) {
        Some(_) => {
            let text = "have a type that the model no longer declares; it has changed while the fact was on its way";
            Err(Invalid::new(Reason::UnknownType, "keys", text).into())
        }
        None => Ok(()),
    }
}

/// A line for each identifier of a link that is refused because it was erased.
fn erased_lines(tombstones: &Tombstones<'_, impl Read>, model: &Model, link: &Link) -> Result<Vec<Line>, store::Error> {
    let mut lines = Vec::new();
    for identifier in link.identifiers.iter().chain(&link.previous) {
        let Some(tombstone) = tombstones.of(identifier)?.filter(|tombstone| tombstone.refuses(link.first.time)) else {
            continue;
        };
        let rule = Some(if tombstone.suppress { Rule::Suppression } else { Rule::Erasure });
        let mut kinds = model.kinds().iter().filter(|kind| kind.rank(identifier.type_name()).is_some());
        let kind = kinds.next().map_or(KindId::ADDRESS, |kind| kind.id);
        lines.push(Line { action: Action::Erased, kind, identifier: Some(identifier.clone()), profile: None, rule });
    }
    Ok(lines)
}

/// One fact on its way into one kind.
struct Landing<'a, 'b> {
    batch: &'a mut Batch<'b>,
    place: Place,
    fact: &'a Fact,
    ids: &'a mut Ids,
    receipt: &'a mut Receipt,
}

impl Landing<'_, '_> {
    fn take(mut self, plan: Plan<'_>, kept: bool) -> Result<(), Error> {
        let rules = plan.rules;
        for (identifier, rule) in &plan.decision.blocked {
            self.line(Action::Blocked, rules.kind.id, Some(identifier.clone()), None, Some(rule.clone()));
        }
        let Some(origin) = plan.origin.clone() else { return Ok(()) };
        self.remember(rules.kind.id, &origin)?;
        let awaited = self.awaited(rules.kind.id, &origin)?;
        if rules.kind.name == DEFAULT_KIND {
            address::count(self.batch, self.place, rules.model, self.fact, &awaited)?;
        }
        let Some((mut profile, grown)) = self.resolve(plan, &origin, kept)? else {
            return self.keep_for_nobody(rules, &origin, &awaited);
        };
        let changed = self.take_in(&mut profile, &origin, rules, &awaited)?;
        if grown || changed {
            profile_rows::put(self.batch, self.place, None, &profile)?;
        }
        self.receipt.profiles.push((rules.kind.id, profile.id));
        Ok(())
    }

    /// Takes in what the fact brings where folding it has just put its origin in quarantine: it waits there.
    fn keep_for_nobody(
        &mut self,
        rules: Rules<'_>,
        origin: &Identifier,
        awaited: &BTreeSet<String>,
    ) -> Result<(), Error> {
        let mut nobody = Profile {
            id: ProfileId(0),
            kind: rules.kind.id,
            membership: Membership::new(self.fact.moment.clone()),
            retired: Vec::new(),
            holdings: Holdings::default(),
            sole: None,
            rules: self.place.rules,
        };
        self.take_in(&mut nobody, origin, rules, awaited)?;
        Ok(())
    }

    /// The profile that the fact lands on, and whether it is to be written in any case.
    fn resolve(
        &mut self,
        mut plan: Plan<'_>,
        origin: &Identifier,
        kept: bool,
    ) -> Result<Option<(Profile, bool)>, Error> {
        let rules = plan.rules;
        if plan.folds_again {
            let seeds: Vec<Identifier> = plan.owners.keys().cloned().collect();
            if let Ok(component) = Component::gather_unless_marked(self.batch, self.place, rules, &seeds)? {
                let trigger = Trigger::Link(&plan.link, &plan.decision.refused);
                Fold { batch: self.batch, place: self.place, rules, ids: self.ids, lines: &mut self.receipt.lines }
                    .fold(component, trigger)?;
                return Ok(self.owner_of(rules.kind.id, origin)?.map(|profile| (profile, false)));
            }
            self.mark_oversized(&mut plan)?;
            let rule = Some(Rule::Component { bound: Component::MAX_LINKS });
            self.line(Action::Unordered, rules.kind.id, Some(origin.clone()), None, rule);
        }
        let step = Step { batch: self.batch, place: self.place, ids: self.ids, lines: &mut self.receipt.lines };
        step.take(plan, kept)
    }

    /// Marks those concerned, so that it is not tried again and again.
    fn mark_oversized(&mut self, plan: &mut Plan<'_>) -> Result<(), store::Error> {
        let rules = self.place.rules;
        let is_marked = |profile: &Profile| profile.membership.oversized && profile.rules == rules;
        for profile in plan.profiles.values_mut().filter(|profile| !is_marked(profile)) {
            profile.membership.oversized = true;
            profile.rules = rules;
            profile_rows::put(self.batch, self.place, None, profile)?;
        }
        Ok(())
    }

    fn owner_of(&self, kind: KindId, identifier: &Identifier) -> Result<Option<Profile>, Error> {
        super::component::profile_of(self.batch, self.place, kind, identifier)
    }

    fn remember(&mut self, kind: KindId, origin: &Identifier) -> Result<(), store::Error> {
        let (identifier, moment) = (origin.clone(), self.fact.moment.clone());
        let key = EventKey { workspace: self.place.workspace, kind, identifier, moment };
        EVENTS.put(self.batch, &key, &StoredEvent::of(self.fact, origin))
    }

    /// The computed attributes that are to count this event when its turn comes, and not now.
    fn awaited(&self, kind: KindId, origin: &Identifier) -> Result<BTreeSet<String>, store::Error> {
        if !matches!(self.fact.body, Body::Event(_)) {
            return Ok(BTreeSet::new());
        }
        let (identifier, moment) = (origin.clone(), self.fact.moment.clone());
        let key = EventKey { workspace: self.place.workspace, kind, identifier, moment };
        backfill::awaited(self.batch, self.place, &key)
    }

    /// Takes what the fact brings into the fragment of its origin and, equally, into the profile. True if there was
    /// something.
    fn take_in(
        &mut self,
        profile: &mut Profile,
        origin: &Identifier,
        rules: Rules<'_>,
        awaited: &BTreeSet<String>,
    ) -> Result<bool, store::Error> {
        let kind = profile.kind;
        let fragment = Fragment::of(self.batch, self.place, origin, profile)?;
        match &self.fact.body {
            Body::Event(event) => {
                let counts = |computed: &Computed| !awaited.contains(&computed.name);
                let count =
                    |holdings: &mut Holdings| holdings.count(event, &self.fact.moment, kind, rules.model, counts);
                fragment.change(self.batch, self.place, count)
            }
            Body::Identify { traits, address: None } => self.learn(fragment, traits, origin),
            Body::Group { group, traits, .. } if rules.has(group) => self.learn(fragment, traits, origin),
            Body::Group { group, role, left, traits: _ } if !rules.blocks(group) => {
                let said = Belonging::said(&self.fact.moment, role, *left);
                self.belong(fragment, group, &said)
            }
            Body::Hush(said) => self.hush(fragment, said, origin),
            Body::Consent(said @ consent::Said { address: None, .. }) => self.consent(fragment, said, origin, rules),
            Body::Identify { address: Some(_), .. } | Body::Consent(consent::Said { address: Some(_), .. }) => {
                Ok(false)
            }
            Body::Group { .. } | Body::Alias { .. } => Ok(false),
        }
    }

    /// The profile takes what the fragment has room for, so that it stays the union of its fragments.
    fn learn(&mut self, fragment: Fragment<'_>, traits: &Values, origin: &Identifier) -> Result<bool, store::Error> {
        let admitted = fragment.holdings().admit(traits);
        if admitted.len() < traits.len() {
            self.capped(&fragment, origin.clone(), Rule::Attributes);
        }
        let stamp = stamp(self.fact, origin);
        fragment.change(self.batch, self.place, |holdings| holdings.learn(&admitted, &stamp))
    }

    /// Takes in what the fact says of a group that is of another kind.
    fn belong(&mut self, fragment: Fragment<'_>, group: &Identifier, said: &Belonging) -> Result<bool, store::Error> {
        if !fragment.holdings().has_room_for(group) {
            self.capped(&fragment, group.clone(), Rule::Groups);
            return Ok(false);
        }
        fragment.change(self.batch, self.place, |holdings| holdings.belong(group, said.clone()))
    }

    fn hush(&mut self, fragment: Fragment<'_>, said: &hush::Said, origin: &Identifier) -> Result<bool, store::Error> {
        if !fragment.holdings().hushes.has_room_for(&said.topic) {
            self.capped(&fragment, origin.clone(), Rule::Topics);
            return Ok(false);
        }
        let stamp = stamp(self.fact, origin);
        fragment.change(self.batch, self.place, |holdings| holdings.hushes.learn(said, &stamp))
    }

    /// A grant speaks for all of the fact's identifiers.
    fn consent(
        &mut self,
        fragment: Fragment<'_>,
        said: &consent::Said,
        origin: &Identifier,
        rules: Rules<'_>,
    ) -> Result<bool, store::Error> {
        if !fragment.holdings().consents.has_room_for(&said.purpose) {
            self.capped(&fragment, origin.clone(), Rule::Consents);
            return Ok(false);
        }
        let others = self.fact.identifiers.iter().filter(|id| said.granted && *id != origin);
        let others: Vec<Identifier> = others.filter(|id| rules.has(id) && !rules.blocks(id)).cloned().collect();
        let named = fragment.holdings().consents.admit(&said.purpose, &others);
        for other in others.into_iter().filter(|other| !named.contains(other)) {
            self.capped(&fragment, other, Rule::Consents);
        }
        let stamp = stamp(self.fact, origin);
        fragment.change(self.batch, self.place, |holdings| holdings.consents.learn(said, &stamp, &named))
    }

    /// Notes that there was no room for what was said about `identifier`.
    fn capped(&mut self, fragment: &Fragment<'_>, identifier: Identifier, rule: Rule) {
        let profile = fragment.profile();
        self.line(Action::Capped, profile.kind, Some(identifier), Some(profile.id), Some(rule));
    }

    fn line(
        &mut self,
        action: Action,
        kind: KindId,
        identifier: Option<Identifier>,
        profile: Option<ProfileId>,
        rule: Option<Rule>,
    ) {
        self.receipt.lines.push(Line { action, kind, identifier, profile, rule });
    }
}

/// Where what `fact` says of `origin` comes from.
pub(super) fn stamp(fact: &Fact, origin: &Identifier) -> Arc<Stamp> {
    Arc::new(Stamp { moment: fact.moment.clone(), source: fact.source.clone(), origin: origin.clone() })
}
