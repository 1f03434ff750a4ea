//! What groups cost: lookups of accounts by their number of members, lookups of persons through their account, and group
//! facts. `cargo bench --bench groups`.
//!
//! No fsync, no network, everything in memory: what reading and counting cost by themselves.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use kith::domain::answer::{Answer, Field, Fields};
use kith::domain::fact::{Draft, DraftBody, Event, EventType};
use kith::domain::ids::{KindId, WorkspaceId};
use kith::domain::key::Key;
use kith::domain::time::Time;
use kith::domain::value::{Value, Values};
use kith::engine::{DEFAULT_WORKSPACE, Durability, Engine, Options, Question, REFOLD_PORTION, Tier};
use mimalloc::MiMalloc;
use tokio::runtime::Runtime;

/// That of the binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const MODEL: &str = r#"
[kinds.person]
identifiers = ["user_id", "email", "anonymous_id"]
[kinds.account]
identifiers = ["account_id"]
[computed."orders.count"]
aggregate = "count"
event = "Order Completed"
[computed."team.spent"]
kind = "account"
over = "members"
aggregate = "sum"
event = "Order Completed"
property = "total"
"#;
/// Members of each account.
const ACCOUNTS: [u64; 4] = [10, 100, 1_000, 10_000];
/// Traits of each person.
const TRAITS: u64 = 20;
/// Facts handed to the writer together.
const GROUP: usize = 256;
/// How long each lookup is repeated.
const MEASURED: Duration = Duration::from_millis(500);
/// When everything happens and arrives: 2026-01-01.
const NOW: Time = Time::from_micros(1_767_225_600_000_000);

fn main() -> anyhow::Result<()> {
    let subject = Subject::open()?;
    println!("{:<58} {:>10}", "writing", "µs/fact");
    for members in ACCOUNTS {
        let persons = (0..members).map(|n| introduce(members, n)).collect();
        let joins = (0..members).map(|n| join(members, n, 0)).collect();
        let again = (0..members).map(|n| join(members, n, 1)).collect();
        let orders = (0..members).map(|n| order(members, n)).collect();
        subject.write(&format!("persons for an account of {members}"), persons)?;
        subject.write("  they join", joins)?;
        subject.write("  their membership is said again", again)?;
        subject.write("  an order of each", orders)?;
    }
    println!("\n{:<58} {:>10} {:>10}", "looking up, µs", "median", "99 %");
    for members in ACCOUNTS {
        let account = format!("account_id:a{members}");
        let person = format!("user_id:p{members}-3");
        println!("of {members} members:");
        subject.look_up("  account: an attribute", &account, "account", &["name"])?;
        subject.look_up("  account: members, seats_used", &account, "account", &["members", "seats_used"])?;
        subject.look_up("  account: a sum over all members", &account, "account", &["team.spent"])?;
        subject.look_up("  person: own attributes", &person, "person", &["trait_3", "orders.count"])?;
        subject.look_up(
            "  person: account.name, account.role",
            &person,
            "person",
            &["account.name", "account.role"],
        )?;
        subject.look_up("  person: account.members", &person, "person", &["account.members"])?;
        subject.batch(members)?;
    }
    Ok(())
}

struct Subject {
    engine: Engine,
    workspace: WorkspaceId,
    runtime: Runtime,
    _directory: tempfile::TempDir,
}

