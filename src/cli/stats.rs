//! `kith stats`.

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output::{self, count};
use crate::client::{self, json};
use crate::proto::v1::{GetStatsRequest, GetStatsResponse};

/// Show figures of the server and its store.
///
/// Needs an API key with scope admin where keys are in use. Numbers of records are RocksDB's estimates, all workspaces
/// together.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Asks and prints.
pub async fn run(Args {}: Args, app: &App) -> Result<Outcome, Failure> {
    let client = app.connect().await?;
    let response = client.admin().get_stats(GetStatsRequest {}).await.map_err(client::Error::from)?.into_inner();
    match app.json {
        true => output::print_json(&json::message("GetStatsResponse", &response)?)?,
        false => output::print(&text(&response))?,
    }
    Ok(Outcome::Done)
}

fn text(stats: &GetStatsResponse) -> String {
    let head = output::pairs([
        ("server", stats.server_version.clone()),
        ("model version", stats.model_version.to_string()),
        ("commands applied", count(stats.applied_commands)),
        ("bytes on disk", count(stats.disk_bytes)),
        ("token", stats.token.clone()),
    ]);
    let mut table = output::table(["family", "records (about)", "bytes on disk"]);
    for family in &stats.families {
        table.add_row([output::plain(&family.name), count(family.records), count(family.disk_bytes)]);
    }
    format!("{head}\n{}\n", table.trim_fmt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::FamilyStats;

    #[test]
    fn figures_are_grouped_for_people() {
        let family = FamilyStats { name: "profile_by_id".into(), records: 11_785, disk_bytes: 2_000_000 };
        let stats = GetStatsResponse { applied_commands: 35_304, families: vec![family], ..Default::default() };
        let text = text(&stats);
        for part in ["commands applied  35,304", "profile_by_id", "11,785", "2,000,000"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
