//! Keys: how callers name a customer, read against a model.

use super::identifier::{self, Identifier, MAX_VALUE_BYTES, PROFILE_ID_TYPE};
use super::ids::ProfileId;
use super::invalid::{Invalid, Reason};
use super::model::Model;

/// What a key names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// An identifier.
    Identifier(Identifier),
    /// A profile by its id, `profile_id:UUID`.
    Profile(ProfileId),
}

impl Key {
    /// Reads `text` as a key of `model`; `field` is its path.
    pub fn parse(text: &str, field: &str, model: &Model) -> Result<Self, Invalid> {
        let Some(id) = text.strip_prefix(PROFILE_ID_TYPE).and_then(|rest| rest.strip_prefix(':')) else {
            return identifier(text, field, model).map(Self::Identifier);
        };
        ProfileId::parse(id)
            .map(Self::Profile)
            .ok_or_else(|| Invalid::new(Reason::MalformedKey, field, "is no profile id; write profile_id:UUID"))
    }
}

/// Reads `text` as an identifier of `model`, in canonical form; `field` is its path.
pub fn identifier(text: &str, field: &str, model: &Model) -> Result<Identifier, Invalid> {
    let (type_name, raw) = identifier::split(text, field)?;
    let Some(declared) = model.identifier_type(type_name).filter(|_| model.is_ranked(type_name)) else {
        let text = "has a type that no kind of the model has; see `kith model check`";
        return Err(Invalid::new(Reason::UnknownType, field, text));
    };
    let value = declared.canonical.apply(raw).map_err(|text| Invalid::new(Reason::BadValue, field, text))?;
    if value.len() > MAX_VALUE_BYTES {
        let text = format!("has a value longer than {MAX_VALUE_BYTES} bytes in its canonical form");
        return Err(Invalid::new(Reason::TooLarge, field, text));
    }
    Ok(Identifier::from_canonical(type_name, &value))
}
