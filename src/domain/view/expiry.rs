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
        found: &[(answer::Name, answer::Field)],
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
    fn stale_at(&self, found: &[(answer::Name, answer::Field)], shown: &Shown, now: Time) -> Option<Time> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::Value;
    use crate::domain::view::answer::tests::plain;
    use crate::domain::view::{About, Found, Rung, Type};

    const NOW: Time = Time::from_micros(1_000);

    fn until(as_of: u64, max_age: Option<u64>, changes_at: Option<u64>) -> Option<u64> {
        let rungs = vec![Rung { slot: 0, scope: "person".into() }];
        let (name, default, topics) = ("city".to_owned(), None, std::collections::BTreeSet::new());
        let field = Field {
            name: name.into(),
            value_type: Type::Any,
            rungs,
            default,
            max_age,
            max_length: None,
            repair: false,
            required: false,
            topics,
        };
        let view = View { fields: vec![field], ..plain() };
        let value = Value::Bool(true);
        let read = [(answer::Name::default(), answer::Field::Present { value, as_of: Some(Time::from_micros(as_of)) })];
        let gate = Gate { changes_at: changes_at.map(Time::from_micros), ..Gate::default() };
        let found = Found { fields: &read, apart: &[] };
        view.answer(found, &About::default(), NOW, &gate).cache_until.map(Time::micros)
    }

    #[test]
    fn the_first_that_passes_counts_and_what_cannot_be_foreseen_is_not_kept() {
        let day = 1_000 + MAX_CACHED_MICROS;
        assert_eq!(until(900, None, None), Some(day));
        assert_eq!(until(900, Some(200), None), Some(1_101));
        assert_eq!(until(900, Some(100), None), Some(1_001), "it is not too old at its age");
        assert_eq!(until(900, Some(99), None), Some(day), "what is stale stays so");
        assert_eq!(until(2_000, Some(5), None), Some(2_006), "dated ahead");
        assert_eq!(until(900, Some(200), Some(1_050)), Some(1_050));
        assert_eq!(until(900, None, Some(day + 1)), Some(day));
        assert_eq!(until(900, None, Some(1_000)), None);
    }
}
