use proptest::prelude::*;
use serde_json::json;

use super::*;

fn fact(json: Json) -> v1::Fact {
    parse(json.to_string().as_bytes()).unwrap()
}

fn refusal(json: Json) -> String {
    parse(json.to_string().as_bytes()).unwrap_err().to_string()
}

#[test]
fn an_identify_brings_its_keys_traits_and_source() {
    let read = fact(json!({
        "type": "identify", "messageId": "m1", "timestamp": "2026-11-21T19:30:00.123456789+01:00",
        "userId": "u1", "anonymousId": "a1", "originalTimestamp": 5, "integrations": {"All": true},
        "traits": {"email": "joe@example.com", "age": 40, "tags": ["x", null]},
        "context": {
            "app": {"name": "shop"}, "library": {"name": "analytics.js"},
            "traits": {"email": "joe@example.com", "phone": "+4912345"},
            "externalIds": [{"type": "crm_id", "id": "9", "collection": "users"}]
        },
        "keys": ["loyalty:7"]
    }));
    let expected =
        ["user_id:u1", "anonymous_id:a1", "crm_id:9", "email:joe@example.com", "phone:+4912345", "loyalty:7"];
    assert_eq!(read.keys, expected);
    assert_eq!(read.source, "shop");
    assert_eq!(read.message_id, "m1");
    assert_eq!(read.time.unwrap(), prost_types::Timestamp { seconds: 1_795_285_800, nanos: 123_456_000 });
    let Some(Body::Identify(identify)) = read.body else { panic!() };
    assert_eq!(identify.traits.unwrap().fields.keys().collect::<Vec<_>>(), ["age", "email", "tags"]);
}

#[test]
fn every_other_type_is_read() {
    let track = fact(
        json!({"type": "track", "messageId": "m", "userId": "u", "event": "Order Completed", "properties": {"n": 1}}),
    );
    assert!(
        matches!(track.body, Some(Body::Track(v1::Track { event, properties: Some(_) })) if event == "Order Completed")
    );
    assert_eq!(track.time, None);
    let page = fact(json!({"type": "page", "messageId": "m", "userId": "u", "name": null}));
    assert!(matches!(page.body, Some(Body::Page(v1::Page { name, properties: None })) if name.is_empty()));
    let screen = fact(json!({"type": "screen", "messageId": "m", "userId": "u", "name": "Home", "source": "ios"}));
    assert!(matches!(screen.body, Some(Body::Screen(v1::Screen { name, .. })) if name == "Home"));
    assert_eq!(screen.source, "ios");
}

#[test]
fn the_traits_of_a_group_bring_no_keys_of_the_customer() {
    let read = fact(
        json!({"type": "group", "messageId": "m", "userId": "u", "groupId": "acme", "traits": {"email": "info@acme.com"}}),
    );
    assert_eq!(read.keys, ["user_id:u"]);
    assert!(matches!(read.body, Some(Body::Group(v1::Group { key, .. })) if key == "account_id:acme"));
}

