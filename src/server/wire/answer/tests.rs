use std::collections::BTreeMap;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Timestamp, Value as Message};

use super::*;
use crate::domain::consent::{Purpose, State as Allowed};
use crate::domain::ids::ProfileId;
use crate::domain::view::{Code, Decision, State};

fn answer() -> Answer {
    let object = Values::from([("a".to_owned(), Value::Null), (String::new(), Value::Bool(false))]);
    let values = [
        ("text", Value::Text("x".repeat(200))),
        ("blank", Value::Text(String::new())),
        ("zero", Value::Number(0.0)),
        ("no", Value::Bool(false)),
        ("at", Value::Time(Time::from_micros(1_500_000))),
        ("list", Value::List(vec![Value::Object(object), Value::List(Vec::new())])),
    ];
    let present = |(name, value): (&str, Value)| (name.into(), Field::now(value));
    let missing = [("unset", Field::NotSet), ("unclear", Field::Ambiguous), ("vast", Field::TooLarge)];
    let topic = Topic { name: "weddings".into(), channel: "email".into() };
    let purpose = Purpose { name: "ads".into(), channel: String::new() };
    Answer {
        key: 0,
        resolution: Resolution::Found(ProfileId(1)),
        fields: values.into_iter().map(present).chain(missing.map(|(name, field)| (name.into(), field))).collect(),
        hushed: vec![Hushed { topic, until: Some(Time::from_micros(2_000_001)) }],
        apart: Vec::new(),
        viewed: None,
        consents: vec![Consent { purpose, state: Allowed::Denied, denied_by: None }],
        changes_at: None,
    }
}

fn item(found: Result<Answer, Refusal>) -> Item {
    Item { key: "user_id:1".to_owned(), found, model_version: 3, html: true }
}

fn put(encoded: Encoded) -> Vec<u8> {
    let mut bytes = Vec::new();
    encoded.put(&mut bytes);
    bytes
}

fn kind(kind: Kind) -> Message {
    Message { kind: Some(kind) }
}

#[test]
fn what_was_found_is_what_a_client_reads() {
    let bytes = put(Encoded::One { answer: super::answer(&item(Ok(answer()))), token: "token".to_owned() });
    let read = v1::LookupResponse::decode(bytes.as_slice()).unwrap();
    let object = Struct {
        fields: BTreeMap::from([("a".into(), kind(Kind::NullValue(0))), (String::new(), kind(Kind::BoolValue(false)))]),
    };
    let list = |values| kind(Kind::ListValue(ListValue { values }));
    let states =
        [("unset", v1::FieldState::NotSet), ("unclear", v1::FieldState::Ambiguous), ("vast", v1::FieldState::TooLarge)];
    let present = ["text", "blank", "zero", "no", "at", "list"].map(|name| (name, v1::FieldState::Present));
    let hushed = v1::HushedTopic {
        topic: "weddings".into(),
        channel: "email".into(),
        until: Some(Timestamp { seconds: 2, nanos: 1_000 }),
    };
    let expected = v1::Answer {
        key: "user_id:1".into(),
        resolution: v1::Resolution::Found.into(),
        profile_id: "00000000-0000-0000-0000-000000000001".into(),
        values: BTreeMap::from([
            ("text".into(), kind(Kind::StringValue("x".repeat(200)))),
            ("blank".into(), kind(Kind::StringValue(String::new()))),
            ("zero".into(), kind(Kind::NumberValue(0.0))),
            ("no".into(), kind(Kind::BoolValue(false))),
            ("at".into(), kind(Kind::StringValue("1970-01-01T00:00:01.5Z".into()))),
            ("list".into(), list(vec![kind(Kind::StructValue(object)), list(Vec::new())])),
        ]),
        states: states.into_iter().chain(present).map(|(name, state)| (name.into(), state.into())).collect(),
        model_version: 3,
        error: None,
        shared_by: 0,
        hushed: vec![hushed],
        info: BTreeMap::new(),
        renderable: false,
        view_version: 0,
        send_decision: 0,
        send_reasons: Vec::new(),
        cache_until: None,
        pinned_at: None,
        consents: vec![v1::PurposeConsent {
            purpose: "ads".into(),
            channel: String::new(),
            state: v1::ConsentState::Denied.into(),
        }],
    };
    assert_eq!(read, v1::LookupResponse { answer: Some(expected), token: "token".into() });
}

#[test]
fn a_view_says_of_every_field_where_it_comes_from() {
    let shown = Shown {
        name: "greeting".into(),
        value: Some(Value::Text("A & B".into())),
        state: State::Present,
        because: Some(State::Stale),
        rung: Some(0),
        as_of: Some(Time::from_micros(1)),
        scope: "person".into(),
    };
    let hidden = Shown {
        name: "dress".into(),
        value: None,
        state: State::Suppressed,
        because: None,
        rung: None,
        as_of: None,
        scope: "".into(),
    };
    let hold = "open_complaint".to_owned();
    let reason = Reason { code: Code::Held, decision: Decision::Hold, hold, topic: String::new() };
    let viewed = Viewed {
        version: 2,
        renderable: true,
        fields: vec![hidden, shown],
        decision: Decision::Hold,
        reasons: vec![reason],
        cache_until: Some(Time::from_micros(3_000_000)),
        pinned_at: Some(Time::from_micros(4_000_000)),
    };
    let shared =
        Answer { resolution: Resolution::Shared { people: 2 }, fields: Vec::new(), viewed: Some(viewed), ..answer() };
    let bytes = put(Encoded::One { answer: super::answer(&item(Ok(shared))), token: String::new() });
    let read = v1::StreamLookupResponse::decode(bytes.as_slice()).unwrap().answer.unwrap();
    assert_eq!((read.resolution(), read.shared_by, read.profile_id.as_str()), (v1::Resolution::Shared, 2, ""));
    assert_eq!((read.renderable, read.view_version), (true, 2));
    let reason = v1::SendReason {
        code: v1::SendReasonCode::Held.into(),
        decision: v1::SendDecision::Hold.into(),
        hold: "open_complaint".into(),
        topic: String::new(),
    };
    assert_eq!((read.send_decision(), read.send_reasons), (v1::SendDecision::Hold, vec![reason]));
    assert_eq!(read.cache_until, Some(Timestamp { seconds: 3, nanos: 0 }));
    assert_eq!(read.pinned_at, Some(Timestamp { seconds: 4, nanos: 0 }));
    assert_eq!(read.values["greeting"], kind(Kind::StringValue("A & B".into())));
    assert_eq!(read.states["dress"], i32::from(v1::FieldState::Suppressed));
    let info = v1::FieldInfo {
        rung: Some(0),
        because: v1::FieldState::Stale.into(),
        as_of: Some(Timestamp { seconds: 0, nanos: 1_000 }),
        scope: "person".into(),
        html: "A &amp; B".into(),
    };
    assert_eq!(read.info["greeting"], info);
    assert_eq!(read.info["dress"], v1::FieldInfo::default());
}

#[test]
fn a_batch_answers_in_order_and_says_what_is_wrong_in_its_place() {
    let refusal = Refusal::new(v1::ErrorReason::BadValue, "is no key");
    let answers = [item(Err(refusal.clone())), item(Ok(answer()))].iter().map(super::answer).collect();
    let bytes = put(Encoded::Many { answers, token: String::new() });
    let read = v1::BatchLookupResponse::decode(bytes.as_slice()).unwrap();
    assert_eq!(read.answers[0].error, Some(refusal.into_item()));
    assert_eq!(read.answers[0].key, "user_id:1");
    assert_eq!(read.answers[1].values.len(), 6);
}
