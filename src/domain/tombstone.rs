//! Tombstones: what stays of an erased identifier, so that facts that come late cannot bring it back.
//!
//! A tombstone is found by a keyed hash. Without the secret of the workspace nobody can try out which identifiers were
//! erased, and with it no more than that can be found out.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::identifier::{Identifier, PROFILE_ID_TYPE};
use super::ids::{ProfileId, Seq};
use super::key::Key;
use super::time::Time;

/// How long the secret of a workspace is, in bytes.
pub const SECRET_BYTES: usize = 32;

/// The block of SHA-256, in bytes: keys of HMAC are filled up to it with zeros.
const BLOCK_BYTES: usize = 64;

/// The secret of a workspace that its tombstones are found by. Made at random for its first erasure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TombstoneSecret(pub [u8; SECRET_BYTES]);

/// The keyed hash of an erased identifier: HMAC-SHA256 of its canonical `type:value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TombstoneHash(pub [u8; 32]);

/// What stays of an identifier, or of the id of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The place of the erasure in the log: only what was said before it was said of whom it erased.
    pub seq: Seq,
    /// Facts dated up to here are refused for ever: the log time of the erasure, or the time of the newest event or link
    /// that it took away, which may have been dated ahead.
    pub erased: Time,
    /// True if later facts are refused as well.
    pub suppress: bool,
}

impl fmt::Debug for TombstoneSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TombstoneSecret(…)")
    }
}

impl TombstoneSecret {
    /// Where the tombstone of an identifier is.
    pub fn hash(&self, identifier: &Identifier) -> TombstoneHash {
        self.hash_text(identifier.as_str())
    }

    /// Where the tombstone of the id of a profile is. No identifier has a type of that name.
    pub fn hash_profile(&self, id: ProfileId) -> TombstoneHash {
        self.hash_text(&format!("{PROFILE_ID_TYPE}:{id}"))
    }

    /// Where the tombstone of what a key names is.
    pub fn hash_key(&self, key: &Key) -> TombstoneHash {
        match key {
            Key::Identifier(identifier) => self.hash(identifier),
            Key::Profile(id) => self.hash_profile(*id),
        }
    }

    fn hash_text(&self, text: &str) -> TombstoneHash {
        let mut key = [0; BLOCK_BYTES];
        for (to, from) in key.iter_mut().zip(self.0) {
            *to = from;
        }
        let mut hmac = <Hmac<Sha256> as Mac>::new(&key.into());
        hmac.update(text.as_bytes());
        TombstoneHash(hmac.finalize().into_bytes().into())
    }
}

impl Tombstone {
    /// True if a fact of that time is refused.
    pub fn refuses(&self, time: Time) -> bool {
        self.suppress || time <= self.erased
    }

    /// What stays of what was erased twice: neither erasure weakens the other.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let Self { seq, erased, suppress } = other;
        Self { seq: self.seq.max(seq), erased: self.erased.max(erased), suppress: self.suppress || suppress }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_rfc_2104() {
        let hash = TombstoneSecret([7; SECRET_BYTES]).hash(&Identifier::from_canonical("email", "joe@example.com"));
        let hex: String = hash.0.iter().map(|byte| format!("{byte:02x}")).collect();
        // python3 -c 'import hmac; print(hmac.new(bytes([7]) * 32, b"email:joe@example.com", "sha256").hexdigest())'
        assert_eq!(hex, "0899360dcaaf25f8174957cdcd35f191a469e91c01be057e322af5d0da0b9265");
        let id = ProfileId(1);
        let secret = TombstoneSecret([7; SECRET_BYTES]);
        assert_eq!(secret.hash_key(&Key::Profile(id)), secret.hash_profile(id));
    }

    #[test]
    fn a_fact_of_the_moment_of_the_erasure_is_refused_and_a_later_one_is_not_unless_suppressed() {
        let at = Time::from_micros;
        let tombstone = Tombstone { seq: Seq(1), erased: at(5), suppress: false };
        assert_eq!([4, 5, 6].map(|time| tombstone.refuses(at(time))), [true, true, false]);
        assert!(Tombstone { suppress: true, ..tombstone }.refuses(at(6)));
    }

    #[test]
    fn a_second_erasure_does_not_weaken_the_first() {
        let first = Tombstone { seq: Seq(1), erased: Time::from_micros(9), suppress: true };
        let second = Tombstone { seq: Seq(2), erased: Time::from_micros(5), suppress: false };
        let both = Tombstone { seq: Seq(2), ..first };
        assert_eq!((first.and(second), second.and(first)), (both, both));
    }
}
