//! What a view answers: the value, the state and the provenance of each field.
//!
//! 1. A field that speaks of a hushed topic is SUPPRESSED and has no value: its constant would speak of the topic too.
//! 2. Nothing is read of an erased customer, or for a purpose without consent: only the constant answers.
//! 3. Otherwise the first rung answers that has a usable value, then the constant.
//!
//! Where rungs were passed over, the reason is kept. A rung that no fact ever set gives no reason as long as another one
//! does: of nickname (not set) and first name (junk) it is the junk that somebody should see to. Of several reasons the
//! first is told, because the view would have liked that value best.

use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation as _;

use super::decision::{Decision, Reason, decide};
use super::{About, Field, Found, Gate, Permission, Type, View};
use crate::domain::answer;
use crate::domain::name;
use crate::domain::time::Time;
use crate::domain::value::Value;

/// What is known of a field of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A rung has a usable value.
    Present,
    /// The constant stands in.
    Defaulted,
    /// No fact has set any rung.
    NotSet,
    /// The value is older than the field allows.
    Stale,
    /// The field speaks of a topic that is hushed.
    Suppressed,
    /// There is no consent to the purpose of the view.
    Forbidden,
    /// The people who share the key have different values.
    Ambiguous,
    /// The customer was erased.
    Erased,
    /// There is a value, and it is junk, of another type, or too long.
    Rejected,
    /// It is over the members of a group that has too many.
    TooLarge,
}

/// A field as a view answers it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Its name in the view.
    pub name: Arc<str>,
    /// The value, if it is PRESENT or DEFAULTED.
    pub value: Option<Value>,
    /// What is known of it.
    pub state: State,
    /// Why rungs before the one that answered did not; `None` where the first one did, or nothing answered.
    pub because: Option<State>,
    /// The number of the rung that answered; that of the constant comes after all others.
    pub rung: Option<usize>,
    /// The event time of the fact that set the value. `None` for constants, and for what is computed from all events.
    pub as_of: Option<Time>,
    /// Whose value it is; see [`super::Rung::scope`]. Empty for constants.
    pub scope: Arc<str>,
}

/// A customer as a view answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Viewed {
    /// The version of the view.
    pub version: u32,
    /// True if every required field has a value.
    pub renderable: bool,
    /// Since when the fields are kept for the send that was named; `None` where they are of now.
    pub pinned_at: Option<Time>,
    /// All fields of the view, in the order of their names.
    pub fields: Vec<Shown>,
    /// Whether to speak.
    pub decision: Decision,
    /// Every reason why not, in the order of their codes.
    pub reasons: Vec<Reason>,
    /// The earliest moment at which the answer could be another without any write; `None` if it is not to be kept.
    pub cache_until: Option<Time>,
}

impl View {
    /// What the view answers for a message about `about`.
    pub fn answer(&self, found: Found<'_>, about: &About, now: Time, gate: &Gate) -> Viewed {
        let is_hushed = gate.hushes(&self.topics);
        let barrier = self.barrier(gate);
        let show = |field: &Field| match barrier {
            _ if is_hushed || gate.hushes(&field.topics) => field.nothing(State::Suppressed),
            Some(reason) => field.fall_back(Some(reason)),
            None => field.climb(found.fields, now),
        };
        let fields: Vec<Shown> = self.fields.iter().map(show).collect();
        let renderable = self.has_all(&fields);
        let reasons = self.reasons(found, about, now, gate, renderable);
        let decision = decide(&reasons);
        let cache_until = self.cache_until(found.fields, &fields, decision, now, gate);
        Viewed { version: self.version, renderable, pinned_at: None, fields, decision, reasons, cache_until }
    }

    /// True if every required field has a value; `fields` are those of the view, in their order.
    pub(super) fn has_all(&self, fields: &[Shown]) -> bool {
        self.fields.iter().zip(fields).all(|(field, shown)| !field.required || shown.value.is_some())
    }

