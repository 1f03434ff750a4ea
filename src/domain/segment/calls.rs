//! The operators and functions that expressions may use, and what each makes of what.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use regex::{Regex, RegexBuilder};

use super::check::{Checker, Part, Result, Shape};
use super::constant::duration;
use super::operators::{between, is_operator, same};
use super::value::moment;
use super::{MATCH_FUNCTION, MAX_PATTERN_BYTES, MAX_PATTERNS, Mistake};
use crate::domain::suggest;

/// What can be called, for suggestions.
const CALLABLE: [&str; 25] = [
    "has",
    "size",
    "duration",
    "timestamp",
    "double",
    "attribute",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "exists",
    "exists_one",
    "all",
    "filter",
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
    "now",
];
/// What is asked of moments alone; the others are asked of durations too.
const OF_MOMENTS: [&str; 6] = ["getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"];
const OF_BOTH: [&str; 4] = ["getHours", "getMinutes", "getSeconds", "getMilliseconds"];
/// What goes through whole texts and lists counts as so many names and operators, where it is asked of every item of a list.
const LONG_COST: usize = 20;

impl Checker<'_> {
    pub(super) fn call(&mut self, id: u64, CallExpr { func_name, target, args }: CallExpr) -> Result<Part> {
        let name = func_name.as_str();
        match (target, <[IdedExpr; 1]>::try_from(args)) {
            (None, Ok([only])) => self.of_one(id, name, only),
            (Some(target), Ok([only])) => self.member(id, name, *target, only),
            (None, Err(args)) => self.operator(id, name, args),
            (Some(target), Err(args)) => match <[IdedExpr; 2]>::try_from(args) {
                Ok([item, body]) => self.over_items(id, name, *target, item, body),
                Err(none) if none.is_empty() => self.getter(id, name, *target, None),
                Err(_) => Err(unknown(name)),
            },
        }
    }

    /// `-x`, `!x` and functions of one thing.
    fn of_one(&mut self, id: u64, name: &str, only: IdedExpr) -> Result<Part> {
        match (name, text_of(&only.expr)) {
            ("has", _) => return self.has(id, only),
            ("attribute", Some(text)) => return self.attribute(id, &text),
            ("attribute", None) => return Err(Mistake::new("asks for an attribute without its name as a \"text\"")),
            ("duration", text) => {
                let text = text.as_deref().and_then(duration);
                let value = text.ok_or_else(|| {
                    Mistake::new("has no duration; write numbers with h, m, s, d or w, such as duration(\"36h\")")
                })?;
                return Ok(self.constant(id, cel::Value::Duration(value), Shape::Duration));
            }
            ("timestamp", Some(text)) => {
                let value = moment(&text).ok_or_else(|| {
                    Mistake::new("has no time; write timestamp(\"2026-01-31T08:00:00Z\") or timestamp(\"2026-01-31\")")
                })?;
                return Ok(self.constant(id, value, Shape::Time));
            }
            _ => {}
        }
        let part = self.part(only)?;
        let shape = match (name, part.shape) {
            ("-_", Shape::Number | Shape::Any) | ("double", Shape::Number | Shape::Text | Shape::Any) => Shape::Number,
            ("!_", Shape::Bool | Shape::Any) => Shape::Bool,
            ("timestamp", Shape::Text | Shape::Time | Shape::Any) => Shape::Time,
            ("size", Shape::Text | Shape::List | Shape::Any) => {
                return Ok(as_double(id, call(id, name, None, vec![part])));
            }
            ("-_" | "!_" | "double" | "timestamp" | "size", shape) => return Err(no_use(name, &[shape])),
            _ => return Err(unknown(name)),
        };
        Ok(Part { expression: call(id, name, None, vec![part]), shape })
    }

    /// Operators between two things, and the choice between three.
    fn operator(&mut self, id: u64, name: &str, args: Vec<IdedExpr>) -> Result<Part> {
        if name == operators::INDEX {
            return self.index(id, args);
        }
        if !is_operator(name) {
            return Err(unknown(name));
        }
        let parts = args.into_iter().map(|arg| self.part(arg)).collect::<Result<Vec<_>>>()?;
        let shapes: Vec<Shape> = parts.iter().map(|part| part.shape).collect();
        if is_long(name, &parts) {
            self.spend(LONG_COST)?;
        }
        let shape = match shapes.as_slice() {
            [left, right] => between(name, *left, *right),
            [Shape::Bool | Shape::Any, one, other] if name == operators::CONDITIONAL => same(*one, *other),
            _ => None,
        };
        let shape = shape.ok_or_else(|| no_use(name, &shapes))?;
        Ok(Part { expression: call(id, name, None, parts), shape })
    }

    /// `list[0]` and `object["name"]`.
    fn index(&mut self, id: u64, args: Vec<IdedExpr>) -> Result<Part> {
        let Ok([of, index]) = <[IdedExpr; 2]>::try_from(args) else { return Err(unknown("[]")) };
        if !matches!(index.expr, Expr::Literal(LiteralValue::Int(_) | LiteralValue::String(_))) {
            return Err(Mistake::new("has an index that is no whole number and no \"text\""));
        }
        let of = self.part(of)?;
        if !matches!(of.shape, Shape::List | Shape::Any) {
            return Err(no_use("[]", &[of.shape]));
        }
        let index = Part { expression: index, shape: Shape::Any };
        Ok(Part { expression: call(id, operators::INDEX, None, vec![of, index]), shape: Shape::Any })
    }

    /// Functions of a thing and one more.
    fn member(&mut self, id: u64, name: &str, target: IdedExpr, only: IdedExpr) -> Result<Part> {
        if name == "matches" {
            return self.matches(id, target, &only);
        }
        if OF_MOMENTS.contains(&name) || OF_BOTH.contains(&name) {
            return self.getter(id, name, target, Some(only));
        }
        if !["contains", "startsWith", "endsWith"].contains(&name) {
            return Err(unknown(name));
        }
        self.spend(LONG_COST)?;
        let (target, only) = (self.part(target)?, self.part(only)?);
        let is_text = |part: &Part| matches!(part.shape, Shape::Text | Shape::Any);
        if !is_text(&target) || !is_text(&only) {
            return Err(no_use(name, &[target.shape, only.shape]));
        }
        Ok(Part { expression: call(id, name, Some(target), vec![only]), shape: Shape::Bool })
    }

    fn matches(&mut self, id: u64, target: IdedExpr, pattern: &IdedExpr) -> Result<Part> {
        let text = text_of(&pattern.expr);
        let text = text.ok_or_else(|| Mistake::new("matches a pattern that is not written as a plain \"text\""))?;
        if self.needs.patterns.len() == MAX_PATTERNS {
            return Err(Mistake::new(format!("matches more than {MAX_PATTERNS} patterns")));
        }
        let pattern = compiled(&text)?;
        self.spend(LONG_COST)?;
        let target = self.part(target)?;
        if !matches!(target.shape, Shape::Text | Shape::Any) {
            return Err(no_use("matches", &[target.shape, Shape::Text]));
        }
        let number = i64::try_from(self.needs.patterns.len()).unwrap_or_default();
        self.needs.patterns.push(pattern);
        let number = Part::new(id, Expr::Literal(LiteralValue::Int(number.into())), Shape::Number);
        Ok(Part { expression: call(id, MATCH_FUNCTION, None, vec![target, number]), shape: Shape::Bool })
    }

    /// Parts of a moment, in UTC or in the time zone named by a constant, and of a duration.
    fn getter(&mut self, id: u64, name: &str, target: IdedExpr, zone: Option<IdedExpr>) -> Result<Part> {
        let target = self.part(target)?;
        let zone = match zone {
            None => None,
            Some(zone) => {
                let known = text_of(&zone.expr).is_some_and(|name| jiff::tz::TimeZone::get(&name).is_ok());
                if !known {
                    return Err(Mistake::new("has no time zone; write its name, such as \"Europe/Amsterdam\""));
                }
                Some(Part { expression: zone, shape: Shape::Text })
            }
        };
        let fits = match name {
            "size" => zone.is_none() && matches!(target.shape, Shape::Text | Shape::List | Shape::Any),
            _ if OF_MOMENTS.contains(&name) => matches!(target.shape, Shape::Time | Shape::Any),
            _ if OF_BOTH.contains(&name) => {
                let of_duration = target.shape == Shape::Duration && zone.is_none();
                of_duration || matches!(target.shape, Shape::Time | Shape::Any)
            }
            _ => return Err(unknown(name)),
        };
        if !fits {
            return Err(no_use(name, &[target.shape]));
        }
        Ok(as_double(id, call(id, name, Some(target), zone.into_iter().collect())))
    }
}

