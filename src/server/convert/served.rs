//! What was served, on its way out.

use std::collections::BTreeMap;

use super::answer::state;
use super::{time, value};
use crate::domain::served::Served;
use crate::domain::view::Shown;
use crate::proto::v1;

/// Writes what was served for a send.
pub fn write(served: Served) -> v1::ServedAnswer {
    let pinned_until = Some(time::write(served.pinned_until()));
    let Served { at, view, version, model_version, renderable, fields, customer: _, about: _ } = served;
    let (mut values, mut states, mut info) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for Shown { name, value: shown, state: known, because, rung, as_of, scope } in fields {
        let field = v1::FieldInfo {
            rung: rung.and_then(|rung| u32::try_from(rung).ok()),
            because: because.map_or(v1::FieldState::Unspecified, state).into(),
            as_of: as_of.map(time::write),
            scope: scope.to_string(),
            html: String::new(),
        };
        values.extend(shown.map(|shown| (name.to_string(), value::write(shown))));
        states.insert(name.to_string(), state(known).into());
        info.insert(name.to_string(), field);
    }
    let (served_at, view_version) = (Some(time::write(at)), version);
    v1::ServedAnswer { served_at, pinned_until, view, view_version, model_version, renderable, values, states, info }
}
