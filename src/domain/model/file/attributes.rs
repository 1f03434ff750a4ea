//! `[attributes]`: which attributes there are, and what they hold.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::answer::{ADDRESS, ADDRESS_PREFIX, OF_GROUPS};
use crate::domain::model::attribute::Attributes;
use crate::domain::model::finding::{Finding, MAX_FINDINGS};
use crate::domain::model::{Computed, DEFAULT_KIND, Kind, reads_otherwise};
use crate::domain::value::MAX_NAME_BYTES;
use crate::domain::view::Type;

/// How many attributes a model may declare for one kind.
const MAX_ATTRIBUTES: usize = 1_000;

/// Said of a name that is declared twice over.
const COMPUTED_AS_WELL: &str =
    "is also a computed attribute, which lookups read instead; give one of them another name";

/// As the file has them: by kind and name.
pub(super) type FileAttributes = BTreeMap<String, BTreeMap<String, FileType>>;

/// What an attribute holds. Names are text: whether a text is one is for the view to say.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FileType {
    Text,
    Number,
    Bool,
    Time,
    List,
    Any,
}

impl From<FileType> for Type {
    fn from(declared: FileType) -> Self {
        match declared {
            FileType::Text => Self::Text,
            FileType::Number => Self::Number,
            FileType::Bool => Self::Bool,
            FileType::Time => Self::Time,
            FileType::List => Self::List,
            FileType::Any => Self::Any,
        }
    }
}

/// Checks the declarations; what is wrong goes to `findings`.
pub(super) fn check(
    declared: FileAttributes,
    kinds: &[Kind],
    computed: &[Computed],
    findings: &mut Vec<Finding>,
) -> Attributes {
    for (scope, attributes) in &declared {
        if findings.len() >= MAX_FINDINGS {
            break;
        }
        let path = format!("attributes.{scope}");
        let kind = kinds.iter().find(|kind| kind.name == *scope);
        if kind.is_none() && scope != ADDRESS {
            let known = kinds.iter().map(|kind| kind.name.as_str()).chain([ADDRESS]);
            let text = "is no declared kind, and not `address`; write [attributes.person]";
            findings.push(Finding::new(path, text).suggesting(scope, known));
            continue;
        }
        if attributes.len() > MAX_ATTRIBUTES {
            findings.push(Finding::new(path, format!("declares more than {MAX_ATTRIBUTES} attributes")));
            continue;
        }
        for name in attributes.keys() {
            let text = match kind {
                Some(kind) => unfit(name, kind, kinds, computed),
                None => unfit_for_addresses(name, computed),
            };
            findings.extend(text.map(|text| Finding::new(format!("{path}.{}", quoted(name)), text)));
        }
    }
    let typed =
        |attributes: BTreeMap<String, FileType>| attributes.into_iter().map(|(name, of)| (name, of.into())).collect();
    declared.into_iter().map(|(scope, attributes)| (scope, typed(attributes))).collect()
}

/// Why profiles of `kind` cannot have an attribute of this name, if so.
fn unfit(name: &str, kind: &Kind, kinds: &[Kind], computed: &[Computed]) -> Option<&'static str> {
    if is_misnamed(name) || reads_otherwise(name, kinds) {
        return Some(
            "is no name of an attribute: 1 to 128 bytes, not `*`, and not under `address.`, `segment.` or the name of a kind",
        );
    }
    if computed.iter().any(|computed| computed.kind == kind.id && computed.name == name) {
        return Some(COMPUTED_AS_WELL);
    }
    let is_built_in = kind.name != DEFAULT_KIND && OF_GROUPS.contains(&name);
    is_built_in.then_some("has a name that every kind with members has built in; choose another")
}

/// Why addresses cannot have an attribute of this name, if so.
fn unfit_for_addresses(name: &str, computed: &[Computed]) -> Option<&'static str> {
    if is_misnamed(name) {
        return Some("is no name of an attribute: 1 to 128 bytes, and not `*`");
    }
    let is_computed = computed.iter().any(|computed| computed.name.strip_prefix(ADDRESS_PREFIX) == Some(name));
    is_computed.then_some(COMPUTED_AS_WELL)
}

fn is_misnamed(name: &str) -> bool {
    name.is_empty() || name.len() > MAX_NAME_BYTES || name == "*"
}

/// A key as TOML writes it.
pub(super) fn quoted(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !name.is_empty() && name.bytes().all(is_bare) { name.to_owned() } else { format!("\"{name}\"") }
}
