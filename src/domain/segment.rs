//! Segments: a question about a customer under a name, true or false at the moment of asking.
//!
//! A segment is an expression in the Common Expression Language (CEL) over attributes, compiled once, when its model is
//! loaded. It knows what it reads: each attribute is a slot, so a lookup of it is a lookup of those attributes. It reads
//! what belongs to its kind and never the address asked by, so that it is the same by whatever key it is asked.
//!
//! What keeps it harmless is that not all of CEL is let in: [`scan`] bounds the text before it is parsed, and `check` lets
//! through only what it knows, with the types of all operands. There is no way to build a text or a list that grows, and
//! what is read of a list is bounded, as is what may be asked of each item. So the worst that can be declared takes some
//! millions of comparisons, and what a segment usually asks takes ten.
//!
//! What is true of nothing is false: an attribute that is not set, or is of another type than declared, makes what is said
//! of it an error, and an error is no truth. `||` and `&&` look past it where their other side decides.

mod asked;
mod calls;
mod check;
mod compile;
mod constant;
mod items;
mod operators;
mod scan;
mod value;

use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::common::ast::IdedExpr;
use cel::{Context, Env};
use regex::Regex;

use super::answer::Field;
use super::ids::KindId;
use super::time::Time;
use super::value::Value;
use super::view::Type;

pub use asked::{Asked, Placed};
pub use compile::compile;

/// How many segments a model may declare.
pub const MAX_SEGMENTS: usize = 100;
/// How long an expression may be, in bytes.
pub const MAX_SOURCE_BYTES: usize = 4 * 1024;
/// How many tokens an expression may have: names, numbers, texts and signs.
pub const MAX_TOKENS: usize = 500;
/// How deep brackets may nest.
pub const MAX_BRACKETS: usize = 20;
/// How deep an expression may nest, brackets or not: `a + b + c` nests twice.
pub const MAX_DEPTH: usize = 50;
/// How large all that is asked of the items of lists may be, in names, constants and operators; what goes through whole texts
/// and lists, such as `in`, counts as 20 more.
pub const MAX_BODY: usize = 100;
/// How many items of a list are looked at: one with more counts as not set.
pub const MAX_ITEMS: usize = 1_000;
/// How many patterns an expression may match.
pub const MAX_PATTERNS: usize = 16;
/// How large the compiled form of a pattern may be, in bytes.
pub const MAX_PATTERN_BYTES: usize = 64 * 1024;
/// What starts the names of the fields that tell of segments.
pub const SEGMENT_PREFIX: &str = "segment.";
/// The name of the moment of asking in expressions.
pub const NOW: &str = "now";

/// The name under which the expression finds the moment of asking. No identifier of CEL looks like it.
const NOW_VARIABLE: &str = "@now";
/// The name of the function that [`Segment::patterns`] are matched by.
const MATCH_FUNCTION: &str = "@match";

/// The functions of CEL: made once, because that costs more than an evaluation.
static FUNCTIONS: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::default().with_optional_support(false).with_stdlib()));

/// A declared segment, ready to be asked.
#[derive(Clone)]
pub struct Segment {
    /// Its name, such as `vip`.
    pub name: String,
    /// Whose it is: the kind of the profiles, or [`KindId::ADDRESS`].
    pub kind: KindId,
    /// The expression as it was written.
    pub when: String,
    /// The fields that it reads, by the names that a lookup of its kind knows them by; those of addresses without their
    /// prefix. Each once.
    pub reads: Vec<String>,
    /// True if the answer may be another at another moment, whatever it reads.
    pub asks_when: bool,
    /// How the expression finds each of [`Segment::reads`].
    slots: Vec<Slot>,
    expression: IdedExpr,
    /// Times and durations of the expression, which CEL has no constants of.
    constants: Vec<cel::Value>,
    patterns: Arc<[Regex]>,
}

/// A field as the expression finds it.
#[derive(Clone)]
struct Slot {
    value_type: Type,
    /// The name of its value.
    value: String,
    /// The name of whether it is set, if that is asked.
    is_set: Option<String>,
}

