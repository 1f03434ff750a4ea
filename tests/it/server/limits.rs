//! Past a limit a call is refused with the name of the limit and the time to come back; nothing queues up.

use std::time::Duration;

use kith::domain::ids::Seq;
use kith::domain::token::Token;
use kith::engine::Durability;
use kith::proto::v1::{BatchLookupRequest, LookupRequest, StreamLookupRequest, WriteRequest};
use kith::server::Limits;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::kit::{PATIENCE, engine, identify, lookup, refused, serve, serve_engine, write};

#[tokio::test]
async fn calls_in_flight_are_capped_and_health_is_not() {
    let served = serve(|options| options.limits.max_in_flight = 1).await;
    let mut client = served.lookups().await;
    let (_requests, stream) = mpsc::channel::<StreamLookupRequest>(1);
    let answers = client.stream_lookup(ReceiverStream::new(stream)).await.unwrap();

    let limit = refused(client.lookup(lookup("user_id:1")).await, Code::ResourceExhausted, "LIMIT_REACHED");
    assert_eq!(limit, "max_in_flight");
    let mut health = HealthClient::new(served.channel().await);
    health.check(HealthCheckRequest { service: String::new() }).await.unwrap();

    drop(answers);
    drop(_requests);
    let free = async {
        while client.lookup(lookup("user_id:1")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("the place of the stream is given back");
}

#[tokio::test]
async fn connections_past_the_cap_are_answered_with_a_refusal() {
    let served = serve(|options| options.limits.max_connections = 1).await;
    let mut first = served.lookups().await;
    first.lookup(lookup("user_id:1")).await.unwrap();

    let mut second = served.lookups().await;
    let limit = refused(second.lookup(lookup("user_id:1")).await, Code::ResourceExhausted, "LIMIT_REACHED");
    assert_eq!(limit, "max_connections");
    let (status, _) = served.get("/livez", "").await;
    assert_eq!(status, "HTTP/1.1 429 Too Many Requests");
    first.lookup(lookup("user_id:1")).await.unwrap();
}

#[tokio::test]
async fn a_message_over_the_limit_is_bad_input_and_an_answer_over_it_is_a_limit() {
    let served = serve(|options| options.limits.max_message_bytes = 64 * 1024).await;
    let mut writes = served.writes().await;
    let large = identify("m1", "user_id:1", "bio", &"x".repeat(100 * 1024));
    refused(write(&mut writes, large.clone()).await, Code::InvalidArgument, "TOO_LARGE");

    let stream = tokio_stream::iter([kith::proto::v1::StreamWriteRequest { fact: Some(large) }]);
    let mut results = writes.stream_write(stream).await.unwrap().into_inner();
    refused(results.message().await, Code::InvalidArgument, "TOO_LARGE");

    write(&mut writes, identify("m2", "user_id:1", "bio", &"x".repeat(1_000))).await.unwrap();
    let batch = BatchLookupRequest { keys: vec!["user_id:1".to_owned(); 200], ..BatchLookupRequest::default() };
    let mut lookups = served.lookups().await;
    let Err(status) = lookups.batch_lookup(batch).await else { panic!("the answer is too large") };
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
}

#[tokio::test]
async fn an_expired_deadline_is_deadline_exceeded() {
    let limits = Limits { deadline: Duration::from_millis(100), ..Limits::default() };
    let served = serve(|options| options.limits = limits).await;
    let token = Token(Seq(1_000_000)).to_string();
    let mut client = served.lookups().await;

    let waiting = LookupRequest { token, ..lookup("user_id:1") };
    refused(client.lookup(waiting).await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");

    // A stream has no deadline but its client's.
    let (requests, stream) = mpsc::channel::<StreamLookupRequest>(1);
    let mut request = Request::new(ReceiverStream::new(stream));
    request.set_timeout(Duration::from_millis(300));
    let mut answers = client.stream_lookup(request).await.unwrap().into_inner();
    tokio::time::sleep(Duration::from_millis(150)).await;
    let message = StreamLookupRequest { keys: vec!["user_id:1".to_owned()], ..StreamLookupRequest::default() };
    requests.send(message).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    refused(answers.message().await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
}

/// A client that leaves an answer where it is and answers every ping, as only a hand-made one does.
#[tokio::test]
async fn a_client_that_does_not_take_its_answer_loses_its_connection() {
    let limits = Limits { deadline: Duration::from_millis(100), max_in_flight: 1, ..Limits::default() };
    let served = serve(|options| options.limits = limits).await;
    let socket = tokio::net::TcpStream::connect(served.addr()).await.unwrap();
    let (sender, connection) = h2::client::Builder::new().initial_window_size(0).handshake(socket).await.unwrap();
    let connection = tokio::spawn(connection);

    let url = format!("http://{}/kith.v1.LookupService/Lookup", served.addr());
    let request = http::Request::post(url).header("content-type", "application/grpc").header("te", "trailers");
    let message = lookup("user_id:1").encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let (answer, mut body) = sender.ready().await.unwrap().send_request(request.body(()).unwrap(), false).unwrap();
    body.send_data(bytes::Bytes::from([&[0], &length[..], &message].concat()), true).unwrap();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);

    let mut other = served.lookups().await;
    let limit = refused(other.lookup(lookup("user_id:1")).await, Code::ResourceExhausted, "LIMIT_REACHED");
    assert_eq!(limit, "max_in_flight", "the answer that is not taken keeps its place");
    let _closed = tokio::time::timeout(PATIENCE, connection).await.expect("the connection is closed").unwrap();
    let free = async {
        while other.lookup(lookup("user_id:1")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("its place is given back");
}

#[tokio::test]
async fn a_token_that_is_not_reached_in_time_is_not_ready() {
    let served = serve(|_| {}).await;
    let mut client = served.lookups().await;
    let waiting = LookupRequest { token: Token(Seq(1_000_000)).to_string(), ..lookup("user_id:1") };
    refused(client.lookup(waiting).await, Code::Unavailable, "NOT_READY");
}

#[tokio::test]
async fn a_write_past_the_queue_is_told_to_come_back() {
    const WRITES: usize = 500;
    let (engine, data) = engine(1, Durability::Sync).await;
    let served = serve_engine(engine, data, |_| {}).await;
    let client = served.writes().await;
    let calls = (0..WRITES).map(|at| {
        let fact = identify(&format!("m{at}"), &format!("user_id:{at}"), "name", "x");
        let mut client = client.clone();
        async move { client.write(WriteRequest { fact: Some(fact) }).await }
    });
    let results = futures::future::join_all(calls).await;
    let (written, full): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert!(!written.is_empty() && !full.is_empty(), "{} written", written.len());
    for result in full {
        assert_eq!(refused(result, Code::ResourceExhausted, "LIMIT_REACHED"), "write_queue");
    }
}