pub(super) fn call(id: u64, name: &str, target: Option<Part>, args: Vec<Part>) -> IdedExpr {
    let target = target.map(|target| Box::new(target.expression));
    let args = args.into_iter().map(|part| part.expression).collect();
    IdedExpr { id, expr: Expr::Call(CallExpr { func_name: name.to_owned(), target, args }) }
}

/// CEL counts in whole numbers, which do not mix with doubles.
fn as_double(id: u64, expression: IdedExpr) -> Part {
    let counted = Part { expression, shape: Shape::Any };
    Part { expression: call(id, "double", None, vec![counted]), shape: Shape::Number }
}

/// True for comparisons of two things that may both be long: with a constant there is an end soon.
fn is_long(name: &str, parts: &[Part]) -> bool {
    let is_constant = |part: &Part| matches!(part.expression.expr, Expr::Literal(_));
    let is_comparison = [operators::EQUALS, operators::NOT_EQUALS, operators::IN].contains(&name);
    is_comparison && !parts.iter().any(is_constant)
}

fn text_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

fn compiled(pattern: &str) -> Result<Regex> {
    let mut builder = RegexBuilder::new(pattern);
    let built = builder.size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES).build();
    built.map_err(|error| Mistake::new(format!("has a pattern that is none, or too large: {error}")))
}

pub(super) fn no_use(name: &str, shapes: &[Shape]) -> Mistake {
    let shapes: Vec<String> = shapes.iter().map(ToString::to_string).collect();
    let sign = name.trim_matches('_').trim_start_matches('@').replace("_:", ":");
    let hint = match name {
        operators::ADD => ": it adds numbers, durations, and a duration to a time",
        _ => "",
    };
    Mistake::new(format!("has no use for `{sign}` between or of what is {}{hint}", shapes.join(" and ")))
}

pub(super) fn unknown(name: &str) -> Mistake {
    let sign = name.trim_matches('_').trim_start_matches('@');
    let text =
        format!("uses `{sign}`, which is not among what expressions may use here, or not with so many arguments");
    Mistake { suggestion: suggest::nearest(sign, CALLABLE).map(str::to_owned), ..Mistake::new(text) }
}
