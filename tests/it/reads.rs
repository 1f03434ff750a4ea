//! Reading and what it can rely on: tokens, order, states, addresses, back-pressure; and what a restart leaves.

use std::time::Duration;

use kith::client::{Client, json};
use kith::proto::v1::{
    BatchLookupRequest, FieldState, LookupRequest, Resolution, StreamLookupRequest, StreamWriteRequest, WriteResult,
    write_result,
};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::harness::{Server, Setup, asking, fact, lookup, values, write};

fn identify(message_id: &str, keys: Json, traits: Json) -> kith::proto::v1::Fact {
    fact(json!({"type": "identify", "messageId": message_id, "keys": keys, "traits": traits}))
}

fn order(message_id: &str, keys: Json, total: f64) -> kith::proto::v1::Fact {
    let properties = json!({"total": total});
    fact(json!({"type": "track", "messageId": message_id, "keys": keys, "event": "Order Completed",
                "properties": properties}))
}

/// The token of a place in the log, as the server writes it.
fn token(place: u64) -> String {
    kith::domain::token::Token(kith::domain::ids::Seq(place)).to_string()
}

#[tokio::test]
async fn a_read_with_the_token_of_a_write_sees_it_from_everywhere() {
    let server = Server::start();
    let writer = server.client().await;
    let readers = [server.client().await, server.client().await];
    for number in 1..=200 {
        let receipt = write(&writer, order(&format!("{number}"), json!(["user_id:u1"]), 1.0)).await;
        let reader = &readers[number % 2];
        let request = LookupRequest { token: receipt.token.clone(), ..asking(&["user_id:u1"], &["orders.count"]) };
        let response = reader.lookup().lookup(request).await.unwrap().into_inner();
        assert_eq!(values(&response.answer.unwrap()), json!({"orders.count": number}));
        assert!(response.token >= receipt.token, "the answer is at least as new as the token asked with");
    }
}

#[tokio::test]
async fn a_token_that_is_ahead_is_waited_for_and_then_refused() {
    let server = Server::start();
    let (reader, writer) = (server.client().await, server.client().await);
    let receipt = write(&writer, order("1", json!(["user_id:u1"]), 1.0)).await;
    let place = (1..100).find(|place| token(*place) == receipt.token).unwrap();

    let ahead = LookupRequest { token: token(place + 1), ..asking(&["user_id:u1"], &["orders.count"]) };
    let waiting = tokio::spawn(async move { reader.lookup().lookup(ahead).await });
    write(&writer, order("2", json!(["user_id:u1"]), 1.0)).await;
    let answer = waiting.await.unwrap().unwrap().into_inner().answer.unwrap();
    assert_eq!(values(&answer), json!({"orders.count": 2}));

    let never = LookupRequest { token: token(place + 1_000), ..asking(&["user_id:u1"], &[]) };
    let status = writer.lookup().lookup(never).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
}

#[tokio::test]
async fn a_batch_of_a_thousand_answers_in_order_with_repeats() {
    let server = Server::start();
    let client = server.client().await;
    let fact = |number| StreamWriteRequest {
        fact: Some(order(&format!("m{number}"), json!([format!("user_id:u{number}")]), f64::from(number))),
    };
    let facts: Vec<_> = (0..300).map(fact).collect();
    let mut results = client.write().stream_write(tokio_stream::iter(facts)).await.unwrap().into_inner();
    while results.message().await.unwrap().is_some() {}

    // Every third one nobody knows, and each comes up several times.
    let number = |at: usize| at * 7 % 450;
    let keys: Vec<String> = (0..1_000).map(|at| format!("user_id:u{}", number(at))).collect();
    let fields = vec!["orders.revenue".to_owned(), "shoe_size".to_owned()];
    let request = BatchLookupRequest { keys: keys.clone(), fields, ..Default::default() };
    let response = client.lookup().batch_lookup(request).await.unwrap().into_inner();
    assert_eq!(response.answers.len(), 1_000);
    for (at, (answer, key)) in response.answers.iter().zip(&keys).enumerate() {
        let known = number(at) < 300;
        assert_eq!(&answer.key, key);
        assert_eq!(answer.resolution() == Resolution::Found, known, "{key}");
        let expected = if known { json!({"orders.revenue": number(at)}) } else { json!({}) };
        assert_eq!(values(answer), expected);
    }
    let ids = |answers: &[kith::proto::v1::Answer]| {
        answers.iter().map(|answer| answer.profile_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&response.answers[..450]), ids(&response.answers[450..900]), "a repeat has the same answer");
}

