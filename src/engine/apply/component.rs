//! A component: all that an identifier's place in the graph depends on, gathered from the store so that it can be folded
//! again, or explained.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Place;
use crate::codec::key::{EventKey, IdentifierKey, Key as _, LinkIndexKey, LinkKey, ProfileKey, WallKey};
use crate::domain::event::{Call, StoredEvent};
use crate::domain::identifier::Identifier;
use crate::domain::ids::{KindId, ProfileId, WorkspaceId};
use crate::domain::key;
use crate::domain::link::{Link, LinkId, Moment};
use crate::domain::model::Model;
use crate::domain::owner::Owner;
use crate::domain::profile::Profile;
use crate::domain::resolution::Rules;
use crate::domain::resolution::fold::Evidence;
use crate::domain::wall::{MAX_WALLS, Quarantine, Wall};
use crate::engine::Error;
use crate::store;
use crate::store::catalogue::{EVENTS, LINK_INDEX, LINKS, OWNERS, PROFILES, WALLS};
use crate::store::view::Read;

/// The identifiers that links connect, directly or not, with all that is known of them, for one kind.
#[derive(Debug, Default)]
pub(in crate::engine) struct Component {
    pub(in crate::engine) evidence: Evidence,
    pub(in crate::engine) owners: BTreeMap<Identifier, Owner>,
    pub(in crate::engine) profiles: BTreeMap<ProfileId, Profile>,
}

/// Events that are read at once where repeated evidence is looked for.
const EVENTS_AT_ONCE: usize = 64;

impl Component {
    /// How many links are folded again at once, at most; of identifiers as many. So many links of a profile of 1,000
    /// identifiers, with what belongs to them, stay under 50 ms of work (benches/README.md).
    pub(in crate::engine) const MAX_LINKS: u32 = 2_400;
    /// How many events are searched for repeated evidence, at most.
    const MAX_EVENTS: usize = 4_000;

    /// Gathers what is connected with `seeds`; `None` if that is more than the bounds.
    pub(in crate::engine) fn gather(
        from: &impl Read,
        workspace: WorkspaceId,
        rules: Rules<'_>,
        seeds: &[Identifier],
    ) -> Result<Option<Self>, Error> {
        Ok(Gathering::new(from, workspace, rules, None).gather(seeds)?.ok())
    }

    /// As [`Component::gather`], but does not try what was found to be too much before, under the rules of today. Where it
    /// is too much, answers the identifier at which that showed: it may be the one that connects so many.
    pub(super) fn gather_unless_marked(
        from: &impl Read,
        place: Place,
        rules: Rules<'_>,
        seeds: &[Identifier],
    ) -> Result<Result<Self, Identifier>, Error> {
        Gathering::new(from, place.workspace, rules, Some(place.rules)).gather(seeds)
    }
}

impl<'a, R: Read> Gathering<'a, R> {
    fn new(from: &'a R, workspace: WorkspaceId, rules: Rules<'a>, marked: Option<u64>) -> Self {
        let (links, walled, passed) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { from, workspace, rules, found: Component::default(), links, walled, passed, marked }
    }

    fn gather(mut self, seeds: &[Identifier]) -> Result<Result<Component, Identifier>, Error> {
        for seed in seeds {
            self.walls_at(seed)?;
        }
        if let Some(at) = self.spread(seeds)? {
            return Ok(Err(at));
        }
        if let (false, Some(seed)) = (self.find_repeats()?, seeds.first()) {
            return Ok(Err(seed.clone()));
        }
        let Gathering { mut found, links, .. } = self;
        found.evidence.links = links.into_values().collect();
        Ok(Ok(found))
    }

