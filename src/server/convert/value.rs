//! Values: plain JSON on the wire. Nesting is bounded by what a message may nest, numbers are checked by the domain.

use std::collections::BTreeMap;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as Message};

use crate::domain::invalid::{Invalid, Reason};
use crate::domain::value::{Value, Values};

/// Reads the object in `field`; none is an empty one.
pub fn read_object(object: Option<Struct>, field: &str) -> Result<Values, Invalid> {
    let Struct { fields } = object.unwrap_or_default();
    read_fields(fields, field)
}

fn read_fields(fields: BTreeMap<String, Message>, field: &str) -> Result<Values, Invalid> {
    fields.into_iter().map(|(name, value)| Ok((name, read(value, field)?))).collect()
}

fn read(value: Message, field: &str) -> Result<Value, Invalid> {
    let Message { kind } = value;
    let text = "has a value of no kind; write null to unset";
    Ok(match kind.ok_or_else(|| Invalid::new(Reason::BadValue, field, text))? {
        Kind::NullValue(_) => Value::Null,
        Kind::BoolValue(value) => Value::Bool(value),
        Kind::NumberValue(value) => Value::Number(value),
        Kind::StringValue(value) => Value::Text(value),
        Kind::ListValue(ListValue { values }) => {
            Value::List(values.into_iter().map(|value| read(value, field)).collect::<Result<_, _>>()?)
        }
        Kind::StructValue(Struct { fields }) => Value::Object(read_fields(fields, field)?),
    })
}

/// Writes a value; a time as its text.
pub fn write(value: Value) -> Message {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(value),
        Value::Number(value) => Kind::NumberValue(value),
        Value::Text(value) => Kind::StringValue(value),
        Value::Time(value) => Kind::StringValue(value.to_string()),
        Value::List(values) => Kind::ListValue(ListValue { values: values.into_iter().map(write).collect() }),
        Value::Object(values) => Kind::StructValue(write_object(values)),
    };
    Message { kind: Some(kind) }
}

/// Writes an object.
pub fn write_object(values: Values) -> Struct {
    Struct { fields: values.into_iter().map(|(name, value)| (name, write(value))).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Time;

    #[test]
    fn values_go_there_and_back() {
        let inner = Values::from([("a".to_owned(), Value::Null), ("b".to_owned(), Value::Bool(true))]);
        let list = Value::List(vec![Value::Number(1.5), Value::Text("x".to_owned()), Value::Object(inner)]);
        let values = Values::from([("list".to_owned(), list)]);
        assert!(read_object(Some(write_object(values.clone())), "traits") == Ok(values));
        assert_eq!(read_object(None, "traits").unwrap().len(), 0);
    }

    #[test]
    fn times_are_text_and_a_value_of_no_kind_is_refused() {
        let written = write(Value::Time(Time::from_micros(0)));
        assert_eq!(written.kind, Some(Kind::StringValue("1970-01-01T00:00:00Z".to_owned())));

        let object = Struct { fields: BTreeMap::from([("a".to_owned(), Message { kind: None })]) };
        let refused = read_object(Some(object), "identify.traits").unwrap_err();
        assert_eq!((refused.reason, refused.field.as_str()), (Reason::BadValue, "identify.traits"));
    }
}
