//! `kith keep-apart`.

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output;
use super::receipt::{self, Said};
use crate::client::{self, json};
use crate::proto::v1::KeepApartRequest;

/// Keep two identifiers apart for ever: no profile has both, whatever facts say and said.
///
/// If they are one profile now, it comes apart, and what came under each goes with it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An identifier, such as email:joe@example.com
    #[arg(value_name = "A")]
    a: String,
    /// Another one
    #[arg(value_name = "B")]
    b: String,
    /// Both belong to one human, who is to be spoken to as two
    #[arg(long)]
    same_human: bool,
    #[command(flatten)]
    said: Said,
}

/// Asks and prints the receipt.
pub async fn run(args: Args, app: &App) -> Result<Outcome, Failure> {
    let Args { a, b, same_human, said: Said { source, message_id } } = args;
    let request = KeepApartRequest { a, b, same_human, message_id, source };
    let client = app.connect().await?;
    let response = client.identity().keep_apart(request).await.map_err(client::Error::from)?.into_inner();
    match app.json {
        true => output::print_json(&json::message("KeepApartResponse", &response)?)?,
        false => receipt::print(response.receipt.as_ref())?,
    }
    Ok(Outcome::Done)
}
