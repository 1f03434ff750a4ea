//! `kith unlink`.

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output;
use super::receipt::{self, Said};
use crate::client::{self, json};
use crate::proto::v1::UnlinkRequest;

/// Take back what was said so far to join two identifiers.
///
/// Facts with a later time may join them again. Exits with 1 if the two are not one profile.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An identifier, such as email:joe@example.com
    #[arg(value_name = "A")]
    a: String,
    /// Another one
    #[arg(value_name = "B")]
    b: String,
    #[command(flatten)]
    said: Said,
}

/// Asks and prints the receipt.
pub async fn run(args: Args, app: &App) -> Result<Outcome, Failure> {
    let Args { a, b, said: Said { source, message_id } } = args;
    let request = UnlinkRequest { a, b, message_id, source };
    let client = app.connect().await?;
    let response = client.identity().unlink(request).await.map_err(client::Error::from)?.into_inner();
    match app.json {
        true => output::print_json(&json::message("UnlinkResponse", &response)?)?,
        false => receipt::print(response.receipt.as_ref())?,
    }
    Ok(Outcome::Done)
}
