//! `kith model apply`.

use std::path::PathBuf;
use std::time::Duration;

use super::tally;
use crate::cli::app::App;
use crate::cli::exit::{Failure, Outcome, complain};
use crate::cli::{interrupt, output};
use crate::client::{self, Client, json};
use crate::proto::v1::{ApplyModelRequest, GetModelRequest, Refold, RefoldTally};

/// How often the server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Put a model in force on the running server.
///
/// It is in force at once. Where its rules of resolution are others, all identities are folded again in the background,
/// and this command waits for the end. Ctrl-C ends the waiting and not the folding; `kith model show` says how far it
/// is. See `kith model diff` before. With --json: the server's last word on the change.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Do not wait until identities are folded again
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
    if app.json && (no_wait || !applied.refolding) {
        output::print_json(&json::message("ApplyModelResponse", &applied)?)?;
    }
    if no_wait || !applied.refolding {
        return Ok(Outcome::Done);
    }
    let Some(refold) = wait(&client).await? else {
        complain("the server goes on folding; `kith model show` says how far it is");
        return Ok(Outcome::Done);
    };
    match app.json {
        true => output::print_json(&json::message("Refold", &refold)?)?,
        false => output::print_table(&tally::table(&refold.tally.unwrap_or_default(), ""))?,
    }
    Ok(Outcome::Done)
}

/// Waits until identities are folded again; `None` if it was interrupted.
async fn wait(client: &Client) -> Result<Option<Refold>, Failure> {
    let mut interrupted = interrupt::watch();
    let bar = tally::bar();
    loop {
        let state = client.model().get_model(GetModelRequest {}).await.map_err(client::Error::from)?.into_inner();
        let refold = state.refold.unwrap_or_default();
        let done = refold.tally.as_ref().map(|tally: &RefoldTally| tally.identifiers).unwrap_or_default();
        tally::advance(&bar, done, refold.identifiers_about);
        if refold.finished {
            bar.finish_and_clear();
            return Ok(Some(refold));
        }
        tokio::select! {
            () = tokio::time::sleep(ASK_EVERY) => {}
            _ = interrupted.wait_for(|interrupted| *interrupted) => return Ok(None),
        }
    }
}
