//! When an answer will be another although nothing is written: values that depend on the moment of asking say so while they
//! are read.

use std::cell::Cell;

use super::Reader;
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
    /// Notes that something of the answer that is being made is another at `moment`, if that is still to come.
    pub(super) fn changes(&self, moment: Option<Time>) {
        let moment = moment.filter(|moment| *moment > self.question.now);
        self.changes_at.0.set(earlier(self.changes_at.0.get(), moment));
    }
}
