//! `kith undo`.

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output;
use super::receipt::{self, Said};
use crate::client::{self, json};
use crate::proto::v1::UndoMergeRequest;

/// Take a merge back: the profile that was merged away is one of its own again, under its id.
///
/// Facts with a later time may join the two again. Exits with 4 if there was no such merge, and with 1 if it was undone
/// already.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of the profile that was merged away, as `kith merges` shows it
    #[arg(value_name = "MERGE_ID")]
    merge_id: String,
    /// Show what it would do, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    said: Said,
}

/// Asks and prints the receipt.
pub async fn run(args: Args, app: &App) -> Result<Outcome, Failure> {
    let Args { merge_id, dry_run, said: Said { source, message_id } } = args;
    let request = UndoMergeRequest { merge_id, dry_run, message_id, source };
    let client = app.connect().await?;
    let response = client.identity().undo_merge(request).await.map_err(client::Error::from)?.into_inner();
    match app.json {
        true => output::print_json(&json::message("UndoMergeResponse", &response)?)?,
        false => receipt::print(response.receipt.as_ref())?,
    }
    Ok(Outcome::Done)
}
