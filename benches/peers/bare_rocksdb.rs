//! Peer: RocksDB alone. One thread, no network, no protocol: identifier to id, id to document, in a loop; every block in
//! the cache. The documents hold the same attributes under the same names as kith's.
//!
//! Fills the directory the first time it is used.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Parser;
use kith::cli::bench::drive::{Outcome, Tally};
use kith::cli::bench::keys::Draw;
use kith::cli::bench::measure::{KeyArgs, MeasureArgs};
use kith::cli::bench::people::{Population, mix};
use kith::cli::bench::process::cpu_time;
use kith::cli::bench::report::Row;
use mimalloc::MiMalloc;
use rocksdb::{BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, IteratorMode, Options, WriteBatch, WriteOptions};

const IDS: &str = "profile_id_by_identifier";
const DOCUMENTS: &str = "profile_by_id";
const CACHE_BYTES: usize = 4 << 30;
const LOAD_BATCH: u64 = 1000;

/// The allocator of the kith binary, so that nobody is ahead by that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// Directory of the database
    #[arg(long)]
    dir: PathBuf,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    measure: MeasureArgs,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let people = arguments.keys.people();
    let db = open(&arguments.dir)?;
    if db.get(last_key(people))?.is_none() {
        fill(&db, people)?;
    }
    warm(&db)?;
    let row = Row::new(&arguments.measure.name, &measure(&db, &arguments)?);
    print!("{}", row.print(arguments.json)?);
    Ok(())
}

fn open(directory: &Path) -> anyhow::Result<DB> {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&Cache::new_lru_cache(CACHE_BYTES));
    table.set_bloom_filter(10.0, false);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_block_based_table_factory(&table);
    let families = ["default", IDS, DOCUMENTS].map(|name| ColumnFamilyDescriptor::new(name, options.clone()));
    DB::open_cf_descriptors(&options, directory, families)
        .with_context(|| format!("cannot open RocksDB in {}", directory.display()))
}

/// Stands in the family `default` once these people are stored.
fn last_key(people: Population) -> Vec<u8> {
    format!("{} people of seed {}", people.profiles, people.seed).into_bytes()
}

fn fill(db: &DB, people: Population) -> anyhow::Result<()> {
    let (ids, documents) = (db.cf_handle(IDS).context("no ids")?, db.cf_handle(DOCUMENTS).context("no documents")?);
    let mut unlogged = WriteOptions::default();
    unlogged.disable_wal(true);
    for first in (0..people.profiles).step_by(LOAD_BATCH as usize) {
        let mut batch = WriteBatch::default();
        for number in first..people.profiles.min(first + LOAD_BATCH) {
            let id = profile_id(number);
            batch.put_cf(&ids, people.key(number), id);
            batch.put_cf(&documents, id, document(people, number));
        }
        db.write_opt(batch, &unlogged)?;
    }
    for family in [&ids, &documents] {
        db.flush_cf(family)?;
        db.compact_range_cf(family, None::<&[u8]>, None::<&[u8]>);
    }
    db.put(last_key(people), [])?;
    Ok(())
}

/// Ids grow as people are added, like kith's.
fn profile_id(number: u64) -> [u8; 16] {
    let id = u128::from(number) << 64 | u128::from(mix(number));
    id.to_be_bytes()
}

/// Name, event time and value of every attribute.
fn document(people: Population, number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, datum) in people.data(number) {
        let value = datum.to_string();
        bytes.extend([name.len() as u8, value.len() as u8]);
        bytes.extend(mix(number).to_be_bytes());
        bytes.extend(name.as_bytes());
        bytes.extend(value.as_bytes());
    }
    bytes
}

/// Reads everything once, so that every block is in the cache.
fn warm(db: &DB) -> anyhow::Result<()> {
    for name in [IDS, DOCUMENTS] {
        let family = db.cf_handle(name).context("a family is missing")?;
        for entry in db.iterator_cf(&family, IteratorMode::Start) {
            entry?;
        }
    }
    Ok(())
}

fn measure(db: &DB, arguments: &Arguments) -> anyhow::Result<Outcome> {
    let (ids, documents) = (db.cf_handle(IDS).context("no ids")?, db.cf_handle(DOCUMENTS).context("no documents")?);
    let people = arguments.keys.people();
    let mut draw = Draw::new(arguments.keys.keys, people.profiles, rand::random())?;
    let mut look_up = || {
        let id = db.get_pinned_cf(&ids, people.key(draw.number()))?.context("an identifier is missing")?;
        let document = db.get_pinned_cf(&documents, &id)?.context("a document is missing")?;
        ensure!(!document.is_empty(), "a document is empty");
        anyhow::Ok(())
    };

    let warmed = Instant::now() + Duration::from_secs_f64(arguments.measure.warmup);
    while Instant::now() < warmed {
        look_up()?;
    }
    let (me, measured) = ([std::process::id()], Duration::from_secs_f64(arguments.measure.seconds));
    let (mut tally, cpu_before, started) = (Tally::new()?, cpu_time(&me)?, Instant::now());
    let mut now = started;
    while now - started < measured {
        look_up()?;
        let done = Instant::now();
        tally.record(done - now);
        (tally.items, tally.complete) = (tally.items + 1, tally.complete + 1);
        now = done;
    }
    let server_cpu = Some(cpu_time(&me)?.saturating_sub(cpu_before));
    Ok(Outcome { measured: now - started, tally, server_cpu })
}
