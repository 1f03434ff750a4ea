//! A stream whose messages repeat each other goes the quick way, and answers what it would answer otherwise: whatever was
//! said, inherited, refused or forgotten before.

use kith::domain::model::DEFAULT_MODEL;
use kith::engine::DEFAULT_WORKSPACE;
use kith::proto::v1::lookup_service_client::LookupServiceClient;
use kith::proto::v1::{Answer, StreamLookupRequest};
use kith::server;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tonic::transport::Channel;

use super::kit::{LAZY, Served, engine, identify, serve_engine, write};
use crate::resolution::as_asked;

const VIEWS: &str = r#"
[attributes.person]
name = "text"
age = "text"

[attributes.account]
plan = "text"

[views.letter]
purpose = "ads"
channel = "email"
[views.letter.fields.greeting]
from = ["name"]
type = "name"
default = "there"

[views.card]
kind = "account"
[views.card.fields.plan]
from = ["plan"]
default = "free"
"#;

const KEYS: [&str; 5] = ["user_id:1", "user_id:2", "user_id:3", "account_id:9", "joe"];

/// What messages say but for their keys.
fn sayings() -> Vec<StreamLookupRequest> {
    let text = str::to_owned;
    let fields = |names: &[&str]| StreamLookupRequest {
        fields: names.iter().map(ToString::to_string).collect(),
        ..StreamLookupRequest::default()
    };
    let view = |name: &str| StreamLookupRequest { view: text(name), ..fields(&[]) };
    vec![
        fields(&[]),
        fields(&["*"]),
        fields(&["age"]),
        fields(&["name", "age"]),
        StreamLookupRequest { kind: text("account"), ..fields(&["plan"]) },
        StreamLookupRequest { kind: text("person"), ..fields(&[]) },
        StreamLookupRequest { purpose: text("ads"), ..fields(&["name"]) },
        StreamLookupRequest { purpose: text("news"), channel: text("push"), ..fields(&[]) },
        view("letter"),
        view("card"),
        StreamLookupRequest { kind: text("person"), ..view("card") },
        StreamLookupRequest { html: true, ..view("letter") },
        StreamLookupRequest { about: vec![text("boots")], ..view("letter") },
        StreamLookupRequest { about: vec![text("boots")], ..fields(&[]) },
        StreamLookupRequest { fields: vec![text("age")], ..view("letter") },
        StreamLookupRequest { token: text("no token"), ..fields(&["age"]) },
    ]
}

/// A saying by its number, and the keys that it is said of, one after the other.
fn stream() -> impl Strategy<Value = Vec<StreamLookupRequest>> {
    let said = (0..sayings().len(), prop::collection::vec(prop::sample::select(&KEYS[..]), 1..4));
    prop::collection::vec(said, 1..8).prop_map(|said| {
        let message =
            |saying: usize, key: &str| StreamLookupRequest { keys: vec![key.to_owned()], ..sayings()[saying].clone() };
        said.iter().flat_map(|(saying, keys)| keys.iter().map(|key| message(*saying, key))).collect()
    })
}

/// The answers to a stream, without the time until which they may be kept, which is of the moment.
async fn answers(client: &LookupServiceClient<Channel>, messages: Vec<StreamLookupRequest>) -> Vec<Answer> {
    let mut stream = client.clone().stream_lookup(tokio_stream::iter(messages)).await.unwrap().into_inner();
    let mut answers = Vec::new();
    while let Some(response) = stream.message().await.unwrap() {
        answers.push(Answer { cache_until: None, ..response.answer.unwrap() });
    }
    answers
}

async fn served() -> Served {
    let (engine, data) = engine(64, LAZY).await;
    engine.apply_model(DEFAULT_WORKSPACE, &format!("{DEFAULT_MODEL}{VIEWS}"), server::now()).await.unwrap();
    let served = serve_engine(engine, data, |_| {}).await;
    let mut writes = served.writes().await;
    for (number, (key, name, value)) in [
        ("user_id:1", "name", "Ann"),
        ("user_id:1", "age", "7"),
        ("user_id:2", "name", "n/a"),
        ("account_id:9", "plan", "gold"),
    ]
    .into_iter()
    .enumerate()
    {
        write(&mut writes, identify(&format!("m{number}"), key, name, value)).await.unwrap();
    }
    served
}

#[test]
fn a_message_that_repeats_another_is_answered_like_any() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let served = runtime.block_on(served());
    let client = runtime.block_on(served.lookups());
    let mut runner = TestRunner::new(Config { cases: as_asked(100), failure_persistence: None, ..Config::default() });
    let ran = runner.run(&stream(), |messages| {
        // Two keys are nobody's quick way.
        let twice = |message: &StreamLookupRequest| {
            let keys = [message.keys.clone(), message.keys.clone()].concat();
            StreamLookupRequest { keys, ..message.clone() }
        };
        let (quick, long) = runtime.block_on(async {
            let long = messages.iter().map(twice).collect();
            (answers(&client, messages).await, answers(&client, long).await)
        });
        prop_assert_eq!(quick, long);
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    let (_, figures) = runtime.block_on(served.get("/metrics", ""));
    let again = figures.lines().find_map(|line| line.strip_prefix("kith_kept_answers_total ")).unwrap();
    assert!(again.parse::<u64>().unwrap() > 10, "hardly anything went the quick way: {again}");
}
