//! Showing a customer whole: the profile with its merges and addresses, and the history.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::ops::ControlFlow;

use super::{Engine, Error};
use crate::codec::key::{EventKey, IdentifierKey, Key as _, ProfileKey};
use crate::domain::consent::Consents;
use crate::domain::event::{Call, StoredEvent};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::link::Moment;
use crate::domain::profile::{Merge, Profile};
use crate::store;
use crate::store::catalogue::{EVENTS, FRAGMENTS, MERGES, OWNERS, PROFILES, SURVIVORS};
use crate::store::view::View;

/// How many events are searched for one page of consents.
const MAX_SEARCHED_EVENTS: usize = 10_000;

/// A page of what was said of consent.
pub struct ConsentPage {
    /// Grants and denials, newest first.
    pub events: Vec<StoredEvent>,
    /// The place after which the next page begins; `None` if there is nothing more.
    pub next: Option<Moment>,
}

impl Engine {
    /// The profile that `key` leads to, and the merges that led to it, oldest first. `None` if there is none;
    /// fails with [`Error::Erased`] if it was erased.
    pub fn profile(
        &self,
        workspace: WorkspaceId,
        key: &Key,
        kind: KindId,
    ) -> Result<Option<(Profile, Vec<Merge>)>, Error> {
        let hiding = self.state.hiding(workspace);
        let view = self.state.store.snapshot();
        let Some(mut profile) = self.find(&view, workspace, key, kind)? else { return Ok(None) };
        // As in lookups: what has not counted all stored events is nobody's to read, at neither end of the reading.
        if let Some(active) = hiding.or_else(|| self.state.hiding(workspace)) {
            profile.holdings.computed.retain(|name, _| !active.awaited.contains(name));
        }
        let mut merges: Vec<Merge> = Vec::new();
        for absorbed in &profile.retired {
            merges.extend(MERGES.get(&view, &ProfileKey { workspace, profile: *absorbed })?);
        }
        let place = |merge: &Merge| profile.retired.iter().position(|id| *id == merge.absorbed);
        merges.sort_by_cached_key(|merge| (merge.by.clone(), place(merge)));
        Ok(Some((profile, merges)))
    }

