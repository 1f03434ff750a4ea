//! The segments of a model, and what is none of them.

use std::sync::Arc;

use super::{Kind, Model};
use crate::domain::answer::ADDRESS;
use crate::domain::ids::KindId;
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::segment::{SEGMENT_PREFIX, Segment};
use crate::domain::suggest;

impl Model {
    /// The declared segments, in the order of their names.
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// The segment called `name`.
    pub fn segment(&self, name: &str) -> Result<&Arc<Segment>, Invalid> {
        self.segments.iter().find(|segment| segment.name == name).ok_or_else(|| self.unknown_segment(name, "segment"))
    }

    /// The segments of `kind`, which may be [`KindId::ADDRESS`].
    pub fn segments_of(&self, kind: KindId) -> impl Iterator<Item = &Arc<Segment>> {
        self.segments.iter().filter(move |segment| segment.kind == kind)
    }

    /// Refuses `fields` if one asks for a segment that a lookup of `kind` does not have. Attributes are free, and these
    /// names are not.
    pub fn check_segments(&self, fields: &[String], kind: &Kind) -> Result<(), Invalid> {
        let asked = fields.iter().enumerate().filter(|(_, field)| field.contains(SEGMENT_PREFIX));
        asked.into_iter().try_for_each(|(at, field)| self.check_segment(field, kind).map_err(|invalid| invalid.at(at)))
    }

    fn check_segment(&self, field: &str, kind: &Kind) -> Result<(), Invalid> {
        let prefixed = |of: &str| field.strip_prefix(of)?.strip_prefix('.')?.strip_prefix(SEGMENT_PREFIX);
        let groups = self.kinds.iter().filter(|group| group.id != kind.id).map(|group| (group.name.as_str(), group.id));
        let other = groups.chain([(ADDRESS, KindId::ADDRESS)]).find_map(|(of, id)| Some((id, prefixed(of)?)));
        let Some((of, name)) = other.or(field.strip_prefix(SEGMENT_PREFIX).map(|name| (kind.id, name))) else {
            return Ok(());
        };
        let is_known = self.segments_of(of).any(|segment| segment.name == name);
        if is_known { Ok(()) } else { Err(self.unknown_segment(name, "fields")) }
    }

    fn unknown_segment(&self, name: &str, at: &str) -> Invalid {
        let nearest = suggest::nearest(name, self.segments.iter().map(|segment| segment.name.as_str()));
        let text = match nearest {
            Some(nearest) if nearest == name => format!("asks for `{nearest}` where it is not: it is of another kind"),
            Some(nearest) => format!("is no segment of the model; did you mean `{nearest}`?"),
            None => "is no segment of the model; see `kith model check`".to_owned(),
        };
        Invalid::new(Reason::UnknownSegment, at, text)
    }
}
