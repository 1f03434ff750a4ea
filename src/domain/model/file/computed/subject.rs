//! Who has a computed attribute: the profiles of a kind, of their own events or of those of their members, or addresses.

use super::super::meaning;
use super::FileOver;
use crate::domain::answer::OF_GROUPS;
use crate::domain::ids::KindId;
use crate::domain::model::finding::{Error, Finding};
use crate::domain::model::{DEFAULT_KIND, Kind, Over, reads_otherwise};
use crate::domain::value::MAX_NAME_BYTES;

/// Who has it.
pub(super) struct Subject {
    pub(super) kind: KindId,
    pub(super) address_types: Vec<String>,
    pub(super) over: Over,
}

/// Profiles of the kind called `kind`.
pub(super) fn kind(name: &str, kind: &str, over: FileOver, kinds: &[Kind], path: &str) -> Result<Subject, Error> {
    if !fits(name) || reads_otherwise(name, kinds) {
        let text = "is no name of a field: 1 to 128 bytes, not `*`, and not under `address.`, `segment.` or the name of a kind";
        return Err(meaning(path, text));
    }
    let Some(kind) = kinds.iter().find(|declared| declared.name == kind) else {
        let known = kinds.iter().map(|kind| kind.name.as_str());
        let finding = Finding::new(format!("{path}.kind"), format!("names `{kind}`, which is not declared"));
        return Err(finding.suggesting(kind, known).into());
    };
    let over = check_over(over, kind, kinds, path)?;
    if kind.name != DEFAULT_KIND && OF_GROUPS.contains(&name) {
        return Err(meaning(path, "has a name that every kind with members has built in; choose another"));
    }
    Ok(Subject { kind: kind.id, address_types: Vec::new(), over })
}

/// Addresses: every identifier of one of these types, of the events of persons that name it. `of_a_kind`: the declaration
/// says more of whom it is.
pub(super) fn address(
    name: &str,
    of_a_kind: bool,
    address_types: Vec<String>,
    kinds: &[Kind],
    path: &str,
) -> Result<Subject, Error> {
    if !fits(name) {
        return Err(meaning(path, "is no name of an attribute of addresses: 1 to 128 bytes after `address.`, not `*`"));
    }
    if of_a_kind {
        return Err(meaning(
            path,
            "is of addresses, which are of no kind and have no members; remove `kind` and `over`",
        ));
    }
    let path = format!("{path}.address_types");
    let Some(person) = kinds.iter().find(|kind| kind.name == DEFAULT_KIND) else {
        let text = format!("counts events of a {DEFAULT_KIND}; declare [kinds.{DEFAULT_KIND}]");
        return Err(meaning(path, text));
    };
    if address_types.is_empty() {
        return Err(meaning(path, "is missing; name the identifier types, such as [\"email\"]"));
    }
    if let Some(unknown) = address_types.iter().find(|name| person.rank(name).is_none()) {
        let text = format!("names `{unknown}`, which is not among the identifiers of [kinds.{DEFAULT_KIND}]");
        return Err(Finding::new(path, text).suggesting(unknown, person.types().iter().map(String::as_str)).into());
    }
    Ok(Subject { kind: KindId::ADDRESS, address_types, over: Over::Own })
}

fn fits(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && name != "*"
}

fn check_over(over: FileOver, kind: &Kind, kinds: &[Kind], path: &str) -> Result<Over, Error> {
    let path = format!("{path}.over");
    match over {
        FileOver::Own => Ok(Over::Own),
        FileOver::Members if kind.name == DEFAULT_KIND => {
            let text = format!("is `members`, and a {DEFAULT_KIND} has none; set `kind` to that of the groups");
            Err(meaning(path, text))
        }
        FileOver::Members if !kinds.iter().any(|kind| kind.name == DEFAULT_KIND) => {
            let text = format!("is `members`, which are of kind {DEFAULT_KIND}; declare [kinds.{DEFAULT_KIND}]");
            Err(meaning(path, text))
        }
        FileOver::Members => Ok(Over::Members),
    }
}
