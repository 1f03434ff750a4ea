//! Send decisions over the wire and from the command line. What is decided when is told by the golden scripts, from
//! `70_send_hushed.txt` on.

mod cache;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use kith::client::Client;
use kith::domain::answer::Fields;
use kith::domain::fact::{Draft, DraftBody, Event, EventType};
use kith::domain::ids::KindId;
use kith::domain::key::Key;
use kith::domain::value::{Value, Values};
use kith::engine::{DEFAULT_WORKSPACE, Durability, Engine, Error, Options, Question, REFOLD_PORTION, Tier};
use kith::proto::v1::{
    Answer, BatchLookupRequest, ErrorReason, LookupRequest, SendDecision, SendReasonCode, StreamLookupRequest,
};
use kith::server;
use prost_types::Timestamp;
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::harness::{Server, Setup, asking, fact, lookup, repository, run, write};

fn model() -> PathBuf {
    repository("tests/golden/models/decisions.toml")
}

fn serve() -> Server {
    Setup::default().model(&model()).start()
}

fn offer(about: &[&str]) -> LookupRequest {
    let about = about.iter().map(ToString::to_string).collect();
    LookupRequest { view: "offer".into(), about, ..asking(&["user_id:u1"], &[]) }
}

async fn ask(client: &Client, request: LookupRequest) -> Answer {
    client.lookup().lookup(request).await.unwrap().into_inner().answer.unwrap()
}

fn bought(number: usize, product: &str) -> kith::proto::v1::Fact {
    fact(json!({"type": "track", "messageId": format!("b{number}"), "userId": "u1", "event": "Order Completed",
                "properties": {"product": product}}))
}

/// The moment that is so many milliseconds after now.
fn in_millis(millis: u64) -> Option<Timestamp> {
    let micros = server::now().plus_micros(millis * 1_000).micros();
    let nanos = i32::try_from(micros % 1_000_000 * 1_000).unwrap();
    Some(Timestamp { seconds: i64::try_from(micros / 1_000_000).unwrap(), nanos })
}

#[tokio::test]
async fn what_was_bought_a_moment_ago_is_offered_by_nobody() {
    let server = serve();
    let (shop, mailer) = (server.client().await, server.client().await);
    for number in 0..100 {
        let product = format!("p{number}");
        let before = ask(&mailer, offer(&[&product])).await;
        assert_eq!((before.send_decision(), before.send_reasons.len()), (SendDecision::Send, 0));
        assert!(before.cache_until.is_some());
        let receipt = write(&shop, bought(number, &product)).await;
        let after = ask(&mailer, LookupRequest { token: receipt.token.clone(), ..offer(&[&product]) }).await;
        assert_eq!((after.send_decision(), after.cache_until), (SendDecision::Skip, None));
        assert_eq!(after.send_reasons[0].code(), SendReasonCode::Bought);
        let another = ask(&mailer, LookupRequest { token: receipt.token, ..offer(&["another"]) }).await;
        assert_eq!(another.send_decision(), SendDecision::Send);
    }
}

