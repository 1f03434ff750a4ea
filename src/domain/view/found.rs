//! What a view answers from.

use crate::domain::answer;

/// What a lookup read for a view.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found<'a> {
    /// Of its slots, in their order.
    pub fields: &'a [(answer::Name, answer::Field)],
    /// The same of each of the people who share the key asked by, apart from each other. Empty if it is of one.
    pub apart: &'a [Vec<(answer::Name, answer::Field)>],
}

impl Found<'_> {
    /// What was read of a slot, by one of the people or of all.
    pub(super) fn slot(fields: &[(answer::Name, answer::Field)], slot: usize) -> &answer::Field {
        fields.get(slot).map_or(&answer::Field::NotSet, |(_, field)| field)
    }
}