    /// Follows links and profiles from identifier to identifier. Answers the one at which that led too far, if it did.
    fn spread(&mut self, seeds: &[Identifier]) -> Result<Option<Identifier>, Error> {
        let bound = usize::try_from(Component::MAX_LINKS).unwrap_or(usize::MAX);
        let mut next: VecDeque<(Identifier, Reached)> =
            seeds.iter().map(|seed| (seed.clone(), Reached::AsPart)).collect();
        while let Some((identifier, reached)) = next.pop_front() {
            if self.found.owners.contains_key(&identifier) || !self.rules.has(&identifier) {
                continue;
            }
            if reached == Reached::ByLink && self.passed.contains(&identifier) {
                continue;
            }
            let key = IdentifierKey { workspace: self.workspace, kind: self.rules.kind.id, identifier };
            let owner = OWNERS.get(self.from, &key)?.unwrap_or_default();
            let closed = owner.quarantine == Some(Quarantine::Closed) || self.rules.blocks(&key.identifier);
            if closed && reached == Reached::ByLink {
                self.note_quarantine(&key.identifier, &owner);
                self.passed.insert(key.identifier);
                continue;
            }
            let Some(members) = self.profile(owner.profile)? else { return Ok(Some(key.identifier)) };
            next.extend(members.into_iter().map(|member| (member, Reached::AsPart)));
            if owner.profile.is_none() {
                self.walls_at(&key.identifier)?;
            }
            self.learn(&key.identifier, owner);
            if !closed {
                let named = self.links_of(&key.identifier, bound)?.into_iter();
                next.extend(named.map(|identifier| (identifier, Reached::ByLink)));
            }
            if self.links.len() > bound || self.found.owners.len() > bound {
                return Ok(Some(key.identifier));
            }
        }
        Ok(None)
    }

    fn note_quarantine(&mut self, identifier: &Identifier, owner: &Owner) {
        if let Some(quarantine) = &owner.quarantine {
            self.found.evidence.quarantined.insert(identifier.clone(), quarantine.clone());
        }
    }

    fn learn(&mut self, identifier: &Identifier, owner: Owner) {
        self.note_quarantine(identifier, &owner);
        if let Some(founded) = owner.founded {
            self.found.evidence.founded.insert(identifier.clone(), founded);
        }
        self.found.owners.insert(identifier.clone(), owner);
    }

    /// Takes in a profile that was not met before. Answers its identifiers; `None` if it is marked as too much.
    fn profile(&mut self, id: Option<ProfileId>) -> Result<Option<Vec<Identifier>>, Error> {
        let Some(id) = id.filter(|id| !self.found.profiles.contains_key(id)) else { return Ok(Some(Vec::new())) };
        let key = ProfileKey { workspace: self.workspace, profile: id };
        let profile = PROFILES.get(self.from, &key)?.ok_or_else(super::plan::missing)?;
        if profile.membership.oversized && self.marked == Some(profile.rules) {
            return Ok(None);
        }
        for wall in &profile.membership.walls {
            self.wall(wall.clone());
        }
        let members = profile.membership.members().iter().map(|member| member.identifier.clone()).collect();
        self.found.profiles.insert(id, profile);
        Ok(Some(members))
    }

    fn wall(&mut self, wall: Wall) {
        if self.walled.insert(wall.between.clone()) {
            self.found.evidence.walls.push(wall);
        }
    }

    /// Walls as they are stored, which those at a profile may not know of yet.
    fn walls_at(&mut self, identifier: &Identifier) -> Result<(), store::Error> {
        let prefix = WallKey::prefix(self.workspace, identifier);
        for (_, wall) in WALLS.rows(self.from, &prefix, &prefix, MAX_WALLS)? {
            self.wall(wall);
        }
        Ok(())
    }

    /// Takes in the links of an identifier, one more than `bound` at most. Answers whom they name.
    fn links_of(&mut self, identifier: &Identifier, bound: usize) -> Result<Vec<Identifier>, store::Error> {
        let prefix = LinkIndexKey::prefix(self.workspace, identifier);
        let room = bound.saturating_sub(self.links.len()).saturating_add(1);
        let mut named = Vec::new();
        // Links that are known already take no room, so as many more are read.
        for (index, ()) in LINK_INDEX.rows(self.from, &prefix, &prefix, room + self.links.len())? {
            if self.links.contains_key(&index.link) {
                continue;
            }
            let key = LinkKey { workspace: self.workspace, link: index.link };
            let Some(link) = LINKS.get(self.from, &key)? else { continue };
            named.extend(link.identifiers.iter().chain(&link.previous).cloned());
            self.links.insert(index.link, link);
            if self.links.len() > bound {
                break;
            }
        }
        Ok(named)
    }

