//! `kith bench disk`: what the data of a running server takes on disk, for each profile, fact and kind of record.

use anyhow::Context as _;
use clap::Args;

use super::fleet::block_on;
use super::report::Figures;
use crate::client::{Client, Error};
use crate::config::Config;
use crate::proto::v1::{FamilyStats, GetStatsRequest, GetStatsResponse};

/// Show what the data takes on disk, write-ahead log excluded. Exact once the server has been restarted and is at rest.
#[derive(Clone, Debug, Args)]
pub struct DiskArgs {
    /// Profiles that the server has
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub profiles: u64,
    /// Name of the figures in tables
    #[arg(long, value_name = "NAME", default_value = "disk")]
    pub name: String,
}

/// Asks the server.
pub fn measure(args: &DiskArgs, config: &Config) -> anyhow::Result<Figures> {
    let stats = block_on(async {
        let client = Client::connect(config).await?;
        Ok(client.admin().get_stats(GetStatsRequest {}).await.map_err(Error::from)?.into_inner())
    });
    Ok(figures(args, &stats.context("cannot read the server's figures")?))
}

fn figures(args: &DiskArgs, stats: &GetStatsResponse) -> Figures {
    let bytes = stats.disk_bytes as f64;
    let totals = [
        ("bytes".to_owned(), bytes),
        ("bytes_per_profile".to_owned(), bytes / args.profiles as f64),
        ("bytes_per_fact".to_owned(), bytes / stats.applied_commands.max(1) as f64),
    ];
    let per_record = |family: &FamilyStats| {
        (format!("{}_bytes_per_record", family.name), family.disk_bytes as f64 / family.records.max(1) as f64)
    };
    let is_large = |family: &&FamilyStats| family.disk_bytes * 100 > stats.disk_bytes;
    Figures::new(&args.name, totals.into_iter().chain(stats.families.iter().filter(is_large).map(per_record)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_divided_by_what_they_are_of() {
        let family = |name: &str, records, disk_bytes| FamilyStats { name: name.into(), records, disk_bytes };
        let stats = GetStatsResponse {
            disk_bytes: 10_000,
            applied_commands: 50,
            families: vec![family("profile_by_id", 20, 9_990), family("meta", 1, 10)],
            ..Default::default()
        };
        let args = DiskArgs { profiles: 25, name: "disk".into() };
        let expected = [
            ("bytes", 10_000.0),
            ("bytes_per_profile", 400.0),
            ("bytes_per_fact", 200.0),
            ("profile_by_id_bytes_per_record", 499.5),
        ];
        assert_eq!(figures(&args, &stats), Figures::new("disk", expected));
    }
}