impl Subject {
    fn open() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let durability = Durability::Interval(Duration::from_secs(1));
        let data = directory.path().to_owned();
        let engine = Engine::open(&Options {
            data,
            durability,
            cache_bytes: 256 << 20,
            write_queue: 4096,
            refold_portion: REFOLD_PORTION,
            invalidates: true,
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let workspace = runtime.block_on(engine.apply_model(DEFAULT_WORKSPACE, MODEL, NOW))?;
        Ok(Self { engine, workspace, runtime, _directory: directory })
    }

    fn write(&self, name: &str, drafts: Vec<Draft>) -> anyhow::Result<()> {
        let facts = drafts.len();
        let started = Instant::now();
        self.runtime.block_on(async {
            let mut drafts = drafts.into_iter().peekable();
            while drafts.peek().is_some() {
                let mut pending = Vec::with_capacity(GROUP);
                for draft in drafts.by_ref().take(GROUP) {
                    let fact = self.engine.check(self.workspace, draft, NOW)?;
                    pending.push(self.engine.submit(self.workspace, fact, NOW).await?);
                }
                for receipt in pending {
                    receipt.await?;
                }
            }
            anyhow::Ok(())
        })?;
        println!("{name:<58} {:>10.1}", started.elapsed().as_secs_f64() * 1e6 / facts as f64);
        Ok(())
    }

    fn look_up(&self, name: &str, key: &str, kind: &str, fields: &[&str]) -> anyhow::Result<()> {
        let model = self.engine.model(self.workspace)?;
        let keys = [(0, Key::parse(key, "key", &model.model)?)];
        let fields = Fields::parse(fields.iter().map(ToString::to_string).collect())?;
        let question = Question { kind: KindId::of(kind), fields: &fields, now: Time::default(), purpose: None };
        let ask = || -> anyhow::Result<Answer> { Ok(self.engine.lookup(self.workspace, &keys, question, Tier::Disk)?) };
        let complete = ask()?.fields.iter().all(|(_, field)| matches!(field, Field::Present { .. }));
        ensure!(complete, "{name}: a field is missing");
        measure(name, 1, || ask().map(|_| ()))
    }

    /// A thousand members of one account.
    fn batch(&self, members: u64) -> anyhow::Result<()> {
        let model = self.engine.model(self.workspace)?;
        let key = |n: u64| Key::parse(&format!("user_id:p{members}-{}", n % members), "key", &model.model);
        let keys: Vec<Key> = (0..1_000).map(key).collect::<Result<_, _>>()?;
        let fields = Fields::parse(vec!["account.name".to_owned(), "account.members".to_owned()])?;
        let kind = model.model.kind("").context("the model has no default kind")?.id;
        let question = Question { kind, fields: &fields, now: Time::default(), purpose: None };
        let name = "  batch of 1,000 persons, each: account.name, .members";
        measure(name, 1_000, || Ok(self.engine.lookup_batch(self.workspace, &keys, question).map(|_| ())?))
    }
}

/// Prints how long `ask` takes for each of the customers that it asks for.
fn measure(name: &str, customers: u32, ask: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut times = Vec::new();
    while begun.elapsed() < MEASURED {
        let started = Instant::now();
        ask()?;
        times.push(started.elapsed() / customers);
    }
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() - 1) * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6);
    println!("{name:<58} {:>10.1} {:>10.1}", at(50), at(99));
    Ok(())
}

fn fact(message_id: String, keys: Vec<String>, body: DraftBody) -> Draft {
    Draft { message_id, time: Some(NOW), source: "bench".to_owned(), keys, body }
}

/// Every third one is known by e-mail alone.
fn person(members: u64, n: u64) -> Vec<String> {
    let email = format!("email:p{members}-{n}@example.com");
    if n % 3 == 1 { vec![email] } else { vec![format!("user_id:p{members}-{n}"), email] }
}

fn introduce(members: u64, n: u64) -> Draft {
    let traits = (0..TRAITS).map(|at| (format!("trait_{at}"), Value::Text(format!("value {at} of {n}"))));
    let body = DraftBody::Identify { traits: traits.collect(), address: String::new() };
    fact(format!("i{members}-{n}"), person(members, n), body)
}

fn join(members: u64, n: u64, turn: u64) -> Draft {
    let traits = Values::from([("name".to_owned(), Value::Text(format!("Account of {members}")))]);
    let (key, role) = (format!("account_id:a{members}"), "buyer".to_owned());
    fact(format!("g{turn}-{members}-{n}"), person(members, n), DraftBody::Group { key, traits, role, left: false })
}

fn order(members: u64, n: u64) -> Draft {
    let properties = Values::from([("total".to_owned(), Value::Number(9.5))]);
    let event = Event { event_type: EventType::Track, name: "Order Completed".to_owned(), properties };
    fact(format!("o{members}-{n}"), person(members, n), DraftBody::Event(event))
}
