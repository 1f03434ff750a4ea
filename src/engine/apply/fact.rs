//! Applying a fact: plan for every kind, then take every step, then keep the evidence and the receipt.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::Plan;
use crate::codec::key::{EventKey, IdentifierKey, LinkIndexKey, LinkKey, MergeKey, MessageKey, ProfileKey};
use crate::domain::event::StoredEvent;
use crate::domain::fact::{Body, Fact};
use crate::domain::holdings::{Holdings, Stamp};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId, Seq, WorkspaceId};
use crate::domain::link::Link;
use crate::domain::model::Model;
use crate::domain::owner::Owner;
use crate::domain::profile::{Member, Membership, Merge, Profile};
use crate::domain::receipt::{Action, Line, LoggedReceipt, Receipt, Rule};
use crate::domain::resolution::{Decision, Landing, Refusal, Rules};
use crate::domain::time::Time;
use crate::domain::value::Values;
use crate::engine::Error;
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::{EVENTS, FRAGMENTS, LINK_INDEX, LINKS, MERGES, OWNERS, PROFILES, RECEIPTS, SURVIVORS};

/// Where a command stands in the log, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) workspace: WorkspaceId,
    pub(super) seq: Seq,
    pub(super) logged: Time,
}

/// Applies `fact`. All that can be refused is refused before anything is written.
pub(super) fn write(batch: &mut Batch<'_>, model: &Model, place: Place, fact: &Fact) -> Result<Receipt, Error> {
    let message = MessageKey { workspace: place.workspace, message_id: fact.moment.message_id.clone() };
    if let Some(first) = RECEIPTS.get(batch, &message)?.filter(|first| !first.expired(place.logged)) {
        return Ok(Receipt { duplicate: true, ..first.receipt });
    }
    let link = fact.link();
    let mut plans: Vec<Plan> = Vec::new();
    for kind in model.kinds() {
        plans.extend(Plan::make(batch, place, &link, Rules { model, kind })?);
    }

    let mut receipt = Receipt {
        message_id: message.message_id.clone(),
        profiles: Vec::new(),
        lines: Vec::new(),
        seq: place.seq,
        duplicate: false,
    };
    let moves = plans.iter().any(|plan| plan.decision.changes_the_graph());
    for (index, plan) in (0_u8..).zip(plans) {
        Step { batch, model, place, fact, receipt: &mut receipt }.take(index, plan)?;
    }
    describe_address(batch, place, fact, &mut receipt)?;
    keep_link(batch, model, place, link, moves)?;
    let logged = LoggedReceipt { logged: place.logged, receipt };
    RECEIPTS.put(batch, &message, &logged)?;
    Ok(logged.receipt)
}

/// One fact on its way into one kind.
struct Step<'a, 'b> {
    batch: &'a mut Batch<'b>,
    model: &'a Model,
    place: Place,
    fact: &'a Fact,
    receipt: &'a mut Receipt,
}

impl Step<'_, '_> {
    fn take(mut self, index: u8, plan: Plan) -> Result<(), Error> {
        let Plan { kind, link, decision, mut owners, mut profiles } = plan;
        let Decision { landing, origin, absorbed, attached, aliased, refused, blocked } = decision;
        for identifier in blocked {
            self.line(Action::Blocked, kind, Some(identifier), None, Some(Rule::BlockedValue));
        }
        let (Some(origin), Some((mut profile, created))) = (origin, self.land(index, kind, landing, &mut profiles))
        else {
            return Ok(());
        };
        if created {
            self.line(Action::Created, kind, Some(origin.clone()), Some(profile.id), None);
        }
        for id in &absorbed {
            if let Some(other) = profiles.remove(id) {
                self.merge(&mut profile, other, &mut owners)?;
            }
        }
        for member in attached.iter().cloned() {
            self.attach(&mut profile, member, &mut owners, created.then_some(&origin));
        }
        if let Some(renamed) = &aliased {
            self.rename(&mut profile, renamed, &mut owners)?;
        }
        for refusal in refused {
            self.refuse(&profile, &link, refusal, &mut owners);
        }
        let grown = created || !absorbed.is_empty() || !attached.is_empty() || aliased.is_some();
        let changed = self.take_in(&mut profile, &origin)?;
        if grown || changed {
            let key = ProfileKey { workspace: self.place.workspace, profile: profile.id };
            PROFILES.put(self.batch, &key, &profile)?;
        }
        self.put_owners(kind, owners)?;
        self.remember(kind, &origin)?;
        self.receipt.profiles.push((kind, profile.id));
        Ok(())
    }

