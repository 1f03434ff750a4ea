//! `kith explain`.

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output::{self, plain};
use crate::client::{self, json};
use crate::proto::v1::{ExplainRequest, ExplainResponse, ExplainStep};

/// Show what holds two identifiers together: the links from the one to the other.
///
/// Each link is shown with its time, the system that sent it, its message id and all of its identifiers. A link without
/// which the two would come apart is marked. Exits with 4 if nothing is known of one of them, and with 1 if they are
/// not one profile: then ask `kith apart`.
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
    let request = ExplainRequest { a, b, kind, token };
    let client = app.connect().await?;
    let response = client.identity().explain(request).await.map_err(client::Error::from)?.into_inner();
    match app.json {
        true => output::print_json(&json::message("ExplainResponse", &response)?)?,
        false => output::print(&text(&response))?,
    }
    Ok(Outcome::Done)
}

/// The way as a tree: each identifier below the link that leads to it.
fn text(response: &ExplainResponse) -> String {
    let mut text = output::pairs([("profile_id", response.profile_id.clone())]);
    text.push('\n');
    for (depth, step) in response.steps.iter().enumerate() {
        let margin = "   ".repeat(depth);
        if depth == 0 {
            text.push_str(&format!("{}\n", plain(&step.from_key)));
        }
        let cuts = if step.cuts { "  <- without this link the two come apart" } else { "" };
        text.push_str(&format!("{margin}└─ {}{cuts}\n", link(step)));
        text.push_str(&format!("{margin}   {}\n", plain(&step.to_key)));
    }
    text
}

fn link(step: &ExplainStep) -> String {
    let time = step.time.as_ref().map(json::time).unwrap_or_default();
    let source = if step.source.is_empty() { String::new() } else { format!(" from {}", plain(&step.source)) };
    let keys: Vec<String> = step.keys.iter().map(|key| plain(key)).collect();
    format!("{time} message {}{source} {{{}}}", plain(&step.message_id), keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_a_tree_and_a_cut_is_marked() {
        let step = |from: &str, to: &str, cuts| ExplainStep {
            from_key: from.into(),
            to_key: to.into(),
            message_id: "m1".into(),
            time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
            source: "crm".into(),
            keys: vec![from.into(), to.into()],
            cuts,
        };
        let steps = vec![step("a:1", "b:2", false), step("b:2", "c:\u{7}", true)];
        let response = ExplainResponse { profile_id: "0190".into(), steps, token: String::new() };
        let expected = "profile_id  0190\n\n\
            a:1\n\
            └─ 1970-01-01T00:00:01Z message m1 from crm {a:1, b:2}\n\
            \x20  b:2\n\
            \x20  └─ 1970-01-01T00:00:01Z message m1 from crm {b:2, c:\\u{7}}  <- without this link the two come apart\n\
            \x20     c:\\u{7}\n";
        assert_eq!(text(&response), expected);
    }
}
