//! No personal data and no secret in the log, at its chattiest, nor in the figures: canaries go in by every door, and
//! none of them comes out by these.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use kith::client::Client;
use kith::proto::v1::{
    BatchLookupRequest, BatchWriteRequest, CreateKeyRequest, EraseRequest, ExplainApartRequest, ExplainRequest, Fact,
    GetProfileRequest, GetServedRequest, KeepApartRequest, ListConsentsRequest, ListEventsRequest, ListMembersRequest,
    ListMergesRequest, LookupRequest, ReleaseQuarantineRequest, Resolution, Scope, SimulateRequest,
    StreamLookupRequest, StreamWriteRequest, UndoMergeRequest, UnlinkRequest, WriteAndLookupRequest, WriteRequest,
};
use serde_json::json;

use super::harness::{Server, Setup, asking, fact, lookup, write};

/// In everything that a caller sends. Also written as bytes are in a log, and as base64 and hex may hide it.
const CANARY: &str = "zanary";
const DISGUISES: [&str; 4] = [CANARY, "7a616e617279", "emFuYXJ5", "122, 97, 110, 97, 114, 121"];

/// Where a text has a canary.
fn canaries(text: &str) -> Vec<&str> {
    let has_one = |line: &&str| DISGUISES.iter().any(|disguise| line.to_lowercase().contains(&disguise.to_lowercase()));
    text.lines().filter(has_one).collect()
}

/// Facts of every type, with a canary wherever there is room for one.
fn facts() -> Vec<Fact> {
    let keys = json!(["user_id:zanary", "email:zanary@zanary.example", "anonymous_id:zanary"]);
    let held = json!({"zanary": "zanary", "list": ["zanary", {"zanary": 1}]});
    let messages = [
        json!({"type": "identify", "keys": keys, "traits": held}),
        json!({"type": "identify", "keys": keys, "traits": held, "context": {"address": "email:zanary@zanary.example"}}),
        json!({"type": "track", "keys": keys, "event": "zanary", "properties": held}),
        json!({"type": "track", "keys": keys, "event": "Order Completed", "properties": {"total": "zanary"}}),
        json!({"type": "page", "keys": keys, "name": "zanary", "properties": held}),
        json!({"type": "screen", "keys": keys, "name": "zanary", "properties": held}),
        json!({"type": "group", "keys": keys, "groupId": "zanary", "role": "zanary", "traits": held}),
        json!({"type": "alias", "userId": "zanary-new", "previousId": "zanary"}),
        json!({"type": "hush", "keys": keys, "topic": "zanary", "channel": "zanary", "cause": "zanary"}),
        json!({"type": "consent", "keys": keys, "purpose": "zanary", "channel": "zanary", "granted": true}),
        json!({"type": "consent", "keys": keys, "purpose": "zanary", "granted": false, "context": {"address": "email:zanary@zanary.example"}}),
        // Joins two profiles, and is partly refused.
        json!({"type": "track", "keys": ["user_id:zanary-other", "anonymous_id:zanary"], "event": "zanary"}),
        json!({"type": "track", "keys": ["user_id:null", "anonymous_id:zanary"], "event": "zanary"}),
    ];
    let with_id = |(number, mut message): (usize, serde_json::Value)| {
        message["messageId"] = format!("zanary-{number}").into();
        message["source"] = "zanary".into();
        fact(message)
    };
    messages.into_iter().enumerate().map(with_id).collect()
}

/// Facts that are refused.
fn bad_facts() -> Vec<Fact> {
    let with_keys = |keys: &[&str]| Fact { keys: keys.iter().map(ToString::to_string).collect(), ..facts()[0].clone() };
    let mut bad = vec![
        with_keys(&["zanary"]),
        with_keys(&["zanary:zanary"]),
        with_keys(&["email:zanary@@zanary"]),
        with_keys(&["user_id:zanary1", "user_id:zanary2"]),
        with_keys(&[&format!("user_id:{}", "zanary".repeat(100))]),
        Fact { message_id: "zanary".repeat(100), ..facts()[0].clone() },
    ];
    // Past their message ids, which were seen.
    bad.iter_mut().filter(|fact| fact.message_id.len() < 100).for_each(|fact| fact.message_id.push_str("-bad"));
    bad
}