#[tokio::test]
async fn a_moment_shows_what_was_on_its_way_to_the_writer() {
    let server = serve();
    let (shop, mailer) = (server.client().await, server.client().await);
    // Without a view nothing is decided.
    let plain = lookup(&mailer, &["user_id:u1"], &[]).await;
    assert_eq!((plain.send_decision(), plain.cache_until), (SendDecision::Unspecified, None));

    let begun = Instant::now();
    let waits = tokio::spawn({
        let request = LookupRequest { not_before: in_millis(600), ..offer(&["boots"]) };
        async move { ask(&mailer, request).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    write(&shop, bought(1, "boots")).await;
    assert_eq!(waits.await.unwrap().send_decision(), SendDecision::Skip);
    assert!(begun.elapsed() >= Duration::from_millis(590), "{:?}", begun.elapsed());

    // A moment past is now, for batches and streams as well.
    let (keys, past) = (vec!["user_id:u1".to_owned()], in_millis(0));
    let (view, about) = ("offer".to_owned(), vec!["boots".to_owned()]);
    let batch = BatchLookupRequest {
        keys: keys.clone(),
        view: view.clone(),
        about: about.clone(),
        not_before: past,
        ..Default::default()
    };
    let answers = shop.lookup().batch_lookup(batch).await.unwrap().into_inner().answers;
    assert_eq!(answers[0].send_decision(), SendDecision::Skip);

    // A view is inherited, what the message is about and since when is not.
    let first = StreamLookupRequest { keys: keys.clone(), view, about, not_before: past, ..Default::default() };
    let second = StreamLookupRequest { keys: keys.clone(), ..Default::default() };
    let third = StreamLookupRequest { keys: keys.clone(), about: vec!["boots".into()], ..Default::default() };
    let ahead = StreamLookupRequest { keys: keys.clone(), not_before: in_millis(5_000), ..Default::default() };
    let plain = StreamLookupRequest { keys: keys.clone(), fields: vec!["*".into()], ..Default::default() };
    let refused = StreamLookupRequest { keys, about: vec!["boots".into()], ..Default::default() };
    let requests = tokio_stream::iter([first, second, third, ahead, plain, refused]);
    let mut stream = shop.lookup().stream_lookup(requests).await.unwrap().into_inner();
    let mut told = Vec::new();
    while let Some(response) = stream.message().await.unwrap() {
        let answer = response.answer.unwrap();
        told.push((answer.send_decision(), answer.error.map(|error| error.reason())));
    }
    let (skip, send, none) = (SendDecision::Skip, SendDecision::Send, SendDecision::Unspecified);
    let (ahead, no_view) = (Some(ErrorReason::TimeOutOfRange), Some(ErrorReason::BadValue));
    assert_eq!(told, [(skip, None), (send, None), (skip, None), (none, ahead), (none, None), (none, no_view)]);
}

#[tokio::test]
async fn what_a_message_cannot_be_about_is_refused_with_its_field() {
    let server = serve();
    let client = server.client().await;
    let many = vec!["boots"; 17];
    let refusal = |status: Status| {
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        let field = details.bad_request().unwrap().field_violations[0].field.clone();
        (field, details.error_info().unwrap().reason.trim_start_matches("ERROR_REASON_").to_owned())
    };
    let before_1970 = Some(Timestamp { seconds: -1, nanos: 0 });
    for (request, field, reason) in [
        (offer(&many), "about", "TOO_LARGE"),
        (offer(&["boots", &"b".repeat(257)]), "about[1]", "TOO_LARGE"),
        (offer(&["boots", ""]), "about[1]", "MISSING"),
        (LookupRequest { view: String::new(), ..offer(&["boots"]) }, "about", "BAD_VALUE"),
        (LookupRequest { not_before: in_millis(3_000), ..offer(&[]) }, "not_before", "TIME_OUT_OF_RANGE"),
        (LookupRequest { not_before: before_1970, ..offer(&[]) }, "not_before", "TIME_OUT_OF_RANGE"),
    ] {
        let told = refusal(client.lookup().lookup(request).await.unwrap_err());
        assert_eq!((told.0.as_str(), told.1.as_str()), (field, reason));
    }
    assert_eq!(ask(&client, offer(&["b"; 16])).await.send_decision(), SendDecision::Send);
}

/// A batch of one fsync each, so that the writer lags behind those who hand it facts.
#[tokio::test]
async fn once_it_is_settled_all_that_was_handed_to_the_writer_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        data: directory.path().to_owned(),
        durability: Durability::Sync,
        cache_bytes: 8 * 1024 * 1024,
        write_queue: 32,
        refold_portion: REFOLD_PORTION,
        invalidates: true,
    };
    let engine = Engine::open(&options).unwrap();
    let text = std::fs::read_to_string(model()).unwrap();
    let workspace = engine.apply_model(DEFAULT_WORKSPACE, &text, server::now()).await.unwrap();
    let active = engine.model(workspace).unwrap();
    let keys = [(0, Key::parse("user_id:u1", "key", &active.model).unwrap())];
    let fields = Fields::Named(vec!["bought.products".into()]);
    let mut on_their_way = Vec::new();
    for number in 1..=90 {
        let properties = Values::from([("product".to_owned(), Value::Number(f64::from(number)))]);
        let event = Event { event_type: EventType::Track, name: "Order Completed".to_owned(), properties };
        let draft = Draft {
            message_id: format!("m{number}"),
            time: None,
            source: String::new(),
            keys: vec!["user_id:u1".to_owned()],
            body: DraftBody::Event(event),
        };
        let fact = engine.check(workspace, draft, server::now()).unwrap();
        on_their_way.push(engine.submit(workspace, fact, server::now()).await.unwrap());
        if number % 30 == 0 {
            engine.settled().await.unwrap();
            let question = Question { kind: KindId::of("person"), fields: &fields, now: server::now(), purpose: None };
            let answer = engine.lookup(workspace, &keys, question, Tier::Disk).unwrap();
            let Some(Value::List(products)) = answer.fields[0].1.clone().value() else { panic!("{answer:?}") };
            assert_eq!(products.len(), usize::try_from(number).unwrap());
        }
    }
    engine.close();
    assert!(matches!(engine.settled().await, Err(Error::Closed)));
}

#[tokio::test]
async fn the_command_line_tells_the_decision_in_words() {
    let server = serve();
    write(&server.client().await, bought(1, "boots")).await;
    let ask = |arguments: &[&str]| {
        let output = run(server.kith(arguments), "");
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (_, told) = ask(&["lookup", "user_id:u1", "--view", "offer", "--about", "boots"]);
    assert!(told.contains("SKIP: bought since (had_it_lately); bought since (has_it)"), "{told}");
    assert!(!told.contains("cache_until"), "{told}");
    let (_, told) = ask(&["lookup", "user_id:u1", "--view", "offer", "--about", "socks"]);
    assert!(told.contains("SEND") && told.contains("cache_until"), "{told}");
    let (_, told) = ask(&["lookup", "user_id:u1", "user_id:u2", "--view", "reminder"]);
    assert_eq!(told.matches("SKIP: no consent").count(), 2, "{told}");
    assert_eq!(ask(&["lookup", "user_id:u1", "--about", "boots"]).0, 2);
}
