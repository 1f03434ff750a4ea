//! Records: values as they are stored, each behind a version byte.
//!
//! This module and its parts are the only users of bincode and of serde derives for storage. Stored structs are apart
//! from domain types on purpose: converting between them destructures fully, so that a new field fails the build, and
//! a changed layout is a new version byte and not an accident.

mod access;
mod attributes;
mod backfill;
mod belonging;
mod consent;
mod event;
mod graph;
mod holdings;
mod hush;
mod profile;
mod receipt;
mod refold;
mod served;
mod size;
mod state;
mod tombstone;

use bincode::config::{BigEndian, Configuration, Limit, Varint};
use bincode::serde::{borrow_decode_from_slice, encode_into_std_write};
use serde::{Deserialize, Serialize, Serializer};

use super::Error;

pub use access::ModelVersion;
pub use belonging::read as read_ties;
pub use consent::read as read_consents;
pub use holdings::read_live;
pub use hush::{Hush, read as read_hush};
pub use profile::split as split_profile;

/// How large a record may claim to be, in bytes: stops a length that is garbage before memory is reserved for it.
const MAX_RECORD_BYTES: usize = 64 * 1024 * 1024;
/// Bytes set aside for a record to begin with, more than most have.
const ROOM: usize = 256;
const CONFIG: Configuration<BigEndian, Varint, Limit<MAX_RECORD_BYTES>> =
    bincode::config::standard().with_big_endian().with_limit::<MAX_RECORD_BYTES>();

/// A value that can be stored.
pub trait Record: Sized {
    /// Its bytes, version byte first.
    fn encode(&self) -> Result<Vec<u8>, Error>;
    /// Reads bytes of any version that kith has written.
    fn decode(bytes: &[u8]) -> Result<Self, Error>;
}

/// No value: the key says it all.
impl Record for () {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        Ok(Vec::new())
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        super::read::Cursor::new(bytes, "empty record").end()
    }
}

/// Seals a stored struct behind its version byte.
fn seal<T: Serialize>(what: &'static str, version: u8, stored: &T) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(ROOM);
    seal_into(&mut out, what, version, stored)?;
    Ok(out)
}

/// As [`seal`], behind what `out` has already.
fn seal_into<T: Serialize>(out: &mut Vec<u8>, what: &'static str, version: u8, stored: &T) -> Result<(), Error> {
    out.push(version);
    encode_into_std_write(stored, out, CONFIG).map_err(|error| Error::malformed(what, error))?;
    Ok(())
}

/// Bytes at once, and the same as a list of numbers would be one by one.
fn put_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// Opens what [`seal`] sealed: the version must be `version`, and every byte must be used.
fn open<'b, T: Deserialize<'b>>(what: &'static str, version: u8, bytes: &'b [u8]) -> Result<T, Error> {
    let (found, rest) = bytes.split_first().ok_or(Error::Short { what })?;
    if *found != version {
        return Err(Error::Version { what, version: *found });
    }
    let (stored, used) = borrow_decode_from_slice(rest, CONFIG).map_err(|error| Error::malformed(what, error))?;
    match rest.len().saturating_sub(used) {
        0 => Ok(stored),
        extra => Err(Error::Long { what, extra }),
    }
}

/// The parts that several records share.
mod parts {
    use serde::{Deserialize, Serialize};

    use crate::codec::Error;
    use crate::domain::identifier::Identifier;
    use crate::domain::ids::ProfileId;
    use crate::domain::link::Moment;
    use crate::domain::receipt::Rule;
    use crate::domain::time::Time;

    #[derive(Serialize, Deserialize)]
    pub(super) struct StoredMoment {
        time: u64,
        message_id: String,
    }

    impl From<&Moment> for StoredMoment {
        fn from(moment: &Moment) -> Self {
            let Moment { time, message_id } = moment;
            Self { time: time.micros(), message_id: message_id.clone() }
        }
    }

    impl From<StoredMoment> for Moment {
        fn from(stored: StoredMoment) -> Self {
            let StoredMoment { time, message_id } = stored;
            Self { time: Time::from_micros(time), message_id }
        }
    }

    #[derive(Serialize, Deserialize)]
    pub(super) enum StoredRule {
        Limit { type_name: String, limit: u32 },
        Size,
        BlockedValue,
        Attributes,
        Wall,
        Quarantine,
        Component { bound: u32 },
        Groups,
        Topics,
        Erasure,
        Suppression,
        Consents,
    }

    impl From<&Rule> for StoredRule {
        fn from(rule: &Rule) -> Self {
            match rule {
                Rule::Limit { type_name, limit } => Self::Limit { type_name: type_name.clone(), limit: *limit },
                Rule::Size => Self::Size,
                Rule::BlockedValue => Self::BlockedValue,
                Rule::Attributes => Self::Attributes,
                Rule::Wall => Self::Wall,
                Rule::Quarantine => Self::Quarantine,
                Rule::Component { bound } => Self::Component { bound: *bound },
                Rule::Groups => Self::Groups,
                Rule::Topics => Self::Topics,
                Rule::Erasure => Self::Erasure,
                Rule::Suppression => Self::Suppression,
                Rule::Consents => Self::Consents,
            }
        }
    }

    impl From<StoredRule> for Rule {
        fn from(stored: StoredRule) -> Self {
            match stored {
                StoredRule::Limit { type_name, limit } => Self::Limit { type_name, limit },
                StoredRule::Size => Self::Size,
                StoredRule::BlockedValue => Self::BlockedValue,
                StoredRule::Attributes => Self::Attributes,
                StoredRule::Wall => Self::Wall,
                StoredRule::Quarantine => Self::Quarantine,
                StoredRule::Component { bound } => Self::Component { bound },
                StoredRule::Groups => Self::Groups,
                StoredRule::Topics => Self::Topics,
                StoredRule::Erasure => Self::Erasure,
                StoredRule::Suppression => Self::Suppression,
                StoredRule::Consents => Self::Consents,
            }
        }
    }

    /// A profile id as it is stored: 16 bytes, whatever its value.
    #[derive(Serialize, Deserialize)]
    pub(super) struct StoredId([u8; 16]);

    impl From<ProfileId> for StoredId {
        fn from(id: ProfileId) -> Self {
            Self(id.0.to_be_bytes())
        }
    }

    impl From<StoredId> for ProfileId {
        fn from(stored: StoredId) -> Self {
            Self(u128::from_be_bytes(stored.0))
        }
    }

    pub(super) fn text(identifier: &Identifier) -> String {
        identifier.as_str().to_owned()
    }

    pub(super) fn identifier(what: &'static str, stored: &str) -> Result<Identifier, Error> {
        Identifier::from_stored(stored).ok_or_else(|| Error::malformed(what, "identifier has no type"))
    }
}