    /// Where repeated evidence may do more than it did the first time, finds when it was repeated: links keep no more
    /// than the moments at which they moved something, and what they move may be otherwise now. False if there is too
    /// much to search.
    fn find_repeats(&mut self) -> Result<bool, Error> {
        let Some(since) = self.loosened_since() else { return Ok(true) };
        let mut room = Component::MAX_EVENTS;
        // What is said under one that joins nobody may join others still.
        let origins: BTreeSet<Identifier> = self.found.owners.keys().chain(&self.passed).cloned().collect();
        for origin in origins {
            let prefix = EventKey::prefix(self.workspace, self.rules.kind.id, &origin);
            let mut start = prefix.clone();
            // Most have none that is new enough.
            let mut at_once = 1;
            loop {
                let rows = EVENTS.rows(self.from, &prefix, &start, at_once)?;
                let full = rows.len() == at_once;
                at_once = EVENTS_AT_ONCE;
                room = room.saturating_sub(rows.len());
                // Newest first, and within one time by message id: none of that time may be left out.
                for (key, event) in rows {
                    if event.moment.time < since.time {
                        start.clear();
                        break;
                    }
                    start = [key.encode().as_slice(), &[0]].concat();
                    self.repeat(&event);
                }
                if room == 0 {
                    return Ok(false);
                }
                if !full || start.is_empty() {
                    break;
                }
            }
        }
        Ok(true)
    }

    /// The first moment at which something that could not join may join from then on.
    fn loosened_since(&self) -> Option<Moment> {
        let evidence = &self.found.evidence;
        let aliases = self.links.values().filter(|link| link.previous.is_some()).map(|link| &link.first);
        let walls = evidence.walls.iter().filter_map(|wall| wall.until.as_ref());
        let releases = evidence.quarantined.values().filter_map(|quarantine| match quarantine {
            Quarantine::ReleasedAt(moment) => Some(moment),
            Quarantine::Closed => None,
        });
        aliases.chain(walls).chain(releases).min().cloned()
    }

    fn repeat(&mut self, event: &StoredEvent) {
        let Some(said) = link_of(event, self.rules.model) else { return };
        if let Some(link) = self.links.get_mut(&said.id()) {
            link.said_again(said, true);
        }
    }
}

/// Why a component that is past the bounds is not `done` to.
pub(in crate::engine) fn too_large(done: &str) -> Error {
    Error::Conflict(format!(
        "more than {} links hang together there, too many to be {done} at once; \
         find what connects them (`kith largest`) and block or keep that apart in the model",
        Component::MAX_LINKS
    ))
}

/// The profile that owns an identifier.
pub(super) fn profile_of(
    from: &impl Read,
    place: Place,
    kind: KindId,
    identifier: &Identifier,
) -> Result<Option<Profile>, Error> {
    let workspace = place.workspace;
    let owner = OWNERS.get(from, &IdentifierKey { workspace, kind, identifier: identifier.clone() })?;
    let Some(profile) = owner.and_then(|owner| owner.profile) else { return Ok(None) };
    let found = PROFILES.get(from, &ProfileKey { workspace, profile })?;
    found.map(Some).ok_or_else(|| super::plan::missing().into())
}

/// How an identifier was reached. One that joins nobody is part of a component only where a profile of it has it still: a
/// link that names it connects nothing by it. So what is gathered is the same from wherever in it one begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// It is asked for, or of a profile that was met.
    AsPart,
    /// A link names it.
    ByLink,
}

struct Gathering<'a, R> {
    from: &'a R,
    workspace: WorkspaceId,
    rules: Rules<'a>,
    found: Component,
    links: BTreeMap<LinkId, Link>,
    /// What the walls that were found are between.
    walled: BTreeSet<[Identifier; 2]>,
    /// Identifiers that links name, that join nobody, and that are no part of what was found.
    passed: BTreeSet<Identifier>,
    /// The rules under which marks count that it was too much before; `None`: no marks count.
    marked: Option<u64>,
}

/// The link that an event in the history was; `None` if the model has changed so much that it cannot be read.
fn link_of(event: &StoredEvent, model: &Model) -> Option<Link> {
    let mut seen = BTreeSet::new();
    let mut identifiers = Vec::new();
    for raw in &event.raw_keys {
        let identifier = key::identifier(raw, "keys", model).ok()?;
        if seen.insert(identifier.clone()) {
            identifiers.push(identifier);
        }
    }
    let mut previous = None;
    match event.call {
        Call::Group | Call::Leave => identifiers.extend(event.other.clone()),
        Call::Alias => previous.clone_from(&event.other),
        Call::Identify | Call::Track | Call::Page | Call::Screen => {}
        Call::Hush | Call::Lift | Call::Grant | Call::Deny => {}
    }
    let (first, source) = (event.moment.clone(), event.source.clone());
    Some(Link { first, again: Vec::new(), source, identifiers, previous })
}
