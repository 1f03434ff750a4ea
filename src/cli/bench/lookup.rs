//! `kith bench lookup`: lookups against a running server, one by one, in batches or over streams.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use super::drive::{Lane, Outcome, drive};
use super::keys::{Draw, Keys};
use super::measure::{KeyArgs, MeasureArgs, at_least_one};
use super::people::spread_names;
use super::pipeline::pipeline;
use crate::client::{Client, Error};
use crate::config::Config;
use crate::proto::v1::{Answer, BatchLookupRequest, LookupRequest, Resolution, StreamLookupRequest};

/// How lookups travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// One call for each.
    Unary,
    /// Calls with many keys.
    Batch,
    /// Streams with many requests in flight.
    Stream,
}

/// Measure lookups.
#[derive(Clone, Debug, Args)]
pub struct LookupArgs {
    /// How lookups travel
    #[arg(long, value_enum, default_value_t = Mode::Unary)]
    pub mode: Mode,
    /// Keys of a batch
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one)]
    pub batch_size: usize,
    /// Requests in flight on each stream
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = at_least_one)]
    pub window: usize,
    /// How many attributes of the loaded profiles to read, or the names of fields, separated by commas
    #[arg(long, value_name = "N|NAMES", default_value = "6", value_parser = parse_fields)]
    pub fields: Fields,
    /// Read through this view of the server's model instead: complete is what can be rendered
    #[arg(long, value_name = "NAME", conflicts_with = "fields")]
    pub view: Option<String>,
    /// Ask for these keys instead of those of loaded profiles: one `type:value` per line
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    pub(super) measure: MeasureArgs,
}

/// The names of the fields to read.
pub type Fields = Arc<[String]>;

fn parse_fields(text: &str) -> Result<Fields, String> {
    if let Ok(count) = text.parse() {
        return Ok(spread_names(count).into());
    }
    let names: Fields = text.split(',').map(str::trim).map(String::from).collect();
    match names.iter().any(String::is_empty) {
        true => Err("a name is empty".into()),
        false => Ok(names),
    }
}

/// What is read of every customer: fields, or what a view reads.
#[derive(Clone)]
struct Wanted {
    fields: Vec<String>,
    view: String,
}

/// What a worker needs to ask.
struct Asker {
    keys: Keys,
    draw: Draw,
    wanted: Wanted,
}

/// Carries out the measurement.
pub fn measure(args: &LookupArgs, config: &Config) -> anyhow::Result<Outcome> {
    let keys = match &args.key_file {
        None => Keys::Made(args.keys.people()),
        Some(path) => Keys::from_file(path)?,
    };
    let wanted = match &args.view {
        Some(view) => Wanted { fields: Vec::new(), view: view.clone() },
        None => Wanted { fields: args.fields.to_vec(), view: String::new() },
    };
    let connect = async || Ok(Client::connect(config).await?);
    let asker = || {
        let draw = Draw::new(args.keys.keys, keys.count(), rand::random())?;
        anyhow::Ok(Asker { keys: keys.clone(), draw, wanted: wanted.clone() })
    };
    match args.mode {
        Mode::Unary => {
            let plan = args.measure.plan(8, 1)?;
            drive(&plan, connect, async |client, lane| unary(client, asker()?, lane).await)
        }
        Mode::Batch => {
            let plan = args.measure.plan(1, args.batch_size)?;
            drive(&plan, connect, async |client, lane| batch(client, asker()?, lane, args.batch_size).await)
        }
        Mode::Stream => {
            let plan = args.measure.plan(1, 1)?;
            drive(&plan, connect, async |client, lane| stream(client, asker()?, lane, args.window).await)
        }
    }
}

async fn unary(client: Client, mut asker: Asker, lane: Lane) -> anyhow::Result<()> {
    let mut service = client.lookup();
    while let Some(due) = lane.schedule.next().await {
        let Wanted { fields, view } = asker.wanted.clone();
        let request = LookupRequest { keys: vec![asker.key()], fields, view, ..Default::default() };
        let response = service.lookup(request).await.map_err(Error::from)?.into_inner();
        let answer = response.answer.context("the server sent no answer")?;
        lane.answered(due, 1, completeness(&answer, &asker.wanted)?);
    }
    Ok(())
}

async fn batch(client: Client, mut asker: Asker, lane: Lane, size: usize) -> anyhow::Result<()> {
    let mut service = client.lookup();
    while let Some(due) = lane.schedule.next().await {
        let keys = (0..size).map(|_| asker.key()).collect();
        let Wanted { fields, view } = asker.wanted.clone();
        let request = BatchLookupRequest { keys, fields, view, ..Default::default() };
        let response = service.batch_lookup(request).await.map_err(Error::from)?.into_inner();
        let mut complete = 0;
        for answer in &response.answers {
            complete += completeness(answer, &asker.wanted)?;
        }
        lane.answered(due, response.answers.len() as u64, complete);
    }
    Ok(())
}

async fn stream(client: Client, mut asker: Asker, lane: Lane, window: usize) -> anyhow::Result<()> {
    let wanted = asker.wanted.clone();
    // The fields or the view of a stream hold until others are sent, so that only its first request carries them.
    let Wanted { mut fields, mut view } = wanted.clone();
    let (requests, pending) = pipeline(Arc::clone(&lane.schedule), window, move || StreamLookupRequest {
        keys: vec![asker.key()],
        fields: std::mem::take(&mut fields),
        view: std::mem::take(&mut view),
        ..Default::default()
    });
    let mut answers = client.lookup().stream_lookup(requests.stream()).await.map_err(Error::from)?.into_inner();
    while let Some(response) = answers.message().await.map_err(Error::from)? {
        let answer = response.answer.context("the server sent no answer")?;
        lane.answered(pending.next_due()?, 1, completeness(&answer, &wanted)?);
    }
    pending.end()
}

impl Asker {
    fn key(&mut self) -> String {
        self.keys.key(self.draw.number())
    }
}

/// 1 if the profile was found and has a value for every field asked for, or all that the view requires; else 0.
fn completeness(answer: &Answer, wanted: &Wanted) -> anyhow::Result<u64> {
    if let Some(error) = &answer.error {
        bail!("the server refused a lookup: {}", error.message);
    }
    let found = answer.resolution() == Resolution::Found;
    let has_all = if wanted.view.is_empty() { answer.values.len() >= wanted.fields.len() } else { answer.renderable };
    Ok(u64::from(found && has_all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_a_number_or_names() {
        assert_eq!(parse_fields("2").unwrap().as_ref(), ["attr_00", "attr_29"]);
        assert_eq!(parse_fields("first_name, orders.count").unwrap().as_ref(), ["first_name", "orders.count"]);
        assert!(parse_fields("a,,b").is_err());
    }
}
