//! `kith model`.

mod apply;
mod check;
mod diff;
mod findings;
mod show;
mod tally;

use std::path::Path;

use anyhow::Context as _;

use super::app::{App, Global};
use super::block_on;
use super::exit::{Failure, Outcome};

/// Work with models: what "the customer" means, and how identities are resolved.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(check::Args),
    Show(show::Args),
    Diff(diff::Args),
    Apply(apply::Args),
}

/// Checks a file by itself, or asks the server.
pub fn run(Args { command }: Args, global: Global) -> Result<Outcome, Failure> {
    if let Command::Check(args) = command {
        return check::run(args, global.json);
    }
    let app = App::new(global, Vec::new())?;
    block_on(async {
        match command {
            Command::Check(_) => Ok(Outcome::Done),
            Command::Show(args) => show::run(args, &app).await,
            Command::Diff(args) => diff::run(args, &app).await,
            Command::Apply(args) => apply::run(args, &app).await,
        }
    })
}

fn read(file: &Path) -> Result<String, Failure> {
    Ok(std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?)
}
