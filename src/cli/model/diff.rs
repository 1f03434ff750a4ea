//! `kith model diff`.

use std::path::PathBuf;

use super::tally;
use crate::cli::app::App;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output;
use crate::client::{self, json};
use crate::proto::v1::diff_model_response::Step;
use crate::proto::v1::{DiffExample, DiffModelRequest, DiffProfile, DiffProgress, ModelDiff, RefoldTally};

/// Show which profiles would split and merge if a model was put in force. Changes nothing.
///
/// The running server folds all identities under the model's rules, over the data of one moment, and shows the counts
/// and some of the profiles that would change. Ctrl-C ends it. With --json: one object with all of it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Asks, shows how far it is, and prints.
pub async fn run(Args { file }: Args, app: &App) -> Result<Outcome, Failure> {
    let source = super::read(&file)?;
    let client = app.connect().await?;
    let request = DiffModelRequest { source };
    let mut steps = client.model().diff_model(request).await.map_err(client::Error::from)?.into_inner();
    let bar = tally::bar();
    let mut found = None;
    while let Some(response) = steps.message().await.map_err(client::Error::from)? {
        match response.step {
            Some(Step::Progress(DiffProgress { identifiers, identifiers_about })) => {
                tally::advance(&bar, identifiers, identifiers_about);
            }
            Some(Step::Diff(diff)) => found = Some(diff),
            None => {}
        }
    }
    bar.finish_and_clear();
    let Some(diff) = found else {
        return Err(Failure::Other(anyhow::anyhow!("the server ended the comparison without a result; try again")));
    };
    match app.json {
        true => output::print_json(&json::message("ModelDiff", &diff)?)?,
        false => output::print(&text(&diff))?,
    }
    Ok(Outcome::Done)
}

fn text(ModelDiff { tally, examples }: &ModelDiff) -> String {
    let tally = tally.unwrap_or_default();
    if tally == RefoldTally::default() {
        return "no profile would change: the rules of resolution are the same, or there are no facts yet\n".to_owned();
    }
    let counts = tally::table(&tally, "would ").trim_fmt();
    let examples = examples.iter().map(example);
    [counts].into_iter().chain(examples).collect::<Vec<_>>().join("\n\n") + "\n"
}

/// What some profiles are and what they would be, one a line.
fn example(DiffExample { kind, before, after, nobodys }: &DiffExample) -> String {
    let are = before.iter().map(|profile| format!("  is     {} {}", output::plain(&profile.profile_id), keys(profile)));
    let would_be = after.iter().map(|profile| format!("  would  {}", keys(profile)));
    let mut lines: Vec<String> = vec![output::plain(kind)];
    lines.extend(are.chain(would_be));
    if !nobodys.is_empty() {
        lines.push(format!("  nobody {}", shown(nobodys, nobodys.len())));
    }
    lines.join("\n")
}

fn keys(DiffProfile { profile_id: _, keys, identifiers }: &DiffProfile) -> String {
    shown(keys, usize::try_from(*identifiers).unwrap_or(usize::MAX))
}

fn shown(keys: &[String], of: usize) -> String {
    let more = of.saturating_sub(keys.len());
    let rest = (more > 0).then(|| format!("and {more} more"));
    let keys = keys.iter().map(|key| output::plain(key)).chain(rest);
    format!("{{{}}}", keys.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_shows_what_is_and_what_would_be() {
        let profile = |id: &str, keys: &[&str], identifiers| DiffProfile {
            profile_id: id.to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            identifiers,
        };
        let example = DiffExample {
            kind: "person".to_owned(),
            before: vec![profile("P1", &["email:a", "email:b"], 3)],
            after: vec![profile("", &["email:a"], 1)],
            nobodys: vec!["email:b".to_owned()],
        };
        let tally = RefoldTally { split: 1, profiles_before: 1, ..Default::default() };
        let text = text(&ModelDiff { tally: Some(tally), examples: vec![example] });
        for line in ["  is     P1 {email:a, email:b, and 1 more}", "  would  {email:a}", "  nobody {email:b}"] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(text.contains("profiles that would split"), "{text}");
    }
}
