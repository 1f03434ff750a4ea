//! Stamps: how whoever keeps an answer finds out that what it was read from has been written since.
//!
//! Every key of the families that are watched ([`Family::is_watched`]) belongs to one of many stamps, by its hash. A
//! commit moves the stamps of the keys that it writes twice: before it, and once what it wrote can be read. In between
//! they are odd, and nobody takes them then. So if a stamp is what it was before a key was read, the key is still what
//! was read: a commit that came after that has moved it, whether it is seen already or not. Keys that share a stamp
//! make an answer look older than it is, never newer.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::catalogue::Family;

/// How many stamps there are: at 10,000 facts a second of two keys each, every single one moves about once a minute. A
/// power of two.
const STAMPS: usize = 1 << 20;
/// The stamp of what is kept in memory beside the store: workspaces, models, API keys.
const REGISTRY: Place = Place(0);
/// How many stamps one answer is watched by at most; what is read from more keys is not worth keeping.
const MAX_WATCHED: usize = 6;

/// The stamps of a store.
pub(super) struct Stamps(Box<[AtomicU64]>);

/// Which stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place(u32);

/// A stamp as it was before something was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    place: Place,
    moves: u64,
}

impl Place {
    /// That of a key; `None` in families that are not watched.
    fn of(family: Family, key: &[u8]) -> Option<Self> {
        let seed = family.is_watched().then_some(family as u64)?;
        let hash = xxh3_64_with_seed(key, seed);
        // The registry's own place is left to it.
        u32::try_from(hash % (STAMPS as u64 - 1) + 1).ok().map(Self)
    }
}

impl Stamps {
    pub(super) fn new() -> Self {
        Self((0..STAMPS).map(|_| AtomicU64::new(0)).collect())
    }

    /// The stamp of a key; `None` if it cannot be watched, or is being written.
    pub(super) fn of(&self, family: Family, key: &[u8]) -> Option<Stamp> {
        self.at(Place::of(family, key)?)
    }

    /// The stamp of workspaces, models and API keys; `None` while one is being written.
    pub(super) fn registry(&self) -> Option<Stamp> {
        self.at(REGISTRY)
    }

    /// True if what this is the stamp of was not written since.
    pub(super) fn stands(&self, Stamp { place, moves }: Stamp) -> bool {
        self.moves(place).is_some_and(|now| now.load(Ordering::Acquire) == moves)
    }

    /// Moves the stamps of what is about to be written.
    pub(super) fn begin<'k>(&self, keys: impl Iterator<Item = (Family, &'k [u8])>, registry: bool) -> Writing<'_> {
        let mut places: Vec<Place> = keys.filter_map(|(family, key)| Place::of(family, key)).collect();
        places.extend(registry.then_some(REGISTRY));
        places.sort_unstable();
        places.dedup();
        let writing = Writing { stamps: self, places };
        writing.advance();
        writing
    }

    fn at(&self, place: Place) -> Option<Stamp> {
        let moves = self.moves(place)?.load(Ordering::Acquire);
        moves.is_multiple_of(2).then_some(Stamp { place, moves })
    }

    fn moves(&self, Place(place): Place) -> Option<&AtomicU64> {
        self.0.get(usize::try_from(place).ok()?)
    }
}

/// A commit under way; it ends when this is dropped, however it ended.
#[must_use = "what is written counts as seen once this is dropped"]
pub(super) struct Writing<'s> {
    stamps: &'s Stamps,
    places: Vec<Place>,
}

impl Writing<'_> {
    fn advance(&self) {
        for place in &self.places {
            if let Some(moves) = self.stamps.moves(*place) {
                moves.fetch_add(1, Ordering::AcqRel);
            }
        }
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.advance();
    }
}

/// Notes the stamps of what is read for an answer.
pub(super) struct Watch(RefCell<Noted>);

/// The stamps noted so far; `None` once something was read that cannot be watched.
type Noted = Option<Vec<Stamp>>;

/// What an answer was read from. As long as it stands, to read it again would give the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis([Stamp; MAX_WATCHED]);

impl Watch {
    pub(super) fn new() -> Self {
        Self(RefCell::new(Some(Vec::new())))
    }

    pub(super) fn note(&self, stamp: Option<Stamp>) {
        let mut noted = self.0.borrow_mut();
        match (noted.as_mut(), stamp) {
            (Some(stamps), Some(stamp)) if stamps.contains(&stamp) => {}
            (Some(stamps), Some(stamp)) if stamps.len() < MAX_WATCHED => stamps.push(stamp),
            _ => *noted = None,
        }
    }

    /// What was noted since this was last asked; `None` if that was nothing, or not all of it can be watched.
    pub(super) fn take(&self) -> Option<Basis> {
        let stamps = self.0.replace(Some(Vec::new()))?;
        // What is left over repeats the first: there is one size, and no list to follow.
        let mut basis = [*stamps.first()?; MAX_WATCHED];
        basis.iter_mut().zip(stamps).for_each(|(place, stamp)| *place = stamp);
        Some(Basis(basis))
    }
}

impl Stamps {
    /// True if nothing that an answer was read from has been written since.
    pub(super) fn all_stand(&self, Basis(stamps): &Basis) -> bool {
        stamps.iter().all(|stamp| self.stands(*stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILY: Family = Family::ProfileById;

    fn write<'s>(stamps: &'s Stamps, key: &'static [u8]) -> Writing<'s> {
        stamps.begin([(FAMILY, key), (FAMILY, key)].into_iter(), false)
    }

    #[test]
    fn what_was_read_before_or_during_a_commit_does_not_stand_after_it() {
        let stamps = Stamps::new();
        let (before, other) = (stamps.of(FAMILY, b"a").unwrap(), stamps.of(FAMILY, b"b").unwrap());
        assert!(stamps.stands(before));
        let writing = write(&stamps, b"a");
        assert!(!stamps.stands(before) && stamps.stands(other));
        assert_eq!(stamps.of(FAMILY, b"a"), None, "nobody takes one while it is written");
        drop(writing);
        assert!(!stamps.stands(before) && stamps.stands(other));
        let after = stamps.of(FAMILY, b"a").unwrap();
        assert!(stamps.stands(after) && after != before);
    }

    #[test]
    fn the_registry_is_written_like_a_key() {
        let stamps = Stamps::new();
        let before = stamps.registry().unwrap();
        drop(write(&stamps, b"a"));
        assert!(stamps.stands(before));
        let writing = stamps.begin(std::iter::empty(), true);
        assert!(stamps.registry().is_none() && !stamps.stands(before));
        drop(writing);
        assert!(stamps.registry().is_some() && !stamps.stands(before));
    }

    #[test]
    fn evidence_is_of_all_that_was_noted_or_there_is_none() {
        let stamps = Stamps::new();
        let watch = Watch::new();
        assert_eq!(watch.take(), None, "nothing was read");
        let (a, b) = (b"a".as_slice(), b"b".as_slice());
        [a, b].iter().for_each(|key| watch.note(stamps.of(FAMILY, key)));
        let basis = watch.take().unwrap();
        assert!(stamps.all_stand(&basis));
        drop(write(&stamps, b"b"));
        assert!(!stamps.all_stand(&basis));

        watch.note(stamps.of(Family::MemberByAccount, a));
        watch.note(stamps.of(FAMILY, a));
        assert_eq!(watch.take(), None, "one of them cannot be watched");
        (0..=MAX_WATCHED).for_each(|key| watch.note(stamps.of(FAMILY, &key.to_be_bytes())));
        assert_eq!(watch.take(), None, "too many");
    }
}
