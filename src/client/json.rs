//! Messages as JSON: the canonical mapping of protobuf, by the compiled descriptors.
//!
//! One addition to it: whole numbers are written without a fraction (`6`, not `6.0`), as grpcurl does.

use std::sync::OnceLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use prost_types::value::Kind;
use serde_json::{Number, Value as Json};

use super::Error;
use crate::proto::DESCRIPTORS;

/// Doubles below this hold every whole number exactly.
const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

/// The message `kith.v1.{name}` as one JSON value, members sorted by name.
pub fn message<M: Message>(name: &str, message: &M) -> Result<Json, Error> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    let broken = || Error::NoJson(name.to_owned());
    let pool = POOL.get_or_init(|| DescriptorPool::decode(DESCRIPTORS).ok());
    let description = pool.as_ref().and_then(|pool| pool.get_message_by_name(&format!("kith.v1.{name}")));
    let mut dynamic = DynamicMessage::new(description.ok_or_else(broken)?);
    dynamic.transcode_from(message).map_err(|_| broken())?;
    let mut json = serde_json::to_value(&dynamic).map_err(|_| broken())?;
    shorten(&mut json);
    Ok(json)
}

/// The JSON that a `google.protobuf.Value` stands for. What is no number in JSON is `null`.
pub fn value(value: &prost_types::Value) -> Json {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Json::Null,
        Some(Kind::BoolValue(flag)) => (*flag).into(),
        Some(Kind::NumberValue(number)) => self::number(*number),
        Some(Kind::StringValue(text)) => text.as_str().into(),
        Some(Kind::ListValue(list)) => list.values.iter().map(self::value).collect(),
        Some(Kind::StructValue(object)) => self::object(object),
    }
}

/// The JSON that a `google.protobuf.Struct` stands for.
pub fn object(object: &prost_types::Struct) -> Json {
    object.fields.iter().map(|(name, member)| (name.clone(), value(member))).collect()
}

/// An instant as RFC 3339 in UTC.
pub fn time(time: &prost_types::Timestamp) -> String {
    let read = jiff::Timestamp::new(time.seconds, time.nanos);
    read.map_or_else(|_| "(out of range)".into(), |time| time.to_string())
}

/// Writes a number as short as it can be.
pub fn number(number: f64) -> Json {
    let whole = number.fract() == 0.0 && number.abs() < EXACT_BELOW;
    #[expect(clippy::cast_possible_truncation, reason = "the number is whole and below 2^53")]
    let shortest = if whole { Some(Number::from(number as i64)) } else { Number::from_f64(number) };
    shortest.map_or(Json::Null, Json::Number)
}

/// Takes the fraction off every whole number.
fn shorten(json: &mut Json) {
    match json {
        Json::Number(found) if found.is_f64() => *json = number(found.as_f64().unwrap_or_default()),
        Json::Array(items) => items.iter_mut().for_each(shorten),
        Json::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1;

    fn of(number: f64) -> prost_types::Value {
        prost_types::Value { kind: Some(Kind::NumberValue(number)) }
    }

    #[test]
    fn an_answer_is_natural_json() {
        let answer = v1::Answer {
            key: "user_id:1".into(),
            resolution: v1::Resolution::Found.into(),
            values: [("orders.count".into(), of(6.0)), ("orders.revenue".into(), of(11.77))].into(),
            states: [("name".into(), v1::FieldState::NotSet.into())].into(),
            model_version: 3,
            ..Default::default()
        };
        let expected = concat!(
            r#"{"key":"user_id:1","modelVersion":"3","resolution":"RESOLUTION_FOUND","#,
            r#""states":{"name":"FIELD_STATE_NOT_SET"},"values":{"orders.count":6,"orders.revenue":11.77}}"#,
        );
        assert_eq!(message("Answer", &answer).unwrap().to_string(), expected);
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        for (double, text) in [(6.0, "6"), (-0.5, "-0.5"), (1e300, "1e+300"), (f64::NAN, "null")] {
            assert_eq!(value(&of(double)).to_string(), text);
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        let wire = |seconds, nanos| prost_types::Timestamp { seconds, nanos };
        assert_eq!(time(&wire(852_076_800, 250_000_000)), "1997-01-01T00:00:00.25Z");
        assert_eq!(time(&wire(i64::MAX, 0)), "(out of range)");
    }
}
