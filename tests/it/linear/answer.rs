//! Answers as the wire has them, read as what the checker judges.

use kith::proto::v1::{Answer, FieldState, Resolution};
use prost_types::value::Kind;

use super::checker::{Seen, SeenWho};
use super::editions::FIRST_VERSION;

/// What is asked of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Plain fields.
    Fields,
    /// The view `card`, of which one field speaks of a topic.
    Card,
    /// The view `mail`, which has a purpose.
    Mail,
}

impl Asked {
    pub const ALL: [Self; 3] = [Self::Fields, Self::Card, Self::Mail];

    /// The view of a request.
    pub fn view(self) -> String {
        match self {
            Self::Fields => "",
            Self::Card => "card",
            Self::Mail => "mail",
        }
        .to_owned()
    }

    /// The fields of a request.
    pub fn fields(self) -> Vec<String> {
        (self == Self::Fields).then(|| "number".to_owned()).into_iter().collect()
    }
}

/// What an answer says of its customer, and the edition of the model that it comes from. Fails if it contradicts itself.
pub fn read(asked: Asked, answer: &Answer) -> Result<(Seen, u64), String> {
    let contradiction = |what: &str| format!("{what}: {asked:?} answered {answer:?}");
    let who = match answer.resolution() {
        Resolution::Found => SeenWho::Profile(answer.profile_id.clone()),
        Resolution::NotFound => SeenWho::Nobody,
        Resolution::Erased => SeenWho::Erased,
        Resolution::Shared | Resolution::Unspecified => return Err(contradiction("an unexpected resolution")),
    };
    let edition = answer.model_version.checked_sub(FIRST_VERSION).ok_or_else(|| contradiction("no model"))?;
    if asked != Asked::Fields && number(answer, "edition") != Some(edition) {
        return Err(contradiction("the constant is of another model"));
    }
    let hushed = !answer.hushed.is_empty();
    if asked == Asked::Card {
        let suppressed = answer.states.get("quiet") == Some(&i32::from(FieldState::Suppressed));
        let quiet = if hushed { None } else { number(answer, "number") };
        if suppressed != hushed || number(answer, "quiet") != quiet {
            return Err(contradiction("a hushed topic"));
        }
    }
    let forbidden = answer.states.get("number") == Some(&i32::from(FieldState::Forbidden));
    let read = number(answer, "number");
    if forbidden && read.is_some() {
        return Err(contradiction("a forbidden value"));
    }
    let number = (!forbidden).then_some(read);
    Ok((Seen { who, number, hushed, denied: (asked == Asked::Mail).then_some(forbidden) }, edition))
}

fn number(answer: &Answer, field: &str) -> Option<u64> {
    match answer.values.get(field)?.kind.as_ref()? {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the test wrote a small whole number"
        )]
        Kind::NumberValue(number) => Some(*number as u64),
        _ => None,
    }
}
