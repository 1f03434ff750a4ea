//! The largest profiles, and the merges.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::codec::key::{Key as _, ProfileKey, SizeKey};
use crate::codec::record::split_profile;
use crate::domain::ids::{KindId, ProfileId, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::profile::Merge;
use crate::engine::{Engine, Error};
use crate::store;
use crate::store::catalogue::{MERGES, PROFILES, SIZES, SURVIVORS};
use crate::store::view::View;

/// How many merges are looked at for one page, at most: those of other kinds lie among them.
const MAX_MERGES_READ: usize = 10_000;

/// What the largest profiles are largest by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LargestBy {
    /// How many identifiers they have.
    Size,
    /// By how many identifiers they grew in the last week.
    Growth,
}

/// A profile with many identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LargeProfile {
    /// Its id.
    pub id: ProfileId,
    /// How many identifiers it has.
    pub identifiers: u32,
    /// By how many it grew in the last week.
    pub growth: u32,
}

/// A page of merges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merges {
    /// The merges, by the id of the profile that was merged away.
    pub merges: Vec<Merge>,
    /// Where the next page begins: after this one. `None` if there is none.
    pub last: Option<ProfileId>,
}

impl Engine {
    /// The `limit` largest profiles of a kind, of those that have
    /// [`LISTED_FROM`](crate::domain::size::LISTED_FROM) identifiers or more; of equally large ones the oldest first.
    pub fn largest(
        &self,
        workspace: WorkspaceId,
        kind: KindId,
        by: LargestBy,
        limit: usize,
    ) -> Result<Vec<LargeProfile>, Error> {
        let now = self.state.store.place()?.log_time;
        let view = self.state.store.snapshot();
        let prefix = SizeKey::prefix(workspace, kind);
        let mut largest = BinaryHeap::new();
        for row in SIZES.scan(&view, &prefix, &prefix)? {
            let (SizeKey { profile: id, .. }, size) = row?;
            let (identifiers, growth) = (size.identifiers, size.growth(now));
            let order = match by {
                LargestBy::Size => (identifiers, growth),
                LargestBy::Growth => (growth, identifiers),
            };
            largest.push((Reverse(order), id, identifiers, growth));
            if largest.len() > limit {
                largest.pop();
            }
        }
        let sorted = largest.into_sorted_vec().into_iter();
        Ok(sorted.map(|(_, id, identifiers, growth)| LargeProfile { id, identifiers, growth }).collect())
    }

    /// At most `limit` merges of a kind after the profile `after`: of the profile that `key` leads to, or of all.
    /// `None` if there is no such profile; fails with [`Error::Erased`] if it was erased. A page of all may have fewer merges, or none, before the last one.
    pub fn merges(
        &self,
        workspace: WorkspaceId,
        key: Option<&Key>,
        kind: KindId,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Option<Merges>, Error> {
        let view = self.state.store.snapshot();
        let Some(key) = key else { return page_of_all(&view, workspace, kind, after, limit).map(Some) };
        let Some(profile) = self.find(&view, workspace, key, kind)? else { return Ok(None) };
        let mut retired = profile.retired;
        retired.retain(|id| after.is_none_or(|after| *id > after));
        retired.sort_unstable();
        let more = retired.len() > limit;
        retired.truncate(limit);
        let last = retired.last().copied().filter(|_| more);
        let merges = retired.iter().map(|id| MERGES.get(&view, &ProfileKey { workspace, profile: *id }));
        let merges: Vec<Option<Merge>> = merges.collect::<Result<_, store::Error>>()?;
        Ok(Some(Merges { merges: merges.into_iter().flatten().collect(), last }))
    }
}

fn page_of_all(
    view: &View<'_>,
    workspace: WorkspaceId,
    kind: KindId,
    after: Option<ProfileId>,
    limit: usize,
) -> Result<Merges, Error> {
    let prefix = workspace.0.to_be_bytes();
    // The smallest key after that of the merge itself.
    let after = after.map(|profile| [ProfileKey { workspace, profile }.encode().as_slice(), &[0]].concat());
    let start = after.unwrap_or_else(|| prefix.to_vec());
    let mut page = Merges::default();
    for (read, row) in MERGES.scan(view, &prefix, &start)?.enumerate() {
        let (key, merge) = row?;
        if page.merges.len() == limit || read == MAX_MERGES_READ {
            return Ok(page);
        }
        if kind_of_survivor(view, key)? == Some(kind) {
            page.merges.push(merge);
        }
        page.last = Some(key.profile);
    }
    Ok(Merges { last: None, ..page })
}

/// The kind of the profile that the one at `key` is part of now.
fn kind_of_survivor(view: &View<'_>, key: ProfileKey) -> Result<Option<KindId>, Error> {
    let Some(profile) = SURVIVORS.get(view, &key)? else { return Ok(None) };
    let survivor = ProfileKey { profile, ..key };
    Ok(PROFILES.read(view, &survivor, |bytes| split_profile(bytes).map(|parts| parts.kind))?)
}
