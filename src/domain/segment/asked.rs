//! The segments of a lookup, and what it reads for them beside what is wanted.

use std::sync::Arc;

use super::{SEGMENT_PREFIX, Segment};
use crate::domain::answer::{ADDRESS_PREFIX, Fields, Name};
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
    pub own: Vec<Placed>,
    /// Those of the address asked by.
    pub of_address: Vec<Arc<Segment>>,
}

/// A segment of the customer, and where it stands among the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The segment.
    pub segment: Arc<Segment>,
    /// The number of the field that tells of it.
    pub at: usize,
    /// The numbers of the fields that it reads, in the order of [`Segment::reads`].
    pub reads: Vec<usize>,
}

impl Asked {
    /// The segments of `kind`, and of the address asked by, that `names` name; `None` if there are none.
    pub fn of(names: &[Name], kind: KindId, model: &Model) -> Option<Self> {
        let find = |kind, name: &str| model.segments_of(kind).find(|segment| segment.name == name).cloned();
        let named = names.iter().enumerate();
        let own: Vec<(usize, Arc<Segment>)> =
            named.filter_map(|(at, name)| Some((at, find(kind, of_own(name)?)?))).collect();
        let of_address: Vec<Arc<Segment>> =
            names.iter().filter_map(|name| find(KindId::ADDRESS, of_address(name)?)).collect();
        (!own.is_empty() || !of_address.is_empty()).then(|| Self::with(names.to_vec(), own, of_address))
    }

    /// One segment, and nothing else.
    pub fn only(segment: &Arc<Segment>) -> Self {
        Self::with(vec![segment.field().into()], vec![(0, Arc::clone(segment))], Vec::new())
    }

    /// True if one of the names may be that of a segment.
    pub fn is_any(names: &[Name]) -> bool {
        names.iter().any(|name| of_own(name).or(of_address(name)).is_some())
    }

    fn with(mut names: Vec<Name>, own: Vec<(usize, Arc<Segment>)>, of_address: Vec<Arc<Segment>>) -> Self {
        let wanted = names.len();
        let mut place = |read: &String| {
            let known = names.iter().position(|name| **name == **read);
            known.unwrap_or_else(|| {
                names.push(read.as_str().into());
                names.len() - 1
            })
        };
        let own = own.into_iter().map(|(at, segment)| {
            let reads = segment.reads.iter().map(&mut place).collect();
            Placed { segment, at, reads }
        });
        let own = own.collect();
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
