//! The model file: its TOML shape, its defaults and its linter.

mod attributes;
mod computed;
mod segments;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use regex::{RegexSet, RegexSetBuilder};
use serde::Deserialize;

use super::finding::{Error, Finding, MAX_FINDINGS};
use super::{Blocked, IdentifierType, Kind, Model};
use crate::domain::answer::{ADDRESS, SEGMENT};
use crate::domain::canonical::Canonical;
use crate::domain::identifier::{PROFILE_ID_TYPE, is_type_name};
use crate::domain::ids::KindId;
use attributes::FileAttributes;
use computed::FileComputed;
use segments::FileSegments;
use views::FileViews;

/// How large a model file may be, in bytes.
const MAX_MODEL_BYTES: usize = 1024 * 1024;
/// How many kinds a model may declare: every fact is folded for each.
const MAX_KINDS: usize = 16;
/// How large the compiled form of a type's blocked patterns may be, in bytes: stops a regex that explodes.
const MAX_PATTERN_BYTES: usize = 256 * 1024;
/// Exact values, lower case, that identify nobody, whatever the type.
const BLOCKED_EVERYWHERE: [&str; 7] = ["-1", "null", "undefined", "none", "anonymous", "unknown", "test@test.com"];
/// Identifier types that need no declaration: without one they have their defaults.
const KNOWN_TYPES: [&str; 6] = ["user_id", "email", "phone", "device_id", "anonymous_id", "account_id"];
/// The pattern of values that identify nobody, whatever the type: nothing but zeros and dashes.
const BLOCKED_PATTERN_EVERYWHERE: &str = "^[0-]*$";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    identifiers: BTreeMap<String, FileType>,
    #[serde(default)]
    kinds: BTreeMap<String, FileKind>,
    #[serde(default)]
    computed: BTreeMap<String, FileComputed>,
    #[serde(default)]
    attributes: FileAttributes,
    #[serde(default)]
    segments: FileSegments,
    #[serde(default)]
    views: FileViews,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FileType {
    limit: Option<u32>,
    login: Option<bool>,
    canonical: Option<FileCanonical>,
    blocked: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FileCanonical {
    Exact,
    Lower,
    Email,
    Phone,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileKind {
    identifiers: Vec<String>,
}

fn meaning(path: impl Into<String>, text: impl Into<String>) -> Error {
    Finding::new(path, text).into()
}

/// Reads and checks a model file.
pub(super) fn parse(source: &str) -> Result<Model, Error> {
    if source.len() > MAX_MODEL_BYTES {
        return Err(meaning("the file", format!("is larger than {MAX_MODEL_BYTES} bytes")));
    }
    let file: File = toml::from_str(source).map_err(|error| Finding::of_syntax(&error, source))?;
    check(file, source).map_err(|error| error.located(source))
}

/// The first thing wrong with identities and computed attributes is told alone, because all else refers to them; of
/// attributes, segments and views everything is told at once.
fn check(file: File, source: &str) -> Result<Model, Error> {
    let File { mut identifiers, kinds, computed, attributes, segments, views } = file;
    for known in KNOWN_TYPES {
        identifiers.entry(known.to_owned()).or_default();
    }
    let types = identifiers
        .into_iter()
        .map(|(name, declared)| identifier_type(&name, declared).map(|checked| (name, checked)))
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    let kinds = check_kinds(kinds, &types)?;
    let backfilled = computed::backfilled(&computed);
    let computed = computed
        .into_iter()
        .map(|(name, declared)| computed::check(name, declared, &kinds))
        .collect::<Result<Vec<_>, _>>()?;
    computed::check_together(&computed, &attributes)?;
    let mut findings = Vec::new();
    let attributes = attributes::check(attributes, &kinds, &computed, &mut findings);
    let (source, none, no_views) = (source.to_owned(), Vec::new(), Vec::new());
    let mut model = Model { types, kinds, computed, backfilled, attributes, segments: none, views: no_views, source };
    model.segments = segments::compile(segments, &model, &mut findings);
    model.views = views::compile(views, &model, &mut findings);
    findings.truncate(MAX_FINDINGS);
    if findings.is_empty() { Ok(model) } else { Err(Error { findings }) }
}

fn identifier_type(name: &str, declared: FileType) -> Result<IdentifierType, Error> {
    let FileType { limit, login, canonical, blocked } = declared;
    let path = format!("identifiers.{name}");
    if !is_type_name(name) || name == PROFILE_ID_TYPE {
        let text = format!("is no type name: 1 to 32 of a-z, 0-9 and _, a letter first, and not {PROFILE_ID_TYPE}");
        return Err(meaning(path, text));
    }
    let limit = limit.unwrap_or_else(|| default_limit(name));
    if limit == 0 {
        return Err(meaning(format!("{path}.limit"), "is 0; a profile must be able to have one value"));
    }
    let login = login.unwrap_or(name == "user_id");
    let canonical = canonical.map_or_else(|| default_canonical(name), Canonical::from);
    let blocked = check_blocked(&blocked, &path)?;
    Ok(IdentifierType { name: name.to_owned(), canonical, limit, login, blocked })
}

fn default_limit(type_name: &str) -> u32 {
    match type_name {
        "user_id" | "account_id" => 1,
        "anonymous_id" | "device_id" => 100,
        _ => 5,
    }
}

fn default_canonical(type_name: &str) -> Canonical {
    match type_name {
        "email" => Canonical::Email,
        "phone" => Canonical::Phone,
        _ => Canonical::Exact,
    }
}

/// Entries between slashes are regular expressions, all others exact values.
fn check_blocked(entries: &[String], path: &str) -> Result<Blocked, Error> {
    let mut exact: BTreeSet<String> = BLOCKED_EVERYWHERE.iter().map(ToString::to_string).collect();
    let mut patterns = vec![BLOCKED_PATTERN_EVERYWHERE.to_owned()];
    for entry in entries {
        match entry.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            Some(pattern) => patterns.push(pattern.to_owned()),
            None => {
                exact.insert(entry.to_lowercase());
            }
        }
    }
    let patterns = compile(&patterns).map_err(|error| meaning(format!("{path}.blocked"), error.to_string()))?;
    Ok(Blocked { exact, patterns })
}

fn compile(patterns: &[String]) -> Result<RegexSet, regex::Error> {
    RegexSetBuilder::new(patterns).size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES).build()
}

