//! What a message is about: the products, or other things, that the request names.

use std::fmt;

use crate::domain::invalid::{Invalid, Reason};
use crate::domain::value::Value;

/// How many things a message may be about.
pub const MAX_ABOUT: usize = 16;
/// How long the name of one may be, in bytes.
pub const MAX_ABOUT_BYTES: usize = 256;

/// The things that a message is about, as facts name them: `boots`, `SKU-7`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct About(Vec<String>);

/// Says how many there are, and not which.
impl fmt::Debug for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("About").field(&self.0.len()).finish()
    }
}

impl About {
    /// Reads what a request names.
    pub fn parse(things: Vec<String>) -> Result<Self, Invalid> {
        if things.len() > MAX_ABOUT {
            let text = format!("names more than {MAX_ABOUT} things; send what the message is about first of all");
            return Err(Invalid::new(Reason::TooLarge, "about", text));
        }
        for (at, thing) in things.iter().enumerate() {
            if thing.is_empty() {
                return Err(Invalid::new(Reason::Missing, "about", "is empty; name a thing or leave it out").at(at));
            }
            if thing.len() > MAX_ABOUT_BYTES {
                let text = format!("is longer than {MAX_ABOUT_BYTES} bytes");
                return Err(Invalid::new(Reason::TooLarge, "about", text).at(at));
            }
        }
        Ok(Self(things))
    }

    /// True if the message is about nothing in particular.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if `value` is one of the things, or has it: as an item of a list, or as a property of an event.
    pub(super) fn is_in(&self, value: &Value) -> bool {
        match value {
            Value::Null | Value::Bool(_) | Value::Time(_) => false,
            Value::Text(text) => self.0.contains(text),
            // Facts may number what the message names by text.
            Value::Number(number) => self.0.contains(&number.to_string()),
            Value::List(items) => items.iter().any(|item| self.is_in(item)),
            Value::Object(values) => values.values().any(|value| self.is_in(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::Values;

    #[test]
    fn a_thing_is_found_wherever_a_fact_can_have_named_it() {
        let about = About::parse(vec!["boots".to_owned(), "42".to_owned()]).unwrap();
        let text = |text: &str| Value::Text(text.to_owned());
        let order = |item: Value| Value::Object(Values::from([("item".to_owned(), item)]));
        for value in [
            text("boots"),
            Value::Number(42.0),
            Value::List(vec![text("socks"), text("boots")]),
            Value::List(vec![order(text("socks")), order(Value::Number(42.0))]),
            order(Value::List(vec![text("boots")])),
        ] {
            assert!(about.is_in(&value), "{value:?}");
        }
        for value in [text("boot"), text("Boots"), Value::Number(4.0), Value::List(Vec::new()), Value::Null] {
            assert!(!about.is_in(&value), "{value:?}");
        }
        assert!(!About::default().is_in(&text("boots")));
    }

    #[test]
    fn what_is_too_much_is_refused_where_it_stands() {
        let refusal = |things: &[&str]| {
            let refused = About::parse(things.iter().map(ToString::to_string).collect()).unwrap_err();
            (refused.reason, refused.field)
        };
        assert_eq!(refusal(&["b"; 17]), (Reason::TooLarge, "about".to_owned()));
        assert_eq!(refusal(&["b", ""]), (Reason::Missing, "about[1]".to_owned()));
        assert_eq!(refusal(&[&"b".repeat(257)]), (Reason::TooLarge, "about[0]".to_owned()));
        assert!(About::parse(vec!["b".repeat(256); 16]).is_ok());
    }
}
