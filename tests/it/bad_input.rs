//! Bad input is refused with INVALID_ARGUMENT, the field and the reason; nothing of it is stored, and nothing of it is
//! in the answer. Each limit is tried on both of its sides.

use kith::client::Client;
use kith::proto::v1::fact::Body;
use kith::proto::v1::write_result::Result as Written;
use kith::proto::v1::{
    Answer, BatchLookupRequest, BatchWriteRequest, Consent, Fact, GetProfileRequest, GetStatsRequest, Hush, ItemError,
    ListEventsRequest, ListMembersRequest, LookupRequest, Resolution, StreamLookupRequest, StreamWriteRequest,
    WriteRequest, WriteResult,
};
use prost_types::value::Kind;
use prost_types::{Struct, Timestamp, Value};
use serde_json::{Value as Json, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::harness::{Server, Setup, asking, fact, lookup, write};

/// In every value that is refused: no part of an answer may have it.
const CANARY: &str = "canary";

/// A good fact, to be spoilt.
fn good() -> Fact {
    fact(json!({"type": "identify", "messageId": "m-canary", "keys": ["user_id:canary"], "traits": {"a": "canary"}}))
}

fn with_keys(keys: &[&str]) -> Fact {
    Fact { keys: keys.iter().map(ToString::to_string).collect(), ..good() }
}

fn with_time(seconds: i64) -> Fact {
    Fact { time: Some(Timestamp { seconds, nanos: 0 }), ..good() }
}

fn with_traits(traits: Json) -> Fact {
    fact(json!({"type": "identify", "messageId": "m-canary", "keys": ["user_id:canary"], "traits": traits}))
}

fn with_hush(hush: Hush) -> Fact {
    Fact { body: Some(Body::Hush(hush)), ..good() }
}

/// A good hush, to be spoilt.
fn hush() -> Hush {
    Hush { topic: "canary".into(), cause: "canary".into(), ..Default::default() }
}

fn with_consent(consent: Consent) -> Fact {
    Fact { body: Some(Body::Consent(consent)), ..good() }
}

/// A good consent, to be spoilt.
fn consent() -> Consent {
    Consent { purpose: "canary".into(), granted: Some(false), ..Default::default() }
}

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn with_number(number: f64) -> Fact {
    let traits = Struct { fields: [("canary".to_owned(), Value { kind: Some(Kind::NumberValue(number)) })].into() };
    let identify = kith::proto::v1::Identify { traits: Some(traits), address: String::new() };
    Fact { body: Some(Body::Identify(identify)), ..good() }
}

fn with_group(key: &str, role: &str) -> Fact {
    let (key, role) = (key.to_owned(), role.to_owned());
    Fact { body: Some(Body::Group(kith::proto::v1::Group { key, role, ..Default::default() })), ..good() }
}

/// Lists in lists, so many.
fn nested(levels: usize) -> Json {
    (0..levels).fold(json!("canary"), |inner, _| json!([inner]))
}

/// A key of a type without rules, its value this long.
fn long_key(bytes: usize) -> String {
    format!("user_id:{}{}", CANARY, "x".repeat(bytes - CANARY.len()))
}

fn in_seconds(seconds: i64) -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap() + seconds
}

const DAY: i64 = 24 * 60 * 60;

