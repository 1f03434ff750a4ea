//! What folding identities again does, as it is printed, and how far that is.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::output;
use crate::proto::v1::{Backfill, RefoldTally};

/// The counts, one a row. `tense` says what the profiles do: "split", or "would split".
pub fn table(tally: &RefoldTally, tense: &str) -> comfy_table::Table {
    let RefoldTally { identifiers, profiles_before, profiles_after, split, merged, joined, freed, left } = *tally;
    let mut table = output::table(["", "count"]);
    let rows = [
        ("identifiers looked at".to_owned(), identifiers),
        ("profiles before".to_owned(), profiles_before),
        ("profiles after".to_owned(), profiles_after),
        (format!("profiles that {tense}split"), split),
        (format!("profiles that {tense}come of several"), merged),
        (format!("identifiers of nobody that {tense}get a profile"), joined),
        (format!("identifiers that {tense}lose theirs"), freed),
        ("identifiers left as they are, in too large components".to_owned(), left),
    ];
    table.add_rows(rows.map(|(what, count)| [what, output::count(count)]));
    table
}

/// How far stored events are counted, in one line.
pub fn of_events(backfill: &Backfill) -> String {
    let Backfill { attributes, finished, origins, events, events_about } = backfill;
    let (names, origins, events) = (attributes.join(", "), output::count(*origins), output::count(*events));
    match finished {
        true => format!("stored events are counted for {names}: {events} events of {origins} identifiers"),
        false => {
            let about = output::count(*events_about);
            format!(
                "stored events are being counted for {names}: {events} of about {about} events, of {origins} identifiers"
            )
        }
    }
}

/// A bar of identifiers; it shows on a terminal alone.
pub fn bar() -> ProgressBar {
    bar_of("identifiers")
}

/// A bar of so many of `what`.
pub fn bar_of(what: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style =
        ProgressStyle::with_template(&format!("{{bar:30}} {{human_pos}} of about {{human_len}} {what}, {{eta}} left"));
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Moves the bar on. The length is an estimate, which what is done may pass.
pub fn advance(bar: &ProgressBar, done: u64, about: u64) {
    bar.set_length(about.max(done));
    bar.set_position(done);
}
