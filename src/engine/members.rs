//! The members of a group: who they are, and what they come to.
//!
//! A profile that is or was a member of a group has a row among the members, with all that the group has of it, and is
//! counted in the group's tally; both are written with the profile, so that after a merge or its undo they are right. How many there
//! are is one read, unless members are known by several identifiers of the group; what they come to is one scan.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Engine, Error, Tier};
use crate::codec::key::{Key as _, MemberKey, TallyKey};
use crate::domain::aggregate::State;
use crate::domain::answer::MAX_MEMBERS;
use crate::domain::belonging::GroupMember;
use crate::domain::holdings::merge_state;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::link::Moment;
use crate::domain::model::{Computed, DEFAULT_KIND, Model, Over};
use crate::domain::profile::Profile;
use crate::store::catalogue::{MEMBERS, TALLIES};
use crate::store::view::View;

/// Members that are counted without leaving the serving thread: some 50 µs of work.
const MAX_INLINE: usize = 100;

/// How many members a group has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many persons are members now.
    pub members: u32,
    /// How many of them have an identifier of a type that means that somebody logged in.
    pub seats_used: u32,
}

/// How many members a group has, as far as that can be said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Count {
    /// It is a person, or no fact ever named a member.
    #[default]
    Nobody,
    /// So many, perhaps none any more.
    Of(Figures),
    /// They are members by several identifiers of the group, and more than [`MAX_MEMBERS`].
    TooLarge,
}

/// What the members of a group come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// How many they are.
    pub count: Count,
    /// Computed attributes of the group over all events of all members; none if there are more than [`MAX_MEMBERS`].
    pub computed: BTreeMap<String, State>,
}

/// A member of a group.
#[derive(Clone, PartialEq, Eq)]
pub struct Listed {
    /// The member's profile.
    pub profile: ProfileId,
    /// The identifier of the group that it joined; of several the one joined last.
    pub group: Identifier,
    /// What it is there; may be empty.
    pub role: String,
    /// When this membership began.
    pub since: Moment,
}

/// A place in the list of a group's members.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberPlace {
    /// The identifier of the group.
    pub group: Identifier,
    /// The member.
    pub profile: ProfileId,
}

/// A part of the list of a group's members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberPage {
    /// Members in order.
    pub members: Vec<Listed>,
    /// Where the list goes on; `None` at its end.
    pub next: Option<MemberPlace>,
}

/// Says who and since when, and not as what.
impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listed").field("profile", &self.profile).field("since", &self.since).finish_non_exhaustive()
    }
}

impl Engine {
    /// What the members of `profile` come to.
    pub fn totals(&self, workspace: WorkspaceId, profile: &Profile) -> Result<Totals, Error> {
        if profile.kind == member_kind() {
            return Ok(Totals::default());
        }
        let hiding = self.state.hiding(workspace);
        let active = self.model(workspace)?;
        let view = self.state.store.snapshot();
        let (members, group) = (Members { view: &view, workspace }, identifiers(profile));
        let names: Vec<&str> =
            over_members(profile.kind, &active.model).map(|computed| computed.name.as_str()).collect();
        let count = members.count(&group, &active.model)?;
        let mut computed = members.computed(&group, &names)?.unwrap_or_default();
        if let Some(active) = hiding.or_else(|| self.state.hiding(workspace)) {
            computed.retain(|name, _| !active.awaited.contains(name));
        }
        Ok(Totals { count, computed })
    }

    /// At most `limit` members of the profile that `key` leads to, strictly after the place `after`. `None` if there is
    /// no such profile; fails with [`Error::Erased`] if it was erased.
    pub fn members(
        &self,
        workspace: WorkspaceId,
        key: &Key,
        kind: KindId,
        after: Option<&MemberPlace>,
        limit: usize,
    ) -> Result<Option<MemberPage>, Error> {
        let view = self.state.store.snapshot();
        let Some(profile) = self.find(&view, workspace, key, kind)? else { return Ok(None) };
        Members { view: &view, workspace }.list(&identifiers(&profile), after, limit).map(Some)
    }
}

/// The identifiers that facts may name a profile by.
pub(super) fn identifiers(profile: &Profile) -> BTreeSet<Identifier> {
    profile.membership.members().iter().map(|member| member.identifier.clone()).collect()
}

/// The computed attributes of `kind` over its members.
pub(super) fn over_members(kind: KindId, model: &Model) -> impl Iterator<Item = &Computed> {
    let ours = model.computed().iter().filter(move |computed| computed.kind == kind);
    ours.filter(|computed| computed.over == Over::Members)
}

/// Members are persons.
pub(super) fn member_kind() -> KindId {
    KindId::of(DEFAULT_KIND)
}

/// Reads the members of groups.
pub(super) struct Members<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) workspace: WorkspaceId,
}

