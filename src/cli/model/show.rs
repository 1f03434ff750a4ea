//! `kith model show`.

use super::tally;
use crate::cli::app::App;
use crate::cli::exit::{Failure, Outcome, complain};
use crate::cli::output;
use crate::client::{self, json};
use crate::proto::v1::{GetModelRequest, GetModelResponse};

/// Print the model in force as its file, and on stderr its version and how far its last changes have come.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Asks and prints.
pub async fn run(Args {}: Args, app: &App) -> Result<Outcome, Failure> {
    let client = app.connect().await?;
    let model = client.model().get_model(GetModelRequest {}).await.map_err(client::Error::from)?.into_inner();
    if app.json {
        output::print_json(&json::message("GetModelResponse", &model)?)?;
        return Ok(Outcome::Done);
    }
    let GetModelResponse { version, source, applied_at, refold, backfill } = model;
    let since = applied_at.as_ref().map(json::time).unwrap_or_default();
    complain(&format!("version {version}, in force since {since}"));
    if let Some(refold) = refold.filter(|refold| !refold.finished) {
        let done = refold.tally.unwrap_or_default().identifiers;
        complain(&format!(
            "identities are being folded again: {} of about {} identifiers",
            output::count(done),
            output::count(refold.identifiers_about)
        ));
    }
    if let Some(backfill) = backfill {
        complain(&tally::of_events(&backfill));
    }
    output::print(&source)?;
    Ok(Outcome::Done)
}
