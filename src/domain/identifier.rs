//! Identifiers: `type:value`, in canonical form.

use std::fmt;
use std::sync::Arc;

use super::invalid::{Invalid, Reason};

/// How long the value of an identifier may be, in bytes, as given and in canonical form.
pub const MAX_VALUE_BYTES: usize = 512;
/// How long the name of an identifier type may be, in bytes.
pub const MAX_TYPE_BYTES: usize = 32;
/// The type that names a profile by its id instead of by an identifier; no model may declare it.
pub const PROFILE_ID_TYPE: &str = "profile_id";

/// One identifier: a type of the model and a canonical value, kept as the one string `type:value`.
///
/// Ordered by that string. A clone shares it: folding a large component makes many. `Debug` prints the type alone, so that no value reaches a log by accident.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    text: Arc<str>,
}

impl Identifier {
    /// Joins a type and a value that is canonical already.
    pub fn from_canonical(type_name: &str, value: &str) -> Self {
        Self { text: format!("{type_name}:{value}").into() }
    }

    /// Takes back what [`Identifier::as_str`] gave; `None` without a type.
    pub fn from_stored(text: &str) -> Option<Self> {
        text.contains(':').then(|| Self { text: text.into() })
    }

    /// `type:value`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The type, such as `email`.
    pub fn type_name(&self) -> &str {
        self.text.split_once(':').map_or("", |(name, _)| name)
    }

    /// The canonical value.
    pub fn value(&self) -> &str {
        self.text.split_once(':').map_or("", |(_, value)| value)
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:…", self.type_name())
    }
}

/// Splits `type:value` as it was given and checks its form; `field` is its path.
pub fn split<'a>(key: &'a str, field: &str) -> Result<(&'a str, &'a str), Invalid> {
    if key.is_empty() {
        return Err(Invalid::new(Reason::Missing, field, "is empty; write type:value"));
    }
    let malformed = |text: &str| Err(Invalid::new(Reason::MalformedKey, field, text));
    let Some((type_name, value)) = key.split_once(':') else {
        return malformed("has no type; write type:value, such as email:joe@example.com");
    };
    if !is_type_name(type_name) {
        return malformed("has a type that is not 1 to 32 of a-z, 0-9 and _, starting with a letter");
    }
    if value.trim().is_empty() {
        return malformed("has a type and no value");
    }
    if value.len() > MAX_VALUE_BYTES {
        let text = format!("has a value longer than {MAX_VALUE_BYTES} bytes");
        return Err(Invalid::new(Reason::TooLarge, field, text));
    }
    if value.chars().any(char::is_control) {
        return malformed("has a control character in its value");
    }
    if value.trim_start().starts_with("sha256:") {
        return malformed("is a hashed key (type:sha256:…), which this version does not take; send the value");
    }
    Ok((type_name, value))
}

/// True for 1 to 32 of `a-z`, `0-9` and `_`, starting with a letter.
pub fn is_type_name(name: &str) -> bool {
    name.len() <= MAX_TYPE_BYTES
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let identifier = Identifier::from_canonical("email", "joe@example.com");
        assert_eq!(format!("{identifier:?}"), "email:…");
        assert_eq!(identifier.type_name(), "email");
        assert_eq!(identifier.value(), "joe@example.com");
    }

    #[test]
    fn malformed_keys_are_refused_with_the_field_and_without_the_value() {
        let long = format!("email:{}", "x".repeat(513));
        let cases = [
            ("", Reason::Missing),
            ("mallory", Reason::MalformedKey),
            (":mallory", Reason::MalformedKey),
            ("Email:mallory", Reason::MalformedKey),
            ("email:  ", Reason::MalformedKey),
            ("email:a\u{0}b", Reason::MalformedKey),
            (long.as_str(), Reason::TooLarge),
        ];
        for (key, reason) in cases {
            let refused = split(key, "keys[0]").unwrap_err();
            assert_eq!(refused.reason, reason);
            assert_eq!(refused.field, "keys[0]");
            assert!(!refused.text.contains("mallory") && !refused.text.contains("xxx"));
        }
        assert_eq!(split("url:https://x/y:z", "key"), Ok(("url", "https://x/y:z")));
    }
}
