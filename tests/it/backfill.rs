//! Computed attributes that a model adds over stored events: whatever is said while those are counted, and whoever merges,
//! comes apart or is erased meanwhile, in the end all is as if the model had had the attributes from the start.

mod kill;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use kith::domain::answer::{Field, Fields, Name, Resolution};
use kith::domain::correction::{Act, Correction, pair};
use kith::domain::erasure::Erasure;
use kith::domain::fact::{Draft, DraftBody, Event, EventType};
use kith::domain::ids::{KindId, WorkspaceId};
use kith::domain::key::Key;
use kith::domain::time::Time;
use kith::domain::tombstone::TombstoneSecret;
use kith::domain::value::{Value, Values};
use kith::engine::{Durability, Engine, Options, Question, Tier};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

/// The rules of before, and tighter ones: addresses that two people share are of the first of them from then on.
const RULES: [&str; 2] = ["", "[identifiers.email]\nlimit = 1\n"];
const KINDS: &str = r#"
[kinds.person]
identifiers = ["user_id", "email", "device_id"]
[kinds.account]
identifiers = ["account_id", "domain"]
[identifiers.domain]
[computed."known"]
aggregate = "count"
event = "order"
"#;
/// What the first change of the model adds.
const FIRST: &str = r#"
[computed."n"]
aggregate = "count"
event = "order"
backfill = true
[computed."spent"]
aggregate = "sum"
event = "order"
property = "cents"
backfill = true
[computed."n_24h"]
aggregate = "count"
event = "order"
window = "24h"
backfill = true
[computed."hour"]
aggregate = "best_hour"
event = "order"
time_zone = "zone"
backfill = true
[computed."tenure"]
aggregate = "days_since_first"
event = "order"
backfill = true
[computed."span"]
aggregate = "days_between"
event = "order"
backfill = true
[computed."address.n"]
address_types = ["email"]
aggregate = "count"
event = "order"
backfill = true
[computed."team.spent"]
kind = "account"
over = "members"
aggregate = "sum"
event = "order"
property = "cents"
backfill = true
[computed."own"]
kind = "account"
aggregate = "count"
event = "order"
backfill = true
"#;
/// What the second one adds, while the first may still be under way.
const SECOND: &str = r#"
[computed."latest"]
aggregate = "last_events"
event = "order"
limit = 3
properties = ["cents"]
backfill = true
[computed."values"]
aggregate = "unique_list"
event = "order"
property = "cents"
limit = 2
backfill = true
[computed."sum_7d"]
aggregate = "sum"
event = "order"
property = "cents"
window = "7d"
backfill = true
[computed."team.recency"]
kind = "account"
over = "members"
aggregate = "days_since_last"
event = "order"
backfill = true
[computed."address.recency"]
address_types = ["email", "device_id"]
aggregate = "days_since_last"
event = "order"
backfill = true
[computed."address.hours"]
address_types = ["email", "device_id"]
aggregate = "hours"
event = "order"
time_zone = "zone"
backfill = true
[computed."address.spent_30d"]
address_types = ["device_id"]
aggregate = "sum"
event = "order"
property = "cents"
window = "30d"
backfill = true
"#;
const PERSONS: [&str; 7] =
    ["user_id:u1", "user_id:u2", "user_id:u3", "email:a@x.org", "email:b@x.org", "device_id:d1", "device_id:d2"];
const ACCOUNTS: [&str; 3] = ["account_id:a1", "account_id:a2", "domain:d.org"];
/// 2026-03-29 is the day on which clocks in Berlin go forward: events are within two days around it.
const DAY_OF_CHANGE: u64 = 1_774_742_400;
const HOUR: u64 = 3_600;

