//! kill -9 in the middle of writes, again and again on one directory. Nothing that was acknowledged is lost, and no
//! fact is there by half: its attributes or aggregates, its identifiers, its history and its receipt are one.

use std::collections::BTreeMap;
use std::time::Duration;

use kith::client::Client;
use kith::proto::v1::write_result::Result as Written;
use kith::proto::v1::{
    Answer, BatchLookupRequest, Fact, ListEventsRequest, Receipt, Resolution, StreamWriteRequest, WriteRequest,
};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use super::harness::{PATIENCE, Server, Setup, fact, values};

const ROUNDS: u64 = 20;
/// Connections that write one fact after the other, and connections that stream.
const UNARY_WRITERS: usize = 6;
const STREAM_WRITERS: usize = 2;
/// After how many acknowledged facts of a round the server is killed.
const KILLED_AFTER: std::ops::Range<u64> = 50..1_500;
/// How much later than that, in microseconds.
const DELAY_MICROS: std::ops::Range<u64> = 0..5_000;

/// What an identify and a track fact leave behind, all of it or nothing.
const TRAITS: [&str; 3] = ["first_name", "plan", "seats"];
const COMPUTED: [&str; 3] = ["orders.count", "orders.revenue", "orders.last_total"];

/// A fact that was sent, and what the server said, if it came to that.
struct Sent {
    customer: String,
    fact: Fact,
    receipt: Option<Receipt>,
}

/// The facts of a writer: to each customer an identify and a track, each with the same three identifiers.
fn nth(writer: &str, number: u64) -> Sent {
    let customer = format!("{writer}-{}", number / 2);
    let message = json!({
        "type": if number.is_multiple_of(2) { "identify" } else { "track" },
        "messageId": format!("{writer}-{number}"),
        "keys": keys(&customer),
        "traits": {"first_name": customer, "plan": "gold", "seats": number},
        "event": "Order Completed",
        "properties": {"total": number},
    });
    Sent { customer, fact: fact(message), receipt: None }
}

fn keys(customer: &str) -> [String; 3] {
    [format!("user_id:{customer}"), format!("email:{customer}@example.com"), format!("anonymous_id:{customer}")]
}

impl Sent {
    fn fields(&self) -> [&'static str; 3] {
        if self.is_identify() { TRAITS } else { COMPUTED }
    }

    fn is_identify(&self) -> bool {
        matches!(self.fact.body, Some(kith::proto::v1::fact::Body::Identify(_)))
    }

    /// Whether the customer shows this fact. Anything between all and nothing is a failure.
    fn is_in(&self, answer: &Answer) -> bool {
        let shown = values(answer);
        let present = self.fields().iter().filter(|field| !shown[**field].is_null()).count();
        let id = &self.fact.message_id;
        assert!(present == 0 || present == 3, "{id} is there by half: {shown}");
        if present == 0 {
            return false;
        }
        let number: u64 = id.rsplit('-').next().unwrap().parse().unwrap();
        let (found, expected) = match self.is_identify() {
            true => (json!([shown["first_name"], shown["seats"]]), json!([self.customer, number])),
            false => (json!([shown["orders.count"], shown["orders.revenue"]]), json!([1, number])),
        };
        assert_eq!(found, expected, "{id} is not what was sent");
        true
    }
}

/// Writes one fact after the other until the server is gone.
async fn write_unary(client: Client, writer: String, acknowledged: watch::Sender<u64>) -> Vec<Sent> {
    let mut client = client.write();
    let mut all = Vec::new();
    for number in 0.. {
        let mut sent = nth(&writer, number);
        let answer = client.write(WriteRequest { fact: Some(sent.fact.clone()) }).await;
        sent.receipt = answer.ok().map(|answer| answer.into_inner().receipt.unwrap());
        let gone = sent.receipt.is_none();
        all.push(sent);
        if gone {
            break;
        }
        acknowledged.send_modify(|count| *count += 1);
    }
    all
}

/// Streams facts until the server is gone.
async fn write_stream(client: Client, writer: String, acknowledged: watch::Sender<u64>) -> Vec<Sent> {
    let (queue, requests) = mpsc::channel(64);
    let feeding = tokio::spawn(async move {
        let mut all = Vec::new();
        for number in 0.. {
            let sent = nth(&writer, number);
            let request = StreamWriteRequest { fact: Some(sent.fact.clone()) };
            all.push(sent);
            if queue.send(request).await.is_err() {
                break;
            }
        }
        all
    });
    let mut receipts = Vec::new();
    if let Ok(stream) = client.write().stream_write(ReceiverStream::new(requests)).await {
        let mut stream = stream.into_inner();
        while let Ok(Some(response)) = stream.message().await {
            let Some(Written::Receipt(receipt)) = response.result.unwrap().result else { panic!("refused") };
            receipts.push(receipt);
            acknowledged.send_modify(|count| *count += 1);
        }
    }
    let mut all = feeding.await.unwrap();
    for (sent, receipt) in all.iter_mut().zip(receipts) {
        assert_eq!(sent.fact.message_id, receipt.message_id, "results are in the order of the facts");
        sent.receipt = Some(receipt);
    }
    all
}

