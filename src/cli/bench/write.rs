//! `kith bench write`: mixed facts against a running server, one by one or over streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::drive::{Lane, Outcome, drive};
use super::facts::{mixed, receipt};
use super::keys::Draw;
use super::measure::{KeyArgs, MeasureArgs, at_least_one};
use super::people::Population;
use super::pipeline::pipeline;
use super::process::written_bytes;
use crate::client::{Client, Error};
use crate::config::Config;
use crate::proto::v1::{Fact, StreamWriteRequest, WriteRequest};

/// How facts travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// One call for each.
    Unary,
    /// Streams with many facts in flight.
    Stream,
}

/// Measure writes: three purchases (track) and one changed attribute (identify), and again, of loaded profiles.
#[derive(Clone, Debug, Args)]
pub struct WriteArgs {
    /// How facts travel
    #[arg(long, value_enum, default_value_t = Mode::Stream)]
    pub mode: Mode,
    /// Facts in flight on each stream
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = at_least_one)]
    pub window: usize,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    pub(super) measure: MeasureArgs,
}

/// What writing gave.
#[derive(Clone, Debug)]
pub struct Written {
    /// Facts acknowledged, and how long each took.
    pub outcome: Outcome,
    /// All facts written, those of the warm-up too.
    pub facts: u64,
    /// Bytes the server wrote to storage for each of them; `None` without its process.
    pub bytes_per_fact: Option<f64>,
}

/// Makes a worker's facts. The turns are counted over all workers, so that message ids are never used twice.
struct Author {
    people: Population,
    draw: Draw,
    run: u64,
    turns: Arc<AtomicU64>,
}

impl Author {
    fn fact(&mut self) -> Fact {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        mixed(self.people, self.draw.number(), self.run, turn)
    }
}

/// Carries out the measurement.
pub fn measure(args: &WriteArgs, config: &Config) -> anyhow::Result<Written> {
    let (people, turns) = (args.keys.people(), Arc::new(AtomicU64::new(0)));
    // Facts of another run have other message ids.
    let run = rand::random();
    let connect = async || Ok(Client::connect(config).await?);
    let author = || {
        let draw = Draw::new(args.keys.keys, people.profiles, rand::random())?;
        anyhow::Ok(Author { people, draw, run, turns: Arc::clone(&turns) })
    };

    let pids = &args.measure.server_pid;
    let bytes_before = written_bytes(pids)?;
    let outcome = match args.mode {
        Mode::Unary => {
            let plan = args.measure.plan(8, 1)?;
            drive(&plan, connect, async |client, lane| unary(client, author()?, lane).await)
        }
        Mode::Stream => {
            let plan = args.measure.plan(1, 1)?;
            drive(&plan, connect, async |client, lane| stream(client, author()?, lane, args.window).await)
        }
    }?;
    let bytes = written_bytes(pids)?.saturating_sub(bytes_before);
    let facts = turns.load(Ordering::Relaxed);
    let bytes_per_fact = (!pids.is_empty()).then(|| bytes as f64 / facts.max(1) as f64);
    Ok(Written { outcome, facts, bytes_per_fact })
}

async fn unary(client: Client, mut author: Author, lane: Lane) -> anyhow::Result<()> {
    let mut service = client.write();
    while let Some(due) = lane.schedule.next().await {
        let request = WriteRequest { fact: Some(author.fact()) };
        let response = service.write(request).await.map_err(Error::from)?.into_inner();
        response.receipt.context("the server sent no receipt")?;
        lane.answered(due, 1, 1);
    }
    Ok(())
}

async fn stream(client: Client, mut author: Author, lane: Lane, window: usize) -> anyhow::Result<()> {
    let make = move || StreamWriteRequest { fact: Some(author.fact()) };
    let (requests, pending) = pipeline(Arc::clone(&lane.schedule), window, make);
    let mut answers = client.write().stream_write(requests.stream()).await.map_err(Error::from)?.into_inner();
    while let Some(answer) = answers.message().await.map_err(Error::from)? {
        receipt(answer.result)?;
        lane.answered(pending.next_due()?, 1, 1);
    }
    pending.end()
}
