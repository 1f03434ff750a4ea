//! Answers of lookups on their way out. On the path of every call: strings move, nothing is copied without need.

use std::collections::BTreeMap;

use super::{consent, time, value};
use crate::domain::answer::{Answer, Field, Resolution};
use crate::domain::hush::{Hushed, Topic};
use crate::domain::served::Served;
use crate::domain::value::Value;
use crate::domain::view::{self, Shown, State, Viewed};
use crate::proto::v1;
use crate::server::status::Refusal;

/// Writes an answer; `key` is the key of the request that led to it. With `html` the texts of a view have their twins.
pub fn write(answer: Answer, key: String, model_version: u64, html: bool) -> v1::Answer {
    let Answer { key: _, resolution, fields, hushed, consents, viewed } = answer;
    let (resolution, profile_id, people) = match resolution {
        Resolution::Found(id) => (v1::Resolution::Found, id.to_string(), 0),
        Resolution::Shared { people } => (v1::Resolution::Shared, String::new(), people),
        Resolution::NotFound => (v1::Resolution::NotFound, String::new(), 0),
        Resolution::Erased => (v1::Resolution::Erased, String::new(), 0),
    };
    let shared_by = u32::try_from(people).unwrap_or(u32::MAX);
    let mut values = BTreeMap::new();
    let mut states = BTreeMap::new();
    for (name, field) in fields {
        let state = match field {
            Field::Present { value, as_of: _ } => {
                values.insert(name.clone(), value::write(value));
                v1::FieldState::Present
            }
            Field::NotSet => v1::FieldState::NotSet,
            Field::Ambiguous => v1::FieldState::Ambiguous,
            Field::TooLarge => v1::FieldState::TooLarge,
        };
        states.insert(name, state.into());
    }
    let (resolution, error) = (resolution.into(), None);
    let plain = v1::Answer {
        key,
        resolution,
        profile_id,
        values,
        states,
        model_version,
        error,
        shared_by,
        hushed: hushed.into_iter().map(write_hushed).collect(),
        consents: consents.into_iter().map(consent::write).collect(),
        info: BTreeMap::new(),
        renderable: false,
        view_version: 0,
        pinned_at: None,
    };
    match viewed {
        Some(viewed) => show(plain, viewed, html),
        None => plain,
    }
}

/// Writes what a view answers into an answer that has no fields yet.
fn show(answer: v1::Answer, viewed: Viewed, html: bool) -> v1::Answer {
    let Viewed { version, renderable, pinned_at, fields } = viewed;
    let Fields { values, states, info } = Fields::of(fields, html);
    let pinned_at = pinned_at.map(time::write);
    v1::Answer { values, states, info, renderable, view_version: version, pinned_at, ..answer }
}

/// Writes what was served for a send.
pub fn write_served(served: Served) -> v1::ServedAnswer {
    let pinned_until = Some(time::write(served.pinned_until()));
    let Served { at, view, version, model_version, renderable, fields, about: _ } = served;
    let Fields { values, states, info } = Fields::of(fields, false);
    let served_at = Some(time::write(at));
    v1::ServedAnswer {
        served_at,
        pinned_until,
        view,
        view_version: version,
        model_version,
        renderable,
        values,
        states,
        info,
    }
}

/// The fields of a view, as messages hold them.
#[derive(Default)]
struct Fields {
    values: BTreeMap<String, prost_types::Value>,
    states: BTreeMap<String, i32>,
    info: BTreeMap<String, v1::FieldInfo>,
}

impl Fields {
    fn of(fields: Vec<Shown>, html: bool) -> Self {
        let mut all = Self::default();
        for shown in fields {
            all.take(shown, html);
        }
        all
    }

    fn take(&mut self, field: Shown, html: bool) {
        let Shown { name, value: shown, state, because, rung, as_of, scope } = field;
        let text = match &shown {
            Some(Value::Text(text)) if html => view::escape(text),
            Some(_) | None => String::new(),
        };
        let info = v1::FieldInfo {
            rung: rung.and_then(|rung| u32::try_from(rung).ok()),
            because: because.map_or(v1::FieldState::Unspecified, write_state).into(),
            as_of: as_of.map(time::write),
            scope,
            html: text,
        };
        self.values.extend(shown.map(|shown| (name.clone(), value::write(shown))));
        self.states.insert(name.clone(), write_state(state).into());
        self.info.insert(name, info);
    }
}

fn write_state(state: State) -> v1::FieldState {
    match state {
        State::Present => v1::FieldState::Present,
        State::Defaulted => v1::FieldState::Defaulted,
        State::NotSet => v1::FieldState::NotSet,
        State::Stale => v1::FieldState::Stale,
        State::Suppressed => v1::FieldState::Suppressed,
        State::Forbidden => v1::FieldState::Forbidden,
        State::Ambiguous => v1::FieldState::Ambiguous,
        State::Erased => v1::FieldState::Erased,
        State::Rejected => v1::FieldState::Rejected,
        State::TooLarge => v1::FieldState::TooLarge,
    }
}

fn write_hushed(hushed: Hushed) -> v1::HushedTopic {
    let Hushed { topic: Topic { name, channel }, until } = hushed;
    v1::HushedTopic { topic: name, channel, until: until.map(time::write) }
}

/// Writes that an item of a batch or stream was refused.
pub fn refuse(key: String, refusal: Refusal) -> v1::Answer {
    v1::Answer { key, error: Some(refusal.into_item()), ..v1::Answer::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ProfileId;

    #[test]
    fn every_field_has_a_state_and_those_present_a_value() {
        let fields =
            vec![("name".to_owned(), Field::now(Value::Text("Joe".to_owned()))), ("age".to_owned(), Field::NotSet)];
        let (resolution, hushed, consents) = (Resolution::Found(ProfileId(1)), Vec::new(), Vec::new());
        let answer = Answer { key: 0, resolution, fields, hushed, consents, viewed: None };
        let written = write(answer, "user_id:1".to_owned(), 3, false);
        assert_eq!(written.profile_id, "00000000-0000-0000-0000-000000000001");
        assert_eq!(written.values.keys().collect::<Vec<_>>(), ["name"]);
        assert_eq!(written.states["name"], i32::from(v1::FieldState::Present));
        assert_eq!(written.states["age"], i32::from(v1::FieldState::NotSet));
        assert_eq!(written.model_version, 3);
    }
}
