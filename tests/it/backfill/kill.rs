//! Stored events are counted while the server is killed.

use std::time::Duration;

use kith::client::Client;
use kith::proto::v1::{
    ApplyModelRequest, Backfill, BatchLookupRequest, GetModelRequest, Resolution, StreamWriteRequest,
};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value as Json, json};

use crate::harness::{PATIENCE, Server, Setup, fact, values, write};

const CUSTOMERS: u64 = 2_000;
const ORDERS: u64 = 5;
const KILLS: usize = 6;
/// How long after the server is back it is killed, in milliseconds.
const DELAY_MILLIS: std::ops::Range<u64> = 0..60;

const BEFORE: &str = "[kinds.person]\nidentifiers = ['user_id', 'email']\n";
const ADDED: &str = "[computed.n]\naggregate = 'count'\nevent = 'order'\nbackfill = true\n\
    [computed.sum]\naggregate = 'sum'\nevent = 'order'\nproperty = 'cents'\nbackfill = true\n\
    [computed.'address.n']\naddress_types = ['email']\naggregate = 'count'\nevent = 'order'\nbackfill = true\n";

fn order(customer: u64, number: u64) -> Json {
    json!({"type": "track", "messageId": format!("c{customer}o{number}"), "timestamp": "2026-01-01T00:00:00Z",
        "event": "order", "keys": [format!("user_id:u{customer}"), format!("email:c{customer}@x.org")],
        "properties": {"cents": number}})
}

async fn fill(client: &Client) {
    let orders = (0..CUSTOMERS).flat_map(|customer| (1..=ORDERS).map(move |number| order(customer, number)));
    let facts: Vec<_> = orders.map(|order| StreamWriteRequest { fact: Some(fact(order)) }).collect();
    let mut results = client.write().stream_write(tokio_stream::iter(facts)).await.unwrap().into_inner();
    while results.message().await.unwrap().is_some() {}
}

async fn backfill(client: &Client) -> Backfill {
    client.model().get_model(GetModelRequest {}).await.unwrap().into_inner().backfill.unwrap()
}

/// Looks all customers up; `extra` had one order more.
async fn compare(client: &Client, extra: &[u64]) {
    let customers: Vec<u64> = (0..CUSTOMERS).collect();
    for customers in customers.chunks(500) {
        let keys = customers.iter().map(|customer| format!("email:c{customer}@x.org")).collect();
        let fields = ["n", "sum", "address.n"].map(str::to_owned).to_vec();
        let request = BatchLookupRequest { keys, fields, ..Default::default() };
        let answers = client.lookup().batch_lookup(request).await.unwrap().into_inner().answers;
        assert_eq!(answers.len(), customers.len());
        for (customer, answer) in customers.iter().zip(answers) {
            assert_eq!(answer.resolution(), Resolution::Found);
            let more = extra.iter().filter(|extra| *extra == customer).count() as u64;
            let (n, sum) = (ORDERS + more, ORDERS * (ORDERS + 1) / 2 + more * 100);
            assert_eq!(values(&answer), json!({"n": n, "sum": sum, "address.n": n}), "customer {customer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counting_goes_on_after_kill_9_and_counts_nothing_twice() {
    let directory = tempfile::tempdir().unwrap();
    let models = tempfile::tempdir().unwrap();
    let file = models.path().join("model.toml");
    std::fs::write(&file, BEFORE).unwrap();
    let start = || -> Server { Setup::default().data(directory.path()).model(&file).start() };
    let mut server = start();
    let client = server.client().await;
    fill(&client).await;
    let source = format!("{BEFORE}{ADDED}");
    std::fs::write(&file, &source).unwrap();
    let applied = client.model().apply_model(ApplyModelRequest { source }).await.unwrap().into_inner();
    assert!(applied.backfilling && !applied.refolding);

    let mut random = StdRng::seed_from_u64(4);
    let (mut unfinished, mut extra, mut events) = (0, Vec::new(), 0);
    for kill in 0..KILLS {
        // One customer whose turn may have come, and one whose turn may not have.
        for customer in [random.random_range(0..CUSTOMERS), kill as u64] {
            let mut late = order(customer, 100);
            late["messageId"] = json!(format!("late{}", extra.len()));
            write(&server.client().await, fact(late)).await;
            extra.push(customer);
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(DELAY_MILLIS))).await;
        server.kill();
        server = start();
        let state = backfill(&server.client().await).await;
        unfinished += usize::from(!state.finished);
        assert!(state.events >= events, "what was counted is counted again");
        events = state.events;
    }
    assert!(unfinished > 0, "no kill came in the middle");
    let client = server.client().await;
    let finished = async {
        while !backfill(&client).await.finished {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, finished).await.unwrap();
    compare(&client, &extra).await;
    let state = backfill(&client).await;
    assert_eq!((state.attributes.len(), state.origins), (3, CUSTOMERS));
    let stored = CUSTOMERS * ORDERS;
    assert!((stored..=stored + extra.len() as u64).contains(&state.events), "{} events were read", state.events);
}
