//! The end of a server: calls under way finish, streams are told to go elsewhere, and nothing that was taken is lost.

use std::time::Duration;

use kith::domain::ids::Seq;
use kith::domain::token::Token;
use kith::engine::{self, Engine};
use kith::proto::v1::write_result::Result::Receipt;
use kith::proto::v1::{LookupRequest, StreamLookupRequest, StreamWriteRequest, WriteRequest};
use kith::server::{self, Options, Server};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::kit::{LAZY, PATIENCE, engine, identify, lookup, refused, serve};

#[tokio::test]
async fn streams_end_with_unavailable_and_the_server_stops() {
    let served = serve(|_| {}).await;
    let mut lookups = served.lookups().await;
    let (requests, stream) = mpsc::channel(1);
    let mut answers = lookups.stream_lookup(ReceiverStream::new(stream)).await.unwrap().into_inner();
    let message = StreamLookupRequest { keys: vec!["user_id:1".to_owned()], ..StreamLookupRequest::default() };
    requests.send(message).await.unwrap();
    answers.message().await.unwrap().unwrap();

    let mut writes = served.writes().await;
    let (facts, stream) = mpsc::channel(1);
    let mut results = writes.stream_write(ReceiverStream::new(stream)).await.unwrap().into_inner();
    facts.send(StreamWriteRequest { fact: Some(identify("m1", "user_id:1", "name", "Joe")) }).await.unwrap();
    let first = results.message().await.unwrap().unwrap().result.unwrap();
    assert!(matches!(first.result, Some(Receipt(_))));

    let mut health = HealthClient::new(served.channel().await);
    let watched = HealthCheckRequest { service: String::new() };
    let mut watch = health.watch(watched).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status, 1);

    served.server.stop();
    refused(answers.message().await, Code::Unavailable, "NOT_READY");
    refused(results.message().await, Code::Unavailable, "NOT_READY");
    // Told that it is not serving first, if it was quick enough to see.
    let last = match watch.message().await {
        Ok(Some(change)) => {
            assert_eq!(change.status, 2);
            watch.message().await
        }
        last => last,
    };
    refused(last, Code::Unavailable, "NOT_READY");

    tokio::time::timeout(PATIENCE, served.server.stopped()).await.expect("the server stops");
    assert!(Channel::from_shared(format!("http://{}", served.addr())).unwrap().connect().await.is_err());
}

#[tokio::test]
async fn a_call_under_way_is_answered() {
    let served = serve(|_| {}).await;
    let mut lookups = served.lookups().await;
    let next = Token(Seq(served.engine.applied().0 + 1)).to_string();
    let waiting = tokio::spawn(async move {
        let request = LookupRequest { token: next, ..lookup("user_id:1") };
        lookups.lookup(request).await
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    served.server.stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    served.engine.apply_model("other", kith::domain::model::DEFAULT_MODEL, server::now()).await.unwrap();
    waiting.await.unwrap().unwrap();
    tokio::time::timeout(PATIENCE, served.server.stopped()).await.expect("the server stops");
}

#[tokio::test]
async fn facts_that_were_taken_get_their_receipts_before_the_stream_ends() {
    const FACTS: usize = 500;
    let served = serve(|_| {}).await;
    let mut writes = served.writes().await;
    let fact = |at: usize| StreamWriteRequest {
        fact: Some(identify(&format!("m{at}"), &format!("user_id:{at}"), "name", "x")),
    };
    let (facts, stream) = mpsc::channel(FACTS);
    for at in 0..FACTS {
        facts.send(fact(at)).await.unwrap();
    }
    let mut results = writes.stream_write(ReceiverStream::new(stream)).await.unwrap().into_inner();
    results.message().await.unwrap().unwrap();
    served.server.stop();
    let mut receipts = 1_u64;
    let ended = loop {
        match results.message().await {
            Ok(Some(result)) => {
                assert!(matches!(result.result.unwrap().result, Some(Receipt(_))));
                receipts += 1;
            }
            ended => break ended,
        }
    };
    refused(ended, Code::Unavailable, "NOT_READY");
    tokio::time::timeout(PATIENCE, served.server.stopped()).await.expect("the server stops");
    // The model was the first command; every other one was a fact, and each has its receipt.
    assert_eq!(served.engine.applied(), Seq(1 + receipts));
}

#[tokio::test]
async fn a_closed_engine_says_that_the_server_is_ending() {
    let served = serve(|_| {}).await;
    served.engine.close();
    let mut writes = served.writes().await;
    let request = WriteRequest { fact: Some(identify("m1", "user_id:1", "name", "Joe")) };
    refused(writes.write(request).await, Code::Unavailable, "NOT_READY");
}

#[tokio::test]
async fn a_stopped_server_has_let_go_of_the_database() {
    let (mut engine, data) = engine(4, LAZY).await;
    for _ in 0..10 {
        let options = Options { listen: "127.0.0.1:0".parse().unwrap(), cores: Some(2), ..Options::default() };
        let server = Server::start(options, engine).await.unwrap();
        server.stop();
        tokio::time::timeout(PATIENCE, server.stopped()).await.expect("the server stops");
        let again = engine::Options {
            data: data.path().to_owned(),
            durability: LAZY,
            cache_bytes: 8 * 1024 * 1024,
            write_queue: 4,
            refold_portion: engine::REFOLD_PORTION,
            invalidates: true,
        };
        engine = Engine::open(&again).expect("nobody holds the database any more");
    }
}
