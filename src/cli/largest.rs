//! `kith largest`.

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output::{self, count};
use crate::client::{self, json};
use crate::proto::v1::{LargeProfile, LargestBy, ListLargestRequest, ListLargestResponse};

/// List the profiles with the most identifiers, or those that grow fastest.
///
/// Where one bad identifier holds many people together it is found here. Growth is that of the last 7 days. Profiles
/// with fewer than 8 identifiers are not listed. Exits with 4 if there are none.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What they are the largest by
    #[arg(long, value_enum, default_value = "size")]
    by: By,
    /// How many profiles at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// A kind of the model [default: person]
    #[arg(long, default_value = "", hide_default_value = true)]
    kind: String,
}

/// An order on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum By {
    /// How many identifiers they have
    Size,
    /// By how many identifiers they grew in the last 7 days
    Growth,
}

/// Asks and prints.
pub async fn run(Args { by, limit, kind }: Args, app: &App) -> Result<Outcome, Failure> {
    let by = match by {
        By::Size => LargestBy::Size,
        By::Growth => LargestBy::Growth,
    };
    let request = ListLargestRequest { kind, by: by.into(), page_size: limit.into() };
    let client = app.connect().await?;
    let response = client.identity().list_largest(request).await.map_err(client::Error::from)?.into_inner();
    if response.profiles.is_empty() {
        return Ok(Outcome::NothingFound);
    }
    print(&response, app.json)?;
    Ok(Outcome::Done)
}

fn print(response: &ListLargestResponse, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let profiles = response.profiles.iter();
        return profiles
            .map(|profile| json::message("LargeProfile", profile))
            .try_for_each(|json| output::print_json(&json?));
    }
    let mut table = output::table(["profile", "identifiers", "growth"]);
    table.add_rows(response.profiles.iter().map(row));
    output::print_table(&table)
}

fn row(profile: &LargeProfile) -> [String; 3] {
    let LargeProfile { profile_id, identifiers, growth } = profile;
    [output::plain(profile_id), count((*identifiers).into()), count((*growth).into())]
}