impl Members<'_> {
    /// How many members the group with these identifiers has, and how many of them take a seat.
    pub(super) fn count(&self, group: &BTreeSet<Identifier>, model: &Model) -> Result<Count, Error> {
        let is_login = |name: &str| model.identifier_type(name).is_some_and(|declared| declared.login);
        let mut tallies = Vec::new();
        for identifier in group {
            let (workspace, kind) = (self.workspace, member_kind());
            tallies.extend(TALLIES.get(self.view, &TallyKey { workspace, kind, group: identifier.clone() })?);
        }
        match tallies.as_slice() {
            [] => return Ok(Count::Nobody),
            [tally] => {
                let (members, seats_used) = (tally.members(), tally.members_with(is_login));
                return Ok(Count::Of(Figures { members, seats_used }));
            }
            _ => {}
        }
        let mut figures = Figures::default();
        let complete = self.each(group, |member| {
            figures.members += 1;
            figures.seats_used += u32::from(member.types.iter().any(|name| is_login(name)));
        })?;
        Ok(if complete { Count::Of(figures) } else { Count::TooLarge })
    }

    /// The computed attributes called so over all members of the group with these identifiers; `None` if there are too
    /// many members.
    pub(super) fn computed(
        &self,
        group: &BTreeSet<Identifier>,
        names: &[&str],
    ) -> Result<Option<BTreeMap<String, State>>, Error> {
        let mut computed = BTreeMap::new();
        let complete = names.is_empty()
            || self.each(group, |member| {
                for (name, state) in member.states.into_iter().filter(|(name, _)| names.contains(&name.as_str())) {
                    merge_state(&mut computed, &name, state);
                }
            })?;
        Ok(complete.then_some(computed))
    }

    /// Gives each member of the group with these identifiers once. False if there are too many of them.
    fn each(&self, group: &BTreeSet<Identifier>, mut take: impl FnMut(GroupMember)) -> Result<bool, Error> {
        let (mut read, mut seen) = (0, BTreeSet::new());
        for identifier in group {
            let prefix = MemberKey::prefix(self.workspace, identifier, member_kind());
            for row in MEMBERS.scan(self.view, &prefix, &prefix)? {
                let (MemberKey { profile, .. }, member) = row?;
                read += 1;
                if read > MAX_MEMBERS {
                    return Ok(false);
                }
                if read > MAX_INLINE && self.view.tier() != Tier::Disk {
                    return Err(Error::NotInMemory);
                }
                if member.since.is_some() && seen.insert(profile) {
                    take(member);
                }
            }
        }
        Ok(true)
    }

    /// Members of the group with these identifiers, those of its first identifier first. Reads no more than
    /// [`MAX_MEMBERS`] rows at once.
    fn list(
        &self,
        group: &BTreeSet<Identifier>,
        after: Option<&MemberPlace>,
        limit: usize,
    ) -> Result<MemberPage, Error> {
        let mut page = MemberPage::default();
        let mut read = 0;
        for identifier in group.iter().filter(|identifier| after.is_none_or(|after| **identifier >= after.group)) {
            let prefix = MemberKey::prefix(self.workspace, identifier, member_kind());
            let after = after.filter(|after| after.group == *identifier);
            // The smallest key after that of the place itself.
            let from = after.map(|after| [self.key(identifier, after.profile).encode().as_slice(), &[0]].concat());
            for row in MEMBERS.scan(self.view, &prefix, from.as_ref().unwrap_or(&prefix))? {
                if page.members.len() == limit || read == MAX_MEMBERS {
                    return Ok(page);
                }
                let (MemberKey { profile, .. }, member) = row?;
                read += 1;
                page.next = Some(MemberPlace { group: identifier.clone(), profile });
                if !self.is_earlier(group, identifier, profile)? {
                    page.members.extend(self.listed(group, identifier, profile, member)?);
                }
            }
        }
        page.next = None;
        Ok(page)
    }

    /// True if the profile has a row by an identifier of the group before `identifier`, and is listed there.
    fn is_earlier(
        &self,
        group: &BTreeSet<Identifier>,
        identifier: &Identifier,
        profile: ProfileId,
    ) -> Result<bool, Error> {
        for earlier in group.range(..identifier) {
            if MEMBERS.contains(self.view, &self.key(earlier, profile))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The profile that has this row first, by that of its memberships that began last; `None` if it has left.
    fn listed(
        &self,
        group: &BTreeSet<Identifier>,
        first: &Identifier,
        profile: ProfileId,
        member: GroupMember,
    ) -> Result<Option<Listed>, Error> {
        let mut last = (first, member);
        for other in group.iter().filter(|identifier| *identifier > first) {
            let Some(member) = MEMBERS.get(self.view, &self.key(other, profile))? else { continue };
            if member.since > last.1.since {
                last = (other, member);
            }
        }
        let (group, GroupMember { since, role, types: _, states: _ }) = last;
        Ok(since.map(|since| Listed { profile, group: group.clone(), role, since }))
    }

    fn key(&self, group: &Identifier, profile: ProfileId) -> MemberKey {
        MemberKey { workspace: self.workspace, group: group.clone(), kind: member_kind(), profile }
    }
}
