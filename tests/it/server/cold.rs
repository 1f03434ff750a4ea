//! Customers who are not in memory: a stream reads them side by side, and answers as if it had read one after the other.

use kith::domain::answer::Fields;
use kith::domain::fact::{Draft, DraftBody};
use kith::domain::key::Key;
use kith::domain::value::{Value, Values};
use kith::engine::{self, DEFAULT_WORKSPACE, Engine, Question, Tier};
use kith::proto::v1::{Answer, StreamLookupRequest};
use kith::server;
use prost_types::value::Kind;
use rand::distr::{Alphanumeric, SampleString as _};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::kit::{LAZY, Served, engine, identify, open, serve_engine, write};

const CUSTOMERS: usize = 800;
/// As much as a block of the disk, so that none is read along with another.
const LARGE_BYTES: usize = 5_000;
/// Room for next to none of them.
const CACHE_BYTES: usize = 32 * 1024;

/// A server with little memory, that keeps no answers, over many customers whom it has not read yet. Its cores read the disk
/// themselves, or leave it to others.
async fn served(reads_in_place: bool) -> Served {
    let (writing, data) = engine(CUSTOMERS, LAZY).await;
    let workspace = writing.workspace(DEFAULT_WORKSPACE).unwrap();
    let mut random = StdRng::seed_from_u64(1);
    let mut pending = Vec::new();
    for at in 0..CUSTOMERS {
        let large = Value::Text(Alphanumeric.sample_string(&mut random, LARGE_BYTES));
        let name = Value::Text(format!("Ann {at}"));
        let body = {
            let traits = Values::from([("large".to_owned(), large), ("name".to_owned(), name)]);
            DraftBody::Identify { traits, address: String::new() }
        };
        let draft =
            Draft { message_id: format!("m{at}"), time: None, source: String::new(), keys: vec![key(at)], body };
        let fact = writing.check(workspace, draft, server::now()).unwrap();
        pending.push(writing.submit(workspace, fact, server::now()).await.unwrap());
    }
    for receipt in pending {
        receipt.await.unwrap();
    }
    writing.close();
    drop(writing);

    let engine = open(data.path(), CACHE_BYTES, 64, LAZY);
    let cold = (0..CUSTOMERS).filter(|at| is_cold(&engine, *at)).count();
    assert!(cold > CUSTOMERS / 2, "only {cold} of {CUSTOMERS} customers are not in memory");
    let options = |options: &mut server::Options| {
        options.answer_cache_bytes = 0;
        options.reads_in_place = reads_in_place;
    };
    serve_engine(engine, data, options).await
}

fn is_cold(engine: &Engine, at: usize) -> bool {
    let workspace = engine.workspace(DEFAULT_WORKSPACE).unwrap();
    let model = engine.model(workspace).unwrap();
    let key = Key::parse(&key(at), "key", &model.model).unwrap();
    let kind = model.model.kind("").unwrap().id;
    let question = Question { kind, fields: &Fields::Everything, now: server::now(), purpose: None };
    matches!(engine.lookup(workspace, &[(0, key)], question, Tier::Memory), Err(engine::Error::NotInMemory))
}

fn key(at: usize) -> String {
    format!("user_id:u{at}")
}

fn asking(key: String, fields: &[&str]) -> StreamLookupRequest {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    StreamLookupRequest { keys: vec![key], fields, ..StreamLookupRequest::default() }
}

fn text(value: &prost_types::Value) -> &str {
    let Some(Kind::StringValue(text)) = &value.kind else { panic!("{value:?} is no text") };
    text
}

