//! The model of a workspace: its identifier types, kinds, computed attributes, segments and views, checked and ready to
//! use.

mod attribute;
mod file;
mod finding;
mod segments;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regex::RegexSet;

use super::aggregate::{Aggregate, Window};
use super::answer::{ADDRESS_PREFIX, EVERYTHING};
use super::canonical::Canonical;
use super::identifier::Identifier;
use super::ids::KindId;
use super::invalid::{Invalid, Reason};
use super::segment::{SEGMENT_PREFIX, Segment};
use super::suggest;
use super::view::View;

use attribute::Attributes;

pub use attribute::Source;
pub use finding::{Error, Finding, Place};

/// The kind that a lookup means where it names none.
pub const DEFAULT_KIND: &str = "person";
/// How many versions of a view an error tells.
const MAX_TOLD: usize = 10;
/// The model of a workspace that was given none.
pub const DEFAULT_MODEL: &str = include_str!("model/default.toml");

/// A checked model.
#[derive(Clone, Debug)]
pub struct Model {
    types: BTreeMap<String, IdentifierType>,
    kinds: Vec<Kind>,
    computed: Vec<Computed>,
    backfilled: BTreeSet<String>,
    attributes: Attributes,
    segments: Vec<Arc<Segment>>,
    views: Vec<Arc<View>>,
    source: String,
}

/// A declared identifier type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifierType {
    /// Its name, such as `email`.
    pub name: String,
    /// How its values are brought to their one form.
    pub canonical: Canonical,
    /// How many values a profile may have.
    pub limit: u32,
    /// True if a value of this type means that somebody logged in.
    pub login: bool,
    blocked: Blocked,
}

/// Values that identify nobody.
#[derive(Clone, Debug)]
struct Blocked {
    exact: BTreeSet<String>,
    patterns: RegexSet,
}

/// A declared kind: what "the customer" means for a use case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name, such as `person`.
    pub name: String,
    /// Its number in keys.
    pub id: KindId,
    types: Vec<String>,
}

/// A declared computed attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// The name that lookups read, such as `orders.count`, or `address.opens` of an address.
    pub name: String,
    /// The kind whose profiles have it; [`KindId::ADDRESS`] if addresses themselves have it.
    pub kind: KindId,
    /// The identifier types whose values have it, where addresses do; else empty.
    pub address_types: Vec<String>,
    /// What is computed.
    pub aggregate: Aggregate,
    /// The name of the track event it is computed over.
    pub event: String,
    /// What of the event goes in; unused by those of events, such as `count`.
    pub property: Property,
    /// Whose events.
    pub over: Over,
    /// The sliding window that it is over; `None`: all events.
    pub window: Option<Window>,
}

/// Ends the name of the companion that says whether a computed attribute had to leave something out.
pub const CAPPED: &str = ".capped";
/// Ends the name of the companion that says whether the model has had a sliding attribute for as long as its window.
pub const FULL: &str = ".full";

/// Whose events a computed attribute is computed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Those of the profile that has the attribute.
    Own,
    /// Those of all persons who are members of it now, wherever and whenever they were.
    Members,
}

/// What of an event goes into a computed attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Property {
    /// The event time; in the model file `@time`.
    Time,
    /// The property of this name.
    Named(String),
}

impl Computed {
    /// The names of the fields beside it that tell how much can be said of its value; each is true or false.
    pub fn companions(&self) -> impl Iterator<Item = String> {
        let capped = self.aggregate.may_be_capped().then_some(CAPPED);
        let full = self.window.is_some().then_some(FULL);
        [capped, full].into_iter().flatten().map(|suffix| format!("{}{suffix}", self.name))
    }

    /// The kind whose stored events it is computed over: those of addresses and of members are events of persons.
    pub fn counts_events_of(&self) -> KindId {
        let of_persons = self.kind == KindId::ADDRESS || self.over == Over::Members;
        if of_persons { KindId::of(DEFAULT_KIND) } else { self.kind }
    }

    /// True if `address` has it, as an address.
    pub fn is_of_address(&self, address: &Identifier) -> bool {
        self.kind == KindId::ADDRESS && self.address_types.iter().any(|name| name == address.type_name())
    }

    /// Its own name, and those of its companions.
    pub fn names(&self) -> impl Iterator<Item = String> {
        [self.name.clone()].into_iter().chain(self.companions())
    }
}

impl Model {
    /// Reads and checks a model file.
    pub fn parse(source: &str) -> Result<Self, Error> {
        file::parse(source)
    }

    /// The text that the model was read from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The declared identifier types, by name.
    pub fn types(&self) -> impl Iterator<Item = &IdentifierType> {
        self.types.values()
    }

    /// The identifier type called `name`.
    pub fn identifier_type(&self, name: &str) -> Option<&IdentifierType> {
        self.types.get(name)
    }

