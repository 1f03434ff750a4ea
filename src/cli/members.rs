//! `kith members`.

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output;
use crate::client::{self, json};
use crate::proto::v1::{GroupMember, ListMembersRequest};

/// Most members that one call answers.
const MAX_PAGE: u64 = 1_000;

/// List the persons who are members of a group now, such as those of an account.
///
/// Exits with 4 if no profile owns the key or it has no members. With --json: one line for each member.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An identifier of the group, such as account_id:acme, or profile_id:UUID
    #[arg(value_name = "KEY")]
    key: String,
    /// How many members at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// A kind of the model, other than person [default: account]
    #[arg(long, default_value = "", hide_default_value = true)]
    kind: String,
}

/// Asks page by page and prints each as it comes.
pub async fn run(Args { key, limit, kind }: Args, app: &App) -> Result<Outcome, Failure> {
    let client = app.connect().await?;
    let mut request = ListMembersRequest { key, kind, ..Default::default() };
    let mut missing = limit;
    loop {
        request.page_size = i32::try_from(missing.min(MAX_PAGE)).unwrap_or_default();
        let page = client.profile().list_members(request.clone()).await.map_err(client::Error::from)?.into_inner();
        if !page.members.is_empty() {
            print(&page.members, app.json)?;
        }
        missing = missing.saturating_sub(page.members.len() as u64);
        if missing == 0 || page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(if missing == limit { Outcome::NothingFound } else { Outcome::Done })
}

fn print(members: &[GroupMember], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return members.iter().try_for_each(|member| output::print_json(&json::message("GroupMember", member)?));
    }
    let mut table = output::table(["profile_id", "role", "since", "group"]);
    table.add_rows(members.iter().map(row));
    output::print_table(&table)
}

fn row(member: &GroupMember) -> Vec<String> {
    vec![
        output::plain(&member.profile_id),
        output::plain(&member.role),
        member.since.as_ref().map(json::time).unwrap_or_default(),
        output::plain(&member.group),
    ]
}