/// Calls everything, with good and with bad requests. What is refused is meant to be.
async fn call_everything(client: &Client) {
    for fact in facts() {
        write(client, fact.clone()).await;
        assert!(write(client, fact).await.duplicate);
    }
    for fact in bad_facts() {
        client.write().write(WriteRequest { fact: Some(fact) }).await.unwrap_err();
    }
    let all = || facts().into_iter().chain(bad_facts());
    client.write().batch_write(BatchWriteRequest { facts: all().collect() }).await.unwrap();
    let requests: Vec<_> = all().map(|fact| StreamWriteRequest { fact: Some(fact) }).collect();
    let mut results = client.write().stream_write(tokio_stream::iter(requests)).await.unwrap().into_inner();
    while results.message().await.unwrap().is_some() {}

    let found = lookup(client, &["email:zanary@zanary.example"], &[]).await;
    assert!(canaries(&format!("{found:?}")).len() == 1, "the lookup has nothing that the log could give away");
    for (keys, fields) in [(["zanary"], ["zanary"]), (["zanary:zanary"], ["zanary"]), (["user_id:zanary"], [""])] {
        client.lookup().lookup(asking(&keys, &fields)).await.unwrap_err();
    }
    let of_view = LookupRequest { view: "zanary@zanary".into(), ..asking(&["user_id:zanary"], &[]) };
    client.lookup().lookup(of_view).await.unwrap_err();
    for (purpose, well) in [("zanary", true), ("zanary!", false)] {
        let asking = LookupRequest { purpose: purpose.into(), ..asking(&["email:zanary@zanary.example"], &[]) };
        assert_eq!(client.lookup().lookup(asking).await.is_ok(), well);
    }
    for (key, known) in [("user_id:zanary", true), ("user_id:zanary-unknown", false), ("zanary", false)] {
        let served = GetServedRequest { send_id: "zanary".into(), key: key.into() };
        client.lookup().get_served(served).await.unwrap_err();
        let lookup = LookupRequest { send_id: "zanary".into(), ..asking(&[key], &["zanary"]) };
        client.lookup().lookup(lookup.clone()).await.unwrap_err();
        let write = WriteAndLookupRequest { fact: Some(facts()[0].clone()), lookup: Some(lookup) };
        client.lookup().write_and_lookup(write).await.unwrap_err();
        let write = WriteAndLookupRequest { fact: Some(facts()[0].clone()), lookup: Some(asking(&[key], &[])) };
        let answered = client.lookup().write_and_lookup(write).await;
        assert_eq!(
            answered.is_ok_and(|told| told.into_inner().answer.unwrap().resolution() == Resolution::Found),
            known
        );
    }
    let wrong_token = LookupRequest { token: "zanary".into(), ..asking(&["user_id:zanary"], &[]) };
    client.lookup().lookup(wrong_token).await.unwrap_err();
    let keys: Vec<String> = ["user_id:zanary", "zanary", "zanary:zanary", ""].map(str::to_owned).to_vec();
    let batch = BatchLookupRequest { keys: keys.clone(), fields: vec!["zanary".into()], ..Default::default() };
    client.lookup().batch_lookup(batch).await.unwrap();
    let requests = keys.into_iter().map(|key| StreamLookupRequest { keys: vec![key], ..Default::default() });
    let requests = tokio_stream::iter(requests.collect::<Vec<_>>());
    let mut answers = client.lookup().stream_lookup(requests).await.unwrap().into_inner();
    while answers.message().await.unwrap().is_some() {}

    for (key, found) in [("user_id:zanary", true), ("user_id:zanary-unknown", false), ("zanary", false)] {
        let profile = GetProfileRequest { key: key.into(), ..Default::default() };
        assert_eq!(client.profile().get_profile(profile).await.is_ok(), found);
        let events = ListEventsRequest { key: key.into(), page_size: 1, ..Default::default() };
        assert_eq!(client.profile().list_events(events).await.is_ok(), found);
        let consents = ListConsentsRequest { key: key.into(), ..Default::default() };
        assert_eq!(client.profile().list_consents(consents).await.is_ok(), found);
    }
    for (key, found) in [("account_id:zanary", true), ("account_id:zanary-unknown", false), ("zanary", false)] {
        let members = ListMembersRequest { key: key.into(), ..Default::default() };
        assert_eq!(client.profile().list_members(members).await.is_ok(), found);
    }
}