    /// The profile that the fact lands on, and whether it is new.
    fn land(
        &self,
        index: u8,
        kind: KindId,
        landing: Landing,
        profiles: &mut BTreeMap<ProfileId, Profile>,
    ) -> Option<(Profile, bool)> {
        match landing {
            Landing::Nobody => None,
            Landing::Existing(id) => profiles.remove(&id).map(|profile| (profile, false)),
            Landing::New => {
                let created = Profile {
                    id: ProfileId::derive(self.place.logged, self.place.seq, index),
                    kind,
                    membership: Membership { created: self.fact.moment.clone(), members: Vec::new() },
                    retired: Vec::new(),
                    holdings: Holdings::default(),
                };
                Some((created, true))
            }
        }
    }

    /// Makes `other` part of `profile`: its members, what belongs to them, and its id, which keeps resolving.
    fn merge(
        &mut self,
        profile: &mut Profile,
        other: Profile,
        owners: &mut BTreeMap<Identifier, Owner>,
    ) -> Result<(), Error> {
        let workspace = self.place.workspace;
        let Profile { id: absorbed, kind, membership: Membership { created: _, members }, retired, holdings } = other;
        for member in &members {
            let owner = self.owner(kind, &member.identifier, owners)?;
            owner.profile = Some(profile.id);
        }
        profile.membership.members.extend(members);
        profile.holdings.absorb(holdings);
        for id in retired.into_iter().chain([absorbed]) {
            SURVIVORS.put(self.batch, &ProfileKey { workspace, profile: id }, &profile.id)?;
            profile.retired.push(id);
        }
        PROFILES.delete(self.batch, &ProfileKey { workspace, profile: absorbed });
        let merge = Merge { absorbed, survivor: profile.id, by: self.fact.moment.clone() };
        MERGES.put(self.batch, &MergeKey { workspace, survivor: profile.id, absorbed }, &merge)?;
        self.line(Action::Merged, kind, None, Some(absorbed), None);
        Ok(())
    }

    /// Adds a member. The one that a profile was created for is on its CREATED line already.
    fn attach(
        &mut self,
        profile: &mut Profile,
        member: Member,
        owners: &mut BTreeMap<Identifier, Owner>,
        created_for: Option<&Identifier>,
    ) {
        let owner = owners.entry(member.identifier.clone()).or_default();
        owner.profile = Some(profile.id);
        owner.alias_of.clone_from(&member.alias_of);
        if created_for != Some(&member.identifier) {
            let action = if member.alias_of.is_some() { Action::Aliased } else { Action::Attached };
            self.line(action, profile.kind, Some(member.identifier.clone()), Some(profile.id), None);
        }
        profile.membership.members.push(member);
    }

    fn rename(
        &mut self,
        profile: &mut Profile,
        renamed: &Member,
        owners: &mut BTreeMap<Identifier, Owner>,
    ) -> Result<(), Error> {
        for member in profile.membership.rename(renamed) {
            self.owner(profile.kind, &member.identifier, owners)?.alias_of = member.alias_of;
        }
        self.line(Action::Aliased, profile.kind, Some(renamed.identifier.clone()), Some(profile.id), None);
        Ok(())
    }

    /// Remembers at the identifier who could not have it, and why.
    fn refuse(&mut self, profile: &Profile, link: &Link, refusal: Refusal, owners: &mut BTreeMap<Identifier, Owner>) {
        let Refusal { identifier, owner, rule } = refusal;
        owners.entry(identifier.clone()).or_default().refuse(profile.id, rule.clone());
        let action = match (&rule, owner) {
            _ if link.previous.as_ref() == Some(&identifier) => Action::Refused,
            (Rule::Size, None) => Action::Capped,
            _ => Action::Demoted,
        };
        self.line(action, profile.kind, Some(identifier), owner, Some(rule));
    }

    /// Takes what the fact brings into the fragment of its origin and, equally, into the profile.
    fn take_in(&mut self, profile: &mut Profile, origin: &Identifier) -> Result<bool, Error> {
        let kind = profile.kind;
        let workspace = self.place.workspace;
        let key = IdentifierKey { workspace, kind, identifier: origin.clone() };
        let mut fragment = FRAGMENTS.get(self.batch, &key)?.unwrap_or_default();
        let changed = match &self.fact.body {
            Body::Event(event) => {
                let moment = &self.fact.moment;
                profile.holdings.count(event, moment, kind, self.model);
                fragment.count(event, moment, kind, self.model)
            }
            Body::Identify { traits, address: None } => self.learn(profile, &mut fragment, traits, origin),
            Body::Group { group, traits } if self.is_of(kind, group) => {
                self.learn(profile, &mut fragment, traits, origin)
            }
            Body::Identify { address: Some(_), .. } | Body::Group { .. } | Body::Alias { .. } => false,
        };
        if changed {
            FRAGMENTS.put(self.batch, &key, &fragment)?;
        }
        Ok(changed)
    }

