//! `kith bench load`: writes the made-up people that the other benchmarks ask for.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail, ensure};
use clap::Args;
use futures::stream::unfold;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::Semaphore;

use super::facts::{introduction, receipt};
use super::fleet::{Fleet, Seat, Stop};
use super::measure::at_least_one;
use super::people::Population;
use crate::client::{Client, Error};
use crate::config::Config;
use crate::proto::v1::StreamWriteRequest;

/// How often the progress is looked at.
const GLANCE: Duration = Duration::from_millis(200);

/// A server that acknowledges nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Write the profiles that the other benchmarks use: `user_id:u00000000` and so on, with 30 attributes each.
#[derive(Clone, Debug, Args)]
pub struct LoadArgs {
    /// Profiles to write
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub profiles: u64,
    /// Another seed gives the profiles other attributes
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub seed: u64,
    /// Give each profile an e-mail address as well
    #[arg(long)]
    pub email: bool,
    /// Client threads, each with a connection
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = at_least_one)]
    pub threads: usize,
    /// Streams on each connection
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = at_least_one)]
    pub streams: usize,
    /// Facts in flight on each stream
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = at_least_one)]
    pub window: usize,
}

/// What loading gave.
#[derive(Clone, Copy, Debug)]
pub struct Loaded {
    /// Facts acknowledged.
    pub facts: u64,
    /// Those of them that the server had already had.
    pub duplicates: u64,
    /// From the first to the last.
    pub took: Duration,
}

#[derive(Default)]
struct Progress {
    facts: AtomicU64,
    duplicates: AtomicU64,
}

/// Writes them all; shows progress on a terminal.
pub fn load(args: &LoadArgs, config: &Config) -> anyhow::Result<Loaded> {
    let fleet = Fleet { threads: args.threads, connections: args.threads, workers: args.streams };
    let people = Population { profiles: args.profiles, seed: args.seed };
    let (progress, stop, started) = (Progress::default(), Stop::default(), Instant::now());
    let connect = async || Ok(Client::connect(config).await?);
    let work = async |client: Client, seat: Seat| {
        let numbers = (seat.number as u64..people.profiles).step_by(fleet.size());
        let (email, window) = (args.email, args.window);
        let facts = numbers.map(move |number| introduction(people, number, email));
        write_all(client, facts.map(|fact| StreamWriteRequest { fact: Some(fact) }), window, &progress).await
    };
    std::thread::scope(|scope| {
        let results = fleet.launch(scope, &stop, &connect, &work);
        let watched = watch(args.profiles, &progress, fleet.threads, &results);
        stop.now();
        watched
    })?;

    let (facts, duplicates) = (progress.facts.into_inner(), progress.duplicates.into_inner());
    ensure!(facts == args.profiles, "the server acknowledged {facts} of {} facts", args.profiles);
    Ok(Loaded { facts, duplicates, took: started.elapsed() })
}

/// Sends all requests over one stream, at most `window` unanswered.
async fn write_all(
    client: Client,
    requests: impl Iterator<Item = StreamWriteRequest> + Send + 'static,
    window: usize,
    progress: &Progress,
) -> anyhow::Result<()> {
    let window = Arc::new(Semaphore::new(window));
    let stream = unfold((requests, Arc::clone(&window)), |(mut requests, window)| async {
        window.acquire().await.ok()?.forget();
        let request = requests.next()?;
        Some((request, (requests, window)))
    });
    let mut answers = client.write().stream_write(stream).await.map_err(Error::from)?.into_inner();
    while let Some(answer) = answers.message().await.map_err(Error::from)? {
        let receipt = receipt(answer.result)?;
        progress.facts.fetch_add(1, Ordering::Relaxed);
        progress.duplicates.fetch_add(u64::from(receipt.duplicate), Ordering::Relaxed);
        window.add_permits(1);
    }
    Ok(())
}

/// Draws the progress until every thread has ended, one has failed, or nothing moves any more.
fn watch(
    expected: u64,
    progress: &Progress,
    threads: usize,
    results: &Receiver<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let bar = progress_bar(expected);
    let (mut ended, mut seen, mut moved_at) = (0, 0, Instant::now());
    while ended < threads {
        match results.recv_timeout(GLANCE) {
            Ok(result) => {
                result?;
                ended += 1;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("a client thread died"),
        }
        let facts = progress.facts.load(Ordering::Relaxed);
        if facts > seen {
            (seen, moved_at) = (facts, Instant::now());
        }
        bar.set_position(facts);
        if moved_at.elapsed() > PATIENCE {
            return Err(anyhow!("the server has acknowledged nothing for {} s", PATIENCE.as_secs()));
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn progress_bar(length: u64) -> ProgressBar {
    let target = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} facts  {per_sec}  {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(length), target).with_style(style)
}
