//! `kith apart`.

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output;
use crate::client::{self, json};
use crate::proto::v1::{ExplainApartRequest, ExplainApartResponse, IdentityWall, LinkRefusal};

/// Show what keeps two identifiers apart: links between them that broke a rule, and walls.
///
/// Exits with 4 if nothing is known of one of them, and with 1 if they are one profile: then ask `kith explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An identifier, such as email:joe@example.com
    #[arg(value_name = "A")]
    a: String,
    /// Another one
    #[arg(value_name = "B")]
    b: String,
    /// A kind of the model [default: person]
    #[arg(long, default_value = "", hide_default_value = true)]
    kind: String,
    /// A token that a write answered: the answer reflects at least that write
    #[arg(long, default_value = "", hide_default_value = true)]
    token: String,
}

/// Asks and prints.
pub async fn run(Args { a, b, kind, token }: Args, app: &App) -> Result<Outcome, Failure> {
    let request = ExplainApartRequest { a: a.clone(), b: b.clone(), kind, token };
    let client = app.connect().await?;
    let response = client.identity().explain_apart(request).await.map_err(client::Error::from)?.into_inner();
    match app.json {
        true => output::print_json(&json::message("ExplainApartResponse", &response)?)?,
        false => output::print(&text(&a, &b, &response))?,
    }
    Ok(Outcome::Done)
}

fn text(a: &str, b: &str, response: &ExplainApartResponse) -> String {
    let profile = |id: &str| if id.is_empty() { "of no profile".to_owned() } else { id.to_owned() };
    let mut text = output::pairs([(a, profile(&response.a_profile_id)), (b, profile(&response.b_profile_id))]);
    if response.refusals.is_empty() && response.walls.is_empty() {
        text.push_str("\nnothing ever said that the two belong together\n");
    }
    if !response.refusals.is_empty() {
        let mut table = output::table(["could not join", "profile", "rule", "by fact", "time"]);
        table.add_rows(response.refusals.iter().map(refusal));
        text.push_str(&format!("\n{}\n", table.trim_fmt()));
    }
    if !response.walls.is_empty() {
        let mut table = output::table(["kept apart", "against links until", "one human", "by", "time", "source"]);
        table.add_rows(response.walls.iter().map(wall));
        text.push_str(&format!("\n{}\n", table.trim_fmt()));
    }
    text
}

fn refusal(refusal: &LinkRefusal) -> [String; 5] {
    let LinkRefusal { key, profile_id, rule, message_id, time } = refusal;
    let time = time.as_ref().map(json::time).unwrap_or_default();
    [output::plain(key), output::plain(profile_id), output::plain(rule), output::plain(message_id), time]
}

fn wall(wall: &IdentityWall) -> [String; 6] {
    let IdentityWall { keys, until, same_human, message_id, time, source } = wall;
    let until = until.as_ref().map_or_else(|| "for ever".to_owned(), json::time);
    let same_human = if *same_human { "yes" } else { "" };
    let time = time.as_ref().map(json::time).unwrap_or_default();
    let keys = output::plain(&keys.join(", "));
    [keys, until, same_human.to_owned(), output::plain(message_id), time, output::plain(source)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_shown_and_that_there_are_none() {
        let nothing = ExplainApartResponse { a_profile_id: "0190".into(), ..Default::default() };
        let shown = text("a:1", "b:2", &nothing);
        assert!(shown.contains("a:1  0190\nb:2  of no profile\n") && shown.contains("nothing ever said"), "{shown}");

        let refused = LinkRefusal { key: "b:2".into(), rule: "b limit 1".into(), ..Default::default() };
        let wall = IdentityWall { keys: vec!["a:1".into(), "b:2".into()], same_human: true, ..Default::default() };
        let both = ExplainApartResponse { refusals: vec![refused], walls: vec![wall], ..nothing };
        let shown = text("a:1", "b:2", &both);
        for part in ["b limit 1", "a:1, b:2", "for ever", "yes"] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        assert!(!shown.contains("nothing ever said"), "{shown}");
    }
}