/// Messages that mostly repeat each other, of customers who mostly are not in memory, and others among them.
fn messages(count: usize) -> Vec<StreamLookupRequest> {
    let mut random = StdRng::seed_from_u64(2);
    let mut message = |_| {
        let key = match random.random_range(0..100) {
            0..2 => "joe".to_owned(),
            2..10 => key(CUSTOMERS + random.random_range(0..CUSTOMERS)),
            10..30 => key(random.random_range(0..3)),
            _ => key(random.random_range(0..CUSTOMERS)),
        };
        match random.random_range(0..200) {
            0..2 => asking(key, &["name"]),
            2..4 => asking(key, &["large", "name"]),
            4 => asking(key, &["*"]),
            5 => StreamLookupRequest { kind: "nobody".to_owned(), ..asking(key, &[]) },
            6 => StreamLookupRequest { token: "no token".to_owned(), ..asking(key, &[]) },
            _ => asking(key, &[]),
        }
    };
    (0..count).map(&mut message).collect()
}

async fn answers(served: &Served, messages: Vec<StreamLookupRequest>) -> Vec<Answer> {
    let mut stream = served.lookups().await.stream_lookup(tokio_stream::iter(messages)).await.unwrap().into_inner();
    let mut answers = Vec::new();
    while let Some(response) = stream.message().await.unwrap() {
        answers.push(response.answer.unwrap());
    }
    answers
}

#[tokio::test]
async fn a_stream_over_many_who_are_not_in_memory_answers_in_order() {
    for reads_in_place in [true, false] {
        let served = served(reads_in_place).await;
        answers_in_order(&served).await;
        let (in_place, handed_over) = (read(&served, "in_place").await, read(&served, "handed_over").await);
        if reads_in_place {
            assert!(in_place > 0, "none was read in place");
        } else {
            assert!(in_place == 0 && handed_over > 100, "{in_place} were read in place, {handed_over} handed over");
        }
    }
}

/// How many were read there.
async fn read(served: &Served, place: &str) -> u64 {
    let (_, figures) = served.get("/metrics", "").await;
    let name = format!("kith_cold_lookups_total{{read=\"{place}\"}} ");
    figures.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
}

async fn answers_in_order(served: &Served) {
    let messages = messages(3_000);
    let found = answers(served, messages.clone()).await;
    // With two keys each goes the long way, which waits for one after the other.
    let twice = messages.iter().map(|message| {
        let keys = [message.keys.clone(), message.keys.clone()].concat();
        StreamLookupRequest { keys, ..message.clone() }
    });
    let expected = answers(served, twice.collect()).await;
    assert_eq!(found.len(), messages.len());
    for (at, ((found, expected), message)) in found.iter().zip(&expected).zip(&messages).enumerate() {
        assert_eq!(found.key, message.keys[0], "answer {at}");
        assert!(found == expected, "answer {at}, for {}: not what it would be by itself", found.key);
    }
}

#[tokio::test]
async fn a_message_with_the_token_of_a_write_sees_it_among_others_that_wait_for_the_disk() {
    let served = served(false).await;
    let mut writes = served.writes().await;
    let (requests, queue) = mpsc::channel(CUSTOMERS);
    let mut stream = served.lookups().await.stream_lookup(ReceiverStream::new(queue)).await.unwrap().into_inner();
    requests.send(asking(key(0), &["name"])).await.unwrap();
    stream.message().await.unwrap().unwrap();
    for round in 0..20 {
        let before = round * 30..round * 30 + 20;
        for at in before.clone() {
            requests.send(asking(key(at), &[])).await.unwrap();
        }
        let (written, name) = (key(before.end), format!("Bea {round}"));
        let token = write(&mut writes, identify(&format!("w{round}"), &written, "name", &name)).await.unwrap().token;
        requests.send(StreamLookupRequest { token, ..asking(written.clone(), &[]) }).await.unwrap();
        let expected = before.map(|at| (key(at), format!("Ann {at}"))).chain([(written, name)]);
        for (key, name) in expected {
            let answer = stream.message().await.unwrap().unwrap().answer.unwrap();
            assert_eq!(answer.key, key);
            assert_eq!(answer.values.get("name").map(text), Some(name.as_str()), "{answer:?}");
        }
    }
}
