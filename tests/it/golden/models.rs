//! Steps about models: what another one would change, and putting it in force.

use std::collections::BTreeSet;
use std::time::Duration;

use kith::client::Client;
use kith::domain::ids::WorkspaceId;
use kith::domain::refold::{Example, Tally};
use kith::engine::{Engine, Error, ModelState};
use kith::proto::v1;
use kith::proto::v1::diff_model_response::Step;
use kith::server;
use tokio::runtime::Runtime;

use super::Names;
use crate::harness::repository;

/// The text of a model of `tests/golden/models`.
pub fn read(file: &str) -> String {
    std::fs::read_to_string(repository("tests/golden/models").join(file)).unwrap()
}

/// A profile that is or would be: its id, if it has one, and its identifiers.
type Shown = (String, Vec<String>);

/// Profiles before, profiles after, identifiers of nobody.
type Change = (Vec<Shown>, Vec<Shown>, Vec<String>);

/// What the engine answers to `model-diff`.
pub fn diff(engine: &Engine, workspace: WorkspaceId, file: &str, names: &mut Names) -> String {
    match engine.diff_model(workspace, &read(file), |_, _| true) {
        Ok((difference, _)) => {
            let changes = difference.examples.iter().map(change);
            format!("would be {}{}", tell(&counts(difference.tally)), tell_changes(changes.collect(), names))
        }
        Err(error) => refused(&error),
    }
}

/// What the engine answers to `model-apply`, once all is folded again and counted.
pub fn apply(engine: &Engine, workspace: WorkspaceId, file: &str, runtime: &Runtime) -> String {
    if let Err(error) = runtime.block_on(engine.change_model(workspace, read(file), server::now())) {
        return refused(&error);
    }
    loop {
        let ModelState { refold, backfill, .. } = engine.model_state(workspace).unwrap();
        let folds = refold.as_ref().is_some_and(|refold| !refold.finished);
        if !folds && backfill.as_ref().is_none_or(|backfill| backfill.finished) {
            let folded = refold.map(|refold| format!("is {}", tell(&counts(refold.tally))));
            let counted = backfill.map(|backfill| counted(backfill.events, backfill.origins, backfill.attributes));
            return [folded, counted].into_iter().flatten().collect();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn refused(error: &Error) -> String {
    match error {
        Error::Invalid(invalid) => format!("refused {}: {}\n", invalid.field, invalid.text),
        Error::Conflict(text) => format!("refused {text}\n"),
        other => panic!("{other}"),
    }
}

fn counts(tally: Tally) -> [u64; 7] {
    let Tally { identifiers: _, profiles_before, profiles_after, split, merged, joined, freed, left } = tally;
    [profiles_before, profiles_after, split, merged, joined, freed, left]
}

fn change(example: &Example) -> Change {
    let keys = |members: &BTreeSet<kith::domain::identifier::Identifier>| -> Vec<String> {
        members.iter().map(|identifier| identifier.as_str().to_owned()).collect()
    };
    let before = example.before.iter().map(|(id, members)| (id.to_string(), keys(members))).collect();
    let after = example.after.iter().map(|members| (String::new(), keys(members))).collect();
    (before, after, keys(&example.nobodys))
}

/// As [`diff`], through gRPC.
pub async fn wire_diff(client: &Client, file: &str, names: &mut Names) -> String {
    let mut steps = match client.model().diff_model(v1::DiffModelRequest { source: read(file) }).await {
        Ok(steps) => steps.into_inner(),
        Err(status) => return format!("refused {}\n", status.message()),
    };
    loop {
        match steps.message().await {
            Ok(Some(v1::DiffModelResponse { step: Some(Step::Diff(diff)) })) => {
                let changes = diff.examples.into_iter().map(wire_change).collect();
                return format!("would be {}{}", tell(&wire_counts(diff.tally)), tell_changes(changes, names));
            }
            Ok(Some(_)) => {}
            Ok(None) => panic!("a comparison without a result"),
            Err(status) => return format!("refused {}\n", status.message()),
        }
    }
}

/// As [`apply`], through gRPC.
pub async fn wire_apply(client: &Client, file: &str) -> String {
    if let Err(status) = client.model().apply_model(v1::ApplyModelRequest { source: read(file) }).await {
        return format!("refused {}\n", status.message());
    }
    loop {
        let state = client.model().get_model(v1::GetModelRequest {}).await.unwrap().into_inner();
        let (refold, backfill) = (state.refold, state.backfill);
        let folds = refold.as_ref().is_some_and(|refold| !refold.finished);
        if !folds && backfill.as_ref().is_none_or(|backfill| backfill.finished) {
            let folded = refold.map(|refold| format!("is {}", tell(&wire_counts(refold.tally))));
            let counted = backfill.map(|backfill| counted(backfill.events, backfill.origins, backfill.attributes));
            return [folded, counted].into_iter().flatten().collect();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// What was counted late, and for which attributes.
fn counted(events: u64, origins: u64, attributes: impl IntoIterator<Item = String>) -> String {
    let attributes = attributes.into_iter().collect::<Vec<_>>().join(", ");
    format!("counted {events} events of {origins} identifiers for {attributes}\n")
}

fn wire_counts(tally: Option<v1::RefoldTally>) -> [u64; 7] {
    let v1::RefoldTally { identifiers: _, profiles_before, profiles_after, split, merged, joined, freed, left } =
        tally.unwrap_or_default();
    [profiles_before, profiles_after, split, merged, joined, freed, left]
}

fn wire_change(example: v1::DiffExample) -> Change {
    let shown = |profiles: Vec<v1::DiffProfile>| -> Vec<Shown> {
        profiles.into_iter().map(|profile| (profile.profile_id, profile.keys)).collect()
    };
    (shown(example.before), shown(example.after), example.nobodys)
}

fn tell(counts: &[u64; 7]) -> String {
    let [before, after, split, merged, joined, freed, left] = counts;
    let more = [(split, "split"), (merged, "merged"), (joined, "joined"), (freed, "freed"), (left, "left")];
    let more = more.iter().filter(|(count, _)| **count > 0).map(|(count, what)| format!(", {count} {what}"));
    format!("{before} profiles now {after}{}\n", more.collect::<String>())
}

/// Each profile by the name that the script has for it, in an order that is the same through both doors.
fn tell_changes(changes: Vec<Change>, names: &mut Names) -> String {
    let mut told = String::new();
    for (mut before, after, nobodys) in changes {
        before.sort_by(|a, b| a.1.cmp(&b.1));
        for (id, keys) in before {
            told.push_str(&format!("  {} {{{}}}\n", names.of(&id), keys.join(", ")));
        }
        for (_, keys) in after {
            told.push_str(&format!("    would be {{{}}}\n", keys.join(", ")));
        }
        if !nobodys.is_empty() {
            told.push_str(&format!("    of nobody {{{}}}\n", nobodys.join(", ")));
        }
    }
    told
}
