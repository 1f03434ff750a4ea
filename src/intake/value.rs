//! JSON as serde reads it to JSON as protobuf carries it.
//!
//! Numbers become doubles, as the contract says: integers beyond 2^53 lose their last digits.

use std::collections::BTreeMap;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::{Map, Value as Json};

use super::Refusal;

/// Deepest nesting that is converted. It bounds the stack here; the contract's own limit is the server's to enforce.
const MAX_NESTING: usize = 32;

/// The members of an object.
pub(super) fn to_struct(object: Map<String, Json>) -> Result<Struct, Refusal> {
    members(object, MAX_NESTING)
}

fn members(object: Map<String, Json>, levels: usize) -> Result<Struct, Refusal> {
    let convert = |(name, json)| Ok((name, to_value(json, levels)?));
    let fields = object.into_iter().map(convert).collect::<Result<BTreeMap<_, _>, Refusal>>()?;
    Ok(Struct { fields })
}

fn to_value(json: Json, levels: usize) -> Result<Value, Refusal> {
    let inner =
        || levels.checked_sub(1).ok_or_else(|| Refusal::new(format!("nested deeper than {MAX_NESTING} levels")));
    let kind = match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(flag) => Kind::BoolValue(flag),
        Json::Number(number) => {
            Kind::NumberValue(number.as_f64().ok_or_else(|| Refusal::new("a number is too large"))?)
        }
        Json::String(text) => Kind::StringValue(text),
        Json::Array(items) => {
            let levels = inner()?;
            let values = items.into_iter().map(|item| to_value(item, levels)).collect::<Result<_, _>>()?;
            Kind::ListValue(ListValue { values })
        }
        Json::Object(object) => Kind::StructValue(members(object, inner()?)?),
    };
    Ok(Value { kind: Some(kind) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            (-1e15..1e15f64).prop_map(Json::from),
            ".*".prop_map(Json::from),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
                prop::collection::btree_map(".{0,8}", inner, 0..6).prop_map(Json::from_iter),
            ]
        })
    }

    /// The way back, for the test alone.
    fn back(value: Value) -> Json {
        match value.kind.unwrap() {
            Kind::NullValue(_) => Json::Null,
            Kind::BoolValue(flag) => flag.into(),
            Kind::NumberValue(number) => number.into(),
            Kind::StringValue(text) => text.into(),
            Kind::ListValue(list) => list.values.into_iter().map(back).collect(),
            Kind::StructValue(object) => object.fields.into_iter().map(|(name, value)| (name, back(value))).collect(),
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_on_the_way(json in json()) {
            prop_assert_eq!(back(to_value(json.clone(), MAX_NESTING).unwrap()), json);
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        assert!(to_value(nested(MAX_NESTING), MAX_NESTING).is_ok());
        assert!(to_value(nested(MAX_NESTING + 1), MAX_NESTING).is_err());
    }
}
