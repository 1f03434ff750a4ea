//! `kith bench`: a load generator for any running server.
//!
//! Layers, top to bottom: [`load`], [`lookup`], [`mod@write`] and [`disk`] make calls; [`drive`] times a measurement; [`fleet`] runs
//! its threads and [`pace`] says when calls are due; [`people`], [`keys`] and [`facts`] say what they are about;
//! [`report`] puts results together. Public, because the peers in `benches/peers` are measured by the same code.

pub mod disk;
pub mod drive;
pub mod facts;
pub mod fleet;
pub mod keys;
pub mod load;
pub mod lookup;
pub mod measure;
pub mod pace;
pub mod people;
pub mod pipeline;
pub mod process;
pub mod report;
pub mod write;

use clap::Subcommand;

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output;
use crate::config::Config;
use report::{Figures, Row};

/// Load a running server and measure it.
///
/// `load` writes made-up profiles; `lookup` and `write` measure with them. Client and server share the machine's cores
/// if they share the machine: compare rows of the same kind, and leave absolute figures alone.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Load(load::LoadArgs),
    Lookup(lookup::LookupArgs),
    Write(write::WriteArgs),
    Disk(disk::DiskArgs),
    #[command(hide = true)]
    Report(report::ReportArgs),
}

/// Carries out the command against the server that the configuration names, in threads of its own.
pub fn run(args: &Args, app: &App) -> Result<Outcome, Failure> {
    output::print(&measured(&args.command, &app.config, app.json)?)?;
    Ok(Outcome::Done)
}

fn measured(command: &Command, config: &Config, json: bool) -> anyhow::Result<String> {
    match command {
        Command::Load(args) => {
            let loaded = load::load(args, config)?;
            let seconds = loaded.took.as_secs_f64();
            let figures = [
                ("facts_per_s", loaded.facts as f64 / seconds),
                ("seconds", seconds),
                ("duplicates", loaded.duplicates as f64),
            ];
            Figures::new("load", figures).print(json)
        }
        Command::Lookup(args) => Row::new(&args.measure.name, &lookup::measure(args, config)?).print(json),
        Command::Write(args) => written(&args.measure.name, &write::measure(args, config)?).print(json),
        Command::Disk(args) => disk::measure(args, config)?.print(json),
        Command::Report(args) => report::report(args),
    }
}

/// The figures of a measurement of writes.
fn written(name: &str, written: &write::Written) -> Figures {
    let row = Row::new(name, &written.outcome);
    let always = [
        ("facts", written.facts as f64),
        ("facts_per_s", row.lookups_per_s),
        ("p50_us", row.p50_us),
        ("p99_us", row.p99_us),
    ];
    let watched = [("server_cpu_us", row.server_cpu_us), ("bytes_written_per_fact", written.bytes_per_fact)];
    let watched = watched.into_iter().filter_map(|(name, value)| Some((name, value?)));
    Figures::new(name, always.into_iter().chain(watched))
}
