//! What the parts of kith cost by themselves, without a network: a field of a stored document, a lookup, an applied
//! fact. `cargo bench --bench inside`, or with a name to run some of them.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use criterion::{BatchSize, Criterion, Throughput};
use kith::cli::bench::keys::{Draw, Spread};
use kith::cli::bench::people::{Datum, Population, mix, spread_names};
use kith::codec::document::{Document, Field, Origin, encode};
use kith::domain::answer::{self, Answer, Fields, Name, Resolution};
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

const PEOPLE: Population = Population { profiles: 20_000, seed: 1 };
const MODEL: &str = include_str!("model.toml");
const FIELDS_READ: usize = 6;
const BATCH: usize = 100;
/// Facts handed to the writer together.
const GROUP: u64 = 256;
/// All facts of these benchmarks happened and arrived now: 2026-01-01.
const NOW: Time = Time::from_micros(1_767_225_600_000_000);

fn main() -> anyhow::Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    document(&mut criterion)?;

    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let subject = Subject::open(directory.path().into(), &runtime)?;
    subject.lookup(&mut criterion)?;
    subject.apply(&mut criterion, &runtime);
    criterion.final_summary();
    Ok(())
}

fn document(criterion: &mut Criterion) -> anyhow::Result<()> {
    let data: Vec<_> = PEOPLE.data(0).collect();
    let fields: Vec<_> =
        data.iter().map(|(name, datum)| Field { name, origin: Origin::Computed(None), value: value(datum) }).collect();
    let bytes = encode(&fields, &[]);
    let names = spread_names(FIELDS_READ);
    let read = |bytes| -> anyhow::Result<usize> {
        let document = Document::read(bytes)?;
        let values = names.iter().map(|name| document.get(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(values.iter().flatten().count())
    };
    ensure!(read(&bytes)? == FIELDS_READ, "the document lacks fields");
    criterion.bench_function("document/6 of 30 fields", |bencher| bencher.iter(|| read(black_box(&bytes))));
    criterion.bench_function("document/all 30 fields", |bencher| {
        bencher.iter(|| Document::read(black_box(&bytes)).map(|document| document.fields().count()));
    });
    criterion.bench_function("document/encode 30 fields", |bencher| bencher.iter(|| encode(black_box(&fields), &[])));
    Ok(())
}

/// An engine that knows [`PEOPLE`].
struct Subject {
    engine: Engine,
    workspace: WorkspaceId,
}

impl Subject {
    fn open(data: std::path::PathBuf, runtime: &Runtime) -> anyhow::Result<Self> {
        let durability = Durability::Interval(Duration::from_secs(1));
        let engine = Engine::open(&Options {
            data,
            durability,
            cache_bytes: 1 << 30,
            write_queue: 4096,
            refold_portion: REFOLD_PORTION,
            invalidates: true,
        })?;
        let workspace = runtime.block_on(engine.apply_model(DEFAULT_WORKSPACE, MODEL, NOW))?;
        let subject = Self { engine, workspace };
        let numbers: Vec<u64> = (0..PEOPLE.profiles).collect();
        for numbers in numbers.chunks(GROUP as usize) {
            let drafts = numbers.iter().map(|number| introduction(*number)).collect();
            runtime.block_on(subject.write(drafts))?;
        }
        Ok(subject)
    }

    fn lookup(&self, criterion: &mut Criterion) -> anyhow::Result<()> {
        let model = self.engine.model(self.workspace)?;
        let kind = model.model.kind("").context("the model has no default kind")?.id;
        let fields = Fields::Named(spread_names(FIELDS_READ).into_iter().map(Name::from).collect());
        let mut draw = Draw::new(Spread::Uniform, PEOPLE.profiles, 0)?;
        let mut key = || Key::parse(&PEOPLE.key(draw.number()), "key", &model.model);
        ensure!(is_complete(&self.look_up(&key()?, kind, &fields)?), "the lookup found less than everything");

        criterion.bench_function("lookup/6 of 30 fields", |bencher| {
            bencher.iter_batched(&mut key, |key| self.look_up(&key?, kind, &fields), BatchSize::SmallInput);
        });
        let mut group = criterion.benchmark_group("lookup");
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function("batch of 100", |bencher| {
            let keys = || (0..BATCH).map(|_| key()).collect::<Result<Vec<Key>, _>>();
            let question = Question { kind, fields: &fields, now: Time::default(), purpose: None };
            let look_up = |keys: Vec<Key>| self.engine.lookup_batch(self.workspace, &keys, question);
            bencher.iter_batched(keys, |keys| anyhow::Ok(look_up(keys?)?), BatchSize::SmallInput);
        });
        Ok(())
    }

    fn look_up(&self, key: &Key, kind: KindId, fields: &Fields) -> anyhow::Result<Answer> {
        let question = Question { kind, fields, now: Time::default(), purpose: None };
        Ok(self.engine.lookup(self.workspace, &[(0, key.clone())], question, Tier::Disk)?)
    }

    fn apply(&self, criterion: &mut Criterion, runtime: &Runtime) {
        let mut turn = 0;
        let mut purchases = || {
            let purchase = |_| {
                turn += 1;
                purchase(turn)
            };
            (0..GROUP).map(purchase).collect::<Vec<Draft>>()
        };
        let mut group = criterion.benchmark_group("apply");
        group.throughput(Throughput::Elements(GROUP));
        group.bench_function("256 track facts, no fsync", |bencher| {
            let write = |drafts| runtime.block_on(self.write(drafts));
            bencher.iter_batched(&mut purchases, write, BatchSize::LargeInput);
        });
    }

    /// Writes the facts together and waits for their receipts.
    async fn write(&self, drafts: Vec<Draft>) -> anyhow::Result<()> {
        let mut pending = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let fact = self.engine.check(self.workspace, draft, NOW)?;
            pending.push(self.engine.submit(self.workspace, fact, NOW).await?);
        }
        for receipt in pending {
            receipt.await?;
        }
        Ok(())
    }
}

fn is_complete(found: &Answer) -> bool {
    matches!(found.resolution, Resolution::Found(_))
        && found.fields.iter().all(|(_, field)| matches!(field, answer::Field::Present { .. }))
}

fn introduction(number: u64) -> Draft {
    let traits = PEOPLE.data(number).map(|(name, datum)| (name, value(&datum))).collect();
    draft(format!("introduction-{number}"), number, DraftBody::Identify { traits, address: String::new() })
}

fn purchase(turn: u64) -> Draft {
    let revenue = Value::Number((mix(turn) % 50_000) as f64 / 100.0);
    let properties = Values::from([("revenue".to_owned(), revenue)]);
    let event = Event { event_type: EventType::Track, name: "Order Completed".to_owned(), properties };
    draft(format!("purchase-{turn}"), mix(turn) % PEOPLE.profiles, DraftBody::Event(event))
}

fn draft(message_id: String, number: u64, body: DraftBody) -> Draft {
    Draft { message_id, time: None, source: String::new(), keys: vec![PEOPLE.key(number)], body }
}

fn value(datum: &Datum) -> Value {
    match datum {
        Datum::Text(text) => Value::Text(text.clone()),
        Datum::Number(number) => Value::Number(*number),
        Datum::Flag(flag) => Value::Bool(*flag),
    }
}