    /// At most `limit` events of the profile that `key` leads to, newest first, those of one moment by message id,
    /// strictly after the place `after`. `None` if there is no such profile; fails with [`Error::Erased`] if it was erased.
    pub fn events(
        &self,
        workspace: WorkspaceId,
        key: &Key,
        kind: KindId,
        after: Option<&Moment>,
        limit: usize,
    ) -> Result<Option<Vec<StoredEvent>>, Error> {
        let mut events = Vec::new();
        let take = |event| {
            events.push(event);
            if events.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let found = self.walk_history(workspace, key, kind, after, take)?;
        Ok(found.then_some(events))
    }

    /// At most `limit` grants and denials of the profile that `key` leads to, as [`Engine::events`] lists them; fewer where
    /// they are far between. `None` if there is no such profile.
    pub fn consents(
        &self,
        workspace: WorkspaceId,
        key: &Key,
        kind: KindId,
        after: Option<&Moment>,
        limit: usize,
    ) -> Result<Option<ConsentPage>, Error> {
        let (mut events, mut next) = (Vec::new(), None);
        let mut room = MAX_SEARCHED_EVENTS;
        let take = |event: StoredEvent| {
            room -= 1;
            let moment = event.moment.clone();
            // One that was about an address that is erased says nothing any more.
            if matches!(event.call, Call::Grant | Call::Deny) && !event.name.is_empty() {
                events.push(event);
            }
            if events.len() < limit && room > 0 {
                return ControlFlow::Continue(());
            }
            next = Some(moment);
            ControlFlow::Break(())
        };
        let found = self.walk_history(workspace, key, kind, after, take)?;
        Ok(found.then_some(ConsentPage { events, next }))
    }

    /// What was said of consent of each identifier of a profile as an address.
    pub fn address_consents(
        &self,
        workspace: WorkspaceId,
        profile: &Profile,
    ) -> Result<Vec<(Identifier, Consents)>, Error> {
        let view = self.state.store.snapshot();
        let mut consents = Vec::new();
        for member in profile.membership.members() {
            let key = IdentifierKey { workspace, kind: KindId::ADDRESS, identifier: member.identifier.clone() };
            let said = FRAGMENTS.get(&view, &key)?.map(|holdings| holdings.consents);
            consents.extend(said.filter(|said| !said.is_empty()).map(|said| (key.identifier, said)));
        }
        Ok(consents)
    }

    /// Shows the events of a profile, newest first, from strictly after the place `after` on, until `visit` has seen
    /// enough. False if `key` leads to none.
    fn walk_history(
        &self,
        workspace: WorkspaceId,
        key: &Key,
        kind: KindId,
        after: Option<&Moment>,
        visit: impl FnMut(StoredEvent) -> ControlFlow<()>,
    ) -> Result<bool, Error> {
        let view = self.state.store.snapshot();
        let Some(profile) = self.find(&view, workspace, key, kind)? else { return Ok(false) };
        let starts: Vec<(Vec<u8>, Vec<u8>)> = profile
            .membership
            .members()
            .iter()
            .map(|member| {
                let prefix = EventKey::prefix(workspace, kind, &member.identifier);
                let from = after.map(|moment| {
                    let key =
                        EventKey { workspace, kind, identifier: member.identifier.clone(), moment: moment.clone() };
                    // The smallest key after that of the event itself.
                    [key.encode().as_slice(), &[0]].concat()
                });
                (prefix.clone(), from.unwrap_or(prefix))
            })
            .collect();
        let mut histories = Vec::with_capacity(starts.len());
        for (prefix, from) in &starts {
            histories.push(EVENTS.scan(&view, prefix, from)?.map(|row| row.map(|(_, event)| event)).peekable());
        }
        merge_histories(histories, visit).map(|()| true)
    }

    /// The profile of `kind` that `key` leads to. Fails with [`Error::Erased`] if it does not because of an erasure.
    pub(super) fn find(
        &self,
        view: &View<'_>,
        workspace: WorkspaceId,
        key: &Key,
        kind: KindId,
    ) -> Result<Option<Profile>, Error> {
        let found = find(view, workspace, key, kind)?;
        if found.is_none() && self.state.tombstones(view, workspace)?.has(key)? {
            return Err(Error::Erased("the profile that the key led to"));
        }
        Ok(found)
    }
}

fn find(view: &View<'_>, workspace: WorkspaceId, key: &Key, kind: KindId) -> Result<Option<Profile>, Error> {
    let id = match key {
        Key::Profile(id) => Some(*id),
        Key::Identifier(identifier) => {
            let key = IdentifierKey { workspace, kind, identifier: identifier.clone() };
            OWNERS.get(view, &key)?.and_then(|owner| owner.profile)
        }
    };
    let Some(id) = id else { return Ok(None) };
    let at = |profile| ProfileKey { workspace, profile };
    let survivor = SURVIVORS.get(view, &at(id))?.unwrap_or(id);
    Ok(PROFILES.get(view, &at(survivor))?.filter(|profile| profile.kind == kind))
}

/// The events of several histories, each of which is in order, in order until `visit` has seen enough.
fn merge_histories<I>(
    mut histories: Vec<Peekable<I>>,
    mut visit: impl FnMut(StoredEvent) -> ControlFlow<()>,
) -> Result<(), Error>
where
    I: Iterator<Item = Result<StoredEvent, store::Error>>,
{
    loop {
        let heads = histories.iter_mut().enumerate().filter_map(|(at, history)| Some((at, history.peek()?)));
        let Some((next, _)) = heads.min_by(|(_, a), (_, b)| newest_first(a, b)) else { return Ok(()) };
        let Some(event) = histories.get_mut(next).and_then(Iterator::next) else { return Ok(()) };
        if visit(event?).is_break() {
            return Ok(());
        }
    }
}

/// Errors come first, so that none is missed.
fn newest_first(a: &Result<StoredEvent, store::Error>, b: &Result<StoredEvent, store::Error>) -> Ordering {
    match (a, b) {
        (Ok(a), Ok(b)) => b.moment.time.cmp(&a.moment.time).then_with(|| a.moment.message_id.cmp(&b.moment.message_id)),
        (Err(_), _) => Ordering::Less,
        (_, Err(_)) => Ordering::Greater,
    }
}