#[tokio::test]
async fn fields_have_states_and_everything_is_all_that_has_a_value() {
    let server = Server::start();
    let client = server.client().await;
    let (present, not_set) = (i32::from(FieldState::Present), i32::from(FieldState::NotSet));
    let states = |pairs: &[(&str, i32)]| pairs.iter().map(|(name, state)| ((*name).to_owned(), *state)).collect();

    let unknown = lookup(&client, &["user_id:nobody"], &["first_name", "orders.count"]).await;
    assert_eq!((unknown.resolution(), unknown.profile_id.as_str()), (Resolution::NotFound, ""));
    assert_eq!(unknown.states, states(&[("first_name", not_set), ("orders.count", not_set)]));
    assert_eq!(lookup(&client, &["user_id:nobody"], &["*"]).await.states, states(&[]));

    let traits = json!({"first_name": "Joe", "nick": "J", "pets": [{"name": "Rex"}], "vip": true});
    write(&client, identify("1", json!(["user_id:u1"]), traits)).await;
    write(&client, identify("2", json!(["user_id:u1"]), json!({"nick": null}))).await;
    write(&client, order("3", json!(["user_id:u1"]), 12.5)).await;
    let found = lookup(&client, &["user_id:u1"], &["first_name", "nick", "first_name", "orders.count"]).await;
    assert_eq!(found.states, states(&[("first_name", present), ("nick", not_set), ("orders.count", present)]));
    assert_eq!(values(&found), json!({"first_name": "Joe", "orders.count": 1}));
    for everything in [&[][..], &["*"], &["first_name", "*"]] {
        let found = lookup(&client, &["user_id:u1"], everything).await;
        let expected = json!({"first_name": "Joe", "pets": [{"name": "Rex"}], "vip": true, "orders.count": 1,
                              "orders.revenue": 12.5, "orders.last_total": 12.5});
        assert_eq!(values(&found), expected);
        assert!(found.states.len() == 6 && found.states.values().all(|state| *state == present));
    }
    let by_id = format!("profile_id:{}", found.profile_id);
    assert_eq!(values(&lookup(&client, &[&by_id], &["first_name"]).await), json!({"first_name": "Joe"}));
    let strongest = lookup(&client, &["anonymous_id:nobody", "user_id:u1"], &["first_name"]).await;
    assert_eq!((strongest.key.as_str(), strongest.resolution()), ("user_id:u1", Resolution::Found));
}

#[tokio::test]
async fn what_is_said_of_an_address_is_shown_to_who_asks_by_it() {
    let server = Server::start();
    let client = server.client().await;
    let keys = json!(["user_id:u1", "email:Home@example.com", "email:work@example.com"]);
    write(&client, identify("1", keys, json!({"first_name": "Joe"}))).await;
    let of_address = |id: &str, address: &str, hour: u32| {
        let traits = json!({"best_hour": hour});
        fact(json!({"type": "identify", "messageId": id, "keys": ["user_id:u1", address], "traits": traits,
                    "context": {"address": address}}))
    };
    write(&client, of_address("2", "email:home@example.com", 19)).await;
    write(&client, of_address("3", "email:work@example.com", 9)).await;

    let fields = ["first_name", "address.best_hour", "best_hour"];
    for (key, hour) in [("email:HOME@example.com", Some(19)), ("email:work@example.com", Some(9)), ("user_id:u1", None)]
    {
        let expected = match hour {
            Some(hour) => json!({"first_name": "Joe", "address.best_hour": hour}),
            None => json!({"first_name": "Joe"}),
        };
        assert_eq!(values(&lookup(&client, &[key], &fields).await), expected, "{key}");
        assert_eq!(values(&lookup(&client, &[key], &["*"]).await), expected, "{key}");
        let batch = BatchLookupRequest { keys: vec![key.into()], ..Default::default() };
        let batch = client.lookup().batch_lookup(batch).await.unwrap().into_inner();
        assert_eq!(values(&batch.answers[0]), expected, "{key}");
    }
}

#[tokio::test]
async fn a_message_id_seen_before_answers_the_first_receipt() {
    let server = Server::start();
    let client = server.client().await;
    let first = write(&client, order("1", json!(["user_id:u1", "anonymous_id:a1"]), 5.0)).await;
    assert!(!first.duplicate && !first.lines.is_empty());
    let before = lookup(&client, &["user_id:u1"], &[]).await;
    // What it says now does not matter: not the values, not the keys.
    let again = write(&client, order("1", json!(["user_id:u2"]), 7.0)).await;
    assert_eq!(again, kith::proto::v1::Receipt { duplicate: true, ..first });
    assert_eq!(lookup(&client, &["user_id:u1"], &[]).await, before);
    assert_eq!(lookup(&client, &["user_id:u2"], &[]).await.resolution(), Resolution::NotFound);
}

