//! One hold of a view, checked against what there is to read.

use super::shape::{FileDecision, FileHold};
use super::{Compiler, LABEL, Slots};
use crate::domain::model::file::attributes::quoted;
use crate::domain::model::finding::{Finding, MAX_FINDINGS};
use crate::domain::view::{Condition, Decision, Hold, is_label};

impl Compiler<'_> {
    /// `None` if it is not sound; why is in the findings then.
    pub(super) fn hold(&mut self, name: String, declared: FileHold, slots: &mut Slots<'_>) -> Option<Hold> {
        let FileHold { while_, bought, within, count, at_most, decision } = declared;
        let path = format!("holds.{}", quoted(&name));
        if !is_label(&name) {
            self.say(&path, &format!("is no name of a hold: {LABEL}"));
        }
        let limit = self.limit(&path, count.is_some(), at_most);
        let within = within.and_then(|within| self.within(&format!("{path}.within"), bought.is_some(), &within));
        let named: Vec<(&str, String, Condition)> = [
            ("while", while_, Condition::While),
            ("bought", bought, Condition::Bought { within }),
            ("count", count, Condition::Count { at_most: limit }),
        ]
        .into_iter()
        .filter_map(|(word, read, condition)| Some((word, read?, condition)))
        .collect();
        let [(word, read, condition)] = named.as_slice() else {
            let text = match named.is_empty() {
                true => "names nothing: add `while`, `bought` or `count` with the attribute that it reads",
                false => "has several of `while`, `bought` and `count`; make a hold of each",
            };
            self.say(&path, text);
            return None;
        };
        let slot = self.hold_slot(&path, word, read, *condition, slots)?;
        let decision = decision.map_or(condition.decision(), Decision::from);
        if decision == Decision::Send {
            self.say(&format!("{path}.decision"), "is `send`, and a hold stands against that; write `hold` or `skip`");
        }
        Some(Hold { name, slot, condition: *condition, decision })
    }

    fn limit(&mut self, path: &str, counts: bool, at_most: Option<u32>) -> u32 {
        match (counts, at_most) {
            (true, None) => self.say(path, "counts and has no limit; add `at_most`"),
            (true, Some(0)) => self.say(&format!("{path}.at_most"), "is 0, so nothing could ever be sent"),
            (false, Some(_)) => self.say(&format!("{path}.at_most"), "is for `count`; remove it"),
            (true, Some(_)) | (false, None) => {}
        }
        at_most.unwrap_or_default()
    }

    fn within(&mut self, path: &str, is_bought: bool, within: &str) -> Option<u64> {
        if !is_bought {
            self.say(path, "is for `bought`; remove it");
        }
        self.duration(path, within)
    }

    fn hold_slot(
        &mut self,
        path: &str,
        word: &str,
        name: &str,
        condition: Condition,
        slots: &mut Slots<'_>,
    ) -> Option<usize> {
        let Some(source) = slots.readable.get(name) else {
            // Looking for what was meant costs more than all the rest.
            if self.findings.len() < MAX_FINDINGS {
                let text = format!(
                    "names `{name}`, which is neither declared in [attributes] nor computed; declare it there with its type"
                );
                let known = slots.readable.keys().map(String::as_str);
                self.findings.push(Finding::new(format!("{}.{path}.{word}", self.path), text).suggesting(name, known));
            }
            return None;
        };
        if !condition.takes(source.value_type) {
            let wanted = match condition {
                Condition::While => "bool or number",
                Condition::Bought { .. } => "list",
                Condition::Count { .. } => "number",
            };
            self.say(&format!("{path}.{word}"), &format!("is {}, and this reads {wanted}", source.value_type));
        } else if matches!(condition, Condition::Bought { within: Some(_) }) && !source.of_events {
            let text = format!("needs the times of events, and `{name}` has none; name a `last_events` or remove this");
            self.say(&format!("{path}.within"), &text);
        }
        Some(slots.of(name))
    }
}

impl From<FileDecision> for Decision {
    fn from(declared: FileDecision) -> Self {
        match declared {
            FileDecision::Send => Self::Send,
            FileDecision::Hold => Self::Hold,
            FileDecision::Skip => Self::Skip,
        }
    }
}
