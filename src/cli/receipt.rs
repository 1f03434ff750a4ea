//! Receipts in print: what a write or a correction did, or would do, line by line.

use super::exit::Failure;
use super::output;
use crate::proto::v1::{Receipt, ReceiptLine};

/// What every correction takes besides what it is about.
#[derive(Debug, clap::Args)]
pub struct Said {
    /// Who says so, for those who look into it later
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub source: String,
    /// An id for the correction: sent again with the same id it does nothing twice [default: made by the server]
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub message_id: String,
}

/// The columns of [`row`].
pub const COLUMNS: [&str; 5] = ["action", "kind", "identifier", "profile", "rule"];

/// Prints the receipt that a correction answered.
pub fn print(receipt: Option<&Receipt>) -> Result<(), Failure> {
    output::print(&receipt.map(text).unwrap_or_default())
}

fn text(receipt: &Receipt) -> String {
    let id = [("message_id", receipt.message_id.clone())];
    let seen = receipt.duplicate.then(|| ("seen before", "yes: nothing was changed by this call".to_owned()));
    let profiles = receipt.profiles.iter().map(|profile| (profile.kind.as_str(), profile.profile_id.clone()));
    let token = (!receipt.token.is_empty()).then(|| ("token", receipt.token.clone()));
    let head = output::pairs(id.into_iter().chain(seen).chain(profiles).chain(token));
    if receipt.lines.is_empty() {
        return head;
    }
    let mut table = output::table(COLUMNS);
    table.add_rows(receipt.lines.iter().map(row));
    format!("{head}\n{}\n", table.trim_fmt())
}

/// A line of a receipt in the cells of a table.
pub fn row(line: &ReceiptLine) -> [String; 5] {
    let action = output::enum_name(line.action().as_str_name(), "RECEIPT_ACTION_");
    let cells = [action, &line.kind, &line.key, &line.profile_id, &line.rule];
    cells.map(output::plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::{ProfileRef, ReceiptAction};

    #[test]
    fn every_part_of_a_receipt_is_shown_and_no_control_character() {
        let line = ReceiptLine {
            action: ReceiptAction::Split.into(),
            kind: "person".into(),
            key: "user_id:\u{1b}1".into(),
            profile_id: "0190".into(),
            rule: "wall".into(),
        };
        let profiles = vec![ProfileRef { kind: "person".into(), profile_id: "0191".into() }];
        let receipt =
            Receipt { message_id: "m1".into(), profiles, lines: vec![line], duplicate: true, token: "t".into() };
        let text = text(&receipt);
        for part in ["m1", "seen before", "0191", "token", "SPLIT", "user_id:\\u{1b}1", "0190", "wall"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
