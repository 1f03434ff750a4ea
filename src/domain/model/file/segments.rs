//! `[segments]`: their TOML shape, and what compiles them.
//!
//! ```toml
//! [segments.vip]                     # 1 to 64 of a-z, 0-9, _ and -
//! kind = "person"                    # whose: a kind, or address; person if left out
//! when = 'orders.sum > 500 && country == "NL" && now - last_order < duration("168h")'
//! ```
//!
//! What an expression may say: `domain::segment`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::attributes::quoted;
use crate::domain::answer::ADDRESS;
use crate::domain::ids::KindId;
use crate::domain::model::finding::{Finding, MAX_FINDINGS};
use crate::domain::model::{DEFAULT_KIND, Model};
use crate::domain::segment::{self, MAX_SEGMENTS, Mistake, Segment};
use crate::domain::view::is_label;

/// As the file has them: by name.
pub(super) type FileSegments = BTreeMap<String, FileSegment>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSegment {
    #[serde(default = "default_kind")]
    kind: String,
    when: String,
}

fn default_kind() -> String {
    DEFAULT_KIND.to_owned()
}

/// Compiles the declared segments of `model`; what is wrong goes to `findings`. By name.
pub(super) fn compile(declared: FileSegments, model: &Model, findings: &mut Vec<Finding>) -> Vec<Arc<Segment>> {
    if declared.len() > MAX_SEGMENTS {
        findings.push(Finding::new("segments", format!("declares more than {MAX_SEGMENTS} segments")));
        return Vec::new();
    }
    let mut readable = BTreeMap::new();
    let mut segments = Vec::with_capacity(declared.len());
    for (name, FileSegment { kind, when }) in declared {
        if findings.len() >= MAX_FINDINGS {
            break;
        }
        let path = format!("segments.{}", quoted(&name));
        if !is_label(&name) {
            let text = "is no name of a segment: 1 to 64 of a-z, 0-9, _ and -, a letter or digit first";
            findings.push(Finding::new(path, text));
            continue;
        }
        let Some(kind) = kind_id(&kind, model) else {
            let known = model.kinds().iter().map(|kind| kind.name.as_str()).chain([ADDRESS]);
            let finding =
                Finding::new(format!("{path}.kind"), "names a kind that is not declared, and is not `address`");
            findings.push(finding.suggesting(&kind, known));
            continue;
        };
        let readable = readable.entry(kind).or_insert_with(|| model.readable_by_segment(kind));
        match segment::compile(&name, kind, &when, readable) {
            Ok(segment) => segments.push(Arc::new(segment)),
            Err(Mistake { text, suggestion, at }) => {
                let finding = Finding::new(format!("{path}.when"), text);
                findings.push(Finding { suggestion, within: at, ..finding });
                // It is there all the same, or each view that reads it would be told wrong too.
                segments.extend(segment::compile(&name, kind, "false", readable).ok().map(Arc::new));
            }
        }
    }
    segments
}

