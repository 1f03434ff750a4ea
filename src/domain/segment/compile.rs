//! From the text of an expression to something that can be evaluated.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::common::ast::{IdedExpr, SourceInfo};
use cel::{Env, ParseErrors};

use super::check::{Checked, Checker, Shape};
use super::scan::scan;
use super::{Mistake, Segment, Slot, is_set_variable, variable};
use crate::domain::ids::KindId;
use crate::domain::model::Source;

/// Compiles a segment that may read the fields of `readable`.
pub fn compile(name: &str, kind: KindId, when: &str, readable: &BTreeMap<String, Source>) -> Result<Segment, Mistake> {
    scan(when)?;
    let (expression, written) = parse(when)?;
    let mut checker = Checker::new(readable, Written { source: when, info: written });
    let whole = checker.whole(expression)?;
    if !matches!(whole.shape, Shape::Bool | Shape::Any) {
        return Err(Mistake::new(format!("is {}, and has to be true or false", whole.shape)));
    }
    let Checked { slots: reads, types, asked_if_set, constants, patterns, now } = checker.done();
    let slots = types.into_iter().enumerate().map(|(slot, value_type)| {
        let is_set = asked_if_set.contains(&slot).then(|| is_set_variable(slot));
        Slot { value_type, value: variable(slot), is_set }
    });
    let slots = slots.collect();
    Ok(Segment {
        name: name.to_owned(),
        kind,
        when: when.to_owned(),
        reads,
        slots,
        expression: whole.expression,
        constants,
        patterns: patterns.into(),
        asks_when: now,
    })
}

/// The parser is a large one, made by a generator: should it panic, that is no reason for anything else to end.
fn parse(source: &str) -> Result<(IdedExpr, SourceInfo), Mistake> {
    // Macros are the business of `check`: the parser leaves them as the calls that they are written as.
    let parser = || Env::default().with_optional_support(false).parser();
    let parsed = catch_unwind(AssertUnwindSafe(|| parser().parse_with_source_info(source)));
    match parsed {
        Ok(Ok(parsed)) => Ok(parsed),
        Ok(Err(errors)) => Err(mistake(source, &errors)),
        Err(_panicked) => Err(Mistake::new("is no expression that can be read")),
    }
}

fn mistake(source: &str, errors: &ParseErrors) -> Mistake {
    let Some(first) = errors.errors.first() else { return Mistake::new("is no expression") };
    // Lines and columns from 1 on.
    let at = || {
        let (line, column) = (usize::try_from(first.pos.0 - 1).ok()?, usize::try_from(first.pos.1 - 1).ok()?);
        let mut lines = source.split_inclusive('\n');
        let start: usize = lines.by_ref().take(line).map(str::len).sum();
        let (offset, letter) = lines.next()?.char_indices().nth(column)?;
        Some(start + offset..start + offset + letter.len_utf8())
    };
    Mistake::new(format!("is no expression: {}", first.msg.trim())).at(at())
}

/// Where the parts of an expression stand.
pub(super) struct Written<'s> {
    pub(super) source: &'s str,
    info: SourceInfo,
}

impl Written<'_> {
    /// The bytes of the token that the part with this number began with.
    pub(super) fn at(&self, id: u64) -> Option<Range<usize>> {
        let (start, stop) = self.info.offset_for(id)?;
        let byte = |number: u32| {
            let (at, letter) = self.source.char_indices().nth(usize::try_from(number).ok()?)?;
            Some(at..at + letter.len_utf8())
        };
        Some(byte(start)?.start..byte(stop)?.end)
    }
}