/// Writes from all sides, kills the server in the middle of it, and answers what was sent.
async fn crash(server: Server, round: u64, random: &mut StdRng) -> Vec<Sent> {
    let (acknowledged, mut seen) = watch::channel(0);
    let mut writers = Vec::new();
    for number in 0..UNARY_WRITERS + STREAM_WRITERS {
        let (client, name, acknowledged) = (server.client().await, format!("w{round}-{number}"), acknowledged.clone());
        writers.push(match number < UNARY_WRITERS {
            true => tokio::spawn(write_unary(client, name, acknowledged)),
            false => tokio::spawn(write_stream(client, name, acknowledged)),
        });
    }
    let enough = random.random_range(KILLED_AFTER);
    tokio::time::timeout(PATIENCE, seen.wait_for(|count| *count >= enough)).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_micros(random.random_range(DELAY_MICROS))).await;
    server.kill();
    let mut all = Vec::new();
    for writer in writers {
        all.extend(writer.await.unwrap());
    }
    all
}

/// What each customer looks like, which must be the same by each of their identifiers.
async fn look_up(client: &Client, all: &[Sent]) -> BTreeMap<String, Answer> {
    let mut customers: Vec<&String> = all.iter().map(|sent| &sent.customer).collect();
    customers.dedup();
    let mut found = BTreeMap::new();
    for customers in customers.chunks(300) {
        let keys: Vec<String> = customers.iter().flat_map(|customer| keys(customer)).collect();
        let fields = [TRAITS, COMPUTED].concat().into_iter().map(str::to_owned).collect();
        let request = BatchLookupRequest { keys, fields, ..Default::default() };
        let answers = client.lookup().batch_lookup(request).await.unwrap().into_inner().answers;
        for (customer, same) in customers.iter().zip(answers.chunks(3)) {
            let of = |answer: &Answer| (answer.resolution(), answer.profile_id.clone(), answer.values.clone());
            assert!(same.iter().all(|answer| of(answer) == of(&same[0])), "{customer} is torn apart: {same:?}");
            found.insert((*customer).clone(), same[0].clone());
        }
    }
    found
}

/// The message ids in the history of a customer.
async fn history(client: &Client, customer: &str) -> Vec<String> {
    let request = ListEventsRequest { key: keys(customer)[0].clone(), ..Default::default() };
    let events = client.profile().list_events(request).await.unwrap().into_inner().events;
    events.into_iter().map(|event| event.provenance.unwrap().message_id).collect()
}

/// Sends everything once more and answers the receipts.
async fn send_again(client: &Client, all: &[Sent]) -> Vec<Receipt> {
    let facts: Vec<_> = all.iter().map(|sent| StreamWriteRequest { fact: Some(sent.fact.clone()) }).collect();
    let mut stream = client.write().stream_write(tokio_stream::iter(facts)).await.unwrap().into_inner();
    let mut receipts = Vec::new();
    while let Some(response) = stream.message().await.unwrap() {
        let Some(Written::Receipt(receipt)) = response.result.unwrap().result else { panic!("refused") };
        receipts.push(receipt);
    }
    receipts
}

/// Checks what was sent before a crash, after it. Answers how many facts were acknowledged, how many were on their
/// way, and how many of those had been applied.
async fn check(client: &Client, all: &[Sent]) -> [usize; 3] {
    let found = look_up(client, all).await;
    let mut counts = [0; 3];
    for sent in all {
        let (answer, id) = (&found[&sent.customer], &sent.fact.message_id);
        let applied = sent.is_in(answer);
        let Some(receipt) = &sent.receipt else {
            counts[1] += 1;
            counts[2] += usize::from(applied);
            if answer.resolution() == Resolution::Found {
                let history = history(client, &sent.customer).await;
                assert_eq!(history.contains(id), applied, "history and profile of {id}");
            }
            continue;
        };
        counts[0] += 1;
        assert!(applied, "{id} was acknowledged and is lost");
        assert_eq!(receipt.profiles[0].profile_id, answer.profile_id, "{id} moved");
    }
    for (sent, receipt) in all.iter().zip(send_again(client, all).await) {
        let (answer, id) = (&found[&sent.customer], &sent.fact.message_id);
        assert_eq!(receipt.duplicate, sent.is_in(answer), "receipt and profile of {id}");
        let known = answer.resolution() == Resolution::Found;
        assert!(!known || receipt.profiles[0].profile_id == answer.profile_id, "{id} moved");
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_no_fact_is_there_by_half() {
    let directory = tempfile::tempdir().unwrap();
    let start = |round: u64| {
        let durability = if round.is_multiple_of(2) { "sync" } else { "interval(20)" };
        Setup::default().data(directory.path()).arguments(&["--durability", durability]).start()
    };
    let mut random = StdRng::seed_from_u64(7);
    let mut everything = Vec::new();
    let mut counts = [0; 3];
    for round in 0..ROUNDS {
        let all = crash(start(round), round, &mut random).await;
        let server = start(round + 1);
        let of_round = check(&server.client().await, &all).await;
        counts = [0, 1, 2].map(|at| counts[at] + of_round[at]);
        everything.extend(all);
        server.kill();
    }
    let [acknowledged, on_their_way, applied] = counts;
    println!("{acknowledged} facts acknowledged, {on_their_way} on their way, {applied} of those applied");
    assert!(on_their_way >= UNARY_WRITERS, "the crashes did not come in the middle of writes");

    let server = start(0);
    let found = look_up(&server.client().await, &everything).await;
    assert!(everything.iter().all(|sent| sent.is_in(&found[&sent.customer])), "a later crash took an earlier fact");
}
