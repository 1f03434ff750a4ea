//! The attributes that a model declares, and what a name means that views read.
//!
//! Facts are free to bring attributes that no model knows of, and a declaration binds no fact. It is there for views: a
//! name that a view reads is declared, computed or built in, so that a slip of the pen is found when the model is checked
//! and not when a customer is greeted.

use std::collections::BTreeMap;

use super::{Computed, Kind, Model, Property};
use crate::domain::aggregate::Aggregate;
use crate::domain::answer::{ADDRESS, ID, MEMBERS, ROLE, SEATS_USED, SINCE};
use crate::domain::ids::KindId;
use crate::domain::model::DEFAULT_KIND;
use crate::domain::view::Type;

/// Declared attributes by the kind that has them, or [`ADDRESS`], and by name.
pub(super) type Attributes = BTreeMap<String, BTreeMap<String, Type>>;

/// What a lookup reads under some name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Whose it is: a kind, or `address`.
    pub scope: String,
    /// What its value is declared to be.
    pub value_type: Type,
    /// True if its value is of the moment of one fact. What is computed from all events is always of now.
    pub dated: bool,
    /// True if it is a list of events, each with its time.
    pub of_events: bool,
}

impl Model {
    /// All that a view of `kind` may read, by the names that lookups know it by.
    pub fn readable(&self, kind: &Kind) -> BTreeMap<String, Source> {
        let mut readable = self.of_kind(kind);
        readable.extend(self.of_address().into_iter().map(prefixed));
        readable.extend(self.computed_of(KindId::ADDRESS, ADDRESS));
        for group in self.kinds.iter().filter(|group| group.name != kind.name) {
            let built_in = [(ID, Type::Text), (ROLE, Type::Text), (SINCE, Type::Time)];
            let built_in = built_in.map(|(name, value_type)| (name.to_owned(), Source::set(&group.name, value_type)));
            readable.extend(self.of_kind(group).into_iter().chain(built_in).map(prefixed));
        }
        readable
    }

    /// All that a segment of `kind` may read, and nothing of the address asked by: what its profiles have, and for persons
    /// what their groups have. Of [`KindId::ADDRESS`]: what addresses have.
    pub fn readable_by_segment(&self, kind: KindId) -> BTreeMap<String, Source> {
        let Some(kind) = self.kind_by_id(kind) else { return self.of_address() };
        if kind.name != DEFAULT_KIND {
            return self.of_kind(kind);
        }
        let mut readable = self.readable(kind);
        readable.retain(|_, source| source.scope != ADDRESS);
        readable
    }

    /// What addresses have themselves.
    fn of_address(&self) -> BTreeMap<String, Source> {
        let declared = self.attributes.get(ADDRESS).into_iter().flatten();
        let declared = declared.map(|(name, value_type)| (name.clone(), Source::set(ADDRESS, *value_type)));
        declared.chain(self.of_segments(KindId::ADDRESS, ADDRESS)).collect()
    }

    /// The segments of a kind.
    fn of_segments<'a>(&'a self, kind: KindId, scope: &'a str) -> impl Iterator<Item = (String, Source)> + 'a {
        self.segments_of(kind).map(move |segment| (segment.field(), Source::companion(scope)))
    }

    /// What profiles of `kind` have themselves. A computed attribute hides a declared one.
    fn of_kind(&self, kind: &Kind) -> BTreeMap<String, Source> {
        let declared = self.attributes.get(&kind.name).into_iter().flatten();
        let declared = declared.map(|(name, value_type)| (name.clone(), Source::set(&kind.name, *value_type)));
        let computed = self.computed_of(kind.id, &kind.name);
        let figures: &[&str] = if kind.name == DEFAULT_KIND { &[] } else { &[MEMBERS, SEATS_USED] };
        let figures = figures.iter().map(|name| ((*name).to_owned(), Source::figure(&kind.name)));
        let segments = self.of_segments(kind.id, &kind.name);
        declared.chain(computed).chain(figures).chain(segments).collect()
    }

    /// Computed attributes with their companions. Those of addresses are declared by the names that lookups know them by.
    fn computed_of(&self, kind: KindId, scope: &str) -> impl Iterator<Item = (String, Source)> {
        let computed = self.computed.iter().filter(move |computed| computed.kind == kind);
        computed.flat_map(move |computed| {
            let companions = computed.companions().map(move |name| (name, Source::companion(scope)));
            companions.chain([(computed.name.clone(), Source::computed(computed, scope))])
        })
    }
}

fn prefixed((name, source): (String, Source)) -> (String, Source) {
    (format!("{}.{name}", source.scope), source)
}

impl Source {
    fn set(scope: &str, value_type: Type) -> Self {
        Self { scope: scope.to_owned(), value_type, dated: true, of_events: false }
    }

    fn figure(scope: &str) -> Self {
        Self { scope: scope.to_owned(), value_type: Type::Number, dated: false, of_events: false }
    }

    fn companion(scope: &str) -> Self {
        Self { scope: scope.to_owned(), value_type: Type::Bool, dated: false, of_events: false }
    }

    fn computed(computed: &Computed, scope: &str) -> Self {
        let of_property = match computed.property {
            Property::Time => Type::Time,
            Property::Named(_) => Type::Any,
        };
        let (value_type, dated) = match &computed.aggregate {
            Aggregate::Count | Aggregate::Sum | Aggregate::Average | Aggregate::BestHour { .. } => {
                (Type::Number, false)
            }
            Aggregate::DaysSinceFirst | Aggregate::DaysSinceLast | Aggregate::DaysBetween => (Type::Number, false),
            Aggregate::Min | Aggregate::Max | Aggregate::MostFrequent => (of_property, false),
            Aggregate::First | Aggregate::Last => (of_property, true),
            Aggregate::UniqueList { .. } | Aggregate::LastEvents { .. } | Aggregate::Hours { .. } => {
                (Type::List, false)
            }
        };
        let of_events = matches!(computed.aggregate, Aggregate::LastEvents { .. });
        Self { scope: scope.to_owned(), value_type, dated, of_events }
    }
}