/// The same text of the same kind is the same segment.
impl PartialEq for Segment {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.kind, &self.when) == (&other.name, other.kind, &other.when)
    }
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong and what to do.
    pub text: String,
    /// The name that may have been meant.
    pub suggestion: Option<String>,
    /// Where in the expression it is, in bytes; `None` if it is about the whole.
    pub at: Option<Range<usize>>,
}

impl Mistake {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), suggestion: None, at: None }
    }

    fn at(self, at: Option<Range<usize>>) -> Self {
        Self { at: self.at.or(at), ..self }
    }
}

impl Segment {
    /// The name of the field that tells of it, where its kind is looked up.
    pub fn field(&self) -> String {
        format!("{SEGMENT_PREFIX}{}", self.name)
    }

    /// True if it is of addresses and not of profiles.
    pub fn is_of_addresses(&self) -> bool {
        self.kind == KindId::ADDRESS
    }

    /// Whether it holds at the time `now`, with `read` for the field of each name: see [`Segment::ask_of`].
    pub fn ask<'f>(&self, read: impl Fn(&str) -> Option<&'f Field>, now: Time) -> Field {
        self.ask_of(&self.reads.iter().map(|name| read(name)).collect::<Vec<_>>(), now)
    }

    /// Whether it holds at the time `now`, with the fields that it reads in their order: true or false. Where that hangs on
    /// a field that people who share a key disagree about, or on one that is too large to be counted, this is the answer.
    pub fn ask_of(&self, fields: &[Option<&Field>], now: Time) -> Field {
        // No expression that is let in is known to panic. If one did, nobody's answer should fail by it.
        let truth = catch_unwind(AssertUnwindSafe(|| self.evaluate(fields, now))).ok().flatten();
        if let Some(truth) = truth {
            return Field::now(Value::Bool(truth));
        }
        let unknown = |field: &&Field| matches!(field, Field::Ambiguous | Field::TooLarge);
        fields.iter().copied().flatten().find(unknown).cloned().unwrap_or(Field::now(Value::Bool(false)))
    }

    /// True or false; `None` if the expression comes to no end, because of what it reads.
    fn evaluate(&self, fields: &[Option<&Field>], now: Time) -> Option<bool> {
        let mut context = Context::with_env(Arc::clone(&FUNCTIONS));
        for (field, slot) in fields.iter().zip(&self.slots) {
            let known = match field {
                Some(Field::Present { value, as_of: _ }) => value::read(value, slot.value_type),
                Some(Field::NotSet | Field::Ambiguous | Field::TooLarge) | None => None,
            };
            // Whether people have an attribute can be as ambiguous as what it is: then there is no answer to that either.
            let is_told = !matches!(field, Some(Field::Ambiguous | Field::TooLarge));
            if let Some(name) = slot.is_set.as_ref().filter(|_| is_told) {
                context.add_variable_from_value(name.as_str(), known.is_some());
            }
            if let Some(known) = known {
                context.add_variable_from_value(slot.value.as_str(), known);
            }
        }
        for (at, constant) in self.constants.iter().enumerate() {
            context.add_variable_from_value(constant_variable(at), constant.clone());
        }
        if let Some(now) = value::time(now).filter(|_| self.asks_when) {
            context.add_variable_from_value(NOW_VARIABLE, now);
        }
        if !self.patterns.is_empty() {
            let patterns = Arc::clone(&self.patterns);
            let is_match = move |text: Arc<String>, number: i64| {
                let pattern = usize::try_from(number).ok().and_then(|number| patterns.get(number));
                pattern.is_some_and(|pattern| pattern.is_match(&text))
            };
            context.add_function(MATCH_FUNCTION, is_match).ok()?;
        }
        match context.resolve(&self.expression) {
            Ok(cel::Value::Bool(truth)) => Some(truth),
            Ok(_) | Err(_) => None,
        }
    }
}

/// Attributes hold anything, and so do constants that are compared with them.
impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The name under which the expression finds the value of a slot.
fn variable(slot: usize) -> String {
    format!("@{slot}")
}

/// The name under which it finds whether the slot has a value.
fn is_set_variable(slot: usize) -> String {
    format!("@has{slot}")
}

/// The name under which it finds a constant.
fn constant_variable(at: usize) -> String {
    format!("@is{at}")
}

#[cfg(test)]
mod tests;
