//! `kith release`.

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output;
use super::receipt::{self, Said};
use crate::client::{self, json};
use crate::proto::v1::ReleaseQuarantineRequest;

/// Release an identifier from quarantine: facts with a later time may join it to profiles again.
///
/// Exits with 1 if it is not in quarantine.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The identifier, such as device_id:d1
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    said: Said,
}

/// Asks and prints the receipt.
pub async fn run(args: Args, app: &App) -> Result<Outcome, Failure> {
    let Args { key, said: Said { source, message_id } } = args;
    let request = ReleaseQuarantineRequest { key, message_id, source };
    let client = app.connect().await?;
    let response = client.identity().release_quarantine(request).await.map_err(client::Error::from)?.into_inner();
    match app.json {
        true => output::print_json(&json::message("ReleaseQuarantineResponse", &response)?)?,
        false => receipt::print(response.receipt.as_ref())?,
    }
    Ok(Outcome::Done)
}
