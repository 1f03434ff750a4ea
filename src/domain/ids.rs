//! The small ids: workspace, kind, profile, and the place of a command in the log.

use std::fmt;

use uuid::{Builder, Uuid};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::time::Time;

/// A hard-isolated tenant. First in every key that belongs to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspaceId(pub u32);

/// The place of a command in the log; the first one is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// How far the log has come: the place of its last command, and the latest log time up to there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPlace {
    /// The last command.
    pub seq: Seq,
    /// Never goes back, whatever clocks do.
    pub log_time: Time,
}

impl LogPlace {
    /// The place of the next command, which arrives at `now`.
    pub fn after(self, now: Time) -> Self {
        Self { seq: Seq(self.seq.0 + 1), log_time: self.log_time.max(now) }
    }
}

/// What "the customer" means, as a number: a hash of the kind's name, so that it is the same for ever.
///
/// The model refuses two kinds with the same number. Zero stands for the address itself ([`KindId::ADDRESS`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(pub u32);

impl KindId {
    /// Not a kind of profile but the identifier itself as a subject: what is said of one address.
    pub const ADDRESS: Self = Self(0);

    /// The number of the kind called `name`.
    pub fn of(name: &str) -> Self {
        let bytes = xxh3_64(name.as_bytes()).to_be_bytes();
        let [a, b, c, d, ..] = bytes;
        Self(u32::from_be_bytes([a, b, c, d]))
    }
}

/// The stable id of a profile: a UUID of version 7, ordered by creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileId(pub u128);

impl ProfileId {
    /// The id of the `index`-th profile that the command at `seq`, logged at `logged`, creates.
    ///
    /// A pure function of its arguments: every replica of the log hands out the same ids.
    pub fn derive(logged: Time, seq: Seq, index: u32) -> Self {
        let mut place = [0; 12];
        let (head, tail) = place.split_at_mut(8);
        head.copy_from_slice(&seq.0.to_be_bytes());
        tail.copy_from_slice(&index.to_be_bytes());
        let [_, _, _, _, _, _, random @ ..] = xxh3_128(&place).to_be_bytes();
        Self(Builder::from_unix_timestamp_millis(logged.micros() / 1_000, &random).into_uuid().as_u128())
    }

    /// Reads the text form; `None` if it is not a UUID.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(|uuid| Self(uuid.as_u128()))
    }
}

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from_u128(self.0).hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_ids_are_deterministic_distinct_and_ordered_by_time() {
        let id = |ms: u64, seq, index| ProfileId::derive(Time::from_micros(ms * 1_000), Seq(seq), index);
        assert_eq!(id(5, 1, 0), id(5, 1, 0));
        assert_ne!(id(5, 1, 0), id(5, 1, 1));
        assert_ne!(id(5, 1, 0), id(5, 2, 0));
        assert!(id(5, 9, 0) < id(6, 1, 0));
        assert_eq!(ProfileId::parse(&id(5, 1, 0).to_string()), Some(id(5, 1, 0)));
    }

    #[test]
    fn kind_numbers_never_change() {
        assert_eq!(KindId::of("person"), KindId::of("person"));
        assert_ne!(KindId::of("person"), KindId::of("account"));
    }
}
