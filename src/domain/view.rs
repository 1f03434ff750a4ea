//! Views: what one use case reads of a customer, declared in the model under a name and a version.
//!
//! A field of a view is a chain of rungs: attributes and computed attributes in the order of preference, and a constant
//! at its end. The first rung that has a usable value answers. A view is compiled when its model is loaded: everything it
//! reads is a slot of one lookup, each read once, and rungs are numbers of slots.
//!
//! Beside its fields a view answers whether to speak at all ([`Decision`]), by what it declares to stand against that
//! ([`Hold`]), and how long its answer stands by itself.
//!
//! Fields do not fall back to other fields. So no chain can go in circles, and what a field says is read off its own lines.

mod about;
mod answer;
mod decision;
mod expiry;
mod found;
mod gate;
mod hold;
mod html;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::answer::Fields;
use super::ids::KindId;
use super::segment::Asked;
use super::value::Value;

pub use about::{About, MAX_ABOUT, MAX_ABOUT_BYTES};
pub use answer::{Shown, State, Viewed};
pub use decision::{Code, Decision, Reason};
pub use expiry::MAX_CACHED_MICROS;
pub use found::Found;
pub use gate::{Denier, Gate, Permission};
pub use hold::{Condition, Hold, MAX_HOLDS};
pub use html::escape;

/// How many views a model may declare, all versions of one name counted.
pub const MAX_VIEWS: usize = 256;
/// How many fields a view may have.
pub const MAX_VIEW_FIELDS: usize = 128;
/// How many rungs a field may have, its constant aside.
pub const MAX_RUNGS: usize = 16;
/// How many topics a view, or a field, may speak of.
pub const MAX_TOPICS: usize = 64;
/// How long the name of a view, a purpose, a channel or a topic may be, in bytes.
pub const MAX_LABEL_BYTES: usize = 64;
/// The largest `max_length`, in characters.
pub const MAX_LENGTH: usize = 10_000;

/// A declared view, ready to answer.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Its name, such as `newsletter`.
    pub name: String,
    /// Its version, at least 1. Of several versions of one name the highest is meant where none is named.
    pub version: u32,
    /// The kind whose profiles it reads.
    pub kind: KindId,
    /// What the values are used for, such as `marketing`: the purpose that needs consent. Empty: none does.
    pub purpose: String,
    /// By which channel the customer is spoken to, such as `email`. Empty: by none in particular.
    pub channel: String,
    /// True if nobody is spoken to who has not agreed; otherwise only refusal counts.
    pub opt_in: bool,
    /// The topics that the view as a whole speaks of.
    pub topics: BTreeSet<String>,
    /// Its fields, in the order of their names.
    pub fields: Vec<Field>,
    /// What is decided where several people share the key asked by.
    pub shared: Decision,
    /// What stands against speaking now, in the order of their names.
    pub holds: Vec<Hold>,
    /// What a lookup reads for it: every slot once.
    pub slots: Fields,
    /// The segments among the slots; `None` if there are none.
    pub asked: Option<Arc<Asked>>,
}

/// A declared field of a view.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name, such as `greeting`.
    pub name: Arc<str>,
    /// What its value is.
    pub value_type: Type,
    /// Where its value comes from, the best place first.
    pub rungs: Vec<Rung>,
    /// The constant that answers where no rung does.
    pub default: Option<Value>,
    /// The age in microseconds past which a value is stale. A value that is computed from all events is of now.
    pub max_age: Option<u64>,
    /// How many characters a text may have: a longer one is cut, and a longer name is rejected.
    pub max_length: Option<usize>,
    /// True if a name that is all capitals or all small letters gets back its case.
    pub repair: bool,
    /// True if nothing can be rendered without it.
    pub required: bool,
    /// The topics that this field alone speaks of.
    pub topics: BTreeSet<String>,
}

/// A place that the value of a field may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Its number among the slots of the view.
    pub slot: usize,
    /// Whose value it is: `address`, the kind of the view, or the kind of the group that it is read through.
    pub scope: Arc<str>,
}

/// What the value of a field is. The type is checked when a value is read, because facts may set an attribute to anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text that is not blank.
    Text,
    /// Text that is the name of somebody; see [`crate::domain::name`].
    Name,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// A time, or a text that is an RFC 3339 time or a date.
    Time,
    /// A list.
    List,
    /// Whatever was set.
    Any,
}

impl View {
    /// `name@version`, as requests may write it.
    pub fn full_name(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Name => "name",
            Self::Number => "number",
            Self::Bool => "bool",
            Self::Time => "time",
            Self::List => "list",
            Self::Any => "any",
        })
    }
}

impl Type {
    /// True if a field of this type can be filled from a place of type `source`. Where either may be anything, only the
    /// value itself can tell.
    pub fn takes(self, source: Self) -> bool {
        let plain = |of: Self| if of == Self::Name { Self::Text } else { of };
        self == Self::Any || source == Self::Any || plain(self) == plain(source)
    }

    /// True if `value` is of this type.
    pub fn holds(self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Null) => false,
            (Self::Text | Self::Name, Value::Text(text)) => !text.trim().is_empty(),
            (Self::Time, Value::Text(text)) => is_time(text),
            (Self::Number, Value::Number(_))
            | (Self::Bool, Value::Bool(_))
            | (Self::Time, Value::Time(_))
            | (Self::List, Value::List(_))
            | (Self::Any, _) => true,
            (Self::Text | Self::Name | Self::Number | Self::Bool | Self::Time | Self::List, _) => false,
        }
    }
}

/// Times come in as text, because JSON has no other way to write them; those before 1970 (birthdays) have no other way
/// here either.
fn is_time(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::Date>().is_ok()
}

/// True for names of views, purposes, channels and topics: 1 to 64 of a-z, 0-9, `_` and `-`, a letter or digit first.
pub fn is_label(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    starts_well && text.len() <= MAX_LABEL_BYTES && text.bytes().all(allowed)
}