/// Looks into identities and corrects them. What is refused is meant to be.
async fn look_into_identities(client: &Client) {
    let mut identity = client.identity();
    let pairs =
        [("user_id:zanary", "email:zanary@zanary.example"), ("user_id:zanary", "user_id:zanary-2"), ("zanary", "")];
    for (a, b) in pairs.map(|(a, b)| (a.to_owned(), b.to_owned())) {
        let (kind, token) = (String::new(), String::new());
        let explain = ExplainRequest { a: a.clone(), b: b.clone(), kind: kind.clone(), token: token.clone() };
        let apart = ExplainApartRequest { a: a.clone(), b: b.clone(), kind, token };
        let answered = (identity.explain(explain).await.is_ok(), identity.explain_apart(apart).await.is_ok());
        assert!(!(answered.0 && answered.1), "either one profile or not");
        let (message_id, source) = (format!("zanary-{a}-{b}"), "zanary".to_owned());
        let unlink = UnlinkRequest { a: a.clone(), b: b.clone(), message_id: String::new(), source: source.clone() };
        let unlinked = identity.unlink(unlink).await.is_ok();
        let apart = KeepApartRequest { a, b, same_human: true, message_id, source };
        assert!(identity.keep_apart(apart).await.is_ok() || !unlinked);
    }
    identity.simulate(SimulateRequest { facts: facts().into_iter().chain(bad_facts()).collect() }).await.unwrap();
    let release = ReleaseQuarantineRequest { key: "user_id:zanary".into(), ..Default::default() };
    identity.release_quarantine(release).await.unwrap_err();
    identity.undo_merge(UndoMergeRequest { merge_id: "zanary".into(), ..Default::default() }).await.unwrap_err();
    identity.list_merges(ListMergesRequest { key: "zanary".into(), ..Default::default() }).await.unwrap_err();
}

/// Erases those who are, and tries to erase those who are not.
async fn erase_people(client: &Client) {
    for (key, done) in [("user_id:zanary-other", true), ("user_id:zanary-other", false), ("zanary", false)] {
        let message_id = format!("zanary-erase-{done}");
        let request = EraseRequest { key: key.into(), message_id, suppress: true, ..Default::default() };
        assert_eq!(client.privacy().erase(request).await.is_ok(), done);
    }
    let late = facts().into_iter().find(|fact| fact.keys.iter().any(|key| key.ends_with("zanary-other"))).unwrap();
    client.write().write(WriteRequest { fact: Some(late) }).await.unwrap();
}

