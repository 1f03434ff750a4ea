//! Peer: Redis doing the job of a lookup, asked by the same driver as kith. `load` stores the people, `lookup` asks
//! for them: one by one, or pipelined.

use std::ops::Range;
use std::time::Instant;

use clap::{Parser, Subcommand};
use kith::cli::bench::drive::{Lane, Outcome, drive};
use kith::cli::bench::fleet::block_on;
use kith::cli::bench::keys::Draw;
use kith::cli::bench::measure::{KeyArgs, MeasureArgs};
use kith::cli::bench::people::{Population, mix, spread_names};
use kith::cli::bench::report::{Figures, Row};
use mimalloc::MiMalloc;
use redis::Pipeline;
use redis::aio::MultiplexedConnection;

mod redis_store;

/// People stored in one round trip.
const LOAD_BATCH: u64 = 200;

/// The allocator of the kith binary, so that nobody is ahead by that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// Host and port of Redis
    #[arg(long)]
    redis: String,
    /// Fields to read
    #[arg(long, default_value_t = 6)]
    fields: usize,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    measure: MeasureArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Store the people
    Load,
    /// Look them up one by one
    Unary,
    /// Look them up so many at a time
    Pipelined { size: usize },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let row = |outcome| Row::new(&arguments.measure.name, &outcome).print(arguments.json);
    let printed = match arguments.command {
        Command::Load => load(&arguments)?.print(arguments.json),
        Command::Unary => row(unary(&arguments)?),
        Command::Pipelined { size } => row(pipelined(&arguments, size)?),
    };
    print!("{}", printed?);
    Ok(())
}

fn load(arguments: &Arguments) -> anyhow::Result<Figures> {
    let people = arguments.keys.people();
    let started = Instant::now();
    block_on(async {
        let mut connection = redis_store::connect(&arguments.redis).await?;
        let memory_before = used_memory(&mut connection).await?;
        for first in (0..people.profiles).step_by(LOAD_BATCH as usize) {
            let end = people.profiles.min(first + LOAD_BATCH);
            save(&mut connection, people, first..end).await?;
        }
        let took = started.elapsed().as_secs_f64();
        let memory = used_memory(&mut connection).await? - memory_before;
        let profiles = people.profiles as f64;
        let figures = [("profiles_per_s", profiles / took), ("memory_bytes_per_profile", memory / profiles)];
        Ok(Figures::new("redis load", figures))
    })
}

/// Bytes that Redis has allocated, by its own account.
async fn used_memory(connection: &mut MultiplexedConnection) -> anyhow::Result<f64> {
    let info: String = redis::cmd("INFO").arg("memory").query_async(connection).await?;
    let bytes = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    Ok(bytes.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or_default())
}

fn unary(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let (people, fields) = (arguments.keys.people(), spread_names(arguments.fields));
    let work = async |mut connection: MultiplexedConnection, lane: Lane| {
        let mut draw = Draw::new(arguments.keys.keys, people.profiles, rand::random())?;
        while let Some(due) = lane.schedule.next().await {
            let key = people.key(draw.number());
            let found = redis_store::look_up(&mut connection, &key, &fields).await?;
            lane.answered(due, 1, completeness(found.iter()));
        }
        Ok(())
    };
    drive(&arguments.measure.plan(8, 1)?, async || redis_store::connect(&arguments.redis).await, work)
}

fn pipelined(arguments: &Arguments, size: usize) -> anyhow::Result<Outcome> {
    let (people, fields) = (arguments.keys.people(), spread_names(arguments.fields));
    let work = async |mut connection: MultiplexedConnection, lane: Lane| {
        let mut draw = Draw::new(arguments.keys.keys, people.profiles, rand::random())?;
        while let Some(due) = lane.schedule.next().await {
            let keys: Vec<String> = (0..size).map(|_| people.key(draw.number())).collect();
            let found = look_up_all(&mut connection, &keys, &fields).await?;
            lane.answered(due, size as u64, completeness(found.iter()));
        }
        Ok(())
    };
    drive(&arguments.measure.plan(1, size)?, async || redis_store::connect(&arguments.redis).await, work)
}

/// How many have a value for every field.
fn completeness<'a>(found: impl Iterator<Item = &'a redis_store::Found>) -> u64 {
    found.filter(|(_, values)| values.iter().all(Option::is_some)).count() as u64
}

/// Stores these people in one round trip.
async fn save(connection: &mut MultiplexedConnection, people: Population, numbers: Range<u64>) -> anyhow::Result<()> {
    let mut pipeline = Pipeline::new();
    for number in numbers {
        let id = profile_id(number);
        pipeline.cmd("SET").arg(people.key(number)).arg(&id).ignore();
        let hash = pipeline.cmd("HSET").arg(redis_store::hash_key(&id));
        for (name, datum) in people.data(number) {
            hash.arg(name).arg(datum.to_string());
        }
        hash.ignore();
    }
    let () = pipeline.query_async(connection).await?;
    Ok(())
}

/// Many lookups in two round trips: all `GET`, then all `HMGET` of those found.
async fn look_up_all(
    connection: &mut MultiplexedConnection,
    keys: &[String],
    fields: &[String],
) -> anyhow::Result<Vec<redis_store::Found>> {
    let mut gets = Pipeline::with_capacity(keys.len());
    for key in keys {
        gets.cmd("GET").arg(key);
    }
    let ids: Vec<Option<String>> = gets.query_async(connection).await?;
    let ids: Vec<String> = ids.into_iter().flatten().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }

    let mut reads = Pipeline::with_capacity(ids.len());
    for id in &ids {
        reads.cmd("HMGET").arg(redis_store::hash_key(id)).arg(fields);
    }
    let values: Vec<Vec<Option<String>>> = reads.query_async(connection).await?;
    Ok(ids.into_iter().zip(values).collect())
}

/// As long as a UUID, and like one unrelated to the key.
fn profile_id(number: u64) -> String {
    let (high, low) = (mix(number), mix(!number));
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low << 16 >> 16
    )
}