fn kind_id(name: &str, model: &Model) -> Option<KindId> {
    if name == ADDRESS {
        return Some(KindId::ADDRESS);
    }
    model.kinds().iter().find(|kind| kind.name == name).map(|kind| kind.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::Place;

    const SOUND: &str = "[kinds.person]\nidentifiers = ['user_id']\n[kinds.account]\nidentifiers = ['account_id']\n\
                         [attributes.person]\ncountry = 'text'\n[attributes.account]\nplan = 'text'\n\
                         [attributes.address]\nbounces = 'number'\n";

    /// What is said of the model with these lines, and where it stands in them.
    fn told(lines: &str) -> (String, Option<Place>) {
        match Model::parse(&format!("{SOUND}{lines}")) {
            Ok(_) => ("sound".to_owned(), None),
            Err(error) => {
                let finding = error.findings.first().unwrap();
                let above = SOUND.lines().count();
                let place = finding.place.map(|place| Place { line: place.line - above, ..place });
                (
                    format!("{}: {} [{}]", finding.path, finding.text, finding.suggestion.clone().unwrap_or_default()),
                    place,
                )
            }
        }
    }

    #[test]
    fn segments_of_every_kind_are_fields_of_lookups_and_rungs_of_views() {
        let lines = "[segments.a]\nwhen = 'country == \"NL\" && account.plan == \"x\"'\n\
                     [segments.b]\nkind = 'account'\nwhen = 'members > 3 && plan == \"x\"'\n\
                     [segments.c]\nkind = 'address'\nwhen = 'bounces > 3'\n\
                     [views.v.fields.f]\nfrom = ['segment.a', 'account.segment.b', 'address.segment.c']\n\
                     [views.w]\nkind = 'account'\n[views.w.fields.f]\nfrom = ['segment.b']\n";
        assert_eq!(told(lines).0, "sound");
        let model = Model::parse(&format!("{SOUND}{lines}")).unwrap();
        let names: Vec<&str> = model.segments().iter().map(|segment| segment.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn every_mistake_is_told_where_it_stands() {
        let place = |line, column, length| Some(Place { line, column, length });
        for (lines, text, at) in [
            ("[segments.A]\nwhen = 'true'\n", "segments.A: is no name of a segment", place(1, 11, 1)),
            ("[segments.a]\nkind = 'acount'\nwhen = 'true'\n", "[account]", place(2, 8, 8)),
            ("[segments.a]\nwhen = 'contry == \"NL\"'\n", "[country]", place(2, 9, 6)),
            ("[segments.a]\nwhen = \"true && contry == 'NL'\"\n", "[country]", place(2, 17, 6)),
            ("[segments.a]\nwhen = '''\ntrue &&\n  contry == \"NL\"\n'''\n", "[country]", place(4, 3, 6)),
            // Where the text is not written letter by letter, its beginning is told.
            ("[segments.a]\nwhen = \"\\u0074rue && contry == 'NL'\"\n", "[country]", place(2, 8, 29)),
            ("[segments.a]\nwhen = 'country > 3'\n", "segments.a.when: has no use for `>`", place(2, 17, 1)),
            ("[segments.a]\nwhen = 'country =='\n", "is no expression", None),
            ("[segments.a]\nwhen = 'bounces > 3'\n", "names `bounces`", place(2, 9, 7)),
            (
                "[segments.a]\nkind = 'account'\nwhen = 'person.country == \"NL\"'\n",
                "names `person.country`",
                place(3, 9, 14),
            ),
            ("[segments.a]\nkind = 'address'\nwhen = 'country == \"NL\"'\n", "names `country`", place(3, 9, 7)),
            ("[segments.b]\nwhen = 'true'\n[segments.a]\nwhen = 'segment.b'\n", "no other segments", place(4, 9, 9)),
            ("[segments.a]\nwhen = 'true'\n[views.v.fields.f]\nfrom = ['segment.b']\n", "[segment.a]", place(4, 9, 11)),
            (
                "[segments.a]\nkind = 'address'\nwhen = 'true'\n[views.v.fields.f]\nfrom = ['segment.a']\n",
                "views.v",
                place(5, 9, 11),
            ),
            ("[segments.a]\nwhem = 'true'\n", "unknown field `whem`", place(2, 1, 4)),
            ("[attributes.household]\na = 'text'\n[kinds.segment]\nidentifiers = ['user_id']\n", "not `segment`", None),
        ] {
            let (told, place) = told(lines);
            assert!(told.contains(text), "{lines} gives {told}");
            assert!(at.is_none() || place == at, "{lines} is told at {place:?}: {told}");
        }
        let reserved = SOUND.replace("country = 'text'", "'segment.x' = 'text'");
        assert!(Model::parse(&reserved).unwrap_err().to_string().contains("not under `address.`, `segment.`"));
        let many = |count: usize| (0..count).map(|n| format!("[segments.s{n}]\nwhen = 'true'\n")).collect::<String>();
        assert_eq!(told(&many(MAX_SEGMENTS)).0, "sound");
        assert!(told(&many(MAX_SEGMENTS + 1)).0.contains("declares more than 100 segments"));
    }
}
