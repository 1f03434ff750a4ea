//! `kith consents`.

use super::app::App;
use super::exit::{Failure, Outcome};
use super::{output, profile};
use crate::client::{self, json};
use crate::proto::v1::{ConsentChange, ListConsentsRequest};

/// Most changes that one call answers.
const MAX_PAGE: u64 = 1_000;

/// List what one customer allowed and forbade over time, newest first: as a person, and for single addresses.
///
/// What counts now is in `kith profile`. Exits with 4 if no profile owns the key or nothing was ever said. With --json:
/// one line for each change.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An identifier, such as email:joe@example.com, or profile_id:UUID
    #[arg(value_name = "KEY")]
    key: String,
    /// How many changes at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// A kind of the model [default: person]
    #[arg(long, default_value = "", hide_default_value = true)]
    kind: String,
}

/// Asks page by page and prints them.
pub async fn run(Args { key, limit, kind }: Args, app: &App) -> Result<Outcome, Failure> {
    let client = app.connect().await?;
    let mut request = ListConsentsRequest { key, kind, ..Default::default() };
    let mut changes: Vec<ConsentChange> = Vec::new();
    loop {
        let missing = limit.saturating_sub(changes.len() as u64);
        request.page_size = i32::try_from(missing.min(MAX_PAGE)).unwrap_or_default();
        let page = client.profile().list_consents(request.clone()).await.map_err(client::Error::from)?.into_inner();
        changes.extend(page.changes);
        if changes.len() as u64 >= limit || page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    if changes.is_empty() {
        return Ok(Outcome::NothingFound);
    }
    print(&changes, app.json)?;
    Ok(Outcome::Done)
}

fn print(changes: &[ConsentChange], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return changes.iter().try_for_each(|change| output::print_json(&json::message("ConsentChange", change)?));
    }
    let mut table = output::table(["purpose", "channel", "", "address", "time", "source", "identifier"]);
    table.add_rows(changes.iter().map(row));
    output::print_table(&table)
}

fn row(change: &ConsentChange) -> Vec<String> {
    let ConsentChange { purpose, channel, granted, address, provenance } = change;
    let said = [output::plain(purpose), output::plain(channel), verdict(*granted).to_owned(), output::plain(address)];
    said.into_iter().chain(profile::origin(provenance.as_ref())).collect()
}

/// What was decided, as people say it.
pub fn verdict(granted: bool) -> &'static str {
    if granted { "granted" } else { "denied" }
}