fn check_kinds(
    kinds: BTreeMap<String, FileKind>,
    types: &BTreeMap<String, IdentifierType>,
) -> Result<Vec<Kind>, Error> {
    if kinds.is_empty() {
        return Err(meaning("kinds", "declares no kind; add one, such as [kinds.person]"));
    }
    if kinds.len() > MAX_KINDS {
        return Err(meaning("kinds", format!("declares more than {MAX_KINDS} kinds")));
    }
    let mut checked: Vec<Kind> = Vec::with_capacity(kinds.len());
    for (name, FileKind { identifiers }) in kinds {
        let path = format!("kinds.{name}");
        if !is_type_name(&name) || [ADDRESS, SEGMENT].contains(&name.as_str()) {
            let text = "is no name: 1 to 32 of a-z, 0-9 and _, a letter first, not `address` and not `segment`";
            return Err(meaning(path, text));
        }
        check_rank_order(&identifiers, &path, types)?;
        let id = KindId::of(&name);
        if id == KindId::ADDRESS || checked.iter().any(|kind| kind.id == id) {
            return Err(meaning(path, "has the same number as another kind; choose another name"));
        }
        checked.push(Kind { name, id, types: identifiers });
    }
    Ok(checked)
}

fn check_rank_order(identifiers: &[String], path: &str, types: &BTreeMap<String, IdentifierType>) -> Result<(), Error> {
    let path = format!("{path}.identifiers");
    if identifiers.is_empty() {
        return Err(meaning(path, "is empty; list identifier types, strongest first"));
    }
    let mut seen = BTreeSet::new();
    for name in identifiers {
        if !types.contains_key(name) {
            return Err(meaning(path, format!("names `{name}`, which is not declared; add [identifiers.{name}]")));
        }
        if !seen.insert(name) {
            return Err(meaning(path, format!("names `{name}` twice")));
        }
    }
    Ok(())
}

impl From<FileCanonical> for Canonical {
    fn from(form: FileCanonical) -> Self {
        match form {
            FileCanonical::Exact => Self::Exact,
            FileCanonical::Lower => Self::Lower,
            FileCanonical::Email => Self::Email,
            FileCanonical::Phone => Self::Phone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::DEFAULT_MODEL;

    fn refusal(source: &str) -> String {
        parse(source).unwrap_err().to_string()
    }

    #[test]
    fn the_default_model_is_sound_and_ranks_as_written() {
        let model = parse(DEFAULT_MODEL).unwrap();
        let person = model.kind("").unwrap();
        assert_eq!(person.rank("user_id"), Some(0));
        assert_eq!(person.rank("anonymous_id"), Some(4));
        assert_eq!(person.rank("account_id"), None);
        assert_eq!(model.identifier_type("email").unwrap().limit, 5);
    }

    #[test]
    fn values_that_identify_nobody_are_blocked() {
        let model =
            parse("[identifiers.user_id]\nblocked = ['Root', '/^x+$/']\n[kinds.person]\nidentifiers = ['user_id']")
                .unwrap();
        let user_id = model.identifier_type("user_id").unwrap();
        for value in ["", "000", "0-0", "-1", "NULL", "undefined", "root", "xxx"] {
            assert!(user_id.blocks(value), "{value} should be blocked");
        }
        for value in ["0x1", "nullable", "10", "axxx"] {
            assert!(!user_id.blocks(value), "{value} should not be blocked");
        }
    }

    #[test]
    fn nonsense_is_refused_where_it_stands() {
        let kinds = "[kinds.person]\nidentifiers = ['user_id']\n";
        let undeclared = "[kinds.person]\nidentifiers = ['crm_id']\n";
        let base = kinds;
        assert!(refusal("nonsense = 1").contains("nonsense"));
        assert!(refusal("").contains("declares no kind"));
        assert!(refusal(undeclared).contains("kinds.person.identifiers: names `crm_id`, which is not declared"));
        assert!(refusal(&format!("[identifiers.profile_id]\n{base}")).contains("identifiers.profile_id"));
        assert!(refusal(&format!("{base}[computed.n]\naggregate='sum'\nevent='e'")).contains("property: is missing"));
        assert!(
            refusal(&format!("{base}[computed.n]\naggregate='count'\nevent='e'\nkind='x'")).contains("kind: names `x`")
        );
        assert!(refusal("[identifiers.user_id]\nblocked = ['/(/']").contains("blocked"));
        assert!(refusal("[identifiers.user_id]\nblocked = ['/((a{100}){100}){100}/']").contains("blocked"));
    }
}