    /// The profile takes what the fragment has room for, so that it stays the union of its fragments.
    fn learn(&mut self, profile: &mut Profile, fragment: &mut Holdings, traits: &Values, origin: &Identifier) -> bool {
        let admitted = fragment.admit(traits);
        if admitted.len() < traits.len() {
            self.line(Action::Capped, profile.kind, Some(origin.clone()), Some(profile.id), Some(Rule::Attributes));
        }
        let stamp = stamp(self.fact, origin);
        profile.holdings.learn(&admitted, &stamp);
        fragment.learn(&admitted, &stamp)
    }

    fn is_of(&self, kind: KindId, identifier: &Identifier) -> bool {
        self.model.kind_by_id(kind).is_some_and(|kind| kind.rank(identifier.type_name()).is_some())
    }

    /// The owner record of a member that was not read for the plan.
    fn owner<'o>(
        &self,
        kind: KindId,
        identifier: &Identifier,
        owners: &'o mut BTreeMap<Identifier, Owner>,
    ) -> Result<&'o mut Owner, Error> {
        if !owners.contains_key(identifier) {
            let key = IdentifierKey { workspace: self.place.workspace, kind, identifier: identifier.clone() };
            owners.insert(key.identifier.clone(), OWNERS.get(self.batch, &key)?.unwrap_or_default());
        }
        Ok(owners.entry(identifier.clone()).or_default())
    }

    fn put_owners(&mut self, kind: KindId, owners: BTreeMap<Identifier, Owner>) -> Result<(), store::Error> {
        for (identifier, owner) in owners {
            let key = IdentifierKey { workspace: self.place.workspace, kind, identifier };
            if owner != Owner::default() && OWNERS.get(self.batch, &key)?.as_ref() != Some(&owner) {
                OWNERS.put(self.batch, &key, &owner)?;
            }
        }
        Ok(())
    }

    fn remember(&mut self, kind: KindId, origin: &Identifier) -> Result<(), store::Error> {
        let key = EventKey {
            workspace: self.place.workspace,
            kind,
            identifier: origin.clone(),
            moment: self.fact.moment.clone(),
        };
        EVENTS.put(self.batch, &key, &StoredEvent::of(self.fact, origin))
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

fn stamp(fact: &Fact, origin: &Identifier) -> Arc<Stamp> {
    Arc::new(Stamp { moment: fact.moment.clone(), source: fact.source.clone(), origin: origin.clone() })
}

/// Takes in what the fact says of one address, whoever it belongs to.
fn describe_address(
    batch: &mut Batch<'_>,
    place: Place,
    fact: &Fact,
    receipt: &mut Receipt,
) -> Result<(), store::Error> {
    let Body::Identify { traits, address: Some(address) } = &fact.body else { return Ok(()) };
    let key = IdentifierKey { workspace: place.workspace, kind: KindId::ADDRESS, identifier: address.clone() };
    let mut holdings = FRAGMENTS.get(batch, &key)?.unwrap_or_default();
    let admitted = holdings.admit(traits);
    if admitted.len() < traits.len() {
        let (identifier, rule) = (Some(address.clone()), Some(Rule::Attributes));
        receipt.lines.push(Line { action: Action::Capped, kind: KindId::ADDRESS, identifier, profile: None, rule });
    }
    if holdings.learn(&admitted, &stamp(fact, address)) {
        FRAGMENTS.put(batch, &key, &holdings)?;
    }
    Ok(())
}

/// Keeps the evidence: the first time that these identifiers were said to belong together, and every later time that
/// it moved something. Values that identify nobody are kept in the link and not in the index, where they would gather
/// every link there is.
fn keep_link(batch: &mut Batch<'_>, model: &Model, place: Place, link: Link, moves: bool) -> Result<(), store::Error> {
    let workspace = place.workspace;
    let key = LinkKey { workspace, link: link.id() };
    if let Some(mut known) = LINKS.get(batch, &key)? {
        if known.said_again(link, moves) {
            LINKS.put(batch, &key, &known)?;
        }
        return Ok(());
    }
    LINKS.put(batch, &key, &link)?;
    for identifier in link.identifiers.iter().chain(&link.previous) {
        let blocked = model.identifier_type(identifier.type_name()).is_some_and(|t| t.blocks(identifier.value()));
        if !blocked {
            let index = LinkIndexKey { workspace, identifier: identifier.clone(), link: key.link };
            LINK_INDEX.put(batch, &index, &())?;
        }
    }
    Ok(())
}
