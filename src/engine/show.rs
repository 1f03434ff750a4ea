//! Showing a customer whole: the profile with its merges, and the history.

use std::cmp::Ordering;
use std::iter::Peekable;

use super::{Engine, Error};
use crate::codec::key::{EventKey, IdentifierKey, Key as _, ProfileKey};
use crate::domain::event::StoredEvent;
use crate::domain::ids::{KindId, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::link::Moment;
use crate::domain::profile::{Merge, Profile};
use crate::store;
use crate::store::catalogue::{EVENTS, MERGES, OWNERS, PROFILES, SURVIVORS};
use crate::store::view::View;

impl Engine {
    /// The profile that `key` leads to, and the merges that led to it, oldest first. `None` if there is none;
    /// fails with [`Error::Erased`] if it was erased.
    pub fn profile(
        &self,
        workspace: WorkspaceId,
        key: &Key,
        kind: KindId,
    ) -> Result<Option<(Profile, Vec<Merge>)>, Error> {
        let view = self.state.store.snapshot();
        let Some(profile) = self.find(&view, workspace, key, kind)? else { return Ok(None) };
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
        let view = self.state.store.snapshot();
        let Some(profile) = self.find(&view, workspace, key, kind)? else { return Ok(None) };
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
        merge_histories(histories, limit).map(Some)
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
        if found.is_none() && self.state.tombstones(view, workspace).has(key)? {
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

/// The first `limit` events of several histories, each of which is in order.
fn merge_histories<I>(mut histories: Vec<Peekable<I>>, limit: usize) -> Result<Vec<StoredEvent>, Error>
where
    I: Iterator<Item = Result<StoredEvent, store::Error>>,
{
    let mut events = Vec::new();
    while events.len() < limit {
        let heads = histories.iter_mut().enumerate().filter_map(|(at, history)| Some((at, history.peek()?)));
        let Some((next, _)) = heads.min_by(|(_, a), (_, b)| newest_first(a, b)) else { break };
        match histories.get_mut(next).and_then(Iterator::next) {
            Some(event) => events.push(event?),
            None => break,
        }
    }
    Ok(events)
}

/// Errors come first, so that none is missed.
fn newest_first(a: &Result<StoredEvent, store::Error>, b: &Result<StoredEvent, store::Error>) -> Ordering {
    match (a, b) {
        (Ok(a), Ok(b)) => b.moment.time.cmp(&a.moment.time).then_with(|| a.moment.message_id.cmp(&b.moment.message_id)),
        (Err(_), _) => Ordering::Less,
        (_, Err(_)) => Ordering::Greater,
    }
}
