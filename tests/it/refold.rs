//! The rules change while the server is used, and while it is killed: every lookup sees a customer as the rules of before
//! or those of now have it, and in the end all are as those of now have them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kith::client::Client;
use kith::proto::v1::{
    Answer, ApplyModelRequest, BatchLookupRequest, DiffModelRequest, GetModelRequest, Refold, StreamWriteRequest,
};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::harness::{PATIENCE, Server, Setup, fact, repository, values, write};

/// Pairs of user ids that share an address: one customer by the rules of before, two by those of now.
const COUPLES: u64 = 4_000;
const KILLS: usize = 6;
/// How long after the server is back it is killed, in milliseconds.
const DELAY_MILLIS: std::ops::Range<u64> = 0..120;

fn file(name: &str) -> std::path::PathBuf {
    repository("tests/golden/models").join(name)
}

fn now() -> String {
    std::fs::read_to_string(file("limits_tightened.toml")).unwrap()
}

fn start(directory: &Path, model: &str) -> Server {
    Setup::default().data(directory).model(&file(model)).start()
}

/// The one brings a name, the other a plan.
fn couple(number: u64) -> [serde_json::Value; 2] {
    let email = format!("email:c{number}@x.org");
    [
        json!({"type": "identify", "messageId": format!("a{number}"), "timestamp": "2026-01-01T00:00:00Z",
            "keys": [format!("user_id:a{number}"), email], "traits": {"name": "Ann"}}),
        json!({"type": "identify", "messageId": format!("b{number}"), "timestamp": "2026-01-02T00:00:00Z",
            "keys": [format!("user_id:b{number}"), email], "traits": {"plan": "gold"}}),
    ]
}

async fn fill(client: &Client) {
    let facts = (0..COUPLES).flat_map(couple).map(|message| StreamWriteRequest { fact: Some(fact(message)) });
    let facts: Vec<_> = facts.collect();
    let mut results = client.write().stream_write(tokio_stream::iter(facts)).await.unwrap().into_inner();
    while results.message().await.unwrap().is_some() {}
}

/// Whether a couple is two customers. Anything in between is a failure.
fn is_apart([a, b]: [&Answer; 2]) -> bool {
    let apart = a.profile_id != b.profile_id;
    let (seen_by_a, seen_by_b) = (values(a), values(b));
    let expected = match apart {
        false => [json!({"name": "Ann", "plan": "gold"}), json!({"name": "Ann", "plan": "gold"})],
        true => [json!({"name": "Ann"}), json!({"plan": "gold"})],
    };
    assert_eq!([seen_by_a, seen_by_b], expected, "a customer is part one, part the other");
    apart
}

/// How many of some couples are apart, in one view.
async fn apart(client: &Client, couples: impl Iterator<Item = u64>) -> usize {
    let keys = couples.flat_map(|number| [format!("user_id:a{number}"), format!("user_id:b{number}")]).collect();
    let request = BatchLookupRequest { keys, fields: vec!["name".into(), "plan".into()], ..Default::default() };
    let answers = client.lookup().batch_lookup(request).await.unwrap().into_inner().answers;
    answers.chunks(2).filter(|couple| is_apart([&couple[0], &couple[1]])).count()
}

async fn refold(client: &Client) -> Refold {
    let model = client.model().get_model(GetModelRequest {}).await.unwrap().into_inner();
    model.refold.unwrap_or_default()
}

/// Looks couples up until it is told to stop. Answers how often it saw some apart and others not.
async fn watch(client: Client, stop: Arc<AtomicBool>) -> [usize; 2] {
    let mut seen = [0; 2];
    let mut random = StdRng::seed_from_u64(1);
    while !stop.load(Ordering::Relaxed) {
        let couples = (0..20).map(|_| random.random_range(0..COUPLES - 1)).collect::<Vec<_>>();
        let apart = apart(&client, couples.into_iter()).await;
        seen[0] += 20 - apart;
        seen[1] += apart;
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lookups_see_the_rules_of_before_or_of_now_and_writes_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path(), "limits_now.toml");
    let client = server.client().await;
    fill(&client).await;
    let stop = Arc::new(AtomicBool::new(false));
    let watching = tokio::spawn(watch(server.client().await, Arc::clone(&stop)));
    tokio::time::sleep(Duration::from_millis(20)).await;

    let applied = client.model().apply_model(ApplyModelRequest { source: now() }).await.unwrap().into_inner();
    assert_eq!((applied.version, applied.refolding), (2, true));
    // The turn of the last couple comes last, and a fact of it is written before.
    let last = json!({"type": "identify", "messageId": "late", "timestamp": "2026-01-03T00:00:00Z",
        "keys": [format!("user_id:b{}", COUPLES - 1)], "traits": {"plan": "silver"}});
    let receipt = write(&client, fact(last)).await;
    assert!(!receipt.token.is_empty());
    while !refold(&client).await.finished {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let [together, seen_apart] = watching.await.unwrap();
    assert!(together > 0 && seen_apart > 0, "the watcher saw {together} together and {seen_apart} apart");
    let numbers: Vec<u64> = (0..COUPLES - 1).collect();
    for numbers in numbers.chunks(400) {
        assert_eq!(apart(&client, numbers.iter().copied()).await, numbers.len());
    }
    let again = client.model().apply_model(ApplyModelRequest { source: now() }).await.unwrap().into_inner();
    assert_eq!((again.version, again.refolding), (2, false));

    // What needs the past folded again is not done by a start with another file.
    server.kill();
    let mut other = super::harness::kith();
    other.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(directory.path());
    other.arg("--model").arg(file("limits_now.toml"));
    let output = super::harness::run(other, "");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("kith model diff"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_rules_goes_on_after_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path(), "limits_now.toml");
    let client = server.client().await;
    fill(&client).await;
    let mut foretold = client.model().diff_model(DiffModelRequest { source: now() }).await.unwrap().into_inner();
    let mut last = None;
    while let Some(step) = foretold.message().await.unwrap() {
        last = step.step;
    }
    let Some(kith::proto::v1::diff_model_response::Step::Diff(foretold)) = last else { panic!("no result") };
    client.model().apply_model(ApplyModelRequest { source: now() }).await.unwrap();

    let mut random = StdRng::seed_from_u64(9);
    let mut server = server;
    let mut unfinished = 0;
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.random_range(DELAY_MILLIS))).await;
        server.kill();
        server = start(directory.path(), "limits_tightened.toml");
        unfinished += usize::from(!refold(&server.client().await).await.finished);
    }
    assert!(unfinished > 0, "no kill came in the middle of the change");
    let client = server.client().await;
    let finished = async {
        loop {
            let refold = refold(&client).await;
            if refold.finished {
                return refold.tally.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let tally = tokio::time::timeout(PATIENCE, finished).await.unwrap();
    assert_eq!(tally, foretold.tally.unwrap(), "what was done is what was foretold");
    let numbers: Vec<u64> = (0..COUPLES).collect();
    for numbers in numbers.chunks(400) {
        assert_eq!(apart(&client, numbers.iter().copied()).await, numbers.len());
    }
}
