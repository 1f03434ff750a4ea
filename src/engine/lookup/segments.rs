//! Segments of a lookup. What they read is asked for beside what was wanted, each is asked of every customer by itself, and
//! what was only read for them is left out of the answer. So of several people who share a key a segment is true if it is
//! of all of them, as any other field.

use super::{Answered, Question, Reader};
use crate::domain::answer::{ADDRESS_PREFIX, Field, Fields};
use crate::domain::ids::WorkspaceId;
use crate::domain::segment::{Asked, Placed};
use crate::engine::{Engine, Error};

impl Engine {
    /// The segments among the fields of a question; `None` if there are none.
    pub(super) fn asked(
        &self,
        workspace: WorkspaceId,
        Question { kind, fields, .. }: Question<'_>,
    ) -> Result<Option<Asked>, Error> {
        let Fields::Named(names) = fields else { return Ok(None) };
        if !Asked::is_any(names) {
            return Ok(None);
        }
        Ok(Asked::of(names, kind, &self.model(workspace)?.model))
    }
}

impl Reader<'_> {
    /// Puts in the segments of a profile, of which all is read that they ask about.
    pub(super) fn put_segments(&self, fields: &mut Answered) {
        let Some(asked) = self.asked else { return };
        for Placed { segment, at, reads } in &asked.own {
            let read: Vec<Option<&Field>> = reads.iter().map(|at| fields.get(*at).map(|(_, field)| field)).collect();
            let answer = segment.ask_of(&read, self.question.now);
            self.changes(segment.asks_when.then_some(self.question.now));
            if let Some((_, field)) = fields.get_mut(*at) {
                *field = answer;
            }
        }
    }

    /// Puts in the segments of the address asked by, which has the fields that `read` finds.
    pub(super) fn put_address_segments<'f>(&self, fields: &mut Answered, read: impl Fn(&str) -> Option<&'f Field>) {
        for segment in self.asked.iter().flat_map(|asked| &asked.of_address) {
            let answer = segment.ask(&read, self.question.now);
            self.changes(segment.asks_when.then_some(self.question.now));
            self.put(fields, &format!("{ADDRESS_PREFIX}{}", segment.field()), answer);
        }
    }

    /// What was wanted, without what was read for segments alone.
    pub(super) fn wanted(&self, mut fields: Answered) -> Answered {
        if let Some(asked) = self.asked {
            fields.truncate(asked.wanted);
        }
        fields
    }
}