/// How long a sender may be stuck before it counts as stopped.
const STUCK: Duration = Duration::from_secs(1);
/// Far more than the windows and buffers of a stream hold, and far less than would fill a memory.
const TOO_MUCH: usize = 20_000;

/// Sends until sending blocks, and answers how many were sent.
async fn fill<T>(requests: &mpsc::Sender<T>, nth: impl Fn(usize) -> T) -> usize {
    for number in 0..TOO_MUCH {
        if tokio::time::timeout(STUCK, requests.send(nth(number))).await.is_err() {
            return number;
        }
    }
    panic!("{TOO_MUCH} messages went to a server whose answers nobody reads");
}

/// Kilobytes of memory that the server has in use.
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_stream_of_lookups_waits_for_a_client_that_does_not_read() {
    let server = Server::start();
    let client = server.client().await;
    write(&client, identify("1", json!(["user_id:u1"]), json!({"text": "x".repeat(20_000)}))).await;
    let (requests, queue) = mpsc::channel(1);
    let mut answers = client.lookup().stream_lookup(ReceiverStream::new(queue)).await.unwrap().into_inner();
    let before = memory(&server);
    let padding = "p".repeat(400);
    let nth = |number: usize| StreamLookupRequest {
        keys: vec!["user_id:u1".into(), format!("anonymous_id:{number}-{padding}")],
        ..Default::default()
    };
    let sent = fill(&requests, nth).await;
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 32 * 1024, "the server grew by {grown} kB over {sent} requests whose answers nobody reads");

    // A client that reads gets all of it.
    drop(requests);
    let mut read = 0;
    while let Some(response) = answers.message().await.unwrap() {
        assert_eq!(json::value(&response.answer.unwrap().values["text"]).as_str().unwrap().len(), 20_000);
        read += 1;
    }
    assert_eq!(read, sent);
}

#[tokio::test]
async fn a_stream_of_writes_waits_for_a_client_that_does_not_read() {
    let server = Server::start();
    let client = server.client().await;
    let (requests, queue) = mpsc::channel(1);
    let mut results = client.write().stream_write(ReceiverStream::new(queue)).await.unwrap().into_inner();
    let name = "p".repeat(400);
    // Long keys make long receipts.
    let keys = |number: usize| json!([format!("user_id:{number}-{name}"), format!("anonymous_id:{number}-{name}")]);
    let nth = |number: usize| StreamWriteRequest { fact: Some(order(&format!("{number}"), keys(number), 1.0)) };
    let sent = fill(&requests, nth).await;

    drop(requests);
    let mut read = 0;
    while let Some(response) = results.message().await.unwrap() {
        let WriteResult { result } = response.result.unwrap();
        let Some(write_result::Result::Receipt(receipt)) = result else { panic!("{result:?}") };
        assert_eq!(receipt.message_id, read.to_string());
        read += 1;
    }
    assert_eq!(read, sent);
}

async fn write_orders(client: &Client, numbers: std::ops::Range<u32>) {
    for number in numbers {
        write(client, order(&format!("{number}"), json!(["user_id:u1", "email:joe@example.com"]), 0.1)).await;
    }
}

#[tokio::test]
async fn a_restart_keeps_the_data_whatever_the_durability() {
    for durability in ["sync", "interval(10)", "interval(60000)"] {
        let directory = tempfile::tempdir().unwrap();
        let start = || Setup::default().data(directory.path()).arguments(&["--durability", durability]).start();
        let server = start();
        let client = server.client().await;
        write_orders(&client, 0..20).await;
        let before = lookup(&client, &["email:joe@example.com"], &[]).await;
        assert_eq!(values(&before), json!({"orders.count": 20, "orders.revenue": 2, "orders.last_total": 0.1}));
        drop(client);
        server.stop().await;

        let server = start();
        let client = server.client().await;
        assert_eq!(lookup(&client, &["email:joe@example.com"], &[]).await, before, "{durability}");
        assert!(write(&client, order("7", json!(["user_id:u1"]), 0.1)).await.duplicate);
        write_orders(&client, 20..30).await;
        // Not even an interval loses anything to the end of the process alone.
        server.kill();
        let server = start();
        let after = lookup(&server.client().await, &["email:joe@example.com"], &["orders.count"]).await;
        assert_eq!(values(&after), json!({"orders.count": 30}), "{durability}");
    }
}
