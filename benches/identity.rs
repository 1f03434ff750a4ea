//! What identity costs: facts a second by what they do to the graph, and the worst that hostile graphs do to one write.
//! `cargo bench --bench identity`, or with a name (`common`, `attach`, …, `hostile`, `hostile guard`) to run some of it.
//!
//! No fsync, no network: the writer's own work.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::ensure;
use kith::domain::correction::{Act, Correction, pair};
use kith::domain::fact::{Draft, DraftBody, Event, EventType};
use kith::domain::ids::WorkspaceId;
use kith::domain::receipt::Receipt;
use kith::domain::time::Time;
use kith::domain::value::{Value, Values};
use kith::engine::{DEFAULT_WORKSPACE, Durability, Engine, Options, REFOLD_PORTION};
use mimalloc::MiMalloc;
use tokio::runtime::Runtime;

/// That of the binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const MODEL: &str = r#"
[identifiers.session_id]
limit = 1000000
[kinds.person]
identifiers = ["user_id", "email", "device_id", "anonymous_id", "session_id"]
[computed."orders.count"]
aggregate = "count"
event = "Order Completed"
"#;
/// Facts of each measurement.
const FACTS: u64 = 40_000;
/// Facts handed to the writer together.
const GROUP: usize = 256;
/// When everything arrives: 2026-01-01. Event times count down from here for late facts and up to here for others.
const NOW: Time = Time::from_micros(1_767_225_600_000_000);
const START: u64 = 1_767_000_000_000_000;

fn main() -> anyhow::Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.starts_with(word.as_str()));
    println!("{:<44} {:>12} {:>10}", "what one fact does", "facts/s", "µs/fact");
    let common =
        bench(&wants, "common: all identifiers together already", introduce, |n| track(n, &[user(n), device(n)]))?;
    for (name, before, measured) in [
        ("create: a new profile", nothing as Facts, (|n| track(n, &[user(n), device(n)])) as One),
        ("attach: an identifier joins", introduce as Facts, |n| track(n, &[user(n), format!("anonymous_id:x{n}")])),
        ("merge: two profiles become one", introduce_twice as Facts, |n| {
            track(n, &[user(n), format!("email:e{n}@example.com")])
        }),
        ("demote: a device of two users", introduce as Facts, |n| track(n, &[format!("user_id:v{n}"), device(n)])),
        ("late, nothing contested", introduce as Facts, |n| early(n, &[user(n), format!("anonymous_id:x{n}")])),
        ("late, contested: folded again", share as Facts, |n| early(n, &[user(n), format!("anonymous_id:x{n}")])),
    ] {
        let cost = bench(&wants, name, before, measured)?;
        if let (Some(common), Some(cost)) = (common, cost) {
            println!("{:<44} {:>12} {:>9.2}×", "", "", cost / common);
        }
    }
    hostile(&wants)
}

type One = fn(u64) -> Draft;
/// Builds a graph. Answers the microseconds of the worst write.
type Graph = fn() -> anyhow::Result<u128>;
type Facts = fn() -> Vec<Draft>;

fn nothing() -> Vec<Draft> {
    Vec::new()
}

fn introduce() -> Vec<Draft> {
    (0..FACTS).map(|n| fact(format!("i{n}"), START + n, &[user(n), device(n)])).collect()
}

fn introduce_twice() -> Vec<Draft> {
    let mails = (0..FACTS).map(|n| fact(format!("j{n}"), START + n, &[format!("email:e{n}@example.com")]));
    introduce().into_iter().chain(mails).collect()
}

/// Every device has two users.
fn share() -> Vec<Draft> {
    let others = (0..FACTS).map(|n| fact(format!("j{n}"), START + FACTS + n, &[format!("user_id:v{n}"), device(n)]));
    introduce().into_iter().chain(others).collect()
}

fn user(n: u64) -> String {
    format!("user_id:u{n}")
}

fn device(n: u64) -> String {
    format!("device_id:d{n}")
}

