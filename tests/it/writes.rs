//! The writer: what it writes, and facts that are applied while others are on their way to the disk.

use std::path::Path;

use kith::domain::fact::{Draft, DraftBody, Event, EventType};
use kith::domain::ids::WorkspaceId;
use kith::domain::key::Key;
use kith::domain::receipt::Receipt;
use kith::domain::time::Time;
use kith::domain::value::{Value, Values};
use kith::engine::{DEFAULT_WORKSPACE, Durability, Engine, Options};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::harness::engine_options;

const NOW: Time = Time::from_micros(1_767_225_600_000_000);
const MODEL: &str = r#"
[identifiers.user_id]
limit = 1

[kinds.person]
identifiers = ["user_id"]

[computed."orders.count"]
aggregate = "count"
event = "order"
"#;

/// An engine that syncs each commit, with its own runtime.
struct Subject {
    engine: Engine,
    workspace: WorkspaceId,
    runtime: Runtime,
}

impl Subject {
    fn open(directory: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = Options { durability: Durability::Sync, ..engine_options(directory) };
        let engine = Engine::open(&options).unwrap();
        let workspace = runtime.block_on(engine.apply_model(DEFAULT_WORKSPACE, MODEL, NOW)).unwrap();
        Self { engine, workspace, runtime }
    }

    /// Hands over all of them before it waits for the first.
    fn write(&self, drafts: Vec<Draft>) -> Vec<Receipt> {
        self.runtime.block_on(async {
            let mut pending = Vec::new();
            for draft in drafts {
                let fact = self.engine.check(self.workspace, draft, NOW).unwrap();
                pending.push(self.engine.submit(self.workspace, fact, NOW).await.unwrap());
            }
            let mut receipts = Vec::new();
            for receipt in pending {
                receipts.push(receipt.await.unwrap());
            }
            receipts
        })
    }

    fn attribute(&self, name: &str) -> Option<Value> {
        let model = self.engine.model(self.workspace).unwrap();
        let key = Key::parse("user_id:u1", "key", &model.model).unwrap();
        let kind = model.model.kind("").unwrap().id;
        let (profile, _) = self.engine.profile(self.workspace, &key, kind).unwrap().unwrap();
        let computed = profile.holdings.computed.get(name).map(|state| state.value());
        computed.or_else(|| profile.holdings.attributes.cells().get(name).map(|cell| cell.value.clone()))
    }
}

fn draft(message_id: String, time: Time, body: DraftBody) -> Draft {
    Draft { message_id, time: Some(time), source: String::new(), keys: vec!["user_id:u1".to_owned()], body }
}

fn event(message_id: String, name: &str) -> Draft {
    let event = Event { event_type: EventType::Track, name: name.to_owned(), properties: Values::new() };
    draft(message_id, NOW, DraftBody::Event(event))
}

fn identify(message_id: String, time: Time, traits: Values) -> Draft {
    draft(message_id, time, DraftBody::Identify { traits, address: String::new() })
}

#[test]
fn facts_see_those_that_are_still_being_committed_and_are_answered_in_order() {
    const FACTS: usize = 4_000;
    let directory = TempDir::new().unwrap();
    let subject = Subject::open(directory.path());
    let twice = (0..2 * FACTS).map(|turn| event(format!("m{}", turn / 2), "order")).collect();
    let receipts = subject.write(twice);
    let mut last = None;
    for (number, pair) in receipts.chunks(2).enumerate() {
        let [first, again] = pair else { panic!("an odd number of receipts") };
        assert_eq!((first.message_id.as_str(), first.duplicate), (format!("m{number}").as_str(), false));
        assert_eq!((&again.message_id, again.seq, again.duplicate), (&first.message_id, first.seq, true));
        assert!(last < Some(first.seq), "places go up");
        last = Some(first.seq);
    }
    assert_eq!(Some(subject.engine.applied()), last);
    assert_eq!(subject.attribute("orders.count"), Some(Value::Number(FACTS as f64)));
}

#[test]
fn facts_that_change_nothing_rewrite_no_profile() {
    const FACTS: u64 = 200;
    const ATTRIBUTE_BYTES: usize = 20_000;
    let directory = TempDir::new().unwrap();
    let subject = Subject::open(directory.path());
    let large = Values::from([("large".to_owned(), Value::Text("x".repeat(ATTRIBUTE_BYTES)))]);
    subject.write(vec![identify("large".to_owned(), NOW, large)]);

    let before = log_bytes(directory.path());
    let old = Time::from_micros(NOW.micros() - 1);
    let outdated =
        |number| identify(format!("i{number}"), old, Values::from([("large".to_owned(), Value::Text(String::new()))]));
    subject.write((0..FACTS).map(outdated).collect());
    subject.write((0..FACTS).map(|number| event(format!("e{number}"), "nobody counts it")).collect());
    let written = log_bytes(directory.path()) - before;
    assert!(written < 2 * FACTS * 1_000, "{written} bytes: more than their events, receipts and links come to");
    assert_eq!(subject.attribute("large"), Some(Value::Text("x".repeat(ATTRIBUTE_BYTES))));

    let before = log_bytes(directory.path());
    subject.write(vec![event("counted".to_owned(), "order")]);
    let rewritten = log_bytes(directory.path()) - before;
    let (once, twice) = (ATTRIBUTE_BYTES as u64, 2 * ATTRIBUTE_BYTES as u64);
    assert!(
        once < rewritten && rewritten < twice,
        "{rewritten} bytes: the log tells of a profile that is written once"
    );
}

#[test]
fn a_clean_stop_leaves_no_log_to_read_back() {
    let directory = TempDir::new().unwrap();
    let subject = Subject::open(directory.path());
    subject.write((0..200).map(|number| event(format!("e{number}"), "order")).collect());
    let applied = subject.engine.applied();
    assert!(log_bytes(directory.path()) > 0);
    subject.engine.close();
    drop(subject);
    assert_eq!(log_bytes(directory.path()), 0);
    let subject = Subject::open(directory.path());
    assert!(subject.engine.applied() >= applied);
    assert_eq!(subject.attribute("orders.count"), Some(Value::Number(200.0)));
}

/// The bytes of RocksDB's log, which has every write of so small a database.
fn log_bytes(directory: &Path) -> u64 {
    let files = std::fs::read_dir(directory.join("rocksdb")).unwrap().map(Result::unwrap);
    let logs = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "log"));
    logs.map(|file| file.metadata().unwrap().len()).sum()
}
