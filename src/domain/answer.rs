//! Lookups and their answers.

mod wanted;

use std::sync::Arc;

use super::consent::Consent;
use super::hush::Hushed;
use super::ids::ProfileId;
use super::invalid::{Invalid, Reason};
use super::key::Key;
use super::model::{Kind, Model};
use super::time::Time;
use super::value::Value;
use super::view::Viewed;

pub use wanted::{Wanted, What, without_view};

/// How many customers a batch may ask for.
pub const MAX_BATCH_KEYS: usize = 1_000;
/// How many fields a lookup may name.
pub const MAX_FIELDS: usize = 256;
/// Asks for everything.
pub const EVERYTHING: &str = "*";
/// Whose the fields are that belong to the identifier asked by.
pub const ADDRESS: &str = "address";
/// Starts the names of these fields.
pub const ADDRESS_PREFIX: &str = "address.";
/// Whose the fields are that tell of segments, as `segment.vip`.
pub const SEGMENT: &str = "segment";
/// How many persons are members of the group now.
pub const MEMBERS: &str = "members";
/// How many of them have an identifier of a type that means that somebody logged in.
pub const SEATS_USED: &str = "seats_used";
/// Read through a group, as `account.id`: the group's identifier.
pub const ID: &str = "id";
/// Read through a group: what the member is there.
pub const ROLE: &str = "role";
/// Read through a group: when the membership began.
pub const SINCE: &str = "since";
/// Names of fields that are built in where a customer is read as a group, or through one.
pub const OF_GROUPS: [&str; 5] = [MEMBERS, SEATS_USED, ID, ROLE, SINCE];
/// How many members of a group are read at once, those of each of its identifiers by themselves. A group with more has no
/// computed attributes over them.
pub const MAX_MEMBERS: usize = 10_000;

/// How long the name of a field may be, in bytes: a kind, a dot, and the name of an attribute.
const MAX_FIELD_BYTES: usize = super::identifier::MAX_TYPE_BYTES + 1 + super::value::MAX_NAME_BYTES;

/// The name of a field, shared by all answers that have it.
pub type Name = Arc<str>;

/// The fields wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fields {
    /// All that have a value.
    Everything,
    /// These, in this order, without repeats.
    Named(Vec<Name>),
}

impl Fields {
    /// Reads a list of names: none, or `*` among them, asks for everything.
    pub fn parse(names: Vec<String>) -> Result<Self, Invalid> {
        if names.len() > MAX_FIELDS {
            let text = format!("names more than {MAX_FIELDS} fields; ask for `*`");
            return Err(Invalid::new(Reason::TooLarge, "fields", text));
        }
        if names.is_empty() || names.iter().any(|name| name == EVERYTHING) {
            return Ok(Self::Everything);
        }
        let mut wanted: Vec<Name> = Vec::with_capacity(names.len());
        for (at, name) in names.into_iter().enumerate() {
            if name.is_empty() {
                return Err(Invalid::new(Reason::Missing, format!("fields[{at}]"), "is empty"));
            }
            if name.len() > MAX_FIELD_BYTES {
                return Err(Invalid::new(Reason::TooLarge, format!("fields[{at}]"), "is longer than a name may be"));
            }
            if !wanted.iter().any(|known| **known == *name) {
                wanted.push(name.into());
            }
        }
        Ok(Self::Named(wanted))
    }
}

/// Finds the kind called `name` for a request.
pub fn kind<'a>(name: &str, model: &'a Model) -> Result<&'a Kind, Invalid> {
    model.kind(name).ok_or_else(|| {
        Invalid::new(Reason::UnknownKind, "kind", "is not declared by the model; see `kith model check`")
    })
}

/// Reads the keys of one customer, strongest first, each with its place in `keys`. A key of another kind's type is
/// refused: it could never find anything.
pub fn keys(keys: &[String], kind: &Kind, model: &Model) -> Result<Vec<(usize, Key)>, Invalid> {
    if keys.is_empty() {
        return Err(Invalid::new(Reason::Missing, "keys", "is empty; name the customer by at least one key"));
    }
    if keys.len() > super::fact::MAX_KEYS {
        let text = format!("has more than {} keys for one customer", super::fact::MAX_KEYS);
        return Err(Invalid::new(Reason::TooLarge, "keys", text));
    }
    let mut ranked = Vec::with_capacity(keys.len());
    for (at, text) in keys.iter().enumerate() {
        let (rank, key) = ranked_key(text, "keys", kind, model).map_err(|invalid| invalid.at(at))?;
        ranked.push((rank, at, key));
    }
    ranked.sort_by_key(|(rank, at, _)| (*rank, *at));
    Ok(ranked.into_iter().map(|(_, at, key)| (at, key)).collect())
}

/// Reads one key of `kind` and its rank; a profile id is stronger than any identifier.
pub fn ranked_key(text: &str, field: &str, kind: &Kind, model: &Model) -> Result<(usize, Key), Invalid> {
    let key = Key::parse(text, field, model)?;
    let rank = match &key {
        Key::Profile(_) => Some(0),
        Key::Identifier(identifier) => kind.rank(identifier.type_name()).map(|rank| rank + 1),
    };
    let text = "has a type that does not identify this kind; see `kith model check`";
    let rank = rank.ok_or_else(|| Invalid::new(Reason::UnknownType, field, text))?;
    Ok((rank, key))
}

/// How the keys of a lookup were resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// One profile was found.
    Found(ProfileId),
    /// Several people use the only key that was found: the answer holds what is true of all of them.
    Shared {
        /// How many, at least two.
        people: usize,
    },
    /// No profile owns any of the keys.
    NotFound,
    /// No profile owns any of the keys, because the one that did was erased.
    Erased,
}

/// What is known of one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// It has a value.
    Present {
        /// The value.
        value: Value,
        /// The event time of the fact that set it. `None` for what is computed from all events.
        as_of: Option<Time>,
    },
    /// No fact has set it.
    NotSet,
    /// The people who share the key asked by have different values, or some have none.
    Ambiguous,
    /// It is over the members of a group that has more than [`MAX_MEMBERS`].
    TooLarge,
}

impl Field {
    /// A value of now.
    pub fn now(value: Value) -> Self {
        Self::Present { value, as_of: None }
    }

    /// The value, if there is one.
    pub fn value(self) -> Option<Value> {
        match self {
            Self::Present { value, .. } => Some(value),
            Self::NotSet | Self::Ambiguous | Self::TooLarge => None,
        }
    }
}

/// What is known of one customer, as far as it was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Which of the keys asked by led here, as a place in the request.
    pub key: usize,
    /// Whether a profile was found, and which.
    pub resolution: Resolution,
    /// The fields by name. Where everything was asked for, those that somebody has a value of. Empty for a view.
    pub fields: Vec<(Name, Field)>,
    /// The same of each of the people who share the key, where fields were named and the values may differ. Empty for a
    /// view, and where there is one.
    pub apart: Vec<Vec<(Name, Field)>>,
    /// The topics that are hushed for the customer now, in order, whatever fields were asked for.
    pub hushed: Vec<Hushed>,
    /// What a view makes of it, where one was asked for.
    pub viewed: Option<Viewed>,
    /// Whether the purpose asked for is allowed; none if none was.
    pub consents: Vec<Consent>,
    /// The earliest moment at which a value that was read is another without any write; `None` if none ever is.
    pub changes_at: Option<Time>,
}