/// Facts that are refused, the field at fault, and the reason.
fn bad_facts() -> Vec<(Option<Fact>, &'static str, &'static str)> {
    let too_many: Vec<_> = (0..17).map(|number| format!("anonymous_id:canary{number}")).collect();
    let many_names: Json = (0..257).map(|number| (format!("canary{number}"), json!(1))).collect();
    let untyped = "canary has no type";
    let of_bob = with_keys(&["user_id:canary-alice", "user_id:canary-bob"]);
    vec![
        (None, "fact", "MISSING"),
        (Some(Fact { message_id: String::new(), ..good() }), "fact.message_id", "MISSING"),
        (Some(Fact { message_id: "canary".repeat(22), ..good() }), "fact.message_id", "TOO_LARGE"),
        (Some(Fact { source: "canary".repeat(11), ..good() }), "fact.source", "TOO_LARGE"),
        (Some(Fact { body: None, ..good() }), "fact.body", "MISSING"),
        (Some(with_keys(&[])), "fact.keys", "MISSING"),
        (Some(Fact { keys: too_many, ..good() }), "fact.keys", "TOO_LARGE"),
        (Some(with_keys(&["user_id:canary", ""])), "fact.keys[1]", "MISSING"),
        (Some(with_keys(&[untyped])), "fact.keys[0]", "MALFORMED_KEY"),
        (Some(with_keys(&["user_id:"])), "fact.keys[0]", "MALFORMED_KEY"),
        (Some(with_keys(&["Canary:canary"])), "fact.keys[0]", "MALFORMED_KEY"),
        (Some(with_keys(&["user_id:can\u{0}canary"])), "fact.keys[0]", "MALFORMED_KEY"),
        (Some(with_keys(&["canary_type:canary"])), "fact.keys[0]", "UNKNOWN_TYPE"),
        (Some(with_keys(&["email:canary@@canary"])), "fact.keys[0]", "BAD_VALUE"),
        (Some(with_keys(&[&long_key(513)])), "fact.keys[0]", "TOO_LARGE"),
        (Some(of_bob), "fact.keys", "CONFLICTING_IDENTIFIERS"),
        (Some(with_time(-1)), "fact.time", "TIME_OUT_OF_RANGE"),
        (Some(with_time(in_seconds(DAY + 60))), "fact.time", "TIME_OUT_OF_RANGE"),
        (Some(with_number(f64::NAN)), "fact.identify.traits", "BAD_VALUE"),
        (Some(with_number(f64::INFINITY)), "fact.identify.traits", "BAD_VALUE"),
        (Some(with_traits(json!({"canary": nested(9)}))), "fact.identify.traits", "TOO_LARGE"),
        (Some(with_traits(many_names)), "fact.identify.traits", "TOO_LARGE"),
        (Some(with_traits(json!({"canary".repeat(22): 1}))), "fact.identify.traits", "TOO_LARGE"),
        (Some(with_traits(json!({"a": "canary".repeat(32 * 1024 / 6)}))), "fact", "TOO_LARGE"),
        (Some(with_traits(json!({"account.canary": 1}))), "fact.identify.traits", "BAD_VALUE"),
        (Some(with_group("account_id:canary", &"canary".repeat(11))), "fact.group.role", "TOO_LARGE"),
        (Some(with_group("", "canary")), "fact.group.key", "MISSING"),
        (Some(with_group("canary_type:canary", "")), "fact.group.key", "UNKNOWN_TYPE"),
        (Some(with_group("email:canary@example.com", "")), "fact.group.key", "BAD_VALUE"),
        (Some(with_consent(Consent::default())), "fact.consent.purpose", "MISSING"),
        (Some(with_consent(Consent { granted: None, ..consent() })), "fact.consent.granted", "MISSING"),
        (Some(with_consent(Consent { purpose: "canary!".into(), ..consent() })), "fact.consent.purpose", "BAD_VALUE"),
        (
            Some(with_consent(Consent { channel: "canary".repeat(11), ..consent() })),
            "fact.consent.channel",
            "TOO_LARGE",
        ),
        (
            Some(with_consent(Consent { address: "canary".into(), ..consent() })),
            "fact.consent.address",
            "MALFORMED_KEY",
        ),
        (
            Some(with_consent(Consent { address: "user_id:not-canary".into(), ..consent() })),
            "fact.consent.address",
            "BAD_VALUE",
        ),
        (Some(with_hush(Hush::default())), "fact.hush.topic", "MISSING"),
        (Some(with_hush(Hush { topic: "canary!".into(), ..hush() })), "fact.hush.topic", "BAD_VALUE"),
        (Some(with_hush(Hush { topic: "canary".repeat(11), ..hush() })), "fact.hush.topic", "TOO_LARGE"),
        (Some(with_hush(Hush { channel: "canary canary".into(), ..hush() })), "fact.hush.channel", "BAD_VALUE"),
        (Some(with_hush(Hush { cause: "canary".repeat(43), ..hush() })), "fact.hush.cause", "TOO_LARGE"),
        (Some(with_hush(Hush { until: at(-1), ..hush() })), "fact.hush.until", "TIME_OUT_OF_RANGE"),
        (Some(with_hush(Hush { until: at(0), ..hush() })), "fact.hush.until", "BAD_VALUE"),
        (Some(with_hush(Hush { until: at(in_seconds(60)), lift: true, ..hush() })), "fact.hush.until", "BAD_VALUE"),
    ]
}