#[derive(Clone, Debug)]
enum Step {
    /// Its message id is its own, or that of an earlier one.
    Write {
        id: u64,
        hour: u64,
        keys: Vec<&'static str>,
        says: Says,
    },
    Unlink([&'static str; 2]),
    KeepApart([&'static str; 2]),
    Erase(&'static str),
}

#[derive(Clone, Copy, Debug)]
enum Says {
    Ordered(u8),
    Zone(&'static str),
    Member(&'static str),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let keys = || {
        prop_oneof![
            5 => subsequence(&PERSONS[..], 1..=3),
            1 => subsequence(&ACCOUNTS[..], 1..=1),
            1 => (select(&PERSONS[..]), select(&ACCOUNTS[..])).prop_map(|(a, b)| vec![a, b]),
        ]
    };
    let says = prop_oneof![
        8 => any::<u8>().prop_map(Says::Ordered),
        1 => select(&["Europe/Berlin", "America/New_York"][..]).prop_map(Says::Zone),
        1 => select(&ACCOUNTS[..]).prop_map(Says::Member),
    ];
    let write =
        (0..60_u64, 0..48_u64, keys(), says).prop_map(|(id, hour, keys, says)| Step::Write { id, hour, keys, says });
    let two = || subsequence(&PERSONS[..], 2).prop_map(|two| [two[0], two[1]]);
    let step = prop_oneof![
        24 => write,
        2 => two().prop_map(Step::Unlink),
        1 => two().prop_map(Step::KeepApart),
    ];
    let erase = select(&PERSONS[..]).prop_map(Step::Erase);
    let erasing = prop_oneof![27 => step.clone(), 1 => erase];
    prop_oneof![prop::collection::vec(step, 4..60), prop::collection::vec(erasing, 4..60)]
}

/// By kind and key: how the key resolves, and every field.
type Answers = BTreeMap<(&'static str, &'static str), (String, BTreeMap<String, Field>)>;

struct Subject {
    engine: Engine,
    runtime: tokio::runtime::Runtime,
    cases: Cell<u64>,
    _directory: TempDir,
}

/// When everything arrives.
fn now() -> Time {
    Time::from_micros((DAY_OF_CHANGE + 24 * HOUR) * 1_000_000)
}

impl Subject {
    fn open() -> Self {
        let directory = TempDir::new().unwrap();
        let options = Options {
            data: directory.path().to_owned(),
            durability: Durability::Interval(Duration::from_secs(1)),
            cache_bytes: 64 * 1024 * 1024,
            write_queue: 64,
            refold_portion: 1,
            invalidates: true,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { engine: Engine::open(&options).unwrap(), runtime, cases: Cell::new(0), _directory: directory }
    }

    fn change(&self, workspace: WorkspaceId, model: String) {
        self.runtime.block_on(self.engine.change_model(workspace, model, now())).unwrap();
    }

    fn take(&self, workspace: WorkspaceId, number: usize, step: &Step, erased: usize) {
        let model = self.engine.model(workspace).unwrap();
        let act = match step {
            Step::Write { id, hour, keys, says } => {
                // An erasure takes receipts of others with it, so that what they say again would count again.
                return self.write(workspace, format!("m{id}.{erased}"), *hour, keys, *says);
            }
            Step::Erase(key) => {
                let (key, secret) = (Key::parse(key, "key", &model.model).unwrap(), TombstoneSecret([7; 32]));
                let (message_id, kind) = (format!("e{number}"), KindId::of("person"));
                let erasure = Erasure { message_id, key, kind, suppress: false, secret, gone: 0 };
                // Who is not there, or shared, cannot be erased.
                let _refused = self.runtime.block_on(self.engine.erase(workspace, erasure, now()));
                return;
            }
            Step::Unlink([a, b]) => Act::Unlink { between: pair(a, b, &model.model).unwrap() },
            Step::KeepApart([a, b]) => Act::KeepApart { between: pair(a, b, &model.model).unwrap(), same_human: false },
        };
        let correction = Correction { message_id: format!("c{number}"), source: String::new(), act };
        // What is not together cannot be unlinked.
        let _refused = self.runtime.block_on(self.engine.correct(workspace, correction, now()));
    }

    fn write(&self, workspace: WorkspaceId, message_id: String, hour: u64, keys: &[&str], says: Says) {
        let body = match says {
            Says::Ordered(cents) => {
                let properties = Values::from([("cents".to_owned(), Value::Number(f64::from(cents)))]);
                DraftBody::Event(Event { event_type: EventType::Track, name: "order".to_owned(), properties })
            }
            Says::Zone(zone) => {
                let traits = Values::from([("zone".to_owned(), Value::Text(zone.to_owned()))]);
                DraftBody::Identify { traits, address: String::new() }
            }
            Says::Member(group) => {
                let (key, role) = (group.to_owned(), String::new());
                DraftBody::Group { key, traits: Values::new(), role, left: false }
            }
        };
        let time = Some(Time::from_micros((DAY_OF_CHANGE + hour * HOUR) * 1_000_000));
        let keys = keys.iter().map(ToString::to_string).collect();
        let draft = Draft { message_id, time, source: String::new(), keys, body };
        // A group fact that names a group of the same kind, or two users in one fact, are refused and leave no trace.
        let Ok(fact) = self.engine.check(workspace, draft, now()) else { return };
        let _receipt = self.runtime.block_on(async { self.engine.submit(workspace, fact, now()).await.unwrap().await });
    }

    /// What a lookup by each key answers, in both kinds.
    fn answers(&self, workspace: WorkspaceId) -> Answers {
        let model = self.engine.model(workspace).unwrap();
        let mut answers = BTreeMap::new();
        let keys = [("person", &PERSONS[..]), ("account", &ACCOUNTS[..])];
        for (kind, keys) in keys {
            let mut asked: Vec<(&'static str, Fields)> = keys.iter().map(|key| (*key, Fields::Everything)).collect();
            let through = ["account.team.spent", "account.own", "account.team.spent.full"].map(Name::from);
            asked
                .extend(PERSONS.iter().filter(|_| kind == "person").map(|key| (*key, Fields::Named(through.to_vec()))));
            for (text, fields) in asked {
                let key = Key::parse(text, "key", &model.model).unwrap();
                let question = Question { kind: KindId::of(kind), fields: &fields, now: now(), purpose: None };
                let answer = self.engine.lookup(workspace, &[(0, key)], question, Tier::Disk).unwrap();
                let resolution = match answer.resolution {
                    Resolution::Found(_) => "found".to_owned(),
                    other => format!("{other:?}"),
                };
                let fields = answer.fields.into_iter().map(|(name, field)| (name.to_string(), field));
                let known = answers.entry((kind, text)).or_insert((resolution, BTreeMap::new()));
                known.1.extend(fields);
            }
        }
        answers
    }

    /// Whatever is not counted to the end is not answered.
    fn hides(&self, workspace: WorkspaceId) -> Result<(), TestCaseError> {
        let before = self.engine.model(workspace).unwrap();
        let answers = self.answers(workspace);
        let after = self.engine.model(workspace).unwrap();
        for (_, fields) in answers.values() {
            for name in before.awaited.intersection(&after.awaited) {
                for told in [name.clone(), format!("{name}.full"), format!("account.{name}")] {
                    prop_assert!(fields.get(&told).is_none_or(|field| *field == Field::NotSet), "{}", told);
                }
            }
        }
        Ok(())
    }

    fn settle(&self, workspace: WorkspaceId) {
        let unsettled = || {
            let active = self.engine.model(workspace).unwrap();
            active.refolding || !active.awaited.is_empty()
        };
        while unsettled() {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// A field with its value, which has no business in any other message.
fn told(field: &Field) -> String {
    match field {
        Field::Present { value: Value::Number(number), .. } => number.to_string(),
        Field::Present { value: Value::Bool(value), .. } => value.to_string(),
        Field::Present { value: Value::List(items), .. } => {
            let number =
                |item: &Value| if let Value::Number(number) = item { number.to_string() } else { "?".to_owned() };
            items.iter().map(number).collect::<Vec<_>>().join(" ")
        }
        other => format!("{other:?}"),
    }
}

fn case(subject: &Subject, steps: &[Step], changes: [usize; 2], tightens: bool) -> Result<u64, TestCaseError> {
    let number = subject.cases.replace(subject.cases.get() + 1);
    let rules = |changes: usize| RULES[usize::from(tightens && changes > 0)];
    // The one has everything from the start, the other gets it on the way.
    let whole = |changes: usize| format!("{}{KINDS}{FIRST}{SECOND}", rules(changes));
    let grown =
        |changes: usize| format!("{}{KINDS}{}", rules(changes), ["", FIRST, &[FIRST, SECOND].concat()][changes]);
    let workspaces = [format!("whole{number}"), format!("grown{number}")];
    let [control, grows] = workspaces.each_ref().map(String::as_str);
    let open = |name: &str, model: String| {
        subject.runtime.block_on(subject.engine.apply_model(name, &model, Time::from_micros(1))).unwrap()
    };
    let (control, grows) = (open(control, whole(0)), open(grows, grown(0)));
    let mut done = 0;
    for (at, step) in steps.iter().enumerate() {
        while done < changes.len() && changes[done] % steps.len() <= at {
            done += 1;
            if rules(done) != rules(done - 1) {
                subject.change(control, whole(done));
            }
            subject.change(grows, grown(done));
            subject.hides(grows)?;
        }
        let erased = steps[..at].iter().filter(|step| matches!(step, Step::Erase(_))).count();
        subject.take(control, at, step, erased);
        subject.take(grows, at, step, erased);
    }
    subject.settle(control);
    subject.settle(grows);
    let erases = steps.iter().any(|step| matches!(step, Step::Erase(_)));
    let (grown, expected) = (subject.answers(grows), subject.answers(control));
    for (key, (resolution, fields)) in &grown {
        let (expected_resolution, expected) = &expected[key];
        prop_assert_eq!(resolution, expected_resolution, "{:?}", key);
        let names = fields.keys().chain(expected.keys());
        // An address goes on counting an event that was erased with somebody else whom it named: the count names nobody. What
        // is no more stored is not counted late.
        let is_compared = |name: &&String| !erases || !name.starts_with("address.");
        let mut names = names.filter(is_compared);
        if let Some(name) = names.find(|name| fields.get(*name) != expected.get(*name)) {
            let [is, should] = [fields, expected].map(|fields| fields.get(name).map(told));
            return Err(TestCaseError::fail(format!("{key:?} has {name} {is:?} and not {should:?}")));
        }
    }
    let events = subject.engine.model_state(grows).unwrap().backfill.map_or(0, |backfill| backfill.events);
    Ok(events)
}

#[test]
fn in_the_end_all_is_as_if_the_attributes_had_been_there_from_the_start() {
    let cases: u32 = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60);
    let subject = std::cell::RefCell::new(Subject::open());
    let counted = Cell::new(0);
    let config = Config { failure_persistence: None, max_shrink_iters: 400, ..Config::with_cases(cases) };
    let input = (steps(), any::<[usize; 2]>(), any::<bool>());
    let result = TestRunner::new(config).run(&input, |(steps, mut changes, tightens)| {
        changes.iter_mut().for_each(|at| *at %= steps.len());
        changes.sort_unstable();
        // An engine reads the models of all its workspaces whenever one changes.
        if subject.borrow().cases.get() >= 20 {
            subject.replace(Subject::open());
        }
        counted.set(counted.get() + case(&subject.borrow(), &steps, changes, tightens)?);
        Ok(())
    });
    println!("{cases} cases, {} events counted late", counted.get());
    if let Err(difference) = result {
        panic!("{difference}");
    }
    assert!(counted.get() > u64::from(cases), "hardly anything was stored before a model changed");
}
