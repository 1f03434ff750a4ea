//! The command line: one module for each command, and what they share.
//!
//! Invariant: data goes to stdout, everything else to stderr, and the exit code is one of `exit`'s. No logic of kith
//! is here: a command asks the server through [`crate::client`] and prints, or starts the server.

mod apart;
mod app;
pub mod bench;
mod completions;
mod config;
mod consents;
mod database;
mod erase;
mod events;
mod exit;
mod explain;
mod feed;
mod import;
mod interrupt;
mod keep_apart;
mod key;
mod largest;
mod lookup;
mod members;
mod merges;
mod model;
mod output;
mod profile;
mod receipt;
mod rejects;
mod release;
mod segment;
mod serve;
mod served;
mod simulate;
mod stats;
mod summary;
mod undo;
mod unlink;
mod write;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use self::app::{App, Global};
use self::exit::{Failure, Outcome};

/// Who is this, and what should I know before I speak to them?
///
/// kith keeps customer profiles and the identifiers that lead to them in one directory, and answers lookups over gRPC.
/// `kith serve` is the server; the other commands are clients of it.
///
/// A KEY is `type:value`, such as `email:joe@example.com`, or `profile_id:UUID`.
///
/// Every setting comes from a TOML file (--config, else $KITH_CONFIG, else ./kith.toml), then from the environment
/// (KITH_ and the setting's name, two underscores between levels: KITH_LIMITS__WRITE_QUEUE), then from flags.
/// `kith config` prints the result.
#[derive(Debug, Parser)]
#[command(name = "kith", version, after_help = exit::HELP, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Lookup(lookup::Args),
    Served(served::Args),
    Write(write::Args),
    Import(import::Args),
    Profile(profile::Args),
    Members(members::Args),
    Consents(consents::Args),
    Events(events::Args),
    Explain(explain::Args),
    Apart(apart::Args),
    Simulate(simulate::Args),
    Merges(merges::Args),
    Largest(largest::Args),
    Undo(undo::Args),
    Unlink(unlink::Args),
    KeepApart(keep_apart::Args),
    Release(release::Args),
    Erase(erase::Args),
    Segment(segment::Args),
    Stats(stats::Args),
    Model(model::Args),
    Key(key::Args),
    Config(config::Args),
    Bench(bench::Args),
    Completions(completions::Args),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    exit::finish(run(global, command))
}

/// Commands that need no configuration run even where it is broken.
fn run(global: Global, command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Completions(args) => completions::run(args),
        Command::Model(args) => model::run(args, global),
        Command::Config(args) => config::run(args, &App::new(global, Vec::new())?),
        Command::Bench(args) => bench::run(&args, &App::new(global, Vec::new())?),
        Command::Serve(args) => {
            let app = App::new(global, args.flags())?;
            block_on(serve::run(&app.config))
        }
        command => {
            let app = App::new(global, Vec::new())?;
            block_on(ask(command, &app))
        }
    }
}

/// Commands that are clients of a server.
async fn ask(command: Command, app: &App) -> Result<Outcome, Failure> {
    match command {
        Command::Lookup(args) => lookup::run(args, app).await,
        Command::Served(args) => served::run(args, app).await,
        Command::Write(args) => write::run(args, app).await,
        Command::Import(args) => import::run(args, app).await,
        Command::Profile(args) => profile::run(args, app).await,
        Command::Members(args) => members::run(args, app).await,
        Command::Consents(args) => consents::run(args, app).await,
        Command::Events(args) => events::run(args, app).await,
        Command::Explain(args) => explain::run(args, app).await,
        Command::Apart(args) => apart::run(args, app).await,
        Command::Simulate(args) => simulate::run(args, app).await,
        Command::Merges(args) => merges::run(args, app).await,
        Command::Largest(args) => largest::run(args, app).await,
        Command::Undo(args) => undo::run(args, app).await,
        Command::Unlink(args) => unlink::run(args, app).await,
        Command::KeepApart(args) => keep_apart::run(args, app).await,
        Command::Release(args) => release::run(args, app).await,
        Command::Erase(args) => erase::run(args, app).await,
        Command::Segment(args) => segment::run(args, app).await,
        Command::Stats(args) => stats::run(args, app).await,
        Command::Key(args) => key::run(args, app).await,
        Command::Serve(_) | Command::Model(_) | Command::Config(_) | Command::Bench(_) | Command::Completions(_) => {
            Ok(Outcome::Done)
        }
    }
}

fn block_on(command: impl Future<Output = Result<Outcome, Failure>>) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(command)
}

#[cfg(test)]
mod tests;