/// Facts that just keep each limit.
fn facts_within_limits() -> Vec<Fact> {
    let sixteen: Vec<_> = (0..16).map(|number| format!("anonymous_id:within{number}")).collect();
    let names: Json = (0..256).map(|number| (format!("name{number}"), json!(1))).collect();
    let facts = [
        Fact { message_id: "m".repeat(128), source: "s".repeat(64), ..good() },
        Fact { keys: sixteen, ..good() },
        with_keys(&[&long_key(512)]),
        with_time(0),
        with_time(in_seconds(DAY - 60)),
        with_number(f64::MAX),
        with_traits(json!({"deep": nested(8)})),
        with_traits(names),
        with_group("account_id:within", &"r".repeat(64)),
        with_hush(Hush { topic: "t".repeat(64), channel: "c".repeat(64), cause: "c".repeat(256), ..hush() }),
        with_hush(Hush { until: at(in_seconds(60)), ..hush() }),
        with_consent(Consent { purpose: "p".repeat(64), channel: "c".repeat(64), ..consent() }),
        with_consent(Consent { address: "user_id:canary".into(), ..consent() }),
        with_traits(json!({"x".repeat(128): "x".repeat(32 * 1024 - 300)})),
    ];
    let distinct = |(number, mut fact): (usize, Fact)| {
        fact.message_id.replace_range(..1, &number.to_string());
        fact
    };
    facts.into_iter().enumerate().map(distinct).collect()
}

/// Checks all that a refusal says.
fn assert_refused(status: &Status, field: &str, reason: &str) {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
    let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    let expected: &[&str] = if field.is_empty() { &[] } else { &[field] };
    assert_eq!((status.code(), fields.as_slice()), (Code::InvalidArgument, expected), "{status:?}");
    let info = details.error_info().unwrap();
    assert_eq!((info.domain.as_str(), info.reason.as_str()), ("kith", &*format!("ERROR_REASON_{reason}")));
    let echoes = |bytes: &[u8]| bytes.to_ascii_lowercase().windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
    let metadata = format!("{:?}", status.metadata());
    let parts = [status.message().as_bytes(), status.details(), metadata.as_bytes()];
    assert!(!parts.into_iter().any(echoes), "{field} {reason}: the answer has a value of the request: {status:?}");
}

fn assert_item(error: Option<&ItemError>, field: &str, reason: &str) {
    let error = error.unwrap();
    assert_eq!((error.field.as_str(), error.reason().as_str_name()), (field, &*format!("ERROR_REASON_{reason}")));
    assert!(!error.message.contains(CANARY), "{field} {reason}: {}", error.message);
}

/// Everything that would grow if anything was stored: the log, and the records of each family.
async fn records(client: &Client) -> Vec<(String, u64)> {
    let stats = client.admin().get_stats(GetStatsRequest {}).await.unwrap().into_inner();
    let families = stats.families.into_iter().map(|family| (family.name, family.records));
    families.chain([("commands".to_owned(), stats.applied_commands)]).collect()
}

async fn refused_write(client: &Client, fact: Option<Fact>) -> Status {
    client.write().write(WriteRequest { fact }).await.unwrap_err()
}

#[tokio::test]
async fn a_bad_fact_is_refused_and_leaves_no_trace() {
    let server = Server::start();
    let client = server.client().await;
    write(&client, fact(json!({"type": "track", "messageId": "1", "event": "e", "userId": "known"}))).await;
    let before = records(&client).await;
    for (fact, field, reason) in bad_facts() {
        assert_refused(&refused_write(&client, fact).await, field, reason);
        assert_eq!(records(&client).await, before, "{field} {reason}: something was stored");
    }
    for key in ["user_id:canary", "user_id:canary-alice", "user_id:canary-bob"] {
        assert_eq!(lookup(&client, &[key], &[]).await.resolution(), Resolution::NotFound);
    }
    // The message id of what was refused is free.
    assert!(!write(&client, good()).await.duplicate);
    assert_ne!(records(&client).await, before, "the check for traces sees none even of a good fact");
    for fact in facts_within_limits() {
        assert!(!write(&client, fact).await.duplicate);
    }
}

