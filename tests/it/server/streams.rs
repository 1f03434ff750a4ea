//! Batches and streams: in the order of the request, refusals in their place, and bounded by the slower side.

use std::time::Duration;

use kith::proto::v1::write_result::Result as Outcome;
use kith::proto::v1::{
    BatchLookupRequest, BatchWriteRequest, ConsentState, ErrorReason, LookupRequest, Resolution, StreamLookupRequest,
    StreamWriteRequest,
};
use prost_types::value::Kind;

use super::kit::{LAZY, PATIENCE, Served, engine, identify, lookup, serve, serve_engine, write};

#[tokio::test]
async fn a_write_is_seen_by_a_lookup_with_its_token() {
    let served = serve(|_| {}).await;
    let mut writes = served.writes().await;
    let receipt = write(&mut writes, identify("m1", "email:Joe@Example.com", "first_name", "Joe")).await.unwrap();
    assert!(!receipt.duplicate);
    let again = write(&mut writes, identify("m1", "email:Joe@Example.com", "first_name", "Joe")).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.profiles, receipt.profiles);

    let mut lookups = served.lookups().await;
    let fields = vec!["first_name".to_owned(), "last_name".to_owned()];
    let request = LookupRequest { fields, token: receipt.token, ..lookup("email:joe@example.com") };
    let answer = lookups.lookup(request).await.unwrap().into_inner().answer.unwrap();
    assert_eq!(answer.resolution(), Resolution::Found);
    assert_eq!(answer.key, "email:joe@example.com");
    assert_eq!(answer.profile_id, receipt.profiles[0].profile_id);
    assert_eq!(answer.values["first_name"].kind, Some(Kind::StringValue("Joe".to_owned())));
    assert_eq!((answer.states["first_name"], answer.states["last_name"]), (1, 2));
}

#[tokio::test]
async fn a_batch_of_lookups_keeps_order_and_repeats_and_refuses_in_place() {
    let served = serve(|_| {}).await;
    let mut writes = served.writes().await;
    write(&mut writes, identify("m1", "user_id:1", "name", "Joe")).await.unwrap();
    let keys = ["user_id:1", "joe", "user_id:2", "user_id:1", "account_id:9"].map(str::to_owned).to_vec();
    let request = BatchLookupRequest { keys: keys.clone(), ..BatchLookupRequest::default() };
    let answers = served.lookups().await.batch_lookup(request).await.unwrap().into_inner().answers;

    assert_eq!(answers.iter().map(|answer| answer.key.clone()).collect::<Vec<_>>(), keys);
    let resolutions: Vec<i32> = answers.iter().map(|answer| answer.resolution).collect();
    assert_eq!(resolutions, [1, 0, 2, 1, 0]);
    let reasons: Vec<_> = answers.iter().map(|answer| answer.error.as_ref().map(|error| error.reason())).collect();
    assert_eq!(reasons[1], Some(ErrorReason::MalformedKey));
    assert_eq!(reasons[4], Some(ErrorReason::UnknownType));
}

#[tokio::test]
async fn a_batch_of_facts_refuses_in_place_and_its_token_covers_the_rest() {
    let served = serve(|_| {}).await;
    let facts = vec![
        identify("m1", "user_id:1", "name", "a"),
        identify("", "user_id:1", "name", "b"),
        identify("m1", "user_id:1", "name", "a"),
        identify("m2", "user_id:2", "name", "c"),
    ];
    let request = BatchWriteRequest { facts };
    let response = served.writes().await.batch_write(request).await.unwrap().into_inner();
    let outcomes: Vec<_> = response.results.into_iter().map(|result| result.result.unwrap()).collect();
    assert!(matches!(&outcomes[0], Outcome::Receipt(receipt) if !receipt.duplicate));
    assert!(matches!(&outcomes[1], Outcome::Error(error) if error.field == "message_id"));
    assert!(matches!(&outcomes[2], Outcome::Receipt(receipt) if receipt.duplicate));
    assert!(matches!(&outcomes[3], Outcome::Receipt(receipt) if receipt.token == response.token));
}

