//! What became of many facts, in one line for people or one object for machines.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::output::count;
use crate::proto::v1::{Receipt, ReceiptAction};

/// Running totals.
#[derive(Debug)]
pub struct Summary {
    started: Instant,
    /// Facts that were applied by this run.
    pub applied: u64,
    /// Facts that had been applied before.
    pub duplicates: u64,
    /// Facts of which nothing is stored, because they name what was erased.
    pub erased: u64,
    /// Rows that became no fact.
    pub rejected: u64,
    /// How often each thing was done to an identifier or profile, by the name of the action.
    actions: BTreeMap<&'static str, u64>,
    /// A read that carries this token sees every fact counted here.
    token: String,
}

impl Summary {
    /// Nothing yet.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            applied: 0,
            duplicates: 0,
            erased: 0,
            rejected: 0,
            actions: BTreeMap::new(),
            token: String::new(),
        }
    }

    /// Counts one receipt. What the lines of a duplicate tell was done by an earlier run.
    pub fn count(&mut self, receipt: &Receipt) {
        self.token.clone_from(&receipt.token);
        if receipt.duplicate {
            self.duplicates += 1;
            return;
        }
        if receipt.lines.iter().any(|line| line.action() == ReceiptAction::Erased) {
            self.erased += 1;
        } else {
            self.applied += 1;
        }
        for line in &receipt.lines {
            *self.actions.entry(action_name(line.action())).or_default() += 1;
        }
    }

    /// Facts that the server has answered with a receipt, in this run or an earlier one.
    pub fn accepted(&self) -> u64 {
        self.applied + self.duplicates + self.erased
    }

    /// Facts a second since the start.
    pub fn rate(&self) -> u64 {
        let seconds = self.elapsed().as_secs_f64().max(0.001);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is small and positive")]
        #[expect(clippy::cast_precision_loss, reason = "a rate for people needs three digits")]
        let rate = (self.accepted() as f64 / seconds) as u64;
        rate
    }

    /// For people.
    pub fn text(&self) -> String {
        let seconds = self.elapsed().as_secs_f64();
        let head = format!(
            "{} facts written, {} seen before, {} rejected, in {seconds:.1} s ({} a second)\n",
            count(self.applied),
            count(self.duplicates),
            count(self.rejected),
            count(self.rate()),
        );
        let lines: Vec<_> = self.actions.iter().map(|(name, times)| format!("{name} {}", count(*times))).collect();
        match lines.is_empty() {
            true => head,
            false => format!("{head}profiles and identifiers: {}\n", lines.join(", ")),
        }
    }

    /// For machines.
    pub fn json(&self) -> Json {
        json!({
            "applied": self.applied,
            "duplicates": self.duplicates,
            "erased": self.erased,
            "rejected": self.rejected,
            "actions": self.actions,
            "seconds": self.elapsed().as_secs_f64(),
            "token": self.token,
        })
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

fn action_name(action: ReceiptAction) -> &'static str {
    match action {
        ReceiptAction::Unspecified => "unspecified",
        ReceiptAction::Created => "created",
        ReceiptAction::Attached => "attached",
        ReceiptAction::Merged => "merged",
        ReceiptAction::Demoted => "demoted",
        ReceiptAction::Blocked => "blocked",
        ReceiptAction::Capped => "capped",
        ReceiptAction::Refused => "refused",
        ReceiptAction::Aliased => "aliased",
        ReceiptAction::Split => "split",
        ReceiptAction::Moved => "moved",
        ReceiptAction::Quarantined => "quarantined",
        ReceiptAction::Released => "released",
        ReceiptAction::Walled => "walled",
        ReceiptAction::Unordered => "unordered",
        ReceiptAction::Erased => "erased",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::ReceiptLine;

    #[test]
    fn duplicates_are_counted_apart_with_nothing_done() {
        let lines = vec![ReceiptLine { action: ReceiptAction::Created.into(), ..Default::default() }];
        let first = Receipt { lines, token: "t1".into(), ..Default::default() };
        let again = Receipt { duplicate: true, token: "t2".into(), ..first.clone() };
        let mut summary = Summary::start();
        summary.count(&first);
        summary.count(&again);
        summary.rejected += 1;
        let json = summary.json();
        assert_eq!(json["actions"], json!({"created": 1}));
        assert_eq!((&json["applied"], &json["duplicates"], &json["token"]), (&json!(1), &json!(1), &json!("t2")));
        assert!(summary.text().starts_with("1 facts written, 1 seen before, 1 rejected, in "));
        assert!(summary.text().ends_with("profiles and identifiers: created 1\n"));
    }
}