fn track(n: u64, keys: &[String]) -> Draft {
    fact(format!("t{n}"), START + 10 * FACTS + n, keys)
}

fn early(n: u64, keys: &[String]) -> Draft {
    fact(format!("l{n}"), START - n - 1, keys)
}

fn fact(message_id: String, micros: u64, keys: &[String]) -> Draft {
    let properties = Values::from([("total".to_owned(), Value::Number(9.5))]);
    let event = Event { event_type: EventType::Track, name: "Order Completed".to_owned(), properties };
    let time = Some(Time::from_micros(micros));
    Draft { message_id, time, source: "bench".to_owned(), keys: keys.to_vec(), body: DraftBody::Event(event) }
}

/// Microseconds a fact; `None` if it was not wanted.
fn bench(wants: &impl Fn(&str) -> bool, name: &str, before: Facts, measured: One) -> anyhow::Result<Option<f64>> {
    if !wants(name) {
        return Ok(None);
    }
    let subject = Subject::open()?;
    subject.write(before())?;
    let facts: Vec<Draft> = (0..FACTS).map(measured).collect();
    let started = Instant::now();
    subject.write(facts)?;
    let micros = started.elapsed().as_secs_f64() * 1e6 / FACTS as f64;
    println!("{name:<44} {:>12.0} {micros:>10.1}", 1e6 / micros);
    Ok(Some(micros))
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

    fn write(&self, drafts: Vec<Draft>) -> anyhow::Result<()> {
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
            Ok(())
        })
    }

    fn write_one(&self, draft: Draft) -> anyhow::Result<Receipt> {
        self.runtime.block_on(async {
            let fact = self.engine.check(self.workspace, draft, NOW)?;
            Ok(self.engine.submit(self.workspace, fact, NOW).await?.await?)
        })
    }

    fn correct(&self, message_id: &str, act: Act) -> anyhow::Result<Receipt> {
        let correction = Correction { message_id: message_id.to_owned(), source: String::new(), act };
        Ok(self.runtime.block_on(self.engine.correct(self.workspace, correction, NOW))?)
    }
}

/// Times of single writes, and what their receipts said.
#[derive(Default)]
struct Tally {
    micros: Vec<u128>,
    actions: BTreeMap<String, usize>,
}

impl Tally {
    fn take(&mut self, write: impl FnOnce() -> anyhow::Result<Receipt>) -> anyhow::Result<()> {
        let started = Instant::now();
        let receipt = write()?;
        self.micros.push(started.elapsed().as_micros());
        for line in &receipt.lines {
            *self.actions.entry(format!("{:?}", line.action)).or_default() += 1_usize;
        }
        Ok(())
    }

    fn tell(mut self, name: &str) -> anyhow::Result<u128> {
        self.micros.sort_unstable();
        let at = |share: usize| self.micros.get((self.micros.len() - 1) * share / 100).copied().unwrap_or(0);
        let worst = at(100);
        println!("{name:<52} {:>7} {:>9} {:>9} {worst:>9}   {:?}", self.micros.len(), at(50), at(99), self.actions);
        Ok(worst)
    }
}

/// Graphs that are made to hurt. Fails if a single write takes 50 ms.
fn hostile(wants: &impl Fn(&str) -> bool) -> anyhow::Result<()> {
    println!(
        "\n{:<52} {:>7} {:>9} {:>9} {:>9}   what the receipts said",
        "one write at a time, µs", "writes", "median", "99 %", "worst"
    );
    let graphs: [(&str, Graph); 4] = [
        ("hostile kiosk", one_device_of_100_000_users),
        ("hostile sessions", a_user_with_100_000_sessions),
        ("hostile chain", a_chain_of_10_000_merges),
        ("hostile guard", a_component_at_the_guard),
    ];
    let mut worst = 0;
    for (_, graph) in graphs.iter().filter(|(name, _)| wants(name)) {
        worst = worst.max(graph()?);
    }
    println!("resident memory at the end: {} MiB", resident_mib()?);
    ensure!(worst < 50_000, "a single write took {worst} µs");
    Ok(())
}

