//! The segments of a lookup, and what it reads for them beside what is wanted.

use std::sync::Arc;

use super::{SEGMENT_PREFIX, Segment};
use crate::domain::answer::{ADDRESS_PREFIX, Fields};
use crate::domain::ids::KindId;
use crate::domain::model::Model;

/// The segments that are asked of the customers of a lookup.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What is wanted, and after that what the segments read besides.
    pub fields: Fields,
    /// How many of the fields are wanted.
    pub wanted: usize,
    /// Those of the customer.
    pub own: Vec<Arc<Segment>>,
    /// Those of the address asked by.
    pub of_address: Vec<Arc<Segment>>,
}

impl Asked {
    /// The segments of `kind`, and of the address asked by, that `names` name; `None` if there are none.
    pub fn of(names: &[String], kind: KindId, model: &Model) -> Option<Self> {
        let find = |kind, name: &str| model.segments_of(kind).find(|segment| segment.name == name).cloned();
        let own: Vec<Arc<Segment>> = names.iter().filter_map(|name| find(kind, of_own(name)?)).collect();
        let of_address: Vec<Arc<Segment>> =
            names.iter().filter_map(|name| find(KindId::ADDRESS, of_address(name)?)).collect();
        (!own.is_empty() || !of_address.is_empty()).then(|| Self::with(names.to_vec(), own, of_address))
    }

    /// One segment, and nothing else.
    pub fn only(segment: &Arc<Segment>) -> Self {
        Self::with(vec![segment.field()], vec![Arc::clone(segment)], Vec::new())
    }

    /// True if one of the names may be that of a segment.
    pub fn is_any(names: &[String]) -> bool {
        names.iter().any(|name| of_own(name).or(of_address(name)).is_some())
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