#[tokio::test]
async fn a_bad_read_is_refused() {
    let server = Server::start();
    let client = server.client().await;
    let keys = |count: usize| vec!["user_id:canary".to_owned(); count];
    let good = || asking(&["user_id:canary"], &["a"]);
    let lookups = [
        (LookupRequest { keys: vec![], ..good() }, "keys", "MISSING"),
        (LookupRequest { keys: keys(17), ..good() }, "keys", "TOO_LARGE"),
        (asking(&["user_id:canary", ""], &[]), "keys[1]", "MISSING"),
        (asking(&["canary has no type"], &[]), "keys[0]", "MALFORMED_KEY"),
        (asking(&["profile_id:canary"], &[]), "keys[0]", "MALFORMED_KEY"),
        (asking(&["canary_type:canary"], &[]), "keys[0]", "UNKNOWN_TYPE"),
        (asking(&["account_id:canary"], &[]), "keys[0]", "UNKNOWN_TYPE"),
        (asking(&[&long_key(513)], &[]), "keys[0]", "TOO_LARGE"),
        (LookupRequest { kind: "canary".into(), ..good() }, "kind", "UNKNOWN_KIND"),
        (LookupRequest { token: "canary".into(), ..good() }, "token", "MALFORMED_TOKEN"),
        (LookupRequest { fields: vec!["canary".into(); 257], ..good() }, "fields", "TOO_LARGE"),
        (asking(&["user_id:canary"], &["canary", ""]), "fields[1]", "MISSING"),
        (LookupRequest { purpose: "canary!".into(), ..good() }, "purpose", "BAD_VALUE"),
        (LookupRequest { channel: "canary".into(), ..good() }, "channel", "MISSING"),
    ];
    for (request, field, reason) in lookups {
        assert_refused(&client.lookup().lookup(request).await.unwrap_err(), field, reason);
    }
    let batches = [
        (BatchLookupRequest::default(), "keys", "MISSING"),
        (BatchLookupRequest { keys: keys(1_001), ..Default::default() }, "keys", "TOO_LARGE"),
        (BatchLookupRequest { keys: keys(1), kind: "canary".into(), ..Default::default() }, "kind", "UNKNOWN_KIND"),
        (
            BatchLookupRequest { keys: keys(1), token: "canary".into(), ..Default::default() },
            "token",
            "MALFORMED_TOKEN",
        ),
    ];
    for (request, field, reason) in batches {
        assert_refused(&client.lookup().batch_lookup(request).await.unwrap_err(), field, reason);
    }
    let key = || "user_id:canary".to_owned();
    let profiles = [
        (GetProfileRequest { key: String::new(), ..Default::default() }, "key", "MISSING"),
        (GetProfileRequest { key: key(), kind: "canary".into(), ..Default::default() }, "kind", "UNKNOWN_KIND"),
        (GetProfileRequest { key: key(), token: "canary".into(), ..Default::default() }, "token", "MALFORMED_TOKEN"),
    ];
    for (request, field, reason) in profiles {
        assert_refused(&client.profile().get_profile(request).await.unwrap_err(), field, reason);
    }
    let events = [
        (ListEventsRequest { key: "canary".into(), ..Default::default() }, "key", "MALFORMED_KEY"),
        (ListEventsRequest { key: key(), page_size: 1_001, ..Default::default() }, "page_size", "TOO_LARGE"),
        (
            ListEventsRequest { key: key(), page_token: "canary".into(), ..Default::default() },
            "page_token",
            "MALFORMED_TOKEN",
        ),
    ];
    for (request, field, reason) in events {
        assert_refused(&client.profile().list_events(request).await.unwrap_err(), field, reason);
    }
    let account = || ListMembersRequest { key: "account_id:canary".into(), ..Default::default() };
    let members = [
        (ListMembersRequest { key: key(), ..account() }, "key", "UNKNOWN_TYPE"),
        (ListMembersRequest { kind: "canary".into(), ..account() }, "kind", "UNKNOWN_KIND"),
        (ListMembersRequest { page_size: -1, ..account() }, "page_size", "TOO_LARGE"),
        (ListMembersRequest { page_token: "canary".into(), ..account() }, "page_token", "MALFORMED_TOKEN"),
    ];
    for (request, field, reason) in members {
        assert_refused(&client.profile().list_members(request).await.unwrap_err(), field, reason);
    }
}

#[tokio::test]
async fn batches_and_messages_past_their_limit_are_refused_whole() {
    let server = Setup::default().environment("KITH_LIMITS__MAX_MESSAGE_BYTES", 256 * 1024).start();
    let client = server.client().await;
    let facts = |count: usize, trait_bytes: usize| {
        let traits = json!({"a": "canary".repeat(trait_bytes / CANARY.len())});
        let nth = |number| Fact { message_id: format!("{number}"), ..with_traits(traits.clone()) };
        BatchWriteRequest { facts: (0..count).map(nth).collect() }
    };
    let before = records(&client).await;
    for (request, field, reason) in [
        (facts(0, 0), "facts", "MISSING"),
        (facts(1_001, 0), "facts", "TOO_LARGE"),
        // No field of a message that is never read can be named.
        (facts(20, 16 * 1024), "", "TOO_LARGE"),
    ] {
        assert_refused(&client.write().batch_write(request).await.unwrap_err(), field, reason);
        assert_eq!(records(&client).await, before);
    }
    let response = client.write().batch_write(facts(1_000, 0)).await.unwrap().into_inner();
    assert_eq!(response.results.len(), 1_000);
    assert!(response.results.iter().all(|result| matches!(result.result, Some(Written::Receipt(_)))));
}