#[tokio::test]
async fn a_stream_of_facts_is_answered_in_order_through_a_queue_of_one() {
    const FACTS: usize = 3_000;
    let (engine, data) = engine(1, LAZY).await;
    let served = serve_engine(engine, data, |_| {}).await;
    let facts = tokio_stream::iter((0..FACTS).map(|at| {
        let message_id = if at % 100 == 7 { String::new() } else { format!("m{at}") };
        StreamWriteRequest { fact: Some(identify(&message_id, &format!("user_id:{}", at % 50), "name", "x")) }
    }));
    let mut results = served.writes().await.stream_write(facts).await.unwrap().into_inner();
    for at in 0..FACTS {
        let result = results.message().await.unwrap().unwrap().result.unwrap().result.unwrap();
        match result {
            Outcome::Receipt(receipt) => assert_eq!(receipt.message_id, format!("m{at}")),
            Outcome::Error(error) => assert_eq!((at % 100, error.field.as_str()), (7, "message_id")),
        }
    }
    assert!(results.message().await.unwrap().is_none());
}

#[tokio::test]
async fn a_stream_of_lookups_inherits_what_is_asked_and_refuses_in_place() {
    let served = serve(|_| {}).await;
    let mut writes = served.writes().await;
    write(&mut writes, identify("m1", "user_id:1", "name", "Joe")).await.unwrap();
    let ask = |key: &str, fields: &[&str]| StreamLookupRequest {
        keys: vec![key.to_owned()],
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        ..StreamLookupRequest::default()
    };
    let consent =
        StreamLookupRequest { purpose: "ads".to_owned(), channel: "push".to_owned(), ..ask("user_id:1", &[]) };
    let requests = [
        ask("user_id:1", &["age"]),
        ask("user_id:1", &[]),
        ask("joe", &[]),
        ask("user_id:1", &["*"]),
        consent,
        ask("user_id:1", &[]),
    ];
    let answers = served.lookups().await.stream_lookup(tokio_stream::iter(requests)).await.unwrap();
    let mut answers = answers.into_inner();
    let mut next = async || answers.message().await.unwrap().unwrap().answer.unwrap();
    for _ in 0..2 {
        let answer = next().await;
        assert_eq!(answer.states.keys().collect::<Vec<_>>(), ["age"]);
    }
    assert_eq!(next().await.error.unwrap().reason(), ErrorReason::MalformedKey);
    let answer = next().await;
    assert_eq!(answer.values.keys().collect::<Vec<_>>(), ["name"]);
    assert_eq!(answer.consents, []);
    for _ in 0..2 {
        let [consent] = next().await.consents.try_into().unwrap();
        assert_eq!((&*consent.purpose, &*consent.channel, consent.state()), ("ads", "push", ConsentState::Unknown));
    }
    assert!(answers.message().await.unwrap().is_none());
}

#[tokio::test]
async fn the_server_stops_reading_while_nobody_takes_its_answers() {
    // Far more than all windows and buffers between the two sides hold.
    const REQUESTS: usize = 300_000;
    let served = serve(|_| {}).await;
    let message = StreamLookupRequest { keys: vec!["user_id:1".to_owned()], ..StreamLookupRequest::default() };
    let requests = tokio_stream::iter(std::iter::repeat_n(message, REQUESTS));
    let answers = served.lookups().await.stream_lookup(requests).await.unwrap();

    tokio::time::sleep(Duration::from_secs(1)).await;
    let halted_at = looked_up(&served).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(0 < halted_at && halted_at < REQUESTS / 2, "{halted_at} lookups, and nobody takes their answers");
    assert_eq!(looked_up(&served).await, halted_at);

    let mut answers = answers.into_inner();
    let all = async {
        let mut received = 0;
        while answers.message().await.unwrap().is_some() {
            received += 1;
        }
        received
    };
    assert_eq!(tokio::time::timeout(PATIENCE, all).await.expect("the stream goes on once it is read"), REQUESTS);
}

/// How many lookups the server has done; none of them found anybody.
async fn looked_up(served: &Served) -> usize {
    let (_, text) = served.get("/metrics", "").await;
    let count = text.lines().find_map(|line| line.strip_prefix(r#"kith_lookups_total{result="not_found"} "#));
    count.unwrap().parse().unwrap()
}