#[test]
fn a_group_may_be_of_any_type_and_says_as_what_and_whether_still() {
    let group = |more: Json| {
        let mut message = json!({"type": "group", "messageId": "m", "userId": "u"});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    let read = |more| match fact(group(more)).body {
        Some(Body::Group(v1::Group { key, role, left, .. })) => (key, role, left),
        other => panic!("{other:?}"),
    };
    let of = |key: &str, role: &str, left| (key.to_owned(), role.to_owned(), left);
    assert_eq!(read(json!({"groupId": "acme", "role": "admin"})), of("account_id:acme", "admin", false));
    assert_eq!(read(json!({"groupKey": "household_id:h1", "left": true})), of("household_id:h1", "", true));
    for (more, expected) in [
        (json!({}), "`groupId` is missing"),
        (json!({"groupId": "acme", "role": 7}), "`role` must be text"),
        (json!({"groupId": "acme", "left": "yes"}), "`left` must be true or false"),
        (json!({"groupKey": 7}), "`groupKey` must be text"),
    ] {
        assert_eq!(refusal(group(more)), expected);
    }
}

#[test]
fn a_hush_is_of_a_topic_and_nothing_else_is_needed() {
    let hush = |more: Json| {
        let mut message = json!({"type": "hush", "messageId": "m", "userId": "u", "topic": "babies"});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    let Some(Body::Hush(bare)) = fact(hush(json!({}))).body else { panic!() };
    assert_eq!(bare, v1::Hush { topic: "babies".into(), ..Default::default() });
    let more = json!({"lift": true, "until": "1970-01-01T00:00:07Z", "channel": "push", "cause": "c"});
    let Some(Body::Hush(full)) = fact(hush(more)).body else { panic!() };
    let until = Some(prost_types::Timestamp { seconds: 7, nanos: 0 });
    let (channel, cause) = ("push".into(), "c".into());
    assert_eq!(full, v1::Hush { topic: "babies".into(), lift: true, until, channel, cause });
    assert_eq!(refusal(hush(json!({"topic": null}))), "`topic` is missing");
    assert!(refusal(hush(json!({"until": "soon"}))).starts_with("`until` must be an RFC 3339 time"));
}

#[test]
fn a_consent_is_of_the_customer_or_of_one_of_the_keys() {
    let consent = |more: Json| {
        let mut message =
            json!({"type": "consent", "messageId": "m", "userId": "u", "purpose": "ads", "granted": false});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    let Some(Body::Consent(bare)) = fact(consent(json!({}))).body else { panic!() };
    assert_eq!(bare, v1::Consent { purpose: "ads".into(), granted: Some(false), ..Default::default() });
    let more = json!({"granted": true, "channel": "email", "context": {"address": "user_id:u"}});
    let Some(Body::Consent(full)) = fact(consent(more)).body else { panic!() };
    assert_eq!((full.granted, full.channel.as_str(), full.address.as_str()), (Some(true), "email", "user_id:u"));
    assert_eq!(refusal(consent(json!({"granted": null}))), "`granted` is missing");
    assert_eq!(refusal(consent(json!({"granted": "yes"}))), "`granted` must be true or false");
    let elsewhere = json!({"context": {"address": "user_id:v"}});
    assert_eq!(refusal(consent(elsewhere)), "`context.address` is not one of the message's keys");
}

#[test]
fn an_alias_gives_up_a_user_id_or_the_anonymous_one() {
    let user = fact(json!({"type": "alias", "messageId": "m", "userId": "new", "previousId": "old"}));
    assert_eq!(user.keys, ["user_id:new"]);
    assert!(matches!(user.body, Some(Body::Alias(v1::Alias { previous })) if previous == "user_id:old"));
    let anonymous =
        fact(json!({"type": "alias", "messageId": "m", "userId": "new", "previousId": "a", "anonymousId": "a"}));
    assert_eq!(anonymous.keys, ["user_id:new"]);
    assert!(matches!(anonymous.body, Some(Body::Alias(v1::Alias { previous })) if previous == "anonymous_id:a"));
}

#[test]
fn an_address_must_be_one_of_the_keys() {
    let with = |address: &str| json!({"type": "identify", "messageId": "m", "userId": "u", "traits": {"email": "j@x.de"}, "context": {"address": address}});
    assert!(
        matches!(fact(with("email:j@x.de")).body, Some(Body::Identify(v1::Identify { address, .. })) if address == "email:j@x.de")
    );
    assert_eq!(refusal(with("email:k@x.de")), "`context.address` is not one of the message's keys");
}

#[test]
fn a_refusal_names_the_field_and_no_value() {
    let base = json!({"type": "track", "messageId": "m", "userId": "u", "event": "e"});
    let cases = [
        ("type", json!("shout"), "`type` must be identify"),
        ("type", json!(null), "`type` is missing"),
        ("messageId", json!(7), "`messageId` must be text"),
        ("messageId", json!(""), "`messageId` is empty"),
        ("timestamp", json!("yesterday"), "`timestamp` must be an RFC 3339 time"),
        ("userId", json!(123), "`userId` must be text"),
        ("userId", json!(null), "names nobody"),
        ("event", json!(null), "`event` is missing"),
        ("properties", json!([1]), "`properties` must be an object"),
        ("context", json!("c"), "`context` must be an object"),
        ("context", json!({"app": 1}), "`context.app` must be an object"),
        ("context", json!({"app": {"name": 1}}), "`context.app.name` must be text"),
        ("context", json!({"externalIds": [{"type": "crm"}]}), "`context.externalIds` must be a list"),
        ("keys", json!(["a:b", 1]), "`keys` must be a list of texts"),
    ];
    for (field, value, expected) in cases {
        let mut message = base.clone();
        message[field] = value;
        let reason = refusal(message);
        assert!(reason.starts_with(expected), "{field}: {reason}");
    }
}

#[test]
fn what_is_no_json_is_refused_by_place_alone() {
    let reason = |text: &[u8]| parse(text).unwrap_err().to_string();
    assert_eq!(reason(b"{\"type\": joe}"), "not JSON, at column 10");
    assert!(reason(b"{\"type\": \"joe").starts_with("JSON that ends too early"));
    assert_eq!(reason(b"[]"), "not a JSON object");
    assert_eq!(reason(b"\xff"), "not UTF-8");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_value_of_a_known_field_makes_it_panic_or_is_echoed(
        field in prop::sample::select(vec!["type", "userId", "traits", "context", "keys", "timestamp", "messageId"]),
        value in prop_oneof![Just(json!("CANARY")), Just(json!(["CANARY"])), Just(json!({"email": "CANARY"})), Just(json!(5))],
    ) {
        let mut message = json!({"type": "identify", "messageId": "m", "userId": "u"});
        message[field] = value;
        if let Err(refusal) = parse(message.to_string().as_bytes()) {
            prop_assert!(!refusal.to_string().contains("CANARY"));
        }
    }
}
