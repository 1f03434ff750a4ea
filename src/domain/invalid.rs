//! Why input is refused: what is wrong, where, and what to do. Never holds a value of the input.

use std::fmt;

/// The machine-readable reasons, one for each way in which input can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A required field is missing or empty.
    Missing,
    /// A key is not `type:value`.
    MalformedKey,
    /// The model declares no such identifier type.
    UnknownType,
    /// The model declares no such kind.
    UnknownKind,
    /// The model declares no such view, or no such version of it.
    UnknownView,
    /// The model declares no such segment.
    UnknownSegment,
    /// Longer, deeper or more than the limit.
    TooLarge,
    /// Not a value of the declared type; not a finite number; not together with another part of the request.
    BadValue,
    /// Before 1970, or too far ahead of its arrival.
    TimeOutOfRange,
    /// Two values of an identifier type of which a profile may have one.
    ConflictingIdentifiers,
    /// Not a token, page token or id that was handed out here.
    MalformedToken,
}

/// One refusal: `field` is a path inside the input, such as `fact.keys[1]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {text}")]
pub struct Invalid {
    /// The machine-readable reason.
    pub reason: Reason,
    /// The path of the field at fault.
    pub field: String,
    /// What is wrong and what to do, for people.
    pub text: String,
}

impl Invalid {
    /// A refusal of `field`.
    pub fn new(reason: Reason, field: impl Into<String>, text: impl fmt::Display) -> Self {
        Self { reason, field: field.into(), text: text.to_string() }
    }

    /// The same refusal of the item at `at` of a list. Paths are put together here and not on the way in, where most
    /// keys are sound.
    pub fn at(mut self, at: usize) -> Self {
        self.field = format!("{}[{at}]", self.field);
        self
    }

    /// The same refusal, seen from the message that holds the field's message as `parent`.
    pub fn within(mut self, parent: &str) -> Self {
        self.field = format!("{parent}.{}", self.field);
        self
    }
}
