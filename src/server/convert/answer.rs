//! Answers of lookups on their way out. On the path of every call: strings move, nothing is copied without need.

use std::collections::BTreeMap;

use super::value;
use crate::domain::answer::{Answer, Field, Resolution};
use crate::proto::v1;
use crate::server::status::Refusal;

/// Writes an answer; `key` is the key of the request that led to it.
pub fn write(answer: Answer, key: String, model_version: u64) -> v1::Answer {
    let Answer { key: _, resolution, fields } = answer;
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
            Field::Present(value) => {
                values.insert(name.clone(), value::write(value));
                v1::FieldState::Present
            }
            Field::NotSet => v1::FieldState::NotSet,
            Field::Ambiguous => v1::FieldState::Ambiguous,
            Field::TooLarge => v1::FieldState::TooLarge,
        };
        states.insert(name, state.into());
    }
    v1::Answer { key, resolution: resolution.into(), profile_id, values, states, model_version, error: None, shared_by }
}

/// Writes that an item of a batch or stream was refused.
pub fn refuse(key: String, refusal: Refusal) -> v1::Answer {
    v1::Answer { key, error: Some(refusal.into_item()), ..v1::Answer::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ProfileId;
    use crate::domain::value::Value;

    #[test]
    fn every_field_has_a_state_and_those_present_a_value() {
        let fields =
            vec![("name".to_owned(), Field::Present(Value::Text("Joe".to_owned()))), ("age".to_owned(), Field::NotSet)];
        let answer = Answer { key: 0, resolution: Resolution::Found(ProfileId(1)), fields };
        let written = write(answer, "user_id:1".to_owned(), 3);
        assert_eq!(written.profile_id, "00000000-0000-0000-0000-000000000001");
        assert_eq!(written.values.keys().collect::<Vec<_>>(), ["name"]);
        assert_eq!(written.states["name"], i32::from(v1::FieldState::Present));
        assert_eq!(written.states["age"], i32::from(v1::FieldState::NotSet));
        assert_eq!(written.model_version, 3);
    }
}