/// Asks over plain HTTP, with this secret.
fn http_get(server: &Server, path: &str, secret: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: kith\r\nauthorization: Bearer {secret}\r\nuser-agent: zanary\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn neither_log_nor_figures_have_a_value_of_a_caller() {
    let server = Setup::default().arguments(&["--log-level", "trace"]).start();
    let client = server.client().await;
    call_everything(&client).await;
    look_into_identities(&client).await;
    let scopes = vec![Scope::Read.into(), Scope::Write.into(), Scope::Admin.into()];
    let key = CreateKeyRequest { name: "zanary".into(), scopes };
    let secret = client.admin().create_key(key).await.unwrap().into_inner().secret;
    call_everything(&server.client_with_key(Some(&secret)).await).await;
    let unknown = server.client_with_key(Some("kith_zanary_zanary")).await;
    unknown.lookup().lookup(asking(&["user_id:zanary"], &[])).await.unwrap_err();

    erase_people(&server.client_with_key(Some(&secret)).await).await;

    let metrics = http_get(&server, "/metrics", &secret);
    let nothing = http_get(&server, "/zanary?zanary", &secret);
    assert!(metrics.starts_with("HTTP/1.1 200") && metrics.contains("kith_calls_total"), "{metrics}");
    assert!(nothing.starts_with("HTTP/1.1 404"), "{nothing}");
    assert_eq!(canaries(&metrics), [""; 0]);
    assert_eq!(canaries(&nothing), [""; 0]);

    drop((client, unknown));
    let output = server.stop().await;
    let log: Vec<&str> = output.lines().filter(|line| line.starts_with('{')).collect();
    assert!(log.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    assert!(log.iter().any(|line| line.contains(r#""level":"TRACE""#)), "the log is not at its chattiest");
    assert_eq!(canaries(&output), [""; 0]);
    let random_part = secret.rsplit('_').next().unwrap();
    assert!(random_part.len() >= 32 && !output.contains(random_part), "the log has the secret of a key");
}

/// All that can be asked of a customer and of what was written, in words.
async fn ask_everything(client: &Client, facts: &[Fact]) -> Vec<String> {
    let mut told = Vec::new();
    for fact in facts.iter().chain(facts) {
        told.push(format!("{:?}", write(client, fact.clone()).await));
    }
    let (a, b) = ("user_id:u1".to_owned(), "email:joe@example.com".to_owned());
    told.push(format!("{:?}", lookup(client, &[&a], &[]).await));
    let batch = BatchLookupRequest { keys: vec![a.clone(), b.clone()], ..Default::default() };
    told.push(format!("{:?}", client.lookup().batch_lookup(batch).await.unwrap().into_inner()));
    let stream = tokio_stream::iter([StreamLookupRequest { keys: vec![a.clone()], ..Default::default() }]);
    let mut answers = client.lookup().stream_lookup(stream).await.unwrap().into_inner();
    told.push(format!("{:?}", answers.message().await.unwrap()));
    let profile = GetProfileRequest { key: a.clone(), ..Default::default() };
    told.push(format!("{:?}", client.profile().get_profile(profile).await.unwrap().into_inner()));
    let events = ListEventsRequest { key: a.clone(), ..Default::default() };
    told.push(format!("{:?}", client.profile().list_events(events).await.unwrap().into_inner()));
    let simulate = SimulateRequest { facts: facts.to_vec() };
    told.push(format!("{:?}", client.identity().simulate(simulate).await.unwrap().into_inner()));
    let explain = ExplainRequest { a: a.clone(), b: b.clone(), ..Default::default() };
    told.push(format!("{:?}", client.identity().explain(explain).await.unwrap().into_inner()));
    let apart = UnlinkRequest { a, b, message_id: "m9".into(), source: String::new() };
    told.push(format!("{:?}", client.identity().unlink(apart).await.unwrap().into_inner()));
    told.push(format!("{:?}", lookup(client, &["email:joe@example.com"], &[]).await));
    told
}

#[tokio::test]
async fn why_a_topic_is_hushed_is_in_no_answer() {
    let server = Server::start();
    let keys = json!(["user_id:u1", "email:joe@example.com"]);
    let hush = |number: u32, lift: bool| {
        let message_id = format!("m{number}");
        let (topic, channel) = (format!("topic-{number}"), "push");
        fact(json!({
            "type": "hush", "messageId": message_id, "timestamp": "2020-01-01T00:00:00Z", "keys": keys,
            "topic": topic, "channel": channel, "lift": lift, "cause": "zanary"
        }))
    };
    let facts = [hush(1, false), hush(2, true), hush(3, false)];
    let told = ask_everything(&server.client().await, &facts).await;
    assert!(told.iter().filter(|answer| answer.contains("topic-1")).count() >= 6, "the topic is to be read: {told:?}");
    for answer in told {
        assert_eq!(canaries(&answer), [""; 0]);
    }
}

#[test]
fn a_canary_is_found_where_there_is_one() {
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let samples =
        ["{\"key\":\"email:Zanary@x\"}".to_owned(), hex, format!("{:?}", CANARY.as_bytes()), "emFuYXJ5".into()];
    for sample in samples {
        assert_eq!(canaries(&format!("a\n{sample}\nb")), [sample.as_str()]);
    }
    assert_eq!(canaries("canary zan ary"), [""; 0]);
}
