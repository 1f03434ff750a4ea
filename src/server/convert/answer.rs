//! The states of fields as the wire names them.

use crate::domain::answer::Field;
use crate::domain::view::State;
use crate::proto::v1::FieldState;

/// What is known of a field that is asked for by its name.
pub fn field_state(field: &Field) -> FieldState {
    match field {
        Field::Present { .. } => FieldState::Present,
        Field::NotSet => FieldState::NotSet,
        Field::Ambiguous => FieldState::Ambiguous,
        Field::TooLarge => FieldState::TooLarge,
    }
}

/// What is known of a field of a view.
pub fn state(state: State) -> FieldState {
    match state {
        State::Present => FieldState::Present,
        State::Defaulted => FieldState::Defaulted,
        State::NotSet => FieldState::NotSet,
        State::Stale => FieldState::Stale,
        State::Suppressed => FieldState::Suppressed,
        State::Forbidden => FieldState::Forbidden,
        State::Ambiguous => FieldState::Ambiguous,
        State::Erased => FieldState::Erased,
        State::Rejected => FieldState::Rejected,
        State::TooLarge => FieldState::TooLarge,
    }
}
