//! Views as the model file has them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use crate::domain::model::DEFAULT_KIND;
use crate::domain::view::Type;

/// Views by name.
pub(in crate::domain::model::file) type FileViews = BTreeMap<String, Versions>;

/// The versions of one view.
pub(in crate::domain::model::file) struct Versions {
    pub(super) views: Vec<FileView>,
    /// True if they are written as `[[…]]`.
    pub(super) listed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileView {
    #[serde(default = "first_version")]
    pub(super) version: u32,
    #[serde(default = "default_kind")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) purpose: String,
    #[serde(default)]
    pub(super) channel: String,
    #[serde(default)]
    pub(super) opt_in: bool,
    #[serde(default)]
    pub(super) topics: Vec<String>,
    pub(super) shared: Option<FileDecision>,
    #[serde(default)]
    pub(super) holds: BTreeMap<String, FileHold>,
    #[serde(default)]
    pub(super) fields: BTreeMap<String, FileField>,
}

/// What stands against speaking. Exactly one of `while`, `bought` and `count` is to be there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileHold {
    #[serde(rename = "while")]
    pub(super) while_: Option<String>,
    pub(super) bought: Option<String>,
    pub(super) within: Option<String>,
    pub(super) count: Option<String>,
    pub(super) at_most: Option<u32>,
    pub(super) decision: Option<FileDecision>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FileDecision {
    Send,
    Hold,
    Skip,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileField {
    #[serde(default)]
    pub(super) from: Vec<String>,
    #[serde(rename = "type")]
    pub(super) value_type: Option<FileType>,
    pub(super) default: Option<toml::Value>,
    #[serde(default)]
    pub(super) required: bool,
    pub(super) max_age: Option<String>,
    pub(super) max_length: Option<u32>,
    #[serde(default)]
    pub(super) repair: bool,
    #[serde(default)]
    pub(super) topics: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FileType {
    Text,
    Name,
    Number,
    Bool,
    Time,
    List,
    Any,
}

fn first_version() -> u32 {
    1
}

fn default_kind() -> String {
    DEFAULT_KIND.to_owned()
}

impl From<FileType> for Type {
    fn from(declared: FileType) -> Self {
        match declared {
            FileType::Text => Self::Text,
            FileType::Name => Self::Name,
            FileType::Number => Self::Number,
            FileType::Bool => Self::Bool,
            FileType::Time => Self::Time,
            FileType::List => Self::List,
            FileType::Any => Self::Any,
        }
    }
}

/// By hand, because serde's untagged enums forget where in the file they are.
impl<'de> Deserialize<'de> for Versions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Versions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a view, or several versions of one as [[views.NAME]]")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Versions, A::Error> {
                let view = FileView::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Versions { views: vec![view], listed: false })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Versions, A::Error> {
                Ok(Versions { views: Vec::deserialize(SeqAccessDeserializer::new(seq))?, listed: true })
            }
        }

        deserializer.deserialize_any(OneOrMore)
    }
}
