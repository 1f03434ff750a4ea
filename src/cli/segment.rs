//! `kith segment`.

mod list;

use super::app::App;
use super::exit::{Failure, Outcome};

/// See who is in a segment of the model.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(list::Args),
}

/// Asks the server.
pub async fn run(Args { command }: Args, app: &App) -> Result<Outcome, Failure> {
    match command {
        Command::List(args) => list::run(args, app).await,
    }
}
