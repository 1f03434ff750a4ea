//! `kith model apply`.

use std::path::PathBuf;
use std::time::Duration;

use super::tally;
use crate::cli::app::App;
use crate::cli::exit::{Failure, Outcome, complain};
use crate::cli::{interrupt, output};
use crate::client::{self, Client, json};
use crate::proto::v1::{ApplyModelRequest, ApplyModelResponse, Backfill, GetModelRequest, GetModelResponse, Refold};

/// How often the server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Put a model in force on the running server.
///
/// It is in force at once. Where its rules of resolution are others, all identities are folded again in the background;
/// where it adds computed attributes with `backfill`, stored events are counted for these. This command waits for the end.
/// Ctrl-C ends the waiting and nothing else; `kith model show` says how far it is. See `kith model diff` before. With --json: the server's last word on the change.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Do not wait until identities are folded again and stored events are counted
    #[arg(long)]
    no_wait: bool,
}

/// Puts it in force and waits.
pub async fn run(Args { file, no_wait }: Args, app: &App) -> Result<Outcome, Failure> {
    let source = super::read(&file)?;
    let client = app.connect().await?;
    let request = ApplyModelRequest { source };
    let applied = client.model().apply_model(request).await.map_err(client::Error::from)?.into_inner();
    complain(&format!("version {} is in force", applied.version));
    let waits = applied.refolding || applied.backfilling;
    if app.json && (no_wait || !waits) {
        output::print_json(&json::message("ApplyModelResponse", &applied)?)?;
    }
    if no_wait || !waits {
        return Ok(Outcome::Done);
    }
    let Some(GetModelResponse { refold, backfill, .. }) = wait(&client, &applied).await? else {
        complain("the server goes on; `kith model show` says how far it is");
        return Ok(Outcome::Done);
    };
    if let Some(refold) = refold.filter(|_| applied.refolding) {
        match app.json {
            true => output::print_json(&json::message("Refold", &refold)?)?,
            false => output::print_table(&tally::table(&refold.tally.unwrap_or_default(), ""))?,
        }
    }
    if let Some(backfill) = backfill.filter(|_| applied.backfilling) {
        match app.json {
            true => output::print_json(&json::message("Backfill", &backfill)?)?,
            false => complain(&tally::of_events(&backfill)),
        }
    }
    Ok(Outcome::Done)
}

/// Waits until identities are folded again and stored events are counted, as far as either is under way; `None` if it was
/// interrupted.
async fn wait(client: &Client, applied: &ApplyModelResponse) -> Result<Option<GetModelResponse>, Failure> {
    let mut interrupted = interrupt::watch();
    let (folded, counted) = (tally::bar(), tally::bar_of("events"));
    loop {
        let state = client.model().get_model(GetModelRequest {}).await.map_err(client::Error::from)?.into_inner();
        let refold = state.refold.filter(|refold| applied.refolding && !refold.finished);
        let backfill = state.backfill.clone().filter(|backfill| applied.backfilling && !backfill.finished);
        match &refold {
            Some(Refold { tally, identifiers_about, finished: _ }) => {
                tally::advance(&folded, tally.unwrap_or_default().identifiers, *identifiers_about);
            }
            None => folded.finish_and_clear(),
        }
        match &backfill {
            Some(Backfill { events, events_about, .. }) => tally::advance(&counted, *events, *events_about),
            None => counted.finish_and_clear(),
        }
        if refold.is_none() && backfill.is_none() {
            return Ok(Some(state));
        }
        tokio::select! {
            () = tokio::time::sleep(ASK_EVERY) => {}
            _ = interrupted.wait_for(|interrupted| *interrupted) => return Ok(None),
        }
    }
}