/// One key that is known, all that are bad, and again the known one.
const KEYS: [(&str, Option<&str>); 6] = [
    ("user_id:known", None),
    ("", Some("MISSING")),
    ("canary has no type", Some("MALFORMED_KEY")),
    ("canary_type:canary", Some("UNKNOWN_TYPE")),
    ("user_id:nobody", None),
    ("user_id:known", None),
];

fn assert_answers(answers: &[Answer], field: impl Fn(usize) -> String) {
    assert_eq!(answers.len(), KEYS.len());
    for (at, (answer, (key, reason))) in answers.iter().zip(KEYS).enumerate() {
        assert_eq!(answer.key, key);
        match reason {
            Some(reason) => assert_item(answer.error.as_ref(), &field(at), reason),
            None => {
                assert_eq!((answer.resolution() == Resolution::Found, &answer.error), (key.ends_with("known"), &None))
            }
        }
    }
}

#[tokio::test]
async fn a_bad_key_among_many_is_answered_in_its_place() {
    let server = Server::start();
    let client = server.client().await;
    write(&client, fact(json!({"type": "track", "messageId": "1", "event": "e", "userId": "known"}))).await;
    let keys = || KEYS.iter().map(|(key, _)| (*key).to_owned());

    let request = BatchLookupRequest { keys: keys().collect(), ..Default::default() };
    let response = client.lookup().batch_lookup(request).await.unwrap().into_inner();
    assert_answers(&response.answers, |at| format!("keys[{at}]"));

    let requests: Vec<_> = keys().map(|key| StreamLookupRequest { keys: vec![key], ..Default::default() }).collect();
    let mut stream = client.lookup().stream_lookup(tokio_stream::iter(requests)).await.unwrap().into_inner();
    let mut answers = Vec::new();
    while let Some(response) = stream.message().await.unwrap() {
        answers.push(response.answer.unwrap());
    }
    assert_answers(&answers, |_| "keys[0]".to_owned());
}

/// Good facts around each of the bad ones, with the field and reason of those.
fn mixed() -> Vec<(Fact, Option<(String, &'static str)>)> {
    let mut facts = Vec::new();
    for (number, (bad, field, reason)) in bad_facts().into_iter().enumerate() {
        let Some(bad) = bad else { continue };
        let inside = field.strip_prefix("fact").unwrap().trim_start_matches('.');
        facts.push((Fact { message_id: format!("good {number}"), ..good() }, None));
        facts.push((bad, Some((inside.to_owned(), reason))));
    }
    facts.push((Fact { message_id: "good".to_owned(), ..good() }, None));
    facts
}

fn assert_results(results: &[WriteResult]) {
    let expected = mixed();
    assert_eq!(results.len(), expected.len());
    for (result, (fact, refusal)) in results.iter().zip(expected) {
        match (result.result.as_ref().unwrap(), refusal) {
            (Written::Error(error), Some((field, reason))) => assert_item(Some(error), &field, reason),
            (Written::Receipt(receipt), None) => assert_eq!(receipt.message_id, fact.message_id),
            (result, refusal) => panic!("{result:?} instead of {refusal:?}"),
        }
    }
}

#[tokio::test]
async fn a_bad_fact_among_many_is_answered_in_its_place() {
    let server = Server::start();
    let client = server.client().await;
    let facts = || mixed().into_iter().map(|(fact, _)| fact);
    let response = client.write().batch_write(BatchWriteRequest { facts: facts().collect() }).await.unwrap();
    assert_results(&response.into_inner().results);

    let requests: Vec<_> = facts().map(|fact| StreamWriteRequest { fact: Some(fact) }).collect();
    let mut stream = client.write().stream_write(tokio_stream::iter(requests)).await.unwrap().into_inner();
    let mut results = Vec::new();
    while let Some(response) = stream.message().await.unwrap() {
        results.push(response.result.unwrap());
    }
    assert_results(&results);
}
