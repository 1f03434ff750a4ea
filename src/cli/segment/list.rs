//! `kith segment list`.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::app::App;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output;
use crate::client::{self, json};
use crate::proto::v1::{ListSegmentMembersRequest, ListSegmentMembersResponse, SegmentMember};

/// List the members that a segment has now.
///
/// The segment is asked of every profile, or of every address; a bar on the terminal shows how far that is. One line for
/// each member: the id of its profile, if it is one, and its strongest identifier. Ctrl-C ends it. Exits with 4 if there
/// are none. With --json: one object a line.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The name of the segment, such as vip
    #[arg(value_name = "NAME")]
    name: String,
    /// How many members at most [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

/// Asks, and prints members as they come.
pub async fn run(Args { name, limit }: Args, app: &App) -> Result<Outcome, Failure> {
    let client = app.connect().await?;
    let request = ListSegmentMembersRequest { segment: name, ..Default::default() };
    let mut pages = client.segment().list_segment_members(request).await.map_err(client::Error::from)?.into_inner();
    let bar = bar();
    let mut missing = limit.unwrap_or(u64::MAX);
    let mut found = false;
    while let Some(page) = pages.message().await.map_err(client::Error::from)? {
        let ListSegmentMembersResponse { mut members, seen, seen_about, undecided, place } = page;
        bar.set_length(seen_about.max(seen));
        bar.set_position(seen);
        members.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
        missing = missing.saturating_sub(members.len() as u64);
        found |= !members.is_empty();
        bar.suspend(|| members.iter().try_for_each(|member| print(member, app.json)))?;
        if missing == 0 {
            break;
        }
        if place.is_empty() && undecided > 0 {
            bar.suspend(|| eprintln!("of {} it could not be told", output::count(undecided)));
        }
    }
    bar.finish_and_clear();
    Ok(if found { Outcome::Done } else { Outcome::NothingFound })
}

fn print(member: &SegmentMember, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::print_json(&json::message("SegmentMember", member)?);
    }
    let SegmentMember { profile_id, key } = member;
    let parts: Vec<String> =
        [profile_id, key].into_iter().filter(|part| !part.is_empty()).map(|part| output::plain(part)).collect();
    output::print(&format!("{}\n", parts.join("  ")))
}

/// How far the list is; it shows on a terminal alone.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:30} {human_pos} of about {human_len} asked, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