    /// Why nothing of the customer may be read, if so.
    fn barrier(&self, gate: &Gate) -> Option<State> {
        let is_forbidden = !self.purpose.is_empty()
            && match gate.permission {
                Permission::Granted => false,
                Permission::Denied(_) => true,
                Permission::Unknown => self.opt_in,
            };
        match gate.erased {
            true => Some(State::Erased),
            false => is_forbidden.then_some(State::Forbidden),
        }
    }
}

impl Field {
    /// Answers from the first rung that can.
    fn climb(&self, found: &[(answer::Name, answer::Field)], now: Time) -> Shown {
        let mut because = None;
        for (at, rung) in self.rungs.iter().enumerate() {
            match self.usable(Found::slot(found, rung.slot), now) {
                Ok((value, as_of)) => {
                    return Shown {
                        value: Some(value),
                        because,
                        rung: Some(at),
                        as_of,
                        scope: Arc::clone(&rung.scope),
                        ..self.nothing(State::Present)
                    };
                }
                Err(reason) => because = because.filter(|known| *known != State::NotSet).or(Some(reason)),
            }
        }
        self.fall_back(because)
    }

    /// Answers with the constant, or with the reason why there is nothing.
    fn fall_back(&self, because: Option<State>) -> Shown {
        match &self.default {
            Some(constant) => Shown {
                value: Some(constant.clone()),
                because,
                rung: Some(self.rungs.len()),
                ..self.nothing(State::Defaulted)
            },
            None => self.nothing(because.unwrap_or(State::NotSet)),
        }
    }

    fn nothing(&self, state: State) -> Shown {
        let (name, scope) = (Arc::clone(&self.name), Arc::default());
        Shown { name, value: None, state, because: None, rung: None, as_of: None, scope }
    }

    /// The value of a rung and when it was set; else why it cannot be used.
    fn usable(&self, read: &answer::Field, now: Time) -> Result<(Value, Option<Time>), State> {
        let (value, as_of) = match read {
            answer::Field::Present { value, as_of } => (value, *as_of),
            answer::Field::NotSet => return Err(State::NotSet),
            answer::Field::Ambiguous => return Err(State::Ambiguous),
            answer::Field::TooLarge => return Err(State::TooLarge),
        };
        let age = as_of.map_or(0, |set| now.micros().saturating_sub(set.micros()));
        if self.max_age.is_some_and(|oldest| age > oldest) {
            return Err(State::Stale);
        }
        if !self.value_type.holds(value) {
            return Err(State::Rejected);
        }
        let Value::Text(text) = value else { return Ok((value.clone(), as_of)) };
        let text = self.text(text).ok_or(State::Rejected)?;
        Ok((Value::Text(text), as_of))
    }

    /// The text as it may be shown; `None` if it may not.
    fn text(&self, text: &str) -> Option<String> {
        let longest = self.max_length.unwrap_or(usize::MAX);
        if self.value_type != Type::Name {
            let cut = cut(text, longest);
            return (!cut.is_empty()).then(|| cut.to_owned());
        }
        let tidied = name::tidy(text).ok()?;
        let written = if self.repair { name::repair(&tidied) } else { tidied };
        // Half a name is worse than none.
        (written.chars().count() <= longest).then_some(written)
    }
}

/// At most `longest` characters of `text`, without tearing a letter from its accents.
fn cut(text: &str, longest: usize) -> &str {
    // A text has no more characters than bytes.
    if text.len() <= longest || text.chars().nth(longest).is_none() {
        return text;
    }
    let (mut characters, mut end) = (0, 0);
    for (at, letter) in text.grapheme_indices(true) {
        characters += letter.chars().count();
        if characters > longest {
            break;
        }
        end = at + letter.len();
    }
    text.get(..end).unwrap_or_default().trim_end()
}

#[cfg(test)]
pub(super) mod tests;
