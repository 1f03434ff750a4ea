//! When an answer will be another although nothing is written: values that depend on the moment of asking say so while they
//! are read.

use std::cell::Cell;

use super::Reader;
use crate::domain::answer::Field;
use crate::domain::time::{Time, earlier};

/// The earliest moment at which something of what was read so far is another.
#[derive(Debug, Default)]
pub(super) struct Changes(Cell<Option<Time>>);

impl Changes {
    /// What was noted, and nothing is noted any more.
    pub(super) fn take(&self) -> Option<Time> {
        self.0.take()
    }
}

impl Reader<'_> {
    /// Notes that something of the answer that is being made is another at `moment`. What depends on the moment of asking
    /// in a way that cannot be foreseen notes that moment: the answer is not to be kept then.
    pub(super) fn changes(&self, moment: Option<Time>) {
        self.changes_at.0.set(earlier(self.changes_at.0.get(), moment));
    }

    /// What is said of a computed attribute that has not counted all stored events yet. Nobody knows when it will have.
    pub(super) fn awaited(&self) -> Field {
        self.changes(Some(self.question.now));
        Field::NotSet
    }
}
