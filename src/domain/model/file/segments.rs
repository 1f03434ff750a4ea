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
            let finding = Finding::new(format!("{path}.kind"), "names a kind that is not declared, and is not `address`");
            findings.push(finding.suggesting(&kind, known));
            continue;
        };
        let readable = readable.entry(kind).or_insert_with(|| model.readable_by_segment(kind));
        match segment::compile(&name, kind, &when, readable) {
            Ok(segment) => segments.push(Arc::new(segment)),
            Err(Mistake { text, suggestion, at }) => {
                let finding = Finding::new(format!("{path}.when"), text);
                findings.push(Finding { suggestion, within: at, ..finding });
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