fn one_device_of_100_000_users() -> anyhow::Result<u128> {
    let subject = Subject::open()?;
    let mut tally = Tally::default();
    for n in 0..100_000 {
        tally.take(|| subject.write_one(track(n, &[user(n), "device_id:kiosk".to_owned()])))?;
    }
    let mut late = Tally::default();
    for n in 0..100 {
        late.take(|| subject.write_one(early(FACTS + n, &[user(n), "device_id:kiosk".to_owned(), device(n)])))?;
    }
    Ok(tally.tell("one device, 100,000 users")?.max(late.tell("  then late facts about it")?))
}

fn a_user_with_100_000_sessions() -> anyhow::Result<u128> {
    let subject = Subject::open()?;
    let mut tally = Tally::default();
    for n in 0..100_000 {
        tally.take(|| subject.write_one(track(n, &["user_id:u".to_owned(), format!("session_id:s{n}")])))?;
    }
    let mut late = Tally::default();
    for n in 0..100 {
        let session = format!("session_id:s{}", 50_000 + n);
        late.take(|| subject.write_one(early(FACTS + n, &["user_id:u".to_owned(), session, device(n)])))?;
    }
    Ok(tally.tell("one user, 100,000 sessions")?.max(late.tell("  then late facts about it")?))
}

fn a_chain_of_10_000_merges() -> anyhow::Result<u128> {
    let subject = Subject::open()?;
    subject.write((0..=10_000).map(|n| fact(format!("s{n}"), START + n, &[format!("session_id:s{n}")])).collect())?;
    let mut tally = Tally::default();
    for n in 0..10_000 {
        tally.take(|| subject.write_one(track(n, &[format!("session_id:s{n}"), format!("session_id:s{}", n + 1)])))?;
    }
    let mut late = Tally::default();
    for n in 0..100 {
        late.take(|| {
            subject.write_one(early(FACTS + n, &[format!("session_id:s{n}"), format!("session_id:s{}", 5_000 + n)]))
        })?;
    }
    Ok(tally.tell("a chain of 10,000 merges")?.max(late.tell("  then late facts about it")?))
}

/// A profile of 1,000 identifiers, each with a fragment of its own, beside another one that shares a session with it: nearly
/// as many links as are folded again at once.
fn a_component_at_the_guard() -> anyhow::Result<u128> {
    let subject = Subject::open()?;
    subject.write((0..999).map(|n| fact(format!("s{n}"), START + n, &[format!("session_id:s{n}")])).collect())?;
    let joins = (0..999)
        .map(|n| fact(format!("j{n}"), START + 2_000 + n, &["user_id:u".to_owned(), format!("session_id:s{n}")]));
    subject.write(joins.collect())?;
    subject.write(vec![fact("v".to_owned(), START + 9_000, &["user_id:v".to_owned(), "session_id:s7".to_owned()])])?;
    let user = || "user_id:u".to_owned();
    let pairs = (0..190).map(|n| [user(), format!("session_id:s{n}"), format!("session_id:s{}", n + 1)]);
    subject
        .write(pairs.enumerate().map(|(n, keys)| fact(format!("p{n}"), START + 10_000 + n as u64, &keys)).collect())?;
    let model = subject.engine.model(subject.workspace)?;
    let mut known = Tally::default();
    let mut late = Tally::default();
    let mut split = Tally::default();
    for n in 0..100 {
        known.take(|| subject.write_one(track(n, &["user_id:u".to_owned()])))?;
        late.take(|| subject.write_one(early(n, &["user_id:v".to_owned(), format!("session_id:s{}", 100 + n)])))?;
        let between = pair("user_id:u", &format!("session_id:s{}", 300 + n), &model.model)?;
        split.take(|| subject.correct(&format!("c{n}"), Act::Unlink { between }))?;
    }
    let known = known.tell("a profile of 1,000 identifiers: known")?;
    Ok(known.max(late.tell("  late and contested, folded again")?).max(split.tell("  unlink, folded again and split")?))
}

fn resident_mib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib / 1024)
}
