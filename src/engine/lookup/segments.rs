//! Segments of a lookup. What they read is asked for beside what was wanted, each is asked of every customer by itself, and
//! what was only read for them is left out of the answer. So of several people who share a key a segment is true if it is
//! of all of them, as any other field.

use std::sync::Arc;

use super::{Answered, Question, Reader};
use crate::domain::answer::{ADDRESS_PREFIX, Field, Fields};
use crate::domain::ids::{KindId, WorkspaceId};
use crate::domain::model::Model;
use crate::domain::segment::{SEGMENT_PREFIX, Segment};
use crate::engine::{Engine, Error};

/// The segments that are asked of the customers of a lookup.
pub(super) struct Asked {
    /// What was wanted, and after that what the segments read besides.
    pub(super) fields: Fields,
    /// How many of the fields were wanted.
    wanted: usize,
    own: Vec<Arc<Segment>>,
    of_address: Vec<Arc<Segment>>,
}

impl Engine {
    /// The segments among the fields of a question; `None` if there are none.
    pub(super) fn asked(
        &self,
        workspace: WorkspaceId,
        Question { kind, fields, .. }: Question<'_>,
    ) -> Result<Option<Asked>, Error> {
        let Fields::Named(names) = fields else { return Ok(None) };
        let is_one = |name: &String| of_own(name).or(of_address(name)).is_some();
        if !names.iter().any(is_one) {
            return Ok(None);
        }
        Ok(Asked::of(names, kind, &self.model(workspace)?.model))
    }
}

impl Asked {
    /// The segments of `kind`, and of the address asked by, that `names` name; `None` if there are none.
    pub(super) fn of(names: &[String], kind: KindId, model: &Model) -> Option<Self> {
        let find = |kind, name: &str| model.segments_of(kind).find(|segment| segment.name == name).cloned();
        let own: Vec<Arc<Segment>> = names.iter().filter_map(|name| find(kind, of_own(name)?)).collect();
        let of_address: Vec<Arc<Segment>> =
            names.iter().filter_map(|name| find(KindId::ADDRESS, of_address(name)?)).collect();
        (!own.is_empty() || !of_address.is_empty()).then(|| Self::with(names.to_vec(), own, of_address))
    }

    /// One segment, and nothing else.
    pub(super) fn only(segment: &Arc<Segment>) -> Self {
        Self::with(vec![segment.field()], vec![Arc::clone(segment)], Vec::new())
    }

    fn with(mut names: Vec<String>, own: Vec<Arc<Segment>>, of_address: Vec<Arc<Segment>>) -> Self {
        let wanted = names.len();
        for read in own.iter().flat_map(|segment| &segment.reads) {
            if !names.contains(read) {
                names.push(read.clone());
            }
        }
        Self { fields: Fields::Named(names), wanted, own, of_address }
    }
}

/// The name of the segment that a field of a profile tells of.
fn of_own(field: &str) -> Option<&str> {
    field.strip_prefix(SEGMENT_PREFIX)
}

/// The name of the segment that a field of the address asked by tells of.
fn of_address(field: &str) -> Option<&str> {
    field.strip_prefix(ADDRESS_PREFIX)?.strip_prefix(SEGMENT_PREFIX)
}

/// The field called so.
fn named<'f>(fields: &'f Answered, name: &str) -> Option<&'f Field> {
    fields.iter().find(|(known, _)| known == name).map(|(_, field)| field)
}

impl Reader<'_> {
    /// Puts in the segments of a profile, of which all is read that they ask about.
    pub(super) fn put_segments(&self, fields: &mut Answered) {
        let Some(asked) = self.asked else { return };
        for segment in &asked.own {
            let answer = segment.ask(|name| named(fields, name), self.question.now);
            self.changes(segment.asks_when.then_some(self.question.now));
            self.put(fields, &segment.field(), answer);
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
