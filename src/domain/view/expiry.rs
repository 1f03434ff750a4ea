//! How long an answer stands by itself: as long as nothing is written, nothing in it is another before that.

use super::{Decision, Field, Gate, Shown, State, View};
use crate::domain::answer;
use crate::domain::time::Time;

/// How far ahead an answer may be kept, in microseconds: 24 hours.
pub const MAX_CACHED_MICROS: u64 = 24 * 60 * 60 * 1_000_000;

impl View {
    /// The earliest moment at which `shown` could be another by itself. `None` where it is not to be kept at all: what is
    /// not to be sent is asked for again.
    pub(super) fn cache_until(
        &self,
        found: &[(String, answer::Field)],
        shown: &[Shown],
        decision: Decision,
        now: Time,
        gate: &Gate,
    ) -> Option<Time> {
        if decision != Decision::Send {
            return None;
        }
        let stale = self.fields.iter().zip(shown).filter_map(|(field, shown)| field.stale_at(found, shown, now)).min();
        let latest = now.plus_micros(MAX_CACHED_MICROS);
        let until = [stale, gate.changes_at].into_iter().flatten().fold(latest, Time::min);
        (until > now).then_some(until)
    }
}

impl Field {
    /// When the first of the values that the field was answered from, or past, will be too old for it.
    fn stale_at(&self, found: &[(String, answer::Field)], shown: &Shown, now: Time) -> Option<Time> {
        let oldest = self.max_age.filter(|_| shown.state != State::Suppressed)?;
        let passed = shown.rung.map_or(self.rungs.len(), |rung| rung.saturating_add(1));
        let read = self.rungs.iter().take(passed).filter_map(|rung| found.get(rung.slot));
        let dated = read.filter_map(|(_, field)| match field {
            answer::Field::Present { value: _, as_of } => *as_of,
            answer::Field::NotSet | answer::Field::Ambiguous | answer::Field::TooLarge => None,
        });
        dated.map(|set| set.plus_micros(oldest).plus_micros(1)).filter(|stale| *stale > now).min()
    }
}
