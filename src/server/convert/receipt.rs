//! Receipts on their way out.

use super::kind_name;
use crate::domain::erasure::Erased;
use crate::domain::model::Model;
use crate::domain::receipt::{Action, Line, Receipt};
use crate::domain::token::Token;
use crate::proto::v1;
use crate::proto::v1::write_result::Result as Outcome;
use crate::server::status::Refusal;

/// Writes a receipt; `model` knows the names of the kinds.
pub fn write(receipt: Receipt, model: &Model) -> v1::Receipt {
    let Receipt { message_id, profiles, lines, seq, duplicate, erased: _ } = receipt;
    let profiles = profiles
        .into_iter()
        .map(|(kind, id)| v1::ProfileRef { kind: kind_name(kind, model), profile_id: id.to_string() });
    v1::Receipt {
        message_id,
        profiles: profiles.collect(),
        lines: lines.into_iter().map(|line| write_line(line, model)).collect(),
        duplicate,
        token: Token(seq).to_string(),
    }
}

/// Writes the receipt of an erasure.
pub fn write_erasure(receipt: Receipt, model: &Model) -> v1::ErasureReceipt {
    let Receipt { message_id, profiles, lines: _, seq, duplicate, erased } = receipt;
    let Erased { identifiers, links, events, fragments, unordered } = erased.unwrap_or_default();
    let profiles = profiles
        .into_iter()
        .map(|(kind, id)| v1::ProfileRef { kind: kind_name(kind, model), profile_id: id.to_string() });
    v1::ErasureReceipt {
        message_id,
        profiles: profiles.collect(),
        identifiers,
        links,
        events,
        fragments,
        unordered,
        duplicate,
        token: Token(seq).to_string(),
    }
}

/// Writes what became of one fact of many.
pub fn write_result(result: Result<Receipt, Refusal>, model: &Model) -> v1::WriteResult {
    let outcome = match result {
        Ok(receipt) => Outcome::Receipt(write(receipt, model)),
        Err(refusal) => Outcome::Error(refusal.into_item()),
    };
    v1::WriteResult { result: Some(outcome) }
}

fn write_line(line: Line, model: &Model) -> v1::ReceiptLine {
    let Line { action, kind, identifier, profile, rule } = line;
    v1::ReceiptLine {
        action: write_action(action).into(),
        kind: kind_name(kind, model),
        key: identifier.map(|identifier| identifier.as_str().to_owned()).unwrap_or_default(),
        profile_id: profile.map(|id| id.to_string()).unwrap_or_default(),
        rule: rule.map(|rule| rule.to_string()).unwrap_or_default(),
    }
}

fn write_action(action: Action) -> v1::ReceiptAction {
    match action {
        Action::Created => v1::ReceiptAction::Created,
        Action::Attached => v1::ReceiptAction::Attached,
        Action::Merged => v1::ReceiptAction::Merged,
        Action::Demoted => v1::ReceiptAction::Demoted,
        Action::Blocked => v1::ReceiptAction::Blocked,
        Action::Capped => v1::ReceiptAction::Capped,
        Action::Refused => v1::ReceiptAction::Refused,
        Action::Aliased => v1::ReceiptAction::Aliased,
        Action::Split => v1::ReceiptAction::Split,
        Action::Moved => v1::ReceiptAction::Moved,
        Action::Quarantined => v1::ReceiptAction::Quarantined,
        Action::Released => v1::ReceiptAction::Released,
        Action::Walled => v1::ReceiptAction::Walled,
        Action::Unordered => v1::ReceiptAction::Unordered,
        Action::Erased => v1::ReceiptAction::Erased,
    }
}
