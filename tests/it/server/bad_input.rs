//! Bad input: INVALID_ARGUMENT with the field named, and nothing stored.

use kith::proto::v1::fact::Body;
use kith::proto::v1::profile_service_client::ProfileServiceClient;
use kith::proto::v1::{
    BatchLookupRequest, BatchWriteRequest, Fact, Identify, ListEventsRequest, LookupRequest, StreamWriteRequest,
};
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Timestamp, Value};
use tonic::Code;

use super::kit::{identify, lookup, refused, serve, write};

fn fact(keys: &[&str]) -> Fact {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    Fact { keys, ..identify("m1", "", "name", "Joe") }
}

fn with_value(value: Value) -> Fact {
    let traits = Struct { fields: [("name".to_owned(), value)].into() };
    let body = Body::Identify(Identify { traits: Some(traits), address: String::new() });
    Fact { body: Some(body), ..fact(&["user_id:1"]) }
}

fn nested(depth: usize) -> Value {
    let number = Value { kind: Some(Kind::NumberValue(1.0)) };
    (0..depth).fold(number, |inner, _| Value { kind: Some(Kind::ListValue(ListValue { values: vec![inner] })) })
}

#[tokio::test]
async fn bad_facts_are_refused_with_their_field_and_store_nothing() {
    let served = serve(|_| {}).await;
    let mut writes = served.writes().await;
    let applied = served.engine.applied();
    let long = format!("email:{}", "x".repeat(513));
    let time = |seconds, nanos| Fact { time: Some(Timestamp { seconds, nanos }), ..fact(&["user_id:1"]) };
    let cases = [
        (fact(&[""]), "MISSING", "fact.keys[0]"),
        (fact(&["user_id:1", "smith"]), "MALFORMED_KEY", "fact.keys[1]"),
        (fact(&["shoe_size:44"]), "UNKNOWN_TYPE", "fact.keys[0]"),
        (fact(&[long.as_str()]), "TOO_LARGE", "fact.keys[0]"),
        (fact(&[]), "MISSING", "fact.keys"),
        (fact(&["user_id:1", "user_id:2"]), "CONFLICTING_IDENTIFIERS", "fact.keys"),
        (with_value(Value { kind: Some(Kind::NumberValue(f64::NAN)) }), "BAD_VALUE", "fact.identify.traits"),
        (with_value(nested(9)), "TOO_LARGE", "fact.identify.traits"),
        (with_value(Value { kind: Some(Kind::StringValue("x".repeat(33 * 1024))) }), "TOO_LARGE", "fact"),
        (time(-1, 0), "TIME_OUT_OF_RANGE", "fact.time"),
        (time(253_402_300_799, 0), "TIME_OUT_OF_RANGE", "fact.time"),
        (Fact { message_id: String::new(), ..fact(&["user_id:1"]) }, "MISSING", "fact.message_id"),
        (Fact { body: None, ..fact(&["user_id:1"]) }, "MISSING", "fact.body"),
    ];
    for (fact, reason, field) in cases {
        let refusal = write(&mut writes, fact).await;
        let message = refusal.as_ref().unwrap_err().message().to_owned();
        assert_eq!(refused(refusal, Code::InvalidArgument, reason), field);
        assert!(!message.contains("smith") && !message.contains("xxx") && !message.contains("44"), "{message}");
    }
    // A conflict is found by the writer and takes a place in its log, and stores nothing either.
    assert!(served.engine.applied().0 <= applied.0 + 1);
}

#[tokio::test]
async fn a_message_that_nests_too_deep_to_be_read_is_bad_input() {
    let served = serve(|_| {}).await;
    let mut writes = served.writes().await;
    refused(write(&mut writes, with_value(nested(200))).await, Code::InvalidArgument, "BAD_VALUE");
    let stream = tokio_stream::iter([StreamWriteRequest { fact: Some(with_value(nested(200))) }]);
    let mut results = writes.stream_write(stream).await.unwrap().into_inner();
    refused(results.message().await, Code::InvalidArgument, "BAD_VALUE");
}

#[tokio::test]
async fn bad_lookups_are_refused_with_their_field() {
    let served = serve(|_| {}).await;
    let mut lookups = served.lookups().await;
    let cases = [
        (lookup(""), "MISSING", "keys[0]"),
        (LookupRequest::default(), "MISSING", "keys"),
        (lookup("shoe_size:44"), "UNKNOWN_TYPE", "keys[0]"),
        (lookup("profile_id:1"), "MALFORMED_KEY", "keys[0]"),
        (LookupRequest { kind: "pet".to_owned(), ..lookup("user_id:1") }, "UNKNOWN_KIND", "kind"),
        (LookupRequest { token: "7".to_owned(), ..lookup("user_id:1") }, "MALFORMED_TOKEN", "token"),
        (LookupRequest { fields: vec![String::new()], ..lookup("user_id:1") }, "MISSING", "fields[0]"),
        (LookupRequest { fields: vec!["f".to_owned(); 257], ..lookup("user_id:1") }, "TOO_LARGE", "fields"),
    ];
    for (request, reason, field) in cases {
        assert_eq!(refused(lookups.lookup(request).await, Code::InvalidArgument, reason), field);
    }
    for (keys, reason) in [(0, "MISSING"), (1_001, "TOO_LARGE")] {
        let keys = vec!["user_id:1".to_owned(); keys];
        let request = BatchLookupRequest { keys, ..BatchLookupRequest::default() };
        assert_eq!(refused(lookups.batch_lookup(request).await, Code::InvalidArgument, reason), "keys");
    }
}

#[tokio::test]
async fn bad_batches_and_pages_are_refused_with_their_field() {
    let served = serve(|_| {}).await;
    let mut writes = served.writes().await;
    for (facts, reason) in [(0, "MISSING"), (1_001, "TOO_LARGE")] {
        let request = BatchWriteRequest { facts: vec![fact(&["user_id:1"]); facts] };
        assert_eq!(refused(writes.batch_write(request).await, Code::InvalidArgument, reason), "facts");
    }
    let mut profiles = ProfileServiceClient::new(served.channel().await);
    let page = || ListEventsRequest { key: "user_id:1".to_owned(), ..ListEventsRequest::default() };
    let cases = [
        (ListEventsRequest { page_size: -1, ..page() }, "TOO_LARGE", "page_size"),
        (ListEventsRequest { page_size: 1_001, ..page() }, "TOO_LARGE", "page_size"),
        (ListEventsRequest { page_token: "7".to_owned(), ..page() }, "MALFORMED_TOKEN", "page_token"),
        (ListEventsRequest { key: "joe".to_owned(), ..page() }, "MALFORMED_KEY", "key"),
    ];
    for (request, reason, field) in cases {
        assert_eq!(refused(profiles.list_events(request).await, Code::InvalidArgument, reason), field);
    }
    refused(profiles.list_events(page()).await, Code::NotFound, "NOT_FOUND");
}
