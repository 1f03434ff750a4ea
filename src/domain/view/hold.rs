//! Holds: what a view declares to stand against speaking now.
//!
//! What cannot be told holds. A value of too many members, and one of a type that the hold cannot read, might be the one
//! that should have stopped the message; a message that waits does less harm. What no fact has set holds nothing. Of
//! several people who share a key it holds if it does for any of them: whoever reads the message might be that one.
//!
//! A hold that counts purchases `within` some time looks at the events that the list keeps, so it reaches back no further
//! than they do. Once an event is too old for it, it stays so: what could be sent is never held by time alone.

use super::decision::{Code, Decision};
use super::{About, Found, Type};
use crate::domain::aggregate::TIME;
use crate::domain::answer;
use crate::domain::time::Time;
use crate::domain::value::Value;

/// How many holds a view may have.
pub const MAX_HOLDS: usize = 16;

/// A declared hold of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its name, such as `open_complaint`.
    pub name: String,
    /// The slot of the view that it reads.
    pub slot: usize,
    /// When it holds.
    pub condition: Condition,
    /// What is decided then: HOLD or SKIP.
    pub decision: Decision,
}

/// When a hold holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// As long as the value is true, or above zero.
    While,
    /// If the value has what the message is about.
    Bought {
        /// Then only the events count that are no older than so many microseconds, exactly as old included; what is
        /// dated ahead counts too. `None`: whatever the value has.
        within: Option<u64>,
    },
    /// Once the value has reached so many.
    Count {
        /// How many may have been.
        at_most: u32,
    },
}

impl Condition {
    /// True if it can read a value that is declared to be so.
    pub fn takes(self, declared: Type) -> bool {
        match self {
            Self::While => Type::Bool.takes(declared) || Type::Number.takes(declared),
            Self::Bought { .. } => Type::List.takes(declared),
            Self::Count { .. } => Type::Number.takes(declared),
        }
    }

    /// What is decided if the model does not say.
    pub fn decision(self) -> Decision {
        match self {
            Self::While | Self::Count { .. } => Decision::Hold,
            Self::Bought { .. } => Decision::Skip,
        }
    }

    /// What it is called in reasons.
    pub(super) fn code(self) -> Code {
        match self {
            Self::While => Code::Held,
            Self::Bought { .. } => Code::Bought,
            Self::Count { .. } => Code::FrequencyCap,
        }
    }
}

impl Hold {
    /// True if it stands at the time `now` against a message about `about`.
    pub(super) fn holds(&self, found: Found<'_>, about: &About, now: Time) -> bool {
        if matches!(self.condition, Condition::Bought { .. }) && about.is_empty() {
            return false;
        }
        match Found::slot(found.fields, self.slot) {
            answer::Field::Ambiguous if !found.apart.is_empty() => {
                found.apart.iter().any(|fields| self.holds_by(Found::slot(fields, self.slot), about, now))
            }
            read => self.holds_by(read, about, now),
        }
    }

    fn holds_by(&self, read: &answer::Field, about: &About, now: Time) -> bool {
        match read {
            answer::Field::NotSet => false,
            answer::Field::Ambiguous | answer::Field::TooLarge => true,
            answer::Field::Present { value, as_of: _ } => match (self.condition, value) {
                (Condition::While, Value::Bool(is_so)) => *is_so,
                (Condition::While, Value::Number(number)) => *number > 0.0,
                (Condition::Count { at_most }, Value::Number(number)) => *number >= f64::from(at_most),
                (Condition::Bought { within: Some(within) }, Value::List(events)) => {
                    events.iter().any(|event| !is_older(event, within, now) && about.is_in(event))
                }
                (Condition::Bought { within: None }, Value::List(_) | Value::Text(_) | Value::Number(_)) => {
                    about.is_in(value)
                }
                (Condition::While | Condition::Count { .. } | Condition::Bought { .. }, _) => true,
            },
        }
    }
}

/// True if an event of a list tells a time that is longer ago. One without a time might be of now.
fn is_older(event: &Value, micros: u64, now: Time) -> bool {
    let Value::Object(properties) = event else { return false };
    let Some(Value::Time(time)) = properties.get(TIME) else { return false };
    now.micros().saturating_sub(time.micros()) > micros
}
