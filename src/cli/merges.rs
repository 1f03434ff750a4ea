//! `kith merges`.

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output;
use crate::client::{self, json};
use crate::proto::v1::{ListMergesRequest, Merge};

/// Most merges that one call answers.
const MAX_PAGE: u64 = 1_000;

/// List merges: of one customer, or all.
///
/// The first column is what `kith undo` takes. Merges come in the order in which the profiles that were merged away had
/// been created. Exits with 4 if there are none. With --json: one line for each merge.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An identifier, such as email:joe@example.com, or profile_id:UUID [default: every customer]
    #[arg(value_name = "KEY", default_value = "", hide_default_value = true)]
    key: String,
    /// How many merges at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// A kind of the model [default: person]
    #[arg(long, default_value = "", hide_default_value = true)]
    kind: String,
}

/// Asks page by page and prints each as it comes.
pub async fn run(Args { key, limit, kind }: Args, app: &App) -> Result<Outcome, Failure> {
    let client = app.connect().await?;
    let mut request = ListMergesRequest { key, kind, ..Default::default() };
    let mut missing = limit;
    loop {
        request.page_size = i32::try_from(missing.min(MAX_PAGE)).unwrap_or_default();
        let page = client.identity().list_merges(request.clone()).await.map_err(client::Error::from)?.into_inner();
        if !page.merges.is_empty() {
            print(&page.merges, app.json)?;
        }
        missing = missing.saturating_sub(page.merges.len() as u64);
        if missing == 0 || page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(if missing == limit { Outcome::NothingFound } else { Outcome::Done })
}

fn print(merges: &[Merge], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return merges.iter().try_for_each(|merge| output::print_json(&json::message("Merge", merge)?));
    }
    let mut table = output::table(["merge", "into", "by fact", "time"]);
    table.add_rows(merges.iter().map(row));
    output::print_table(&table)
}

fn row(merge: &Merge) -> [String; 4] {
    let Merge { absorbed_profile_id, survivor_profile_id, message_id, time } = merge;
    let [absorbed, survivor, message_id] =
        [absorbed_profile_id, survivor_profile_id, message_id].map(|id| output::plain(id));
    [absorbed, survivor, message_id, time.as_ref().map(json::time).unwrap_or_default()]
}