    /// The declared kinds, in the order of their names.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The kind called `name`; the default kind where `name` is empty.
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        let name = if name.is_empty() { DEFAULT_KIND } else { name };
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// The kind with the number `id`.
    pub fn kind_by_id(&self, id: KindId) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.id == id)
    }

    /// The declared computed attributes, in the order of their names.
    pub fn computed(&self) -> &[Computed] {
        &self.computed
    }

    /// True if the computed attribute called so is to count the events too that are stored when it is new.
    pub fn is_backfilled(&self, name: &str) -> bool {
        self.backfilled.contains(name)
    }

    /// The computed attributes that a change from `old` to this model adds, and whose stored events are to be counted.
    pub fn to_backfill(&self, old: &Self) -> BTreeSet<String> {
        let is_new = |name: &&String| !old.computed.iter().any(|known| known.name == **name);
        self.backfilled.iter().filter(is_new).cloned().collect()
    }

    /// The declared views, in the order of their names and versions.
    pub fn views(&self) -> &[Arc<View>] {
        &self.views
    }

    /// The view called so: `newsletter` for its newest version, `newsletter@1` for that one.
    pub fn view(&self, name: &str) -> Result<&Arc<View>, Invalid> {
        let (plain, version) = name.split_once('@').map_or((name, None), |(plain, version)| (plain, Some(version)));
        let is_meant = |view: &&Arc<View>| version.is_none_or(|version| version == view.version.to_string());
        let versions = self.views.iter().rev().filter(|view| view.name == plain);
        versions.clone().find(is_meant).ok_or_else(|| self.unknown_view(plain, versions.map(|view| view.full_name())))
    }

    fn unknown_view(&self, plain: &str, versions: impl Iterator<Item = String>) -> Invalid {
        let versions: Vec<String> = versions.take(MAX_TOLD).collect();
        let nearest = suggest::nearest(plain, self.views.iter().map(|view| view.name.as_str()));
        let text = match (versions.is_empty(), nearest) {
            (false, _) => format!("has no such version; there are {}", versions.join(", ")),
            (true, Some(nearest)) => format!("is not declared by the model; did you mean `{nearest}`?"),
            (true, None) => "is not declared by the model; see `kith model check`".to_owned(),
        };
        Invalid::new(Reason::UnknownView, "view", text)
    }

    /// Why this model cannot take the place of `old` where facts are stored; `None` if it can. Computed attributes can
    /// only be added: what they would have been so far is not known.
    pub fn loses(&self, old: &Self) -> Option<String> {
        let kept = |computed: &&Computed| !self.computed.contains(computed);
        old.computed.iter().find(kept).map(|lost| format!("the computed attribute `{}`", lost.name))
    }

    /// A computed attribute that `old` has without `backfill`, and this model with it: what was counted since it was
    /// added cannot be told from what would be counted again.
    pub fn backfills_late(&self, old: &Self) -> Option<&str> {
        let late =
            |name: &&String| !old.backfilled.contains(*name) && old.computed.iter().any(|known| known.name == **name);
        self.backfilled.iter().find(late).map(String::as_str)
    }

    /// True if identities are to be folded by the same rules as under `old`.
    pub fn has_rules_of(&self, old: &Self) -> bool {
        let rules = |declared: &IdentifierType| IdentifierType { login: false, ..declared.clone() };
        self.kinds == old.kinds && self.types().map(rules).eq(old.types().map(rules))
    }

    /// True for names that lookups read elsewhere than among a profile's attributes: `*`, and what begins with
    /// `address.`, `segment.` or with a kind and a dot.
    pub fn reads_otherwise(&self, name: &str) -> bool {
        reads_otherwise(name, &self.kinds)
    }

    /// True if some kind has this identifier type.
    pub fn is_ranked(&self, type_name: &str) -> bool {
        self.kinds.iter().any(|kind| kind.rank(type_name).is_some())
    }

    /// True if some kind has both identifier types.
    pub fn share_a_kind(&self, a: &str, b: &str) -> bool {
        self.kinds.iter().any(|kind| kind.rank(a).is_some() && kind.rank(b).is_some())
    }
}

fn reads_otherwise(name: &str, kinds: &[Kind]) -> bool {
    let prefix = name.split_once('.').map(|(prefix, _)| prefix);
    let of_a_kind = |prefix: &str| kinds.iter().any(|kind| kind.name == prefix);
    let is_reserved = name.starts_with(ADDRESS_PREFIX) || name.starts_with(SEGMENT_PREFIX);
    name == EVERYTHING || is_reserved || prefix.is_some_and(of_a_kind)
}

impl Kind {
    /// The identifier types of this kind, strongest first.
    pub fn types(&self) -> &[String] {
        &self.types
    }

    /// The rank of an identifier type in this kind: 0 is the strongest. `None` if the kind does not have it.
    pub fn rank(&self, type_name: &str) -> Option<usize> {
        self.types.iter().position(|declared| declared == type_name)
    }
}

impl IdentifierType {
    /// True if the canonical `value` identifies nobody.
    pub fn blocks(&self, value: &str) -> bool {
        self.blocked.exact.contains(&value.to_lowercase()) || self.blocked.patterns.is_match(value)
    }
}

impl PartialEq for Blocked {
    fn eq(&self, other: &Self) -> bool {
        self.exact == other.exact && self.patterns.patterns() == other.patterns.patterns()
    }
}

impl Eq for Blocked {}
