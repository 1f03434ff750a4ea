//! `kith events`.

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output;
use crate::client::{self, json};
use crate::proto::v1::{Event, ListEventsRequest, Provenance};

/// Most events that one call answers.
const MAX_PAGE: u64 = 1_000;

/// List the events of one customer, newest first, over all of their identifiers.
///
/// Exits with 4 if no profile owns the key or it has no events. With --json: one line for each event.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An identifier, such as email:joe@example.com, or profile_id:UUID
    #[arg(value_name = "KEY")]
    key: String,
    /// How many events at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// A kind of the model [default: person]
    #[arg(long, default_value = "", hide_default_value = true)]
    kind: String,
}

/// Asks page by page and prints each as it comes.
pub async fn run(Args { key, limit, kind }: Args, app: &App) -> Result<Outcome, Failure> {
    let client = app.connect().await?;
    let mut request = ListEventsRequest { key, kind, ..Default::default() };
    let mut missing = limit;
    loop {
        request.page_size = i32::try_from(missing.min(MAX_PAGE)).unwrap_or_default();
        let page = client.profile().list_events(request.clone()).await.map_err(client::Error::from)?.into_inner();
        if !page.events.is_empty() {
            print(&page.events, app.json)?;
        }
        missing = missing.saturating_sub(page.events.len() as u64);
        if missing == 0 || page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(if missing == limit { Outcome::NothingFound } else { Outcome::Done })
}

fn print(events: &[Event], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return events.iter().try_for_each(|event| output::print_json(&json::message("Event", event)?));
    }
    let mut table = output::table(["time", "type", "name", "properties", "source", "identifier"]);
    table.add_rows(events.iter().map(row));
    output::print_table(&table)
}

fn row(event: &Event) -> Vec<String> {
    let none = Provenance::default();
    let provenance = event.provenance.as_ref().unwrap_or(&none);
    let properties = event.properties.as_ref().map(|properties| output::cell(&json::object(properties)));
    vec![
        provenance.time.as_ref().map(json::time).unwrap_or_default(),
        output::plain(&event.r#type),
        output::plain(&event.name),
        properties.unwrap_or_default(),
        output::plain(&provenance.source),
        output::plain(&provenance.key),
    ]
}
